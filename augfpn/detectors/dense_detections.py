"""From the dense predictions of RetinaNet and FCOS to detections.

A dense head predicts at every place of every level: `augfpn.detectors.retinanet.RetinaNetHead` or
`augfpn.detectors.fcos.FCOSHead`; see `DenseHead`. Letters in shapes: N pictures, A places (or
anchors) of a level, K' classes (with the unused class 0 if the head has one), D detections.

There are two versions. `dense_detections` goes picture by picture, as torchvision does; a graph for
other programs is traced from it. On a GPU it waits for every level of every picture. Therefore
`batched_detections` finds the same in all pictures at once; on a CPU it is slower, because it ranks
scores below the threshold as well.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torchvision.ops import batched_nms, clip_boxes_to_image

from augfpn.detectors.boxes import borders, clipped
from augfpn.detectors.suppression import best_after_nms
from augfpn.detectors.targets import Detections, Targets
from augfpn.pyramid import Losses

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


def one_hot(logits: Tensor, places: Tensor, channels: Tensor) -> Tensor:
    """What the focal loss wants of logits (..., K'): 1 at places and channels (Q,), else 0.

    Places count through all dimensions but the last.
    """
    wanted = torch.zeros_like(logits)
    wanted.view(-1).index_fill_(0, places * logits.shape[-1] + channels, 1.0)
    return wanted


# --- picture by picture ---------------------------------------------------------------------------


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


# --- all pictures at once -------------------------------------------------------------------------


def batched_detections(
    head: DenseHead,
    outputs: Outputs,
    anchors: list[Tensor],
    sizes: Sequence[Size],
    limits: Limits,
) -> Detections:
    """As `dense_detections`, for all pictures at once: a GPU waits three times.

    Differs: among equal scores, others may be the candidates.
    """
    levels = [
        batched_candidates(head, {name: maps[level] for name, maps in outputs.items()}, a, limits)
        for level, a in enumerate(anchors)
    ]
    boxes, scores, labels, valid = (torch.cat(parts, dim=1) for parts in zip(*levels, strict=True))
    boxes = clipped(boxes, borders(sizes, boxes.device)[:, None])
    best, numbers = best_after_nms(
        boxes, scores, labels, valid, iou=limits.nms, most=limits.keep, shown=labels > 0
    )
    parts = (x.flatten(0, 1)[best].split(numbers) for x in (boxes, scores, labels))
    return [
        {"boxes": boxes, "scores": scores, "labels": labels}
        for boxes, scores, labels in zip(*parts, strict=True)
    ]


def batched_candidates(
    head: DenseHead, outputs: dict[str, Tensor], anchors: Tensor, limits: Limits
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes (N, D, 4), scores, labels and whether they are candidates (N, D), of one level.

    Shapes: outputs (N, A, ...), anchors (A, 4); D is the largest possible number of candidates.
    """
    passing, ranking = head.scores(outputs)  # (N, A, K')
    classes = ranking.shape[2]
    passes, ranks = (passing > limits.score).flatten(1), ranking.flatten(1)  # (N, A K')
    if limits.kind == "pairs":
        ranked = ranks.masked_fill(~passes, -torch.inf)
        pair = ranked.topk(min(limits.candidates, ranked.shape[1]), dim=1).indices  # (N, D)
    else:
        best = ranking.max(dim=2)
        place = best.values.topk(min(limits.candidates, ranking.shape[1]), dim=1).indices
        if limits.kind == "best":
            pair = place * classes + best.indices.gather(1, place)
        else:
            every = torch.arange(classes, device=place.device)
            pair = (place[:, :, None] * classes + every).flatten(1)
    place = pair // classes
    predicted = outputs["boxes"].take_along_dim(place[:, :, None], dim=1)
    boxes = head.decode(predicted.flatten(0, 1), anchors[place.flatten()]).view_as(predicted)
    labels = pair % classes + head.first_label
    return boxes, ranks.gather(1, pair), labels, passes.gather(1, pair)
