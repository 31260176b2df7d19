"""Settings to detector: the only reader of `augfpn.config.Model`."""

from collections.abc import Sequence
from functools import partial

from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.config import ONE_STAGE, Dense, Model
from augfpn.detectors import initialise, roi_align, transforms, variants
from augfpn.detectors.anchors import Anchors, matcher
from augfpn.detectors.backbones import Backbone, backbone, load_imagenet
from augfpn.detectors.dense import Limits
from augfpn.detectors.fcos import FCOSHead
from augfpn.detectors.masks import MaskBranch, MaskSupervision
from augfpn.detectors.proposals import ProposalNetwork
from augfpn.detectors.retinanet import RetinaNetHead
from augfpn.detectors.two_stage import Criterion, OneStage, TwoStage, roi_loss
from augfpn.pyramid import (
    FPN,
    AdaptiveSpatialFusion,
    ConsistentSupervision,
    ExtraLevels,
    HardRoISelection,
    ResidualFeatureAugmentation,
    SoftRoISelection,
    ratio_invariant_pool,
)

BOX_BINS, MASK_BINS = 7, 14  # on a side of a pooled RoI
MASK_LAYERS = 4  # convolutions of Mask R-CNN's head
ROI_LEVELS = (2, 3, 4, 5)  # of the maps that RoIs are pooled from
PROPOSAL_LEVELS = (2, 3, 4, 5, 6)
DENSE_LEVELS = (3, 4, 5, 6, 7)  # where one-stage detectors predict; M3..M5 are supervised
ROI_ALIGNS = {
    "torchvision": roi_align.torchvision_roi_align,
    "sparse": roi_align.sparse_roi_align,
}


def build_detector(model: Model) -> TwoStage | OneStage:
    """The detector that the settings describe, on the CPU, in training mode."""
    net = backbone(model.backbone, model.norm, model.style)
    if model.weights == "imagenet":
        load_imagenet(net, model.backbone, model.style)
    return one_stage(model, net) if model.detector in ONE_STAGE else two_stage(model, net)


def two_stage(model: Model, net: Backbone) -> TwoStage:
    """Faster or Mask R-CNN."""
    with_masks = model.detector == "mask_rcnn"
    return TwoStage(
        transform=transform(model, net),
        backbone=net,
        fpn=pyramid(model, net, ROI_LEVELS),
        rpn=proposal_network(model),
        select=roi_selection(model, BOX_BINS),
        heads=roi_heads(model),
        criterion=criterion(model),
        supervision=supervision(model, ROI_LEVELS),
        masks=mask_branch(model) if with_masks else None,
        mask_supervision=mask_supervision(model) if with_masks else None,
    )


def one_stage(model: Model, net: Backbone) -> OneStage:
    """RetinaNet or FCOS."""
    own, head, anchors = retinanet(model) if model.detector == "retinanet" else fcos(model)
    levels = DENSE_LEVELS[:3]
    supervised = supervision(model, levels)
    return OneStage(
        transform=transform(model, net),
        backbone=net,
        fpn=pyramid(model, net, levels, own),
        anchors=anchors,
        dense=head,
        limits=Limits(own.score, own.candidates, own.candidates_are, own.nms, own.detections),
        sampler=None if supervised is None else roi_sampler(model, None, None),
        # The authors' settings; the other sources have no such thing.
        supervision_limits=Limits(0.01, 2000, own.supervision_rois, nms=0.7, keep=1000),
        supervision=supervised,
    )


# --- pictures to features -------------------------------------------------------------------------


def transform(model: Model, net: Backbone) -> GeneralizedRCNNTransform:
    """What brings pictures to their size and normalises them as the backbone knows it."""
    if model.style == "caffe":
        return transforms.bgr(model.short_side, model.long_side)
    return transforms.rgb(model.short_side, model.long_side, net.mean, net.std)


def pyramid(model: Model, net: Backbone, levels: Sequence[int], own: Dense | None = None) -> FPN:
    """FPN or AugFPN over some levels; P6 and P7 too where a one-stage detector's settings are."""
    c5 = net.channels[5]
    extra = None
    if own is not None:
        extra = ExtraLevels(
            c5, model.channels, own.p6_from == "c5", own.relu_before_p7, own.context_at_p6
        )
    in_channels = {k: net.channels[k] for k in levels}
    neck = {"fpn": FPN}[model.neck]
    fpn = neck(in_channels, model.channels, augmentation(model, c5), extra)
    if model.initialisation == "torchvision":
        initialise.as_torchvision(fpn)
    return fpn


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


# --- features to RoIs -----------------------------------------------------------------------------


def hard_selection(model: Model, levels: Sequence[int], bins: int) -> HardRoISelection:
    """FPN's rule of thumb over some levels."""
    align = ROI_ALIGNS[model.roi_align]
    return HardRoISelection(levels, bins, align, model.canonical_size)


def roi_selection(model: Model, bins: int) -> nn.Module:
    """What turns P and boxes into RoI features."""
    if model.roi_selection == "hard":
        return hard_selection(model, ROI_LEVELS, bins)
    align, name = ROI_ALIGNS[model.roi_align], model.roi_selection
    if name == "panet" and bins == BOX_BINS:
        return variants.PANetPooling(ROI_LEVELS, bins, align, model.channels, model.head_width)
    # PANet's layers are fully connected: where features keep their places, its maximum is left.
    fusion = fusion_of("max" if name == "panet" else name, model.channels, len(ROI_LEVELS))
    return SoftRoISelection(ROI_LEVELS, bins, align, fusion)


def supervised_levels(model: Model, levels: Sequence[int], bins: int) -> list[HardRoISelection]:
    """A selection for each term of Consistent Supervision."""
    groups = [tuple(levels)] if model.supervision == "single" else [(k,) for k in levels]
    return [hard_selection(model, group, bins) for group in groups]


def supervision(model: Model, levels: Sequence[int]) -> ConsistentSupervision | None:
    """Consistent Supervision, or none for a weight of zero."""
    if model.lam == 0:
        return None
    return ConsistentSupervision(
        nn.Sequential(*box_head(model)),
        model.lam,
        supervised_levels(model, levels, BOX_BINS),
        criterion(model),
    )


# --- two stages -----------------------------------------------------------------------------------


def proposal_network(model: Model) -> ProposalNetwork:
    """torchvision's, one anchor size a level, its thresholds (the authors' are the same)."""
    sizes = [(size,) for size in model.anchor_sizes]
    anchors = Anchors(sizes, model.anchor_ratios, PROPOSAL_LEVELS, model.anchor_grid)
    head = RPNHead(model.channels, anchors.num_anchors_per_location()[0])
    before, after = (
        dict(zip(("training", "testing"), count, strict=True))
        for count in (model.rpn_candidates, model.proposals)
    )
    network = ProposalNetwork(
        anchors,
        head,
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=model.rpn_batch,
        positive_fraction=0.5,
        pre_nms_top_n=before,
        post_nms_top_n=after,
        nms_thresh=0.7,
        border_anchors=model.border_anchors,
        least_proposal=model.least_proposal,
    )
    network.proposal_matcher = matcher(0.7, 0.3, model.low_quality, model.low_quality_iou)
    return network


def criterion(model: Model) -> Criterion:
    """The loss of a box head, the main one's and the supervision's alike."""
    return partial(roi_loss, beta=model.box_beta)


def box_head(model: Model) -> tuple[nn.Module, nn.Module]:
    """Two fully connected layers, and the class and box layers on them."""
    head = TwoMLPHead(model.channels * BOX_BINS**2, model.head_width)
    return head, FastRCNNPredictor(model.head_width, model.classes + 1)


def main_head(model: Model) -> tuple[nn.Module, nn.Module]:
    """The head that detects. The supervision's keeps PyTorch's initialisation, as the authors'."""
    if model.roi_selection == "panet":
        head = variants.OneLayerHead(model.head_width)
        predictor = FastRCNNPredictor(model.head_width, model.classes + 1)
    else:
        head, predictor = box_head(model)
    if model.initialisation == "authors":
        initialise.box_head_as_authors(head, predictor)
    return head, predictor


def roi_heads(model: Model) -> RoIHeads:
    """torchvision's, without a pooler: the detector pools by itself, with ``select``."""
    return roi_sampler(model, *main_head(model))


def roi_sampler(model: Model, head: nn.Module | None, predictor: nn.Module | None) -> RoIHeads:
    """torchvision's RoI heads; without head and predictor they only choose RoIs to learn from."""
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


def mask_head(model: Model) -> tuple[nn.Module, nn.Module]:
    """Mask R-CNN's four convolutions, and the layer that doubles their size and predicts."""
    width = model.channels
    head = MaskRCNNHeads(width, (width,) * MASK_LAYERS, dilation=1)
    return head, MaskRCNNPredictor(width, width, model.classes + 1)


def mask_branch(model: Model) -> MaskBranch:
    """Masks from 14 x 14 bins, selected as the boxes' are, with a fusion of their own."""
    return MaskBranch(roi_selection(model, MASK_BINS), *mask_head(model))


def mask_supervision(model: Model) -> MaskSupervision | None:
    """The authors' supervision of masks on the M levels, or none."""
    if not model.mask_supervision:
        return None
    selections = supervised_levels(model, ROI_LEVELS, MASK_BINS)
    return MaskSupervision(nn.Sequential(*mask_head(model)), model.lam, selections)


# --- one stage ------------------------------------------------------------------------------------


def retinanet(model: Model) -> tuple[Dense, RetinaNetHead, Anchors]:
    """RetinaNet's settings, head and anchors: some sizes a level, a fraction of an octave apart."""
    own = model.retinanet
    scales = [2 ** (i / own.octave_steps) for i in range(own.octave_steps)]
    sizes = [[size * scale for scale in scales] for size in model.anchor_sizes]
    if own.whole_sizes:
        sizes = [[int(size) for size in row] for row in sizes]
    anchors = Anchors(sizes, model.anchor_ratios, DENSE_LEVELS, own.anchor_grid)
    head = RetinaNetHead(
        model.channels,
        anchors.num_anchors_per_location()[0],
        model.classes,
        own.background_logit,
        matcher(0.5, 0.4, own.low_quality, own.low_quality_iou),
        own.normaliser,
        own.beta,
    )
    return own, head, anchors


def fcos(model: Model) -> tuple[Dense, FCOSHead, Anchors]:
    """FCOS's settings, head and points, which are squares of one stride."""
    own = model.fcos
    anchors = Anchors([(2**k,) for k in DENSE_LEVELS], (1.0,), DENSE_LEVELS, own.anchor_grid)
    head = FCOSHead(
        model.channels,
        model.classes,
        DENSE_LEVELS,
        own.background_logit,
        distances=own.distances,
        tower_bias=own.tower_bias,
        centerness_on=own.centerness_on,
        centre_radius=own.centre_radius,
        closed_ranges=own.closed_ranges,
        normaliser=own.normaliser,
        box_loss=own.box_loss,
        rank=own.rank,
    )
    return own, head, anchors
