"""What one-stage detectors share: from predictions at every place to detections.

A dense head is `augfpn.detectors.retinanet.RetinaNetHead` or `augfpn.detectors.fcos.FCOSHead`: see `DenseHead`.
Letters in shapes: A places (or anchors) of a level, K' classes (with the unused class 0 if the
head has one), D detections.
"""

from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torchvision.ops import batched_nms, clip_boxes_to_image

from augfpn.pyramid import Losses

Outputs = dict[str, list[Tensor]]  # by what is predicted, an entry per level: (N, A, ...)


class Limits(NamedTuple):
    """Which predictions become detections.

    ``candidates`` of each level are kept before suppression: the best "pairs" of place and class
    (torchvision), all pairs of the best "places" (the authors), or the "best" class of the best
    places.
    """

    score: float
    candidates: int
    kind: Literal["pairs", "places", "best"]
    nms: float
    keep: int


class DenseHead(Protocol):
    """Predictions on every level, and what they should be."""

    first_label: int  # of the first class channel: 0 where there is an unused background, else 1

    def __call__(self, maps: list[Tensor]) -> Outputs: ...

    def losses(
        self, outputs: Outputs, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> Losses: ...

    def scores(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Of one level of one picture: what is held against the threshold, what ranks (A, K')."""

    def decode(self, predicted: Tensor, anchors: Tensor) -> Tensor:
        """Box predictions (D, 4) at anchors (D, 4) -> boxes (D, 4), pixels of the batch."""


def detect(
    head: DenseHead,
    outputs: Outputs,
    anchors: list[Tensor],
    sizes: list[tuple[int, int]],
    limits: Limits,
) -> list[dict[str, Tensor]]:
    """Detections of each picture in pixels of the batch, best first; sizes are (height, width).

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
        keep = batched_nms(boxes, scores, labels, limits.nms)[: limits.keep]
        keep = keep[labels[keep] > 0]
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
    """The highest (place, class) pairs above the threshold: (A, K') -> (D,), (D,)."""
    above = torch.where(passing.flatten() > limits.score)[0]
    count = torch.sym_min(limits.candidates, above.shape[0])  # not min: export traces this
    pairs = above[ranking.flatten()[above].topk(count).indices]
    return pairs // ranking.shape[1], pairs % ranking.shape[1]


def pairs_of_best_places(passing: Tensor, ranking: Tensor, limits: Limits) -> tuple[Tensor, Tensor]:
    """All pairs above the threshold at the highest places, or only each place's best class."""
    count = torch.sym_min(limits.candidates, ranking.shape[0])
    best = ranking.max(dim=1)
    top = best.values.topk(count).indices
    if limits.kind == "best":
        channel = best.indices[top]
        above = passing[top, channel] > limits.score
        return top[above], channel[above]
    row, channel = torch.where(passing[top] > limits.score)
    return top[row], channel
