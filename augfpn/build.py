"""Settings to detector: the only reader of `augfpn.config.Model`."""

from functools import partial

from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn import roi_align, variants
from augfpn.backbone import backbone, load_imagenet
from augfpn.config import Model
from augfpn.detectors import Criterion, TwoStage, roi_loss
from augfpn.pyramid import (
    FPN,
    AdaptiveSpatialFusion,
    ConsistentSupervision,
    HardRoISelection,
    ResidualFeatureAugmentation,
    SoftRoISelection,
    ratio_invariant_pool,
)

LEVELS = (2, 3, 4, 5)  # of the maps that RoIs are pooled from
ROI_BINS = 7
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
ROI_ALIGNS = {
    "torchvision": roi_align.torchvision_roi_align,
    "sparse": roi_align.sparse_roi_align,
}


def build_detector(model: Model) -> TwoStage:
    """The detector that the settings describe, on the CPU, in training mode."""
    net = backbone(model.backbone, model.norm)
    if model.weights == "imagenet":
        load_imagenet(net, model.backbone)
    return TwoStage(
        transform=GeneralizedRCNNTransform(
            model.short_side, model.long_side, IMAGENET_MEAN, IMAGENET_STD
        ),
        backbone=net,
        fpn=FPN(net.channels, model.channels, augmentation(model, net.channels[5])),
        rpn=proposal_network(model),
        select=roi_selection(model),
        heads=roi_heads(model),
        criterion=criterion(model),
        supervision=supervision(model),
    )


def augmentation(model: Model, in_channels: int) -> ResidualFeatureAugmentation | None:
    """Residual Feature Augmentation with the pooling and fusion asked for, or none."""
    if not model.ratios:
        return None
    pools = {
        "ratio_invariant": [partial(ratio_invariant_pool, ratio=r) for r in model.ratios],
        "gap": [partial(variants.fixed_pool, side=1)],
        "gmp": [variants.global_max_pool],
        "psp": [partial(variants.fixed_pool, side=side) for side in (1, 2, 3)],
    }[model.context_pooling]
    fusion = fusion_of(model.context_fusion, model.channels, len(pools))
    return ResidualFeatureAugmentation(in_channels, model.channels, pools, fusion)


def fusion_of(name: str, channels: int, n: int) -> nn.Module:
    """What turns n maps into one."""
    if name in ("asf", "soft"):
        return AdaptiveSpatialFusion(channels, n)
    if name == "acf":
        return variants.AdaptiveChannelFusion(channels, n)
    return {"sum": variants.Sum, "max": variants.Max}[name]()


def criterion(model: Model) -> Criterion:
    """The loss of a box head, the main one's and the supervision's alike."""
    return partial(roi_loss, beta=model.box_beta)


def hard_selection(model: Model, levels: tuple[int, ...]) -> HardRoISelection:
    """FPN's rule of thumb over some levels."""
    align = ROI_ALIGNS[model.roi_align]
    return HardRoISelection(levels, ROI_BINS, align, model.canonical_size)


def roi_selection(model: Model) -> nn.Module:
    """What turns P and boxes into RoI features."""
    if model.roi_selection == "hard":
        return hard_selection(model, LEVELS)
    fusion = fusion_of(model.roi_selection, model.channels, len(LEVELS))
    return SoftRoISelection(LEVELS, ROI_BINS, ROI_ALIGNS[model.roi_align], fusion)


def box_head(model: Model) -> tuple[nn.Module, nn.Module]:
    """Two fully connected layers, and the class and box layers on them."""
    head = TwoMLPHead(model.channels * ROI_BINS**2, model.head_width)
    return head, FastRCNNPredictor(model.head_width, model.classes + 1)


def supervision(model: Model) -> ConsistentSupervision | None:
    """Consistent Supervision, or none for a weight of zero."""
    if model.lam == 0:
        return None
    groups = [LEVELS] if model.supervision == "single" else [(k,) for k in LEVELS]
    selections = [hard_selection(model, levels) for levels in groups]
    return ConsistentSupervision(
        nn.Sequential(*box_head(model)), model.lam, selections, criterion(model)
    )


def proposal_network(model: Model) -> RegionProposalNetwork:
    """torchvision's, one anchor size a level, its thresholds (the authors' are the same)."""
    sizes = tuple((size,) for size in model.anchor_sizes)
    anchors = AnchorGenerator(sizes, (tuple(model.anchor_ratios),) * len(sizes))
    head = RPNHead(model.channels, anchors.num_anchors_per_location()[0])
    before, after = (
        dict(zip(("training", "testing"), count, strict=True))
        for count in (model.rpn_candidates, model.proposals)
    )
    return RegionProposalNetwork(
        anchors,
        head,
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=model.rpn_batch,
        positive_fraction=0.5,
        pre_nms_top_n=before,
        post_nms_top_n=after,
        nms_thresh=0.7,
    )


def roi_heads(model: Model) -> RoIHeads:
    """torchvision's, without a pooler: the detector pools by itself, with ``select``."""
    head, predictor = box_head(model)
    authors_initialisation(head, predictor)
    return RoIHeads(
        box_roi_pool=None,
        box_head=head,
        box_predictor=predictor,
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=model.rois,
        positive_fraction=model.object_rois,
        bbox_reg_weights=None,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=model.detections,
    )


def authors_initialisation(head: nn.Module, predictor: FastRCNNPredictor) -> None:
    """Draw the main head's weights as the authors' code does; biases zero.

    torchvision keeps PyTorch's default for linear layers, from which classes are learned far more
    slowly. The head of Consistent Supervision keeps that default, here as in the authors' code.
    """
    for layer in head.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    for layer, spread in ((predictor.cls_score, 0.01), (predictor.bbox_pred, 0.001)):
        nn.init.normal_(layer.weight, std=spread)
        nn.init.zeros_(layer.bias)
