"""Where the names of boxes stand on a picture: beside each other, and beside small objects."""

from collections.abc import Sequence

import numpy as np

COVERING = 3.0  # how much worse it is to cover a name than a box
ORDER = 0.01  # how much worse each next place is than the one before, if all else is equal
SWEEPS = 2  # times that each name looks for a better place, when all others have theirs


def places_of_names(
    edges: np.ndarray, sizes: Sequence[tuple[int, int]], picture: tuple[int, int]
) -> np.ndarray:
    """The left upper corner of each name, (R, 2) x y in px; the last name chooses first.

    A name stands above its box at the left, where nothing is in its way. Else it takes the place
    near its box where it covers the smallest part of names and of boxes, so that it hides no small
    object. All places are in the picture, whose width and height are ``picture``, if they fit.

    Shapes: edges: (R, 4) first and last pixels, x1 y1 x2 y2; sizes: width and height of each name.
    """
    boxes = edges + np.array([0, 0, 1, 1])
    names = np.zeros((len(edges), 4))  # x1 y1 x2 y2; without area: not placed yet
    for _ in range(1 + SWEEPS):
        for i in reversed(range(len(edges))):
            near = places_near(edges[i], sizes[i], picture)
            others = np.delete(names, i, axis=0)
            costs = COVERING * (share_covered(near, others) + share_covered(others, near).T).sum(
                axis=1
            )
            costs += share_covered(boxes, near).sum(axis=0)
            names[i] = near[np.argmin(costs + ORDER * np.arange(len(near)))]
    return names[:, :2]


def places_near(edge: np.ndarray, size: tuple[int, int], picture: tuple[int, int]) -> np.ndarray:
    """Rectangles (n, 4) for a name: above its box, below, inside, and at its sides."""
    (left, top, right, bottom), (width, height) = edge, size
    across = (left, right + 1 - width, (left + right + 1 - width) / 2)
    upright = (top, bottom + 1 - height)
    last = np.maximum(0, np.subtract(picture, size))
    outside = [(x, y) for y in (top - height, bottom + 1) for x in across if 0 <= y <= last[1]]
    inside = [(x, y) for y in upright for x in across]
    beside = [(x, y) for x in (right + 1, left - width) for y in upright]
    corners = np.round(np.clip([*outside, *inside, *beside], 0, last))
    return np.hstack([corners, corners + size])


def share_covered(under: np.ndarray, over: np.ndarray) -> np.ndarray:
    """How much of each rectangle (n, 4) each of others (m, 4) covers: (n, m), from 0 to 1."""
    low = np.maximum(under[:, None, :2], over[None, :, :2])
    high = np.minimum(under[:, None, 2:], over[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area = (under[:, 2:] - under[:, :2]).prod(axis=1)
    return shared / np.maximum(area, 1)[:, None]
