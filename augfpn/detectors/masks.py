"""Masks of objects: Mask R-CNN's branch, and the authors' supervision of masks on M2..M5."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import maskrcnn_inference, project_masks_on_boxes

from augfpn.detectors.targets import Detections, Targets
from augfpn.pyramid import Boxes, HardRoISelection, Levels, Losses, Samples

MASK_SIDE = 28  # height and width of the mask that the head predicts for a RoI
MASK_LAYERS = 4  # convolutions of the head


class MaskSamples(NamedTuple):
    """The positive RoIs of a step, and their ground-truth masks.

    Shapes: ``boxes`` N x (Q_i, 4) pixels of the batch; ``labels`` (Q,); ``masks`` (Q, 28, 28) of
    0 to 1, the part of the object's mask that lies in its RoI.
    """

    boxes: Boxes
    labels: Tensor
    masks: Tensor


def mask_samples(samples: Samples, targets: Targets) -> MaskSamples:
    """The positive ones of the sampled RoIs. Targets have ``masks`` (R_i, H, W) of 0 and 1."""
    objects = [torch.where(labels > 0)[0] for labels in samples.labels]
    boxes = [b[i] for b, i in zip(samples.boxes, objects, strict=True)]
    masks = [
        project_masks_on_boxes(target["masks"], b, match[i], MASK_SIDE)
        for target, b, match, i in zip(targets, boxes, samples.matches, objects, strict=True)
    ]
    labels = [label[i] for label, i in zip(samples.labels, objects, strict=True)]
    return MaskSamples(boxes, torch.cat(labels), torch.cat(masks))


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
