"""Masks of objects: Mask R-CNN's branch, and the authors' supervision of masks on M2..M5."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import (
    expand_boxes,
    expand_masks,
    maskrcnn_inference,
    paste_masks_in_image,
    project_masks_on_boxes,
)

from augfpn.detectors.targets import Detections, Targets
from augfpn.pyramid import Boxes, HardRoISelection, Levels, Losses, Samples

MASK_SIDE = 28  # height and width of the mask that the head predicts for a RoI
MASK_LAYERS = 4  # convolutions of the head
Size = tuple[int, int]  # height, width


class MaskSamples(NamedTuple):
    """The positive RoIs of a step, and their ground-truth masks.

    Shapes: ``boxes`` N x (Q_i, 4) pixels of the batch; ``labels`` (Q,); ``masks`` (Q, 28, 28) of
    0 to 1, the part of the object's mask that lies in its RoI.
    """

    boxes: Boxes
    labels: Tensor
    masks: Tensor


def mask_samples(samples: Samples, targets: Targets) -> MaskSamples:
    """The positive ones of the sampled RoIs. Targets have ``masks`` (R_i, H_i, W_i) of 0 and 1.

    A GPU waits only if the samples do not say which and how many RoIs are positive.
    """
    labels, boxes, matches = (
        torch.cat(x) for x in (samples.labels, samples.boxes, samples.matches)
    )
    objects, counts = samples.objects, samples.counts
    if objects is None or counts is None:
        objects = torch.where(labels > 0)[0]
        counts = [int((label > 0).sum()) for label in samples.labels]
    own = boxes[objects].split(counts)
    masks = [
        project_masks_on_boxes(target["masks"], b, match, MASK_SIDE)
        for target, b, match in zip(targets, own, matches[objects].split(counts), strict=True)
    ]
    return MaskSamples(list(own), labels[objects], torch.cat(masks))


def mask_loss(logits: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Mean binary cross-entropy of the masks of the RoIs' classes: (Q, K + 1, 28, 28) -> 0-d."""
    if not len(labels):
        return logits.sum() * 0  # the mean over no object would be NaN
    own = logits[torch.arange(len(labels), device=labels.device), labels]  # (Q, 28, 28)
    return F.binary_cross_entropy_with_logits(own, wanted)


def mask_head(channels: int, classes: int) -> tuple[nn.Module, nn.Module]:
    """torchvision's mask head: four convolutions, and the layers that upsample and predict.

    Shapes: RoI features (Q, C, 14, 14) -> (Q, C, 14, 14) -> logits (Q, K + 1, 28, 28).
    """
    head = MaskRCNNHeads(channels, (channels,) * MASK_LAYERS, dilation=1)
    return head, MaskRCNNPredictor(channels, channels, classes + 1)


class MaskBranch(nn.Module):
    """Predict a mask for each positive RoI in training, and for each detection at inference.

    Source: Mask R-CNN. ``select`` pools 14 x 14 bins; with soft selection its fusion is separate
    from the box head's. ``head`` and ``predictor`` are torchvision's.
    """

    def __init__(self, select: nn.Module, head: nn.Module, predictor: nn.Module) -> None:
        super().__init__()
        self.select = select
        self.head = head
        self.predictor = predictor

    def predict(self, p: Levels, boxes: Boxes) -> Tensor:
        """Mask logits of all boxes: N x (Q_i, 4) -> (Q, K + 1, 28, 28)."""
        return self.predictor(self.head(self.select(p, boxes)))

    def forward(self, p: Levels, samples: MaskSamples) -> Losses:
        logits = self.predict(p, samples.boxes)
        return {"loss_mask": mask_loss(logits, samples.labels, samples.masks)}

    def detect(self, p: Levels, found: Detections) -> Detections:
        """Add ``masks`` (D_i, 1, 28, 28) in (0, 1) to detections in pixels of the batch."""
        logits = self.predict(p, [each["boxes"] for each in found])
        masks = self.masks_of(logits, [each["labels"] for each in found])
        return [each | {"masks": m} for each, m in zip(found, masks, strict=True)]

    def masks_of(self, logits: Tensor, labels: list[Tensor]) -> Sequence[Tensor]:
        """Each detection's mask of its own class: (D, K + 1, 28, 28) -> N x (D_i, 1, 28, 28)."""
        return maskrcnn_inference(logits, labels)


def paste_masks(masks: Tensor, boxes: Tensor, size: Size) -> Tensor:
    """Masks in their boxes (D, 1, M, M) -> in a picture of ``size`` (D, 1, H, W).

    ``boxes`` (D, 4) are in pixels of that picture. On the CPU it is torchvision's function, mask by
    mask, for which a GPU would wait fourteen times a mask; there it is `paste_at_once`.
    """
    if masks.device.type != "cuda":
        return paste_masks_in_image(masks, boxes, size)
    with torch.autocast("cuda", enabled=False):  # in bfloat16 the products would be coarse
        return paste_at_once(masks.float(), boxes.float(), size)


def paste_at_once(masks: Tensor, boxes: Tensor, size: Size) -> Tensor:
    """The same as torchvision's ``paste_masks_in_image`` up to rounding, without a loop.

    Bilinear resizing is linear along each axis, so it is two matrix products, whose weights are 0
    outside of the box. The result is the only large tensor.
    """
    masks, scale = expand_masks(masks, padding=1)
    x1, y1, x2, y2 = expand_boxes(boxes, scale).to(torch.int64).unbind(dim=1)
    rows, columns = (
        resizing(masks.shape[-1], start, end, length)
        for start, end, length in ((y1, y2, size[0]), (x1, x2, size[1]))
    )  # (D, H, M), (D, W, M)
    return (rows @ masks[:, 0] @ columns.transpose(1, 2))[:, None]


def resizing(side: int, start: Tensor, end: Tensor, length: int) -> Tensor:
    """The weights of a mask's ``side`` places in each pixel along an axis: (D, length, side).

    The mask covers the pixels from ``start`` to ``end`` (D,), both included.
    """
    pixel = torch.arange(length, device=start.device)
    inside = (pixel >= start[:, None]) & (pixel <= end[:, None])
    extent = (end - start + 1).clamp(min=1)[:, None]
    at = (pixel - start[:, None] + 0.5) * (side / extent) - 0.5
    distance = at.clamp(0, side - 1)[..., None] - torch.arange(side, device=start.device)
    return (1 - distance.abs()).clamp(min=0) * inside[..., None]


class MaskSupervision(nn.Module):
    """Predict masks from every M level, with one shared head, in training only.

    Source: the authors' code, whose configurations of Mask R-CNN switch it on; the paper does not
    mention it. As in `ConsistentSupervision`, the terms are summed, each weighted by lambda.
    Shapes: m[k] (N, C, H/2^k, W/2^k), samples -> one loss (0-d).
    """

    def __init__(
        self, head: nn.Module, weight: float, selections: Sequence[HardRoISelection]
    ) -> None:
        super().__init__()
        self.head = head
        self.weight = weight
        self.selections = nn.ModuleList(selections)

    def forward(self, m: Levels, samples: MaskSamples) -> Losses:
        terms = [
            mask_loss(self.head(select(m, samples.boxes)), samples.labels, samples.masks)
            for select in self.selections
        ]
        return {"loss_supervision_mask": self.weight * sum(terms)}
