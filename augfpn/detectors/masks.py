"""Masks of objects: Mask R-CNN's branch, and the authors' supervision of it on the M levels."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import maskrcnn_inference, project_masks_on_boxes

from augfpn.detectors.targets import Detections, Targets
from augfpn.pyramid import Boxes, HardRoISelection, Levels, Losses, Samples

MASK_SIDE = 28  # of what the head predicts for a RoI
MASK_LAYERS = 4  # convolutions of the head


class MaskSamples(NamedTuple):
    """The RoIs of a step that hold an object, and their ground-truth masks.

    Shapes: ``boxes`` N x (Q_i, 4) pixels of the batch; ``labels`` (Q,); ``masks`` (Q, 28, 28) of
    0 to 1, the part of the object's mask that lies in its RoI.
    """

    boxes: Boxes
    labels: Tensor
    masks: Tensor


def mask_samples(samples: Samples, targets: Targets) -> MaskSamples:
    """The objects among the sampled RoIs. Targets hold ``masks`` (R_i, H, W) of 0 and 1."""
    objects = [torch.where(labels > 0)[0] for labels in samples.labels]
    boxes = [b[i] for b, i in zip(samples.boxes, objects, strict=True)]
    masks = [
        project_masks_on_boxes(target["masks"], b, match[i], MASK_SIDE)
        for target, b, match, i in zip(targets, boxes, samples.matches, objects, strict=True)
    ]
    labels = [label[i] for label, i in zip(samples.labels, objects, strict=True)]
    return MaskSamples(boxes, torch.cat(labels), torch.cat(masks))


def mask_loss(logits: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Mean binary cross-entropy of each RoI's own class: (Q, K + 1, 28, 28) -> 0-d."""
    if not len(labels):
        return logits.sum() * 0  # the mean over no object is not a number
    own = logits[torch.arange(len(labels), device=labels.device), labels]  # (Q, 28, 28)
    return F.binary_cross_entropy_with_logits(own, wanted)


def mask_head(channels: int, classes: int) -> tuple[nn.Module, nn.Module]:
    """torchvision's four convolutions, and the layers that double their size and predict.

    Shapes: RoI features (Q, C, 14, 14) -> (Q, C, 14, 14) -> logits (Q, K + 1, 28, 28).
    """
    head = MaskRCNNHeads(channels, (channels,) * MASK_LAYERS, dilation=1)
    return head, MaskRCNNPredictor(channels, channels, classes + 1)


class MaskBranch(nn.Module):
    """Predict a mask for each RoI that holds an object.

    Source: Mask R-CNN. ``select`` pools 14 x 14 bins; with soft selection it has a fusion of its
    own, beside the boxes'. ``head`` and ``predictor`` are torchvision's.
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
    """Predict masks from every M level, with one head, in training.

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
