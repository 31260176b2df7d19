"""Settings to detector: with `augfpn.detectors.build_dense`, the only reader of `Model`."""

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads

from augfpn import pyramid
from augfpn.config import Dense, Model
from augfpn.detectors import coco_start, necks, two_stage, variants
from augfpn.detectors.anchors import Anchors, matcher
from augfpn.detectors.backbones import Backbone, transform
from augfpn.detectors.build_dense import DENSE_LEVELS, fcos, retinanet
from augfpn.detectors.dense_detections import Limits
from augfpn.detectors.downloads import Weights
from augfpn.detectors.from_torchvision import coco_file
from augfpn.detectors.initial_gates import begin_even
from augfpn.detectors.masks import MaskBranch, MaskSupervision, mask_head
from augfpn.detectors.one_stage import ExtraLevels, OneStage
from augfpn.detectors.pretrained import backbone, imagenet, load_imagenet
from augfpn.detectors.proposals import ProposalNetwork
from augfpn.detectors.supervision import SeparateSupervision
from augfpn.detectors.targets import roi_heads
from augfpn.errors import UserError
from augfpn.pyramid import ratio_invariant_pool
from augfpn.speed.quick import quicken
from augfpn.speed.roi_align import roi_align, sparse_roi_align, torchvision_roi_align

BOX_BINS, MASK_BINS = 7, 14  # on a side of a pooled RoI
ROI_LEVELS = (2, 3, 4, 5)  # of the maps that RoIs are pooled from
PROPOSAL_LEVELS = (2, 3, 4, 5, 6)


def build_detector(model: Model, start: bool = True) -> two_stage.TwoStage | OneStage:
    """The detector that the settings describe, on the CPU, in training mode.

    Without ``start`` pretrained weights are left out: for a caller who then loads all weights.
    Raises ``UserError`` for pretrained weights that are not available, and for a name that
    `augfpn.config` allows but nothing builds.
    """
    net = backbone(model.backbone, model.norm, model.style)
    if start and model.weights == "imagenet":
        load_imagenet(net, model.backbone, model.style, model.frozen)
    detector = build_on(net, model)
    if model.weights == "coco":
        coco_start.normalise_as_coco(detector, model)
        if start:
            coco_start.start_from_coco(detector, model)
    return detector


def pretrained_weights(model: Model) -> Weights:
    """The pretrained weights that a detector starts from, not downloaded or checked yet.

    Raises ``UserError`` if there are none for it. ``model.weights`` is not "scratch".
    """
    if model.weights == "coco":
        return coco_file(model.detector)
    return imagenet(model.backbone, model.style)


def build_on(net: Backbone, model: Model) -> two_stage.TwoStage | OneStage:
    """The detector that the settings describe, on a given backbone."""
    detector = builder("detector", model.detector)(model, net)
    if model.gates == "even":
        begin_even(detector)
    return quicken(detector) if model.operators == "fast" else detector


def builder(setting: str, value: str) -> Callable:
    """The function that builds a setting's value, from `BUILDERS` at the end of this file.

    Raises ``UserError`` for a value that `augfpn.config` allows but `BUILDERS` lacks.
    """
    if value not in BUILDERS[setting]:
        raise UserError(
            f"{setting}={value!r} is allowed by augfpn/config.py, but nothing builds it: add it to "
            f"BUILDERS[{setting!r}] in augfpn/detectors/build.py."
        )
    return BUILDERS[setting][value]


def build_two_stage(model: Model, net: Backbone) -> two_stage.TwoStage:
    """Faster or Mask R-CNN."""
    with_masks = model.detector == "mask_rcnn"
    return two_stage.TwoStage(
        transform=transform(model.style, model.short_side, model.long_side, net),
        backbone=net,
        fpn=build_pyramid(model, net, ROI_LEVELS),
        rpn=proposal_network(model),
        select=roi_selection(model, BOX_BINS),
        heads=sampling_heads(model, *main_head(model)),
        criterion=partial(two_stage.roi_loss, beta=model.box_beta),
        supervision=build_supervision(model, ROI_LEVELS),
        masks=mask_branch(model) if with_masks else None,
        mask_supervision=mask_supervision(model) if with_masks else None,
    )


def build_one_stage(model: Model, net: Backbone, parts: Callable[[Model], tuple]) -> OneStage:
    """RetinaNet or FCOS; ``parts`` returns the detector's own settings, head and anchors."""
    own, head, anchors = parts(model)
    levels = DENSE_LEVELS[:3]
    supervision = build_supervision(model, levels)
    return OneStage(
        transform=transform(model.style, model.short_side, model.long_side, net),
        backbone=net,
        fpn=build_pyramid(model, net, levels, own),
        anchors=anchors,
        dense=head,
        limits=Limits(own.score, own.candidates, own.candidates_are, own.nms, own.detections),
        sampler=None if supervision is None else sampling_heads(model, None, None),
        # The authors' values; torchvision's detectors have no supervision.
        supervision_limits=Limits(0.01, 2000, own.supervision_rois, nms=0.7, keep=1000),
        supervision=supervision,
    )


# --- pyramid and RoI selection --------------------------------------------------------------------


def build_pyramid(
    model: Model, net: Backbone, levels: Sequence[int], own: Dense | None = None
) -> pyramid.FPN:
    """FPN or AugFPN; also P6 and P7 if ``own``, a one-stage detector's settings, is given."""
    c5, channels, extra = net.channels[5], model.channels, None
    if own is not None:
        extra = ExtraLevels(
            in_channels=c5,
            channels=channels,
            on_c5=own.p6_from == "c5",
            relu=own.relu_before_p7,
            context=own.context_at_p6,
        )
    neck = builder("neck", model.neck)
    augment = augmentation(model, c5)
    fpn = neck({k: net.channels[k] for k in levels}, channels, augment, extra)
    two_stage.check_neck(fpn, model.neck, augment)
    if model.initialisation == "torchvision":
        two_stage.draw_pyramid_as_torchvision(fpn)
    return fpn


def augmentation(model: Model, in_channels: int) -> pyramid.ResidualFeatureAugmentation | None:
    """Residual Feature Augmentation with the chosen pooling and fusion; None without ratios."""
    if not model.ratios:
        return None
    pools = builder("context_pooling", model.context_pooling)(model.ratios)
    fusion = builder("context_fusion", model.context_fusion)(model.channels, len(pools))
    return pyramid.ResidualFeatureAugmentation(in_channels, model.channels, pools, fusion)


def pooling(model: Model) -> pyramid.RoIAlign:
    """The RoIAlign that the settings name; "auto" follows ``model.operators``."""
    auto = model.roi_align == "auto" and model.operators == "torchvision"
    return builder("roi_align", "torchvision" if auto else model.roi_align)


def hard_selection(model: Model, levels: Sequence[int], bins: int) -> pyramid.HardRoISelection:
    """Hard RoI selection, by FPN's heuristic, among some levels."""
    return pyramid.HardRoISelection(levels, bins, pooling(model), model.canonical_size)


def roi_selection(model: Model, bins: int) -> nn.Module:
    """The module that turns P and boxes into RoI features."""
    name, channels = model.roi_selection, model.channels
    if name == "hard":
        return hard_selection(model, ROI_LEVELS, bins)
    align = pooling(model)
    if name == "panet" and bins == BOX_BINS:
        return variants.PANetPooling(
            levels=ROI_LEVELS, size=bins, roi_align=align, channels=channels, width=model.head_width
        )
    # PANet's fully connected layers lose the spatial layout that masks need: only take the maximum.
    fuse = builder("roi_selection", "max" if name == "panet" else name)
    return pyramid.SoftRoISelection(ROI_LEVELS, bins, align, fuse(channels, len(ROI_LEVELS)))


def supervised_levels(
    model: Model, levels: Sequence[int], bins: int
) -> list[pyramid.HardRoISelection]:
    """The RoI selection of each loss term of Consistent Supervision."""
    groups = [tuple(levels)] if model.supervision == "single" else [(k,) for k in levels]
    return [hard_selection(model, group, bins) for group in groups]


def build_supervision(model: Model, levels: Sequence[int]) -> nn.Module | None:
    """Consistent Supervision with one head, or with a head for each level; None if lambda is 0."""
    if model.lam == 0:
        return None
    terms = supervised_levels(model, levels, BOX_BINS)
    criterion = partial(two_stage.roi_loss, beta=model.box_beta)  # the main head's
    separate = model.supervision == "separate"
    parts = [
        pyramid.ConsistentSupervision(
            nn.Sequential(*box_head(model)), model.lam, of_head, criterion
        )
        for of_head in ([[term] for term in terms] if separate else [terms])
    ]
    return SeparateSupervision(parts) if separate else parts[0]


# --- two stages -----------------------------------------------------------------------------------


def proposal_network(model: Model) -> ProposalNetwork:
    """The region proposal network (RPN) on P2..P6, with one anchor size per level."""
    sizes, ratios = [(size,) for size in model.anchor_sizes], model.anchor_ratios
    return ProposalNetwork(
        channels=model.channels,
        anchors=Anchors(sizes=sizes, ratios=ratios, levels=PROPOSAL_LEVELS, grid=model.anchor_grid),
        matcher=matcher(0.7, 0.3, model.low_quality, model.low_quality_iou),
        batch=model.rpn_batch,
        candidates=model.rpn_candidates,
        proposals=model.proposals,
        border_anchors=model.border_anchors,
        least_proposal=model.least_proposal,
    )


def box_head(model: Model) -> tuple[nn.Module, nn.Module]:
    """Two fully connected layers, and the layers after them that predict classes and boxes."""
    head = TwoMLPHead(model.channels * BOX_BINS**2, model.head_width)
    return head, FastRCNNPredictor(model.head_width, model.classes + 1)


def main_head(model: Model) -> tuple[nn.Module, nn.Module]:
    """The main box head; its initial weights follow ``model.initialisation``."""
    if model.roi_selection == "panet":
        head = variants.OneLayerHead(model.head_width)
        predictor = FastRCNNPredictor(model.head_width, model.classes + 1)
    else:
        head, predictor = box_head(model)
    if model.initialisation == "authors":
        two_stage.draw_box_head_as_authors(head, predictor)
    return head, predictor


def sampling_heads(model: Model, head: nn.Module | None, predictor: nn.Module | None) -> RoIHeads:
    """torchvision's RoI heads; without head and predictor they only sample RoIs for training."""
    counts = {"rois": model.rois, "objects": model.object_rois, "detections": model.detections}
    return roi_heads(head, predictor, **counts)


def mask_branch(model: Model) -> MaskBranch:
    """The mask branch, from 14 x 14 bins. RoIs are pooled as for boxes, with a separate fusion."""
    select = roi_selection(model, MASK_BINS)
    return MaskBranch(select, *mask_head(model.channels, model.classes))


def mask_supervision(model: Model) -> MaskSupervision | None:
    """The authors' supervision of masks on the M levels, or None."""
    if not model.mask_supervision:
        return None
    selections = supervised_levels(model, ROI_LEVELS, MASK_BINS)
    head = nn.Sequential(*mask_head(model.channels, model.classes))
    return MaskSupervision(head, model.lam, selections)


# --- what the values in `augfpn.config` stand for -------------------------------------------------

FUSION_BUILDERS = {  # from the channels and the number of maps
    "asf": pyramid.AdaptiveSpatialFusion,
    "soft": pyramid.AdaptiveSpatialFusion,
    "softmax": variants.SoftmaxFusion,
    "acf": variants.AdaptiveChannelFusion,
    "sum": lambda channels, n: variants.Sum(),
    "max": lambda channels, n: variants.Max(),
}
BUILDERS: dict[str, dict[str, Callable]] = {  # setting, value: what builds it
    "detector": {
        "faster_rcnn": build_two_stage,
        "mask_rcnn": build_two_stage,
        "retinanet": partial(build_one_stage, parts=retinanet),
        "fcos": partial(build_one_stage, parts=fcos),
    },
    "neck": {  # from the channels of C by level, the channels, augmentation, extra levels
        "fpn": pyramid.FPN,
        "pafpn": necks.PAFPN,
        "bifpn": necks.BiFPN,
    },
    "context_pooling": {  # from the ratios
        "ratio_invariant": lambda ratios: [partial(ratio_invariant_pool, ratio=r) for r in ratios],
        "gap": lambda ratios: [partial(variants.fixed_pool, side=1)],
        "gmp": lambda ratios: [variants.global_max_pool],
        "psp": lambda ratios: [partial(variants.fixed_pool, side=side) for side in (1, 2, 3)],
    },
    "context_fusion": FUSION_BUILDERS,
    "roi_selection": FUSION_BUILDERS,
    "roi_align": {
        "auto": roi_align,
        "torchvision": torchvision_roi_align,
        "sparse": sparse_roi_align,
    },
}
