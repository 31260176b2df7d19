"""RetinaNet and FCOS: the forward, P6 and P7, and the post-processing of dense predictions.

A dense head predicts at every place of every level: `augfpn.detectors.retinanet.RetinaNetHead` or
`augfpn.detectors.fcos.FCOSHead`; see `DenseHead`. Letters in shapes: N pictures, A places (or
anchors) of a level, K' classes (with the unused class 0 if the head has one), D detections.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import batched_nms, clip_boxes_to_image

from augfpn.detectors.anchors import Anchors
from augfpn.detectors.targets import Detections, Targets, check_targets, sample_rois
from augfpn.pyramid import FPN, Boxes, ConsistentSupervision, Levels, Losses, xavier

Outputs = dict[str, list[Tensor]]  # by what is predicted, an entry per level: (N, A, ...)
Size = tuple[int, int]  # height, width in pixels of the batch


class Limits(NamedTuple):
    """Which predictions become detections.

    A class score above ``score`` passes. Before non-maximum suppression, ``candidates`` of each
    level are kept: the best "pairs" of place and class (torchvision), all pairs of the best
    "places" (the authors), or the "best" class of the best places. Suppression drops a box whose
    IoU with a better one is above ``nms``; at most ``keep`` detections of a picture are returned.
    """

    score: float
    candidates: int
    kind: Literal["pairs", "places", "best"]
    nms: float
    keep: int


class DenseHead(Protocol):
    """Predictions on every level, their losses, and how to read scores and boxes from them."""

    first_label: int  # label of class channel 0: 0 if there is an unused background, else 1

    def __call__(self, maps: list[Tensor]) -> Outputs: ...

    def losses(self, outputs: Outputs, anchors: list[Tensor], targets: Targets) -> Losses: ...

    def scores(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Scores (A, K') of one level of one picture: for the threshold, and for the ranking."""

    def decode(self, predicted: Tensor, anchors: Tensor) -> Tensor:
        """Box predictions (D, 4) at anchors (D, 4) -> boxes (D, 4), pixels of the batch."""


class OneStage(nn.Module):
    """RetinaNet or FCOS on a feature pyramid, with or without AugFPN's parts.

    Source: paper 4.2, Table 1. It takes and returns the same as
    `augfpn.detectors.two_stage.TwoStage`; its levels are 3 to 7.
    Soft RoI Selection does not apply, because no RoIs are pooled to detect. Consistent Supervision
    does: its RoIs are the detector's own detections instead of proposals. They are pooled from
    M3..M5 for a head like Faster R-CNN's.

    ``dense`` is the head on all levels, a `DenseHead`. ``limits`` say which of its predictions are
    detections, ``supervision_limits`` which are RoIs; ``sampler`` is torchvision's `RoIHeads`, used
    only to sample from these RoIs. The ground-truth boxes are always among the RoIs, so that a
    picture without detections can still be trained on.
    """

    def __init__(
        self,
        *,
        transform: GeneralizedRCNNTransform,
        backbone: nn.Module,
        fpn: FPN,
        anchors: Anchors,
        dense: nn.Module,
        limits: Limits,
        sampler: RoIHeads | None = None,
        supervision_limits: Limits | None = None,
        supervision: ConsistentSupervision | None = None,
    ) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.fpn = fpn
        self.anchors = anchors
        self.dense = dense
        self.limits = limits
        self.sampler = sampler
        self.supervision_limits = supervision_limits
        self.supervision = supervision

    def forward(
        self, pictures: Sequence[Tensor], targets: Targets | None = None
    ) -> Losses | Detections:
        sizes = [tuple(picture.shape[-2:]) for picture in pictures]
        if self.training:
            check_targets(targets)
        batch, targets = self.transform(list(pictures), targets if self.training else None)
        m, p = self.fpn(self.backbone(batch.tensors))
        maps = list(p.values())  # P3..P7
        outputs = self.dense(maps)
        anchors = self.anchors.by_level(batch, maps)
        if not self.training:
            found = self.detect(outputs, anchors, batch, self.limits)
            return self.transform.postprocess(found, batch.image_sizes, sizes)
        losses = self.dense.losses(outputs, anchors, targets)
        if self.supervision is not None:
            rois = self.own_boxes(outputs, anchors, batch)
            losses |= self.supervision(m, sample_rois(self.sampler, rois, targets))
        return losses

    def detect(
        self, outputs: Outputs, anchors: Boxes, batch: ImageList, limits: Limits
    ) -> Detections:
        """Detections in pixels of the batch, before they go back to the pictures' own sizes."""
        return dense_detections(self.dense, outputs, anchors, batch.image_sizes, limits)

    @torch.no_grad()
    def own_boxes(self, outputs: Outputs, anchors: Boxes, batch: ImageList) -> Boxes:
        """The detector's current detections, as RoIs of Consistent Supervision: N x (R_i, 4)."""
        found = self.detect(outputs, anchors, batch, self.supervision_limits)
        return [each["boxes"] for each in found]


class ExtraLevels(nn.Module):
    """P6 and P7, on which one-stage detectors detect large objects.

    Source: RetinaNet and FCOS; the paper does not mention them.
    Shapes: C5 (N, C5, h, w), P5 and M6 (N, C, h, w) -> {6: (N, C, h/2, w/2), 7: (N, C, h/4, w/4)},
    halves rounded up.
    Differs: P6 is a 3x3 convolution of stride 2 on C5 (the authors' RetinaNet) or on P5 (their
    FCOS, torchvision). P7 is such a convolution on P6, with or without a ReLU before it. With
    ``context``, and if there is an M6, its mean over all places is added to P6, as the authors do.
    """

    def __init__(
        self, *, in_channels: int, channels: int, on_c5: bool, relu: bool, context: bool
    ) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels if on_c5 else channels, channels, 3, stride=2, padding=1)
        self.p7 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        xavier(self)
        self.on_c5 = on_c5
        self.relu = relu
        self.context = context

    def forward(self, c5: Tensor, p5: Tensor, m6: Tensor | None) -> Levels:
        p6 = self.p6(c5 if self.on_c5 else p5)
        if self.context and m6 is not None:
            p6 = p6 + m6.mean(dim=(2, 3), keepdim=True)
        return {6: p6, 7: self.p7(p6.relu() if self.relu else p6)}


def suppress_by_label(
    boxes: Tensor, scores: Tensor, labels: Tensor, size: Size, iou: float
) -> Tensor:
    """Non-maximum suppression among boxes (D, 4) of the same label: indices kept, best first.

    ``size`` is the size of the picture. torchvision's operator does not need it, but an exported
    graph does.
    """
    return batched_nms(boxes, scores, labels, iou)


def dense_detections(
    head: DenseHead,
    outputs: Outputs,
    anchors: list[Tensor],
    sizes: Sequence[Size],
    limits: Limits,
    suppress: Callable[..., Tensor] = suppress_by_label,
) -> Detections:
    """Detections of each picture in pixels of the batch, best first.

    ``suppress`` is `suppress_by_label`, or another function that takes and returns the same.
    Differs: torchvision can return label 0, which no object has; here such rows are left out.
    """
    found = []
    for i, size in enumerate(sizes):
        levels = [
            candidates(head, {name: maps[level][i] for name, maps in outputs.items()}, a, limits)
            for level, a in enumerate(anchors)
        ]
        boxes, scores, labels = (torch.cat(parts) for parts in zip(*levels, strict=True))
        boxes = clip_boxes_to_image(boxes, size)
        keep = suppress(boxes, scores, labels, size, limits.nms)[: limits.keep]
        keep = keep[torch.where(labels[keep] > 0)[0]]
        found.append({"boxes": boxes[keep], "scores": scores[keep], "labels": labels[keep]})
    return found


def candidates(
    head: DenseHead, outputs: dict[str, Tensor], anchors: Tensor, limits: Limits
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (D, 4), scores (D,) and labels (D,) of one level of one picture."""
    passing, ranking = head.scores(outputs)
    choose = best_pairs if limits.kind == "pairs" else pairs_of_best_places
    place, channel = choose(passing, ranking, limits)
    boxes = head.decode(outputs["boxes"][place], anchors[place])
    return boxes, ranking[place, channel], channel + head.first_label


def best_pairs(passing: Tensor, ranking: Tensor, limits: Limits) -> tuple[Tensor, Tensor]:
    """The highest-ranked (place, class) pairs above the threshold: (A, K') -> (D,), (D,)."""
    above = torch.where(passing.flatten() > limits.score)[0]
    count = torch.sym_min(limits.candidates, above.shape[0])  # not min: export traces this line
    pairs = above[ranking.flatten()[above].topk(count).indices]
    return pairs // ranking.shape[1], pairs % ranking.shape[1]


def pairs_of_best_places(passing: Tensor, ranking: Tensor, limits: Limits) -> tuple[Tensor, Tensor]:
    """All pairs above the threshold at the best places, or only the best class of each place."""
    count = torch.sym_min(limits.candidates, ranking.shape[0])
    best = ranking.max(dim=1)
    top = best.values.topk(count).indices
    if limits.kind == "best":
        channel = best.indices[top]
        above = passing[top, channel] > limits.score
        return top[above], channel[above]
    row, channel = torch.where(passing[top] > limits.score)
    return top[row], channel
