"""Any detector as one ONNX file that takes a picture of any size; its dense part compiled.

    picture (3, H, W) in [0, 1] --resize, pad--> backbone, pyramid, heads --NMS--> detections

The file holds all that evaluation mode does, the resize and the suppression too, and nothing that
only training needs. The detector's own modules are traced; what stands here instead of theirs are
steps that a graph without loops over data has to say differently.
"""

import copy
import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import expand_boxes, expand_masks
from torchvision.models.detection.rpn import concat_box_prediction_layers
from torchvision.ops import clip_boxes_to_image, nms, remove_small_boxes

from augfpn.detectors import variants
from augfpn.detectors.dense import candidates
from augfpn.detectors.roi_align import torchvision_roi_align
from augfpn.detectors.two_stage import OneStage, TwoStage, without_supervision
from augfpn.errors import UserError
from augfpn.pyramid import Levels, ratio_invariant_pool
from augfpn.support.files import whole

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TRACES_ALL = "2.13"  # torch 2.11 knows Faster and Mask R-CNN only
OPSET = 18  # of ONNX's operators: what the exporter writes without converting
EXAMPLE = (3, 240, 320)  # the graph is the same for a picture of any size
LABELS_ACROSS = 10  # see `nms_by_label`
LEAST_SIDE = 1e-2  # of a detection in pixels of the batch, fixed in torchvision too

Whole = int | torch.SymInt
Found = tuple[Tensor, ...]  # boxes (D, 4), scores (D,), labels (D,) and perhaps masks


class OnePicture(nn.Module):
    """A detector in evaluation mode as a function of one picture, ready to be exported.

    Shapes: picture (3, H, W) in [0, 1] -> ``boxes`` (D, 4) in its pixels, ``scores`` (D,),
    ``labels`` (D,) and, with masks, ``masks`` (D, 1, H, W); the best first, as from the detector.
    Holds a copy of the detector, on the CPU; what the copy does differently agrees to rounding.
    """

    def __init__(self, detector: TwoStage | OneStage) -> None:
        super().__init__()
        self.detector = without_supervision(copy.deepcopy(detector)).cpu()
        self.eval()
        self.names = ("boxes", "scores", "labels")
        if isinstance(detector, TwoStage) and detector.masks is not None:
            self.names += ("masks",)
        for module in self.detector.modules():
            if hasattr(module, "roi_align"):
                module.roi_align = torchvision_roi_align  # ONNX has this operator
        augment = self.detector.fpn.augment
        if augment is not None:
            augment.pools = tuple(exportable_pool(pool) for pool in augment.pools)

    def forward(self, picture: Tensor) -> Found:
        detector, size = self.detector, picture.shape[-2:]
        batch = self.batch(picture)
        _, p = detector.fpn(detector.backbone(batch.tensors))
        dense = isinstance(detector, OneStage)
        find = one_stage if dense else two_stage
        boxes, scores, labels, *masks = find(detector, p, batch)
        old, new = batch.image_sizes[0], size
        y, x = (number(a).float() / number(b).float() for a, b in zip(new, old, strict=True))
        boxes = boxes * torch.stack([x, y, x, y])
        return boxes, scores, labels, *(paste(mask, boxes, size) for mask in masks)

    def batch(self, picture: Tensor) -> ImageList:
        """The picture normalised, resized and padded, as the detector's transform does it."""
        transform = self.detector.transform
        sides = torch.stack([number(side) for side in picture.shape[-2:]])
        scale = torch.minimum(
            transform.min_size[-1] / sides.min(), transform.max_size / sides.max()
        )
        sides = (sides * scale).floor()
        h, w = (as_size(side) for side in sides)
        divisor = transform.size_divisible
        blocks = (sides / divisor).ceil()
        # At least 2 for the tracing, which asks about maps of one place; the file takes them.
        down, across = (divisor * as_size(count, least=2) for count in blocks)
        torch._check(down >= h)
        torch._check(across >= w)
        x = resized(transform.normalize(picture), (h, w))
        return ImageList(F.pad(x, (0, across - w, 0, down - h))[None], [(h, w)])


def resized(picture: Tensor, size: tuple[Whole, Whole]) -> Tensor:
    """A picture (C, H, W) -> (C, h, w), bilinear as in ``F.interpolate``.

    Written out because onnxruntime's own operator rounds where it looks, by as much as 1e-4 of a
    pixel: what a deep network makes of that can be seen in the boxes.
    """
    for dim in (2, 1):
        old, new = picture.shape[dim], size[dim - 1]
        at = (torch.arange(new) + 0.5) * (number(old).float() / number(new).float()) - 0.5
        at = at.clamp(min=0)
        low = at.long()
        share = (at - low).unflatten(0, (-1, *[1] * (2 - dim)))  # of the higher neighbour
        high = (low + 1).clamp(max=old - 1)
        picture = picture.index_select(dim, low) * (1 - share) + (
            picture.index_select(dim, high) * share
        )
    return picture


# --- features to detections -----------------------------------------------------------------------


def two_stage(detector: TwoStage, p: Levels, batch: ImageList) -> Found:
    """Faster or Mask R-CNN's detections, in pixels of the batch; masks are 28 x 28."""
    heads, size = detector.heads, batch.image_sizes[0]
    rois = proposals(detector, p | {6: every_second(p[5])}, batch)
    logits, deltas = detector.predict(p, [rois])  # (R, K + 1), (R, 4 (K + 1))
    boxes = heads.box_coder.decode_single(deltas, rois).unflatten(1, (-1, 4))[:, 1:]
    scores = logits.softmax(dim=1)[:, 1:]
    roi, channel = torch.where(scores > heads.score_thresh)
    boxes, scores = clip_boxes_to_image(boxes[roi, channel], size), scores[roi, channel]
    large = remove_small_boxes(boxes, LEAST_SIDE)
    boxes, scores, labels = boxes[large], scores[large], channel[large] + 1
    keep = nms_by_label(boxes, scores, labels, size, heads.nms_thresh)[: heads.detections_per_img]
    found = boxes[keep], scores[keep], labels[keep]
    if detector.masks is None:
        return found
    masks = detector.masks.predict(p, [found[0]]).sigmoid()  # (D, K + 1, 28, 28)
    own = found[2][:, None, None, None].expand(-1, 1, *masks.shape[2:])
    return *found, masks.gather(1, own)


def every_second(p5: Tensor) -> Tensor:
    """P6, as from `augfpn.detectors.two_stage.with_p6`, of a size that torch 2.11 need not derive."""
    rows, columns = (as_size((number(side) / 2).ceil(), least=2) for side in p5.shape[-2:])
    return p5.index_select(2, 2 * torch.arange(rows)).index_select(3, 2 * torch.arange(columns))


def proposals(detector: TwoStage, p: Levels, batch: ImageList) -> Tensor:
    """The proposal network's boxes (R, 4), in pixels of the batch."""
    rpn, size, maps = detector.rpn, batch.image_sizes[0], list(p.values())
    logits, deltas = rpn.head(maps)
    counts = [x.shape[1] * x.shape[2] * x.shape[3] for x in logits]
    logits, deltas = concat_box_prediction_layers(logits, deltas)  # (A, 1), (A, 4)
    boxes = rpn.box_coder.decode_single(deltas, rpn.anchor_generator(batch, maps)[0])
    best = []
    for level, (logit, box) in enumerate(
        zip(logits.flatten().split(counts), boxes.split(counts), strict=True)
    ):
        top = logit.topk(torch.sym_min(rpn.pre_nms_top_n(), counts[level]))
        best.append((box[top.indices], top.values, torch.full_like(top.indices, level)))
    boxes, logits, levels = (torch.cat(parts) for parts in zip(*best, strict=True))
    boxes = clip_boxes_to_image(boxes, size)
    large = remove_small_boxes(boxes, rpn.min_size)
    boxes, scores, levels = boxes[large], logits[large].sigmoid(), levels[large]
    return boxes[nms_by_label(boxes, scores, levels, size, rpn.nms_thresh)[: rpn.post_nms_top_n()]]


def one_stage(detector: OneStage, p: Levels, batch: ImageList) -> Found:
    """RetinaNet's or FCOS's detections, in pixels of the batch."""
    maps, size, limits = list(p.values()), batch.image_sizes[0], detector.limits
    outputs = detector.dense(maps)
    levels = [
        candidates(detector.dense, {n: x[level][0] for n, x in outputs.items()}, anchors, limits)
        for level, anchors in enumerate(detector.anchors.by_level(batch, maps))
    ]
    boxes, scores, labels = (torch.cat(parts) for parts in zip(*levels, strict=True))
    boxes = clip_boxes_to_image(boxes, size)
    keep = nms_by_label(boxes, scores, labels, size, limits.nms)[: limits.keep]
    keep = keep[torch.where(labels[keep] > 0)[0]]
    return boxes[keep], scores[keep], labels[keep]


def nms_by_label(
    boxes: Tensor, scores: Tensor, labels: Tensor, size: tuple[Whole, Whole], iou: float
) -> Tensor:
    """Suppression among boxes (D, 4) of the same label only: the kept ones' places, best first.

    Boxes lie in a picture of ``size`` (height, width). Each label gets a picture of its own, in
    rows of ten: side by side, eighty would lie so far out that single precision costs 0.01 px.
    """
    height, width = (number(side).float() + 1 for side in size)
    x, y = labels % LABELS_ACROSS * width, labels // LABELS_ACROSS * height
    return nms(boxes + torch.stack([x, y, x, y], dim=1), scores, iou)


def paste(masks: Tensor, boxes: Tensor, size: tuple[Whole, Whole]) -> Tensor:
    """Masks in their boxes (D, 1, M, M) -> in the picture (D, 1, H, W).

    The same as torchvision's ``paste_masks_in_image``, which does it box by box: bilinear resizing
    is linear along each axis.
    """
    masks, scale = expand_masks(masks, padding=1)
    x1, y1, x2, y2 = expand_boxes(boxes, scale).to(torch.int64).unbind(dim=1)
    rows, columns = (
        resizing(masks.shape[-1], start, end, length)
        for start, end, length in ((y1, y2, size[0]), (x1, x2, size[1]))
    )  # (D, H, M), (D, W, M)
    return (rows @ masks[:, 0] @ columns.transpose(1, 2))[:, None]


def resizing(side: int, start: Tensor, end: Tensor, length: Whole) -> Tensor:
    """How much of each of a mask's ``side`` places every pixel shows: (D, length, side).

    The mask covers the pixels from ``start`` to ``end`` (D,), both included.
    """
    pixel = torch.arange(length, device=start.device)
    inside = (pixel >= start[:, None]) & (pixel <= end[:, None])
    extent = (end - start + 1).clamp(min=1)[:, None]
    at = (pixel - start[:, None] + 0.5) * (side / extent) - 0.5
    distance = at.clamp(0, side - 1)[..., None] - torch.arange(side, device=start.device)
    return (1 - distance.abs()).clamp(min=0) * inside[..., None]


# --- sizes that depend on the picture -------------------------------------------------------------


def number(side: Whole) -> Tensor:
    """A size as a number in double precision (0-d), in which Python computes with sizes."""
    return torch.scalar_tensor(side, dtype=torch.float64)


def as_size(count: Tensor, least: int = 1) -> Whole:
    """A number (0-d) that is whole, as a size; to the tracing, one of at least ``least``."""
    size = count.long().item()
    if isinstance(size, torch.SymInt):
        torch._check(size >= least)
    return size


def exportable_pool(pool: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same pooling of C5, for a C5 whose size is not known when the graph is made."""
    if pool is variants.global_max_pool:
        return partial(torch.amax, dim=(2, 3), keepdim=True)
    return partial(averages, pool=pool)


def averages(c5: Tensor, pool: partial) -> Tensor:
    """Adaptive average pooling as two products: (N, C, h, w) -> (N, C, h', w')."""
    if pool.func is ratio_invariant_pool:
        ratio = pool.keywords["ratio"]
        sides = [as_size((number(n) * ratio).floor().clamp(min=1)) for n in c5.shape[-2:]]
    else:
        sides = [pool.keywords["side"]] * 2
    rows, columns = (shares(n, m) for n, m in zip(c5.shape[-2:], sides, strict=True))
    return rows @ c5 @ columns.T


def shares(n: Whole, m: Whole) -> Tensor:
    """The weight of each of n places in each of m averages: (m, n)."""
    bin, place = torch.arange(m)[:, None], torch.arange(n)
    inside = ((place >= bin * n // m) & (place < ((bin + 1) * n + m - 1) // m)).float()
    return inside / inside.sum(dim=1, keepdim=True)


# --- the file -------------------------------------------------------------------------------------


def export(detector: TwoStage | OneStage, path: Path, classes: Sequence[str] = ()) -> None:
    """Write the detector as an ONNX file; see `OnePicture` for what it takes and gives.

    ``classes`` are the names of labels 1..K, kept in the file's metadata as JSON. All weights are
    in the file. Raises: UserError for a file that exists, and for packages that are missing.
    """
    need(PACKAGES)
    if path.exists():
        raise UserError(f"{path} exists, and nothing is overwritten: give another name.")
    program = traced(OnePicture(detector))
    program.model.metadata_props["classes"] = json.dumps(list(classes))
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial_file:
        program.save(partial_file, external_data=False)


def traced(model: OnePicture) -> torch.onnx.ONNXProgram:
    """The detector as a graph. Raises UserError where this torch cannot make one."""
    size = {1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    with torch.no_grad(), traceable_convolutions(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's, about torchvision's operators
        try:
            return torch.onnx.export(
                model,
                (torch.zeros(EXAMPLE),),
                input_names=["picture"],
                output_names=list(model.names),
                dynamic_shapes={"picture": size},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            if torch.__version__ >= TRACES_ALL:
                raise
            raise UserError(
                f"the exporter of torch {torch.__version__} does not know sizes such as P7's: "
                f"use torch {TRACES_ALL} or newer, which reads the same records."
            ) from error


def traceable_convolutions() -> AbstractContextManager:
    """Without mkldnn in torch 2.11, whose choice among implementations asks for a map's size."""
    old = torch.__version__ < TRACES_ALL
    return torch.backends.mkldnn.flags(enabled=False) if old else nullcontext()


def need(packages: Sequence[str]) -> None:
    """Raise ``UserError`` for packages that are not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} missing, which export needs: pip install 'augfpn[export]'"
        )


# --- torch.compile --------------------------------------------------------------------------------


def compile_dense(detector: TwoStage | OneStage, **options: object) -> TwoStage | OneStage:
    """Compile backbone, pyramid and dense head in place; the detector is called as before.

    What follows depends on what is found, and stays as it is. ``options`` are torch.compile's.
    """
    head = detector.dense if isinstance(detector, OneStage) else detector.rpn.head
    for part in (detector.backbone, detector.fpn, head):
        part.compile(**options)
    return detector
