"""Single numbers from a record's ``diagnostics.json``, by name, for claims and tables.

This needs no torch: it reads what `augfpn.diagnostics.measure` has measured.
"""

from collections.abc import Sequence

import numpy as np

_LEVELS = range(2, 6)  # of the pyramid, P2 to P5
_GAP = ("alike", "own level", "other level", "gap", "spread of levels")
_MAPS = ("M5", "M5 + M6", "P5")
MEASURED = (  # all names; a test compares them with those of the committed records
    *_GAP,
    *(f"{name} before training" for name in _GAP),
    *(f"C5 lost in {name}" for name in _MAPS),
    *(f"content from {name}" for name in ("C5", *_MAPS)),
    *(f"classes from {name}" for name in ("C5", *_MAPS)),
    *(f"surroundings in {name}" for name in ("C5", *_MAPS)),
    *("change across a border", "change elsewhere"),
    *("loss near a border", "loss far from a border"),
    *("loss, level by rule", "loss, level by choice"),
    *("right, level by rule", "right, level by choice"),
    "gain from another level by size",
    *(f"P{k}'s share at P{i}" for i in _LEVELS for k in _LEVELS),
    *("least share", *(f"entropy at P{i}" for i in _LEVELS)),
)
_BOUNDED = ("entropy", "C5 lost", "classes", "own", "other", "right")
SHARES = tuple(  # they lie between 0 and 1, and have their intervals on the logit scale
    name for name in MEASURED if "share" in name or name.startswith(_BOUNDED)
)


def diagnostic_numbers(found: dict) -> dict[str, float]:
    """All numbers of a record's diagnostics; those that were not measured are left out."""
    gaps = {"": found["semantic_gap"], " before training": found["semantic_gap_before"]}
    named: dict[str, float | None] = {}
    for when, gap in gaps.items():
        named |= {f"{name}{when}": x for name, x in gap_numbers(gap).items()}
    named |= top_level_numbers(found["top_level"])
    if found.get("assignment"):
        named |= assignment_numbers(found["assignment"])
    return {name: x for name, x in named.items() if x is not None}


def gap_numbers(found: dict) -> dict[str, float]:
    """The semantic gap: how similar levels are, and a probe's accuracy on its own and other levels.

    "alike": the mean linear CKA of two different levels; "own level" and "other level": the mean
    accuracy on the level that a probe was fitted on, and on another; "gap": their difference;
    "spread of levels": the best level's own accuracy minus the worst level's.
    """
    cka, probe = np.array(found["cka"]), np.array(found["probe"])
    other = ~np.eye(len(cka), dtype=bool)
    own, away = float(np.diag(probe).mean()), float(probe[other].mean())
    return {
        "alike": float(cka[other].mean()),
        "own level": own,
        "other level": away,
        "gap": own - away,
        "spread of levels": float(np.ptp(np.diag(probe))),
    }


def top_level_numbers(found: dict) -> dict[str, float]:
    """The top level: "content from P5", "classes from P5", "surroundings in P5", ...

    "C5 lost in P5" is the share of C5's variance that is not recovered from P5.
    """
    lost = {f"C5 lost in {name}": 1 - x for name, x in found["c5"].items()}
    words = {
        "content": "content from",
        "classes": "classes from",
        "surroundings": "surroundings in",
    }
    return lost | {
        f"{text} {name}": x for key, text in words.items() for name, x in found[key].items()
    }


def assignment_numbers(found: dict) -> dict[str, float | None]:
    """Levels and RoIs: "change across a border", "loss, level by rule", "P5's share at P2", ..."""
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
        named |= share_numbers(found["levels"], found["mixture"])
    return named


def gain_by_size(found: dict) -> float | None:
    """How much the mean loss would fall if each size class were read from its best level.

    A size class is all objects that the rule gives to one level. Classes with too few objects are
    left out. The gain is 0 if the rule's level is the best one for every size class.
    """
    loss, objects = np.array(found["loss"], float), np.array(found["table"]).sum(axis=1)
    enough = ~np.isnan(loss).any(axis=1)
    if not enough.any():
        return None
    gain = np.diag(loss)[enough] - loss[enough].min(axis=1)
    return float(np.average(gain, weights=objects[enough]))


def share_numbers(levels: Sequence[int], found: dict) -> dict[str, float | None]:
    """For the RoIs of each level: every level's share of the weights, the least share, the entropy.

    The least share is ``None`` if a level has too few RoIs.
    """
    parts = {
        f"P{k}'s share at P{i}": x
        for i, row in zip(levels, found["share"], strict=True)
        for k, x in zip(levels, row, strict=True)
    }
    least = {"least share": None if None in parts.values() else min(parts.values())}
    entropy = {f"entropy at P{k}": x for k, x in zip(levels, found["entropy"], strict=True)}
    return parts | least | entropy
