"""torchvision's own detectors with the settings of ours: what a user would otherwise take."""

from torch import nn
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from augfpn.config import ONE_STAGE, Model
from augfpn.detectors.anchors import octave_sizes
from augfpn.detectors.backbones import Backbone
from augfpn.detectors.build import BOX_BINS, MASK_BINS
from augfpn.detectors.masks import mask_head
from augfpn.errors import UserError

ROI_MAPS = ["0", "1", "2", "3"]  # torchvision's names of P2..P5
SAMPLES_OF_BIN = 2  # on a side, as torchvision's detectors sample


def torchvision_detector(net: Backbone, model: Model) -> nn.Module:
    """torchvision's detector on ``net`` (which it takes over), with the settings of ``model``.

    Its initial weights and its choices are torchvision's: `augfpn.settings.dialects`.
    Raises ``UserError`` for a backbone that is not a sequence of stages, as timm's.
    """
    if not net.taps:
        raise UserError(
            f"backbone {model.backbone!r} does not fit torchvision's detectors here: choose one "
            "that is not timm's."
        )
    sizes = {
        "min_size": model.short_side,
        "max_size": model.long_side,
        "image_mean": list(net.mean),
        "image_std": list(net.std),
    }
    if model.detector in ONE_STAGE:
        extra = LastLevelP6P7(model.channels, model.channels)
        return one_stage(with_fpn(net, model, 3, extra), model, sizes)
    return two_stage(with_fpn(net, model, 2), model, sizes)


def with_fpn(
    net: Backbone, model: Model, first: int, extra: nn.Module | None = None
) -> BackboneWithFPN:
    """The backbone with torchvision's FPN from level ``first`` on; ``extra`` adds other levels."""
    taps = {stage: level for stage, level in net.taps.items() if level >= first}
    return BackboneWithFPN(
        net.body,
        {stage: str(level - first) for stage, level in taps.items()},
        [net.channels[level] for level in taps.values()],
        model.channels,
        extra,
    )


def one_stage(body: BackboneWithFPN, model: Model, sizes: dict) -> nn.Module:
    """RetinaNet or FCOS; a class more than ours, for torchvision's unused background."""
    if model.detector == "fcos":
        return FCOS(body, model.classes + 1, **sizes)
    own = model.retinanet
    octaves = octave_sizes(model.anchor_sizes, own.octave_steps, own.whole_sizes)
    anchors = AnchorGenerator(octaves, (model.anchor_ratios,) * len(octaves))
    return RetinaNet(body, model.classes + 1, anchor_generator=anchors, **sizes)


def two_stage(body: BackboneWithFPN, model: Model, sizes: dict) -> nn.Module:
    """Faster or Mask R-CNN."""
    anchors = tuple((size,) for size in model.anchor_sizes)
    settings = sizes | {
        "rpn_anchor_generator": AnchorGenerator(anchors, (model.anchor_ratios,) * len(anchors)),
        "rpn_pre_nms_top_n_train": model.rpn_candidates[0],
        "rpn_pre_nms_top_n_test": model.rpn_candidates[1],
        "rpn_post_nms_top_n_train": model.proposals[0],
        "rpn_post_nms_top_n_test": model.proposals[1],
        "rpn_batch_size_per_image": model.rpn_batch,
        "box_roi_pool": pooler(model, BOX_BINS),
        "box_head": TwoMLPHead(model.channels * BOX_BINS**2, model.head_width),
        "box_predictor": FastRCNNPredictor(model.head_width, model.classes + 1),
        "box_batch_size_per_image": model.rois,
        "box_positive_fraction": model.object_rois,
        "box_detections_per_img": model.detections,
    }
    if model.detector == "faster_rcnn":
        return FasterRCNN(body, **settings)
    head, predictor = mask_head(model.channels, model.classes)
    masks = {
        "mask_roi_pool": pooler(model, MASK_BINS),
        "mask_head": head,
        "mask_predictor": predictor,
    }
    return MaskRCNN(body, **settings, **masks)


def pooler(model: Model, bins: int) -> MultiScaleRoIAlign:
    """torchvision's RoI selection, with FPN's heuristic."""
    return MultiScaleRoIAlign(
        ROI_MAPS, bins, SAMPLES_OF_BIN, canonical_scale=model.canonical_size, canonical_level=4
    )
