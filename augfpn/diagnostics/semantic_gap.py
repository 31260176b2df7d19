"""The first defect: do the levels mean the same before they are added? (paper, section 3.1)"""

from collections.abc import Sequence

import numpy as np

from augfpn.diagnostics.objects import Seen
from augfpn.diagnostics.probes import linear_cka, transfer


def semantic_gap(seen: Sequence[Seen]) -> dict:
    """How alike the levels of M are for the same objects, each object pooled from each level.

    ``levels``: their names, L of them; ``cka``: linear CKA of each two, (L, L); ``probe``: balanced
    accuracy of a classifier of objects that was fitted on level i and is judged on level j, (L, L).
    """
    names = sorted(name for name in seen[0].objects if name.startswith("M") and "+" not in name)
    levels = [np.concatenate([each.objects[name] for each in seen]) for name in names]
    labels = np.concatenate([each.labels for each in seen])
    return {
        "levels": names,
        "objects": len(labels),
        "cka": [[linear_cka(x, y) for y in levels] for x in levels],
        "probe": transfer(levels, labels, picture_of(seen)).tolist(),
    }


def picture_of(seen: Sequence[Seen]) -> np.ndarray:
    """The picture of each object: (n,)."""
    return np.repeat(np.arange(len(seen)), [len(each.labels) for each in seen])


def numbers(found: dict) -> dict[str, float]:
    """By name: how alike two levels are on the mean, and a probe's accuracy at home and away.

    "alike": linear CKA of two levels; "own level" and "other level": the accuracy on the level that
    a probe was fitted on, and on another; "gap": the former less the latter.
    """
    cka, probe = np.array(found["cka"]), np.array(found["probe"])
    other = ~np.eye(len(cka), dtype=bool)
    own, away = float(np.diag(probe).mean()), float(probe[other].mean())
    return {
        "alike": float(cka[other].mean()),
        "own level": own,
        "other level": away,
        "gap": own - away,
    }
