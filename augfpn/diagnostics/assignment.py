"""The third defect: what does it cost to give each RoI one level by a rule? (paper, section 3.3)"""

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

Floats = NDArray[np.floating]
SCALES = np.geomspace(0.8, 1.25, 24)  # steps of 2 %
NEAR = 0.25  # octaves from a size at which the rule changes the level
FEWEST = 20  # RoIs of a level, for a mean of theirs
Select = Callable[[Levels, list[Tensor]], Tensor]


class Objects(NamedTuple):
    """All objects of some pictures with what the head makes of their own boxes.

    ``side`` (n,), the square root of the box's area in pixels of the batch; ``level`` (n,), the one
    that the rule gives; ``loss`` (n,), the cross-entropy of the object's class; ``steps`` (n, T),
    how far the class probabilities move when the box grows by a step, half the sum of their
    changes; ``crosses`` (n, T), whether the rule changes its level there; ``each`` (n, L), the loss
    from each level alone, and ``mirrored`` the same on the mirrored picture; ``right`` (n, L),
    whether the object's class is the likeliest. The last three are empty for soft selections.
    """

    side: Floats
    level: NDArray[np.int64]
    loss: Floats
    steps: Floats
    crosses: NDArray[np.bool_]
    each: Floats
    mirrored: Floats
    right: NDArray[np.bool_]


def assignment(detector: TwoStage, rule: HardRoISelection, pictures: Pictures, device: str) -> dict:
    """All about levels and RoIs: `scaled`, `by_distance`, `oracle` and `mixture`, where they apply.

    ``rule`` is FPN's, of which a soft selection makes no use.
    """
    rows, weights = [], []
    for i in pictures.with_objects():
        image, target = pictures[i]
        of = maps(detector, image, target, device)
        rows.append(objects(detector, rule, of, mirror(detector, image, target, device)))
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
        result["mixture"] = mixture(level, gate, rule.levels)
    return result


# --- what is observed -----------------------------------------------------------------------------


@torch.no_grad()
def objects(detector: TwoStage, rule: HardRoISelection, of: Maps, mirrored: Maps) -> Objects:
    """One picture's objects."""
    level, box = rule.level_of(of.boxes), of.boxes
    grown = torch.stack([rescaled(box, g) for g in SCALES])  # (T + 1, n, 4)
    chances = probabilities(detector, detector.select, of.p, grown.flatten(0, 1))
    chances = chances.unflatten(0, grown.shape[:2])  # (T + 1, n, K + 1)
    levels = rule.level_of(grown.flatten(0, 1)).unflatten(0, grown.shape[:2])
    own = probabilities(detector, detector.select, of.p, box)
    single = [alone(rule, k) for k in rule.levels if isinstance(detector.select, HardRoISelection)]
    here = [probabilities(detector, select, of.p, box) for select in single]
    there = [probabilities(detector, select, mirrored.p, mirrored.boxes) for select in single]
    right = [array(x.argmax(dim=1) == of.labels) for x in here]
    return Objects(
        side=array((box[:, 2:] - box[:, :2]).prod(dim=1).sqrt()),
        level=level.cpu().numpy(),
        loss=losses(own, of.labels),
        steps=array((chances[1:] - chances[:-1]).abs().sum(dim=2) / 2).T,
        crosses=(levels[1:] != levels[:-1]).cpu().numpy().T,
        each=columns([losses(x, of.labels) for x in here], len(box)),
        mirrored=columns([losses(x, of.labels) for x in there], len(box)),
        right=columns(right, len(box)) > 0,
    )


def mirror(detector: TwoStage, image: Tensor, target: dict, device: str) -> Maps:
    """The maps of the mirrored picture."""
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = image.shape[2] - boxes[:, [2, 0]]
    return maps(detector, image.flip(2), target | {"boxes": boxes}, device)


def rescaled(boxes: Tensor, factor: float) -> Tensor:
    """Boxes (n, 4) that are so many times as wide and high around the same centres."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * factor
    return torch.cat([centre - half, centre + half], dim=1)


def alone(rule: HardRoISelection, k: int) -> HardRoISelection:
    """The selection of one level for every box."""
    return HardRoISelection((k,), rule.size, rule.roi_align, rule.canonical_size)


def probabilities(detector: TwoStage, select: Select, p: Levels, boxes: Tensor) -> Tensor:
    """What the head makes of boxes (n, 4) with some selection: (n, K + 1)."""
    heads = detector.heads
    logits, _ = heads.box_predictor(heads.box_head(select(p, [boxes])))
    return logits.float().softmax(dim=1)


def losses(chances: Tensor, labels: Tensor) -> Floats:
    """The cross-entropy of each object's class: (n,)."""
    return array(F.nll_loss(chances.clamp(min=1e-12).log(), labels, reduction="none"))


def columns(found: Sequence[Floats], n: int) -> Floats:
    """Arrays (n,) as the columns of a table; without any, an empty one."""
    return np.stack(found, axis=1).astype(float) if found else np.zeros((n, 0))


@torch.no_grad()
def gates(
    detector: TwoStage, rule: HardRoISelection, of: Maps
) -> tuple[NDArray[np.int64], Floats] | None:
    """The rule's level of the detector's own proposals, (R,), and the weight of each level, (R, L).

    A weight is the mean over the RoI's places. ``None`` for selections that weigh nothing.
    """
    fusion = getattr(detector.select, "fusion", None)
    if not isinstance(detector.select, SoftRoISelection) or not hasattr(fusion, "weights"):
        return None
    proposals, _ = detector.rpn(of.batch, with_p6(of.p), None)
    weights = fusion.weights(detector.select.pool(of.p, proposals)).mean(dim=(2, 3))
    return rule.level_of(proposals[0]).cpu().numpy(), array(weights)


# --- what it comes to -----------------------------------------------------------------------------


def scaled(of: Objects) -> dict:
    """How far predictions move, on the mean, when a box grows by 2 %.

    ``across``: where the rule changes the level; ``elsewhere``: for the same objects, where it does
    not; ``crossings``: how many of the former. ``None`` without any.
    """
    some = of.crosses.any(axis=1)
    crosses, steps = of.crosses[some], of.steps[some]
    return {
        "across": mean(steps[crosses], 1),
        "elsewhere": mean(steps[~crosses], 1),
        "crossings": int(crosses.sum()),
    }


def by_distance(of: Objects, borders: Sequence[float]) -> dict:
    """The mean loss by how far, in octaves, the box's side is from where the rule changes levels.

    ``near`` and ``far`` lie on either side of a quarter of an octave.
    """
    apart = np.abs(np.log2(of.side[:, None] / np.array(borders))).min(axis=1)
    near = apart < NEAR
    return {
        "near": mean(of.loss[near]),
        "far": mean(of.loss[~near]),
        "objects_near": int(near.sum()),
        "objects_far": int((~near).sum()),
    }


def oracle(of: Objects, levels: Sequence[int]) -> dict:
    """The loss and accuracy from the level that the rule gives, and from the best one.

    The best is chosen by the loss on the mirrored picture, so that noise of a single view does not
    count; what both views of an object share does, and its class must be known: the oracle bounds
    what a rule could gain, and is none.
    ``table``: how many objects have level i by the rule and j by choice, (L, L); ``loss``: the mean
    from each level j of the objects with level i, (L, L), ``None`` for fewer than 20.
    """
    rows = np.arange(len(of.side))
    assigned = of.level - levels[0]
    best = of.mirrored.argmin(axis=1)
    table = np.zeros((len(levels), len(levels)), int)
    np.add.at(table, (assigned, best), 1)
    return {
        "loss_assigned": mean(of.each[rows, assigned]),
        "loss_best": mean(of.each[rows, best]),
        "right_assigned": mean(of.right[rows, assigned]),
        "right_best": mean(of.right[rows, best]),
        "table": table.tolist(),
        "loss": [[mean(x) for x in of.each[assigned == i].T] for i in range(len(levels))],
    }


def mixture(level: NDArray[np.int64], gate: Floats, levels: Sequence[int]) -> dict:
    """Figure 4: the weights of RoIs that the rule gives to level i, (L, L), ``None`` for few.

    ``mean`` and ``spread`` (standard deviation) of the weights; ``share``: the mean part of the sum
    that a level has; ``entropy`` (L,) of the parts, from 0, one level only, to 1, all alike.
    """
    parts = gate / gate.sum(axis=1, keepdims=True)
    entropy = -(parts * np.log(parts)).sum(axis=1) / np.log(len(levels))
    rois = [int((level == k).sum()) for k in levels]
    return {
        "rois": rois,
        "mean": [[mean(x) for x in gate[level == k].T] for k in levels],
        "spread": [
            [float(x.std()) if len(x) >= FEWEST else None for x in gate[level == k].T]
            for k in levels
        ],
        "share": [[mean(x) for x in parts[level == k].T] for k in levels],
        "entropy": [mean(entropy[level == k]) for k in levels],
    }


def mean(values: Floats, fewest: int = FEWEST) -> float | None:
    """The mean, or ``None`` for too few values."""
    return float(np.mean(values)) if len(values) >= fewest else None


def numbers(found: dict) -> dict[str, float | None]:
    """By name: "change across a border", "loss near", "loss assigned", "P5's share at P2", ..."""
    named = {
        "change across a border": found["scaled"]["across"],
        "change elsewhere": found["scaled"]["elsewhere"],
        "loss near a border": found["by_distance"]["near"],
        "loss far from a border": found["by_distance"]["far"],
    }
    if "oracle" in found:
        words = {"loss_assigned": "loss, level by rule", "loss_best": "loss, level by choice"}
        words |= {"right_assigned": "right, level by rule", "right_best": "right, level by choice"}
        named |= {text: found["oracle"][key] for key, text in words.items()}
        named["gain from another level by size"] = gain_by_size(found["oracle"])
    if "mixture" in found:
        named |= shares(found["levels"], found["mixture"])
    return named


def gain_by_size(found: dict) -> float | None:
    """How much the mean loss would fall if all objects of a level were given the best one for them.

    Of levels with `FEWEST` objects or more; 0 where the rule's level is the best for each.
    """
    loss, objects = np.array(found["loss"], float), np.array(found["table"]).sum(axis=1)
    enough = ~np.isnan(loss).any(axis=1)
    if not enough.any():
        return None
    gain = np.diag(loss)[enough] - loss[enough].min(axis=1)
    return float(np.average(gain, weights=objects[enough]))


def shares(levels: Sequence[int], found: dict) -> dict[str, float | None]:
    """The share of each level for the RoIs of each, and the least of all if none has too few."""
    parts = {
        f"P{k}'s share at P{i}": x
        for i, row in zip(levels, found["share"], strict=True)
        for k, x in zip(levels, row, strict=True)
    }
    least = {"least share": None if None in parts.values() else min(parts.values())}
    entropy = {f"entropy at P{k}": x for k, x in zip(levels, found["entropy"], strict=True)}
    return parts | least | entropy
