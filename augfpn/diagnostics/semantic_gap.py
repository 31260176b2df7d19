"""The first defect: do features of different levels mean the same? (paper, section 3.1)"""

from collections.abc import Sequence

import numpy as np

from augfpn.diagnostics.objects import Seen
from augfpn.diagnostics.probes import linear_cka, transfer


def semantic_gap(seen: Sequence[Seen]) -> dict:
    """How similar the levels of M are; every object is pooled from every level.

    ``levels``: the names of the L levels; ``cka``: linear CKA of each pair of levels, (L, L);
    ``probe``: balanced accuracy of a classifier of objects that was fitted on level i and is tested
    on level j, (L, L).
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
    """The index of each object's picture: (n,)."""
    return np.repeat(np.arange(len(seen)), [len(each.labels) for each in seen])
