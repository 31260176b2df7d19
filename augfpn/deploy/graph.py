"""A detector that can be traced into a graph: its own forward, with some steps rewritten.

Tracing runs a detector on one picture and records the operations. A loop over detections would be
recorded with as many rounds as it had on that picture. Therefore, in a copy of the detector, the
steps with such loops are replaced by functions without them: see `STEPS`. These functions take a
batch of one picture, and equal the steps that they replace up to rounding.
"""

import copy
from collections.abc import Callable
from types import MethodType

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import clip_boxes_to_image, nms, remove_small_boxes

from augfpn.detectors.averages import Whole, as_number, as_products, as_size
from augfpn.detectors.dense_detections import Limits, Outputs, dense_detections
from augfpn.detectors.masks import MaskBranch, paste_at_once
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.proposals import ProposalNetwork
from augfpn.detectors.targets import Detections
from augfpn.detectors.two_stage import TwoStage, without_supervision
from augfpn.pyramid import Boxes, HardRoISelection, Levels, with_picture_index
from augfpn.speed.roi_align import torchvision_roi_align

LABELS_ACROSS = 10  # see `nms_by_label`
LEAST_BOX_SIDE = 1e-2  # of a detection, in pixels of the batch; torchvision has this constant, too

TracedSize = tuple[Whole, Whole]  # height, width


def traceable(detector: TwoStage | OneStage) -> TwoStage | OneStage:
    """A copy of the detector that can be traced: for one picture a call, on the CPU, in eval mode.

    It has no part that only training needs.
    """
    detector = without_supervision(copy.deepcopy(detector)).cpu().eval()
    for module in detector.modules():
        for kind, method, step in STEPS:
            if isinstance(module, kind):
                setattr(module, method, MethodType(step, module))
        if type(module).__name__ == "Conv2dSame":  # timm's; timm need not be installed
            module.forward = MethodType(convolved_with_even_sides, module)
        if hasattr(module, "roi_align"):
            module.roi_align = torchvision_roi_align  # ONNX has this operator
    augment = detector.fpn.augment
    if augment is not None:
        augment.pools = tuple(as_products(pool) for pool in augment.pools)
    return detector


# --- the picture ----------------------------------------------------------------------------------


def batch_of_one(
    transform: GeneralizedRCNNTransform, pictures: list[Tensor], targets: None
) -> tuple[ImageList, None]:
    """A batch of one picture, normalised, resized and padded."""
    (picture,) = pictures
    sides = torch.stack([as_number(side) for side in picture.shape[-2:]])
    scale = torch.minimum(transform.min_size[-1] / sides.min(), transform.max_size / sides.max())
    sides = (sides * scale).floor()
    h, w = (as_size(side) for side in sides)
    divisor = transform.size_divisible
    blocks = (sides / divisor).ceil()
    # Tracing assumes 2 or more, because it would treat 1 as a special case; the file accepts 1.
    down, across = (divisor * as_size(count, least=2) for count in blocks)
    torch._check(down >= h)
    torch._check(across >= w)
    x = resized(transform.normalize(picture), (h, w))
    return ImageList(F.pad(x, (0, across - w, 0, down - h))[None], [(h, w)]), None


def resized(picture: Tensor, size: TracedSize) -> Tensor:
    """A picture (C, H, W) -> (C, h, w), bilinear as in ``F.interpolate``.

    This is written out because onnxruntime's own operator rounds the sampling positions, by up to
    1e-4 px. A deep network turns that into visible differences of the boxes.
    """
    for dim in (2, 1):
        old, new = picture.shape[dim], size[dim - 1]
        at = (torch.arange(new) + 0.5) * (as_number(old).float() / as_number(new).float()) - 0.5
        at = at.clamp(min=0)
        low = at.long()
        share = (at - low).unflatten(0, (-1, *[1] * (2 - dim)))  # of the higher neighbour
        high = (low + 1).clamp(max=old - 1)
        picture = picture.index_select(dim, low) * (1 - share) + (
            picture.index_select(dim, high) * share
        )
    return picture


def convolved_with_even_sides(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """TensorFlow's "SAME" convolution (N, C, h, w) of a map whose sides its stride divides.

    So are those of all backbones' maps, because a batch is padded. timm computes the padding from
    the sides instead, as a maximum; in a traced graph these maxima nest with every layer, and to
    simplify them takes minutes. Here it is a number: the kernel minus the stride, the larger half
    of it at the end.
    """
    more = [k - s for k, s in zip(conv.kernel_size, conv.stride, strict=True)]
    sides = [side for each in reversed(more) for side in (each // 2, each - each // 2)]
    return F.conv2d(F.pad(x, sides), conv.weight, conv.bias, conv.stride, groups=conv.groups)


def in_own_pixels(
    transform: GeneralizedRCNNTransform,
    found: Detections,
    sizes: list[TracedSize],
    own: list[TracedSize],
) -> Detections:
    """The detections in pixels of the original picture, whose size is ``own``."""
    (each,), (size,) = found, own
    y, x = (
        as_number(a).float() / as_number(b).float() for a, b in zip(size, sizes[0], strict=True)
    )
    boxes = each["boxes"] * torch.stack([x, y, x, y])
    masks = {"masks": paste_at_once(each["masks"], boxes, size)} if "masks" in each else {}
    return [each | {"boxes": boxes} | masks]


# --- features to detections -----------------------------------------------------------------------


def with_p6_by_index(detector: TwoStage, p: Levels) -> Levels:
    """P2..P5 and P6, every second place of P5; torch 2.11 cannot derive the size of a pooled P6."""
    rows, columns = (as_size((as_number(n) / 2).ceil(), least=2) for n in p[5].shape[-2:])
    p6 = p[5].index_select(2, 2 * torch.arange(rows)).index_select(3, 2 * torch.arange(columns))
    return p | {6: p6}


def best_proposals(
    rpn: ProposalNetwork,
    boxes: Tensor,
    logits: Tensor,
    sizes: list[TracedSize],
    counts: list[Whole],
) -> tuple[Boxes, list[Tensor]]:
    """The proposals: the best of each level, after non-maximum suppression."""
    (size,), best = sizes, []
    for level, (logit, box) in enumerate(
        zip(logits.flatten().split(counts), boxes[0].split(counts), strict=True)
    ):
        top = logit.topk(torch.sym_min(rpn.pre_nms_top_n(), counts[level]))
        best.append((box[top.indices], top.values, torch.full_like(top.indices, level)))
    found, logits, levels = (torch.cat(parts) for parts in zip(*best, strict=True))
    found = clip_boxes_to_image(found, size)
    large = remove_small_boxes(found, rpn.min_size)
    found, scores, levels = found[large], logits[large].sigmoid(), levels[large]
    keep = nms_by_label(found, scores, levels, size, rpn.nms_thresh)[: rpn.post_nms_top_n()]
    return [found[keep]], [scores[keep]]


def pooled_by_level(select: HardRoISelection, p: Levels, boxes: Boxes) -> Tensor:
    """Each RoI from its own level, without a list of how many RoIs each level has."""
    rois = with_picture_index(boxes)
    level = select.level_of(rois[:, 1:])
    pooled = p[select.levels[0]].new_zeros(len(rois), p[2].shape[1], select.size, select.size)
    for k in select.levels:
        here = torch.where(level == k)[0]
        pooled[here] = select.roi_align(p[k], rois[here], select.size, k)
    return pooled


def best_detections(
    heads: RoIHeads, logits: Tensor, deltas: Tensor, proposals: Boxes, sizes: list[TracedSize]
) -> tuple[Boxes, list[Tensor], list[Tensor]]:
    """The detections' boxes, scores and labels, from the heads' (R, K + 1) and (R, 4 (K + 1))."""
    (rois,), (size,) = proposals, sizes
    boxes = heads.box_coder.decode_single(deltas, rois).unflatten(1, (-1, 4))[:, 1:]
    scores = logits.softmax(dim=1)[:, 1:]
    roi, channel = torch.where(scores > heads.score_thresh)
    boxes, scores = clip_boxes_to_image(boxes[roi, channel], size), scores[roi, channel]
    large = remove_small_boxes(boxes, LEAST_BOX_SIDE)
    boxes, scores, labels = boxes[large], scores[large], channel[large] + 1
    keep = nms_by_label(boxes, scores, labels, size, heads.nms_thresh)[: heads.detections_per_img]
    return [boxes[keep]], [scores[keep]], [labels[keep]]


def masks_by_label(branch: MaskBranch, logits: Tensor, labels: list[Tensor]) -> list[Tensor]:
    """Each detection's mask of its own class: (D, K + 1, 28, 28) -> (D, 1, 28, 28)."""
    masks = logits.sigmoid()
    own = labels[0][:, None, None, None].expand(-1, 1, *masks.shape[2:])
    return [masks.gather(1, own)]


def traceable_dense_detections(
    detector: OneStage, outputs: Outputs, anchors: Boxes, batch: ImageList, limits: Limits
) -> Detections:
    """A one-stage detector's detections, with a non-maximum suppression that can be traced."""
    sizes = batch.image_sizes
    return dense_detections(detector.dense, outputs, anchors, sizes, limits, nms_by_label)


def nms_by_label(
    boxes: Tensor, scores: Tensor, labels: Tensor, size: TracedSize, iou: float
) -> Tensor:
    """Non-maximum suppression among boxes (D, 4) of the same label: indices kept, best first.

    ``size`` is the picture's (height, width). For each label the boxes are shifted to a separate
    copy of the picture, so that boxes of different labels never overlap. The copies are laid out in
    rows of ten: in a single row, eighty would reach so far that single precision costs 0.01 px.
    """
    height, width = (as_number(side).float() + 1 for side in size)
    x, y = labels % LABELS_ACROSS * width, labels // LABELS_ACROSS * height
    return nms(boxes + torch.stack([x, y, x, y], dim=1), scores, iou)


STEPS: tuple[tuple[type[nn.Module], str, Callable], ...] = (  # class, method, what replaces it
    (GeneralizedRCNNTransform, "forward", batch_of_one),
    (GeneralizedRCNNTransform, "postprocess", in_own_pixels),
    (TwoStage, "with_p6", with_p6_by_index),
    (ProposalNetwork, "filter_proposals", best_proposals),
    (RoIHeads, "postprocess_detections", best_detections),
    (HardRoISelection, "forward", pooled_by_level),
    (MaskBranch, "masks_of", masks_by_label),
    (OneStage, "detect", traceable_dense_detections),
)
