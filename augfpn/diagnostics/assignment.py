"""The third defect: what does it cost to read each RoI from one level? (paper, section 3.3)"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from augfpn.data.pictures import Pictures
from augfpn.detectors.two_stage import TwoStage, with_p6
from augfpn.diagnostics.objects import Maps, array, maps
from augfpn.pyramid import HardRoISelection, Levels, SoftRoISelection

Array = NDArray[np.floating]
SCALES = np.geomspace(0.8, 1.25, 24)  # of a box, in steps of 2 %
NEAR = 0.25  # octaves to a border, a size at which the rule changes the level
FEWEST = 20  # values: of fewer no mean is taken
Select = Callable[[Levels, list[Tensor]], Tensor]


class Objects(NamedTuple):
    """The n objects of some pictures, and what the box head predicts for their ground-truth boxes.

    A box grows in T steps; there are L levels. The last three fields have no columns if the
    selection is soft.
    """

    side: Array  # (n,) square root of the box's area, in pixels of the resized picture
    level: NDArray[np.int64]  # (n,) by FPN's rule
    loss: Array  # (n,) cross-entropy of the object's class
    steps: Array  # (n, T) total variation distance of the class probabilities before and after
    crosses: NDArray[np.bool_]  # (n, T) whether the rule changes the level in this step
    each: Array  # (n, L) the loss when the object is read from each level
    mirrored: Array  # (n, L) the same on the mirrored picture
    right: NDArray[np.bool_]  # (n, L) whether the object's class has the highest probability


def assignment(detector: TwoStage, rule: HardRoISelection, pictures: Pictures, device: str) -> dict:
    """The measurements of levels and RoIs: `scaled`, `by_distance`, and either `oracle` (for a hard
    selection) or `mixture_by_level` (for a soft one that has weights).

    ``rule`` is FPN's; objects are grouped by it even if the selection is soft.
    """
    rows, weights = [], []
    for i in pictures.with_objects():
        image, target = pictures[i]
        of = maps(detector, image, target, device)
        rows.append(observe(detector, rule, of, mirror(detector, image, target, device)))
        weights.append(gates(detector, rule, of))
    found = Objects(*(np.concatenate(column) for column in zip(*rows, strict=True)))
    borders = [rule.canonical_size * 2.0 ** (k - 4) for k in rule.levels[1:]]
    result = {
        "levels": list(rule.levels),
        "objects": len(found.side),
        "scaled": scaled(found),
        "by_distance": by_distance(found, borders),
    }
    if isinstance(detector.select, HardRoISelection):
        result["oracle"] = oracle(found, rule.levels)
    there = [each for each in weights if each is not None]
    if there:
        level, gate = (np.concatenate(column) for column in zip(*there, strict=True))
        result["mixture"] = mixture_by_level(level, gate, rule.levels)
    return result


@torch.no_grad()
def right_by_level(detector: TwoStage, pictures: Pictures, device: str) -> Array:
    """How often the head is right, by an object's level and the level that it is read from.

    Row i has the objects to which the rule of a detector with a `HardRoISelection` gives its i-th
    level, column j the share of them whose class is the most probable one when they are read from
    level j: (L, L), nan for fewer than 20 objects.
    """
    rule, level, right = detector.select, [], []
    for i in pictures.with_objects():
        of = maps(detector, *pictures[i], device)
        level.append(rule.level_of(of.boxes).cpu().numpy())
        right.append(right_in(from_each(detector, rule, of), of.labels))
    own, is_right = np.concatenate(level), np.concatenate(right)
    rows = [is_right[own == k] for k in rule.levels]
    return np.array([x.mean(0) if len(x) >= FEWEST else len(x.T) * [np.nan] for x in rows])


# --- observations -----------------------------------------------------------------------------


@torch.no_grad()
def observe(detector: TwoStage, rule: HardRoISelection, of: Maps, mirrored: Maps) -> Objects:
    """The observations of one picture's objects."""
    level, box = rule.level_of(of.boxes), of.boxes
    grown = torch.stack([rescaled(box, g) for g in SCALES])  # (T + 1, n, 4)
    chances = probabilities(detector, detector.select, of.p, grown.flatten(0, 1))
    chances = chances.unflatten(0, grown.shape[:2])  # (T + 1, n, K + 1)
    levels = rule.level_of(grown.flatten(0, 1)).unflatten(0, grown.shape[:2])
    own = probabilities(detector, detector.select, of.p, box)
    is_hard = isinstance(detector.select, HardRoISelection)
    here, there = (from_each(detector, rule, x) if is_hard else [] for x in (of, mirrored))
    return Objects(
        side=array((box[:, 2:] - box[:, :2]).prod(dim=1).sqrt()),
        level=level.cpu().numpy(),
        loss=class_losses(own, of.labels),
        steps=array((chances[1:] - chances[:-1]).abs().sum(dim=2) / 2).T,
        crosses=(levels[1:] != levels[:-1]).cpu().numpy().T,
        each=as_columns([class_losses(x, of.labels) for x in here], len(box)),
        mirrored=as_columns([class_losses(x, of.labels) for x in there], len(box)),
        right=right_in(here, of.labels) > 0,
    )


def mirror(detector: TwoStage, image: Tensor, target: dict, device: str) -> Maps:
    """The feature maps of the mirrored picture."""
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = image.shape[2] - boxes[:, [2, 0]]
    return maps(detector, image.flip(2), target | {"boxes": boxes}, device)


def rescaled(boxes: Tensor, factor: float) -> Tensor:
    """Boxes (n, 4) scaled by a factor around their centres."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * factor
    return torch.cat([centre - half, centre + half], dim=1)


def alone(rule: HardRoISelection, k: int) -> HardRoISelection:
    """A selection that reads every box from level k."""
    return HardRoISelection((k,), rule.size, rule.roi_align, rule.canonical_size)


def probabilities(detector: TwoStage, select: Select, p: Levels, boxes: Tensor) -> Tensor:
    """The class probabilities that the box head predicts for boxes (n, 4): (n, K + 1)."""
    heads = detector.heads
    logits, _ = heads.box_predictor(heads.box_head(select(p, [boxes])))
    return logits.float().softmax(dim=1)


def from_each(detector: TwoStage, rule: HardRoISelection, of: Maps) -> list[Tensor]:
    """The class probabilities of objects, read from each level alone: L times (n, K + 1)."""
    return [probabilities(detector, alone(rule, k), of.p, of.boxes) for k in rule.levels]


def right_in(chances: Sequence[Tensor], labels: Tensor) -> Array:
    """Whether each object's class is the most probable one, a column for each item: (n, L)."""
    return as_columns([array(x.argmax(dim=1) == labels) for x in chances], len(labels))


def class_losses(chances: Tensor, labels: Tensor) -> Array:
    """The cross-entropy of each object's class: (n,)."""
    return array(F.nll_loss(chances.clamp(min=1e-12).log(), labels, reduction="none"))


def as_columns(found: Sequence[Array], n: int) -> Array:
    """Arrays (n,) as the columns of one array; (n, 0) without any."""
    return np.stack(found, axis=1).astype(float) if found else np.zeros((n, 0))


@torch.no_grad()
def gates(
    detector: TwoStage, rule: HardRoISelection, of: Maps
) -> tuple[NDArray[np.int64], Array] | None:
    """The rule's level of the detector's own proposals, (R,), and the weight of each level, (R, L).

    A weight is the mean over the RoI's places. ``None`` for a selection without weights.
    """
    fusion = getattr(detector.select, "fusion", None)
    if not isinstance(detector.select, SoftRoISelection) or not hasattr(fusion, "weights"):
        return None
    proposals, _ = detector.rpn(of.batch, with_p6(of.p), None)
    weights = fusion.weights(detector.select.pool(of.p, proposals)).mean(dim=(2, 3))
    return rule.level_of(proposals[0]).cpu().numpy(), array(weights)


# --- summaries -----------------------------------------------------------------------------


def scaled(of: Objects) -> dict:
    """How far predictions move on average when a box grows by 2 %.

    ``across``: in steps in which the rule changes the level; ``elsewhere``: in all other steps of
    the same objects; ``crossings``: the number of steps across. A mean of no values is ``None``.
    """
    some = of.crosses.any(axis=1)
    crosses, steps = of.crosses[some], of.steps[some]
    return {
        "across": mean_or_none(steps[crosses], 1),
        "elsewhere": mean_or_none(steps[~crosses], 1),
        "crossings": int(crosses.sum()),
    }


def by_distance(of: Objects, borders: Sequence[float]) -> dict:
    """The mean loss of objects near a border of the rule, and of those far from all borders.

    ``near``: within a quarter of an octave of the nearest border; ``far``: all others.
    """
    apart = np.abs(np.log2(of.side[:, None] / np.array(borders))).min(axis=1)
    near = apart < NEAR
    return {
        "near": mean_or_none(of.loss[near]),
        "far": mean_or_none(of.loss[~near]),
        "objects_near": int(near.sum()),
        "objects_far": int((~near).sum()),
    }


def oracle(of: Objects, levels: Sequence[int]) -> dict:
    """The loss and accuracy from the level that the rule gives, and from the best level.

    The best level is the one with the lowest loss on the mirrored picture, so the choice cannot
    profit from the noise of the view on which the loss is measured. It needs the object's class:
    it is an upper bound on what any rule could gain, not a usable rule.
    ``table``: the number of objects with level i by the rule and level j by choice, (L, L);
    ``loss``: the mean loss from level j of the objects with level i by the rule, (L, L), ``None``
    for fewer than 20 objects.
    """
    rows = np.arange(len(of.side))
    assigned = of.level - levels[0]
    best = of.mirrored.argmin(axis=1)
    table = np.zeros((len(levels), len(levels)), int)
    np.add.at(table, (assigned, best), 1)
    return {
        "loss_assigned": mean_or_none(of.each[rows, assigned]),
        "loss_best": mean_or_none(of.each[rows, best]),
        "right_assigned": mean_or_none(of.right[rows, assigned]),
        "right_best": mean_or_none(of.right[rows, best]),
        "table": table.tolist(),
        "loss": [[mean_or_none(x) for x in of.each[assigned == i].T] for i in range(len(levels))],
    }


def mixture_by_level(level: NDArray[np.int64], gate: Array, levels: Sequence[int]) -> dict:
    """Figure 4: the weights of the RoIs of each level by the rule; ``None`` for fewer than 20 RoIs.

    ``rois``: how many there are, (L,); ``mean`` and ``spread`` (standard deviation) of the weight
    of level j in RoIs of level i, (L, L); ``share``: the mean of this weight divided by the sum
    over levels, (L, L); ``entropy`` of these shares, from 0 (one level only) to 1 (all are equal),
    (L,).
    """
    parts = gate / gate.sum(axis=1, keepdims=True)
    entropy = -(parts * np.log(parts)).sum(axis=1) / np.log(len(levels))
    rois = [int((level == k).sum()) for k in levels]
    return {
        "rois": rois,
        "mean": [[mean_or_none(x) for x in gate[level == k].T] for k in levels],
        "spread": [
            [float(x.std()) if len(x) >= FEWEST else None for x in gate[level == k].T]
            for k in levels
        ],
        "share": [[mean_or_none(x) for x in parts[level == k].T] for k in levels],
        "entropy": [mean_or_none(entropy[level == k]) for k in levels],
    }


def mean_or_none(values: Array, fewest: int = FEWEST) -> float | None:
    """The mean, or ``None`` for fewer than ``fewest`` values."""
    return float(np.mean(values)) if len(values) >= fewest else None
