"""Silhouettes of the objects in scenes, and the plane geometry that all drawing uses.

The rules of `augfpn.data.scenes.drawing` on exact operations, lengths and axes hold here, too.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, sqrt
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]
Real = TypeVar("Real", float, Floats32)
T = TypeVar("T")
Point = tuple[float, float]
Window = tuple[slice, slice]  # rows and columns of a canvas

# A silhouette is one wedge of a regular figure, repeated by mirrors through its centre, then
# rounded. The mirrors are given by their normals, the outline as points inside the wedge.
_DIAGONAL, _SIN60 = sqrt(1 / 2), sqrt(3) / 2
_COS36, _SIN36 = (1 + sqrt(5)) / 4, sqrt(10 - 2 * sqrt(5)) / 4
_COS72, _SIN72 = (sqrt(5) - 1) / 4, sqrt(10 + 2 * sqrt(5)) / 4
MIRRORS: dict[str, tuple[Point, ...]] = {
    "disk": (),
    "square": ((-1, 0), (-_DIAGONAL, _DIAGONAL)),
    "triangle": ((-_SIN60, 0.5),),
    "star": ((-_SIN72, -_COS72), (-_SIN36, _COS36)),
    "cross": ((-1, 0), (-_DIAGONAL, _DIAGONAL)),
    "pill": ((-1, 0),),
}
OUTLINES: dict[str, tuple[Point, ...]] = {
    "disk": ((0, 0), (0, 0)),  # a disk is a rounded point
    "square": ((1, 0), (0.5, 0.5)),
    "triangle": ((1, 0), (0.25, _SIN60 / 2)),
    "star": ((1, 0), (0.44 * _COS36, 0.44 * _SIN36)),
    "cross": ((1, 0), (1, 0.27), (0.27, 0.27)),
    "pill": ((0.6, 0), (0, 0)),  # a rounded line
}
CORNER_RADIUS = {  # by which a silhouette of radius 1 is rounded
    "disk": 1.0,
    "square": 0.2,
    "triangle": 0.2,
    "star": 0.06,
    "cross": 0.08,
    "pill": 0.4,
}


class Patch(NamedTuple):
    """A silhouette in its place: its window of the canvas, and for each pixel of the window the
    position in the silhouette's own axes and the distance to its edge."""

    window: Window
    x: Floats32
    y: Floats32
    distance: Floats32  # to the edge, negative inside
    size: float
    turn: Point


def between(rng: Generator, low: float, high: float) -> float:
    """A number drawn uniformly."""
    return low + (high - low) * rng.random()


def log_between(rng: Generator, low: float, high: float) -> float:
    """A number drawn log-uniformly, by bisection at geometric means, because exp is not exact."""
    for _ in range(12):
        middle = sqrt(low * high)
        low, high = (low, middle) if rng.random() < 0.5 else (middle, high)
    return low


def pick(rng: Generator, options: Sequence[T]) -> T:
    """One of the options, each equally likely."""
    return options[int(rng.random() * len(options))]


def turn_within(rng: Generator, widest: float = 1.0) -> Point:
    """Cosine and sine of a random angle up to 2 atan(widest) to either side; 1: a right angle."""
    t = between(rng, -widest, widest)
    return (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)


def turned(x: Real, y: Real, turn: Point) -> tuple[Real, Real]:
    """The coordinates of points, or of one point, in turned axes."""
    return x * turn[0] + y * turn[1], y * turn[0] - x * turn[1]


def axes(window: Window, centre: Point, turn: Point) -> tuple[Floats32, Floats32]:
    """The coordinates of a window's pixels in axes turned about a centre: x and y, each (h, w)."""
    down, across = (np.arange(s.start, s.stop, dtype=np.float32) + 0.5 for s in window)
    return turned(across - centre[0], (down - centre[1])[:, None], turn)


def fold(name: str, x: Real, y: Real) -> tuple[Real, Real]:
    """Points, or one point, mirrored into a silhouette's wedge."""
    y = np.abs(y)
    for a, b in MIRRORS[name]:
        over = np.maximum(x * a + y * b, 0) * 2
        x, y = x - over * a, y - over * b
    return x, np.abs(y)


def reach(name: str, x: float, y: float) -> float:
    """How far a silhouette of radius 1 reaches in a direction.

    Of a point's mirror images, the one in the wedge of a direction lies farthest in that direction.
    """
    x, y = fold(name, x, y)
    return max(float(x * a + y * b) for a, b in OUTLINES[name]) + CORNER_RADIUS[name]


def distance(name: str, x: Floats32, y: Floats32, radius: float) -> Floats32:
    """Distance in px to the edge of a silhouette, negative inside."""
    x, y = fold(name, x, y)
    squared, outside = np.float32(np.inf), np.float32(-np.inf)
    for (ax, ay), (bx, by) in pairwise(OUTLINES[name]):
        px, py = x - ax * radius, y - ay * radius
        ex, ey = (bx - ax) * radius, (by - ay) * radius
        along = np.clip((px * ex + py * ey) / (ex * ex + ey * ey or 1), 0, 1)
        outside = np.maximum(outside, px * ey - py * ex)
        px -= along * ex
        py -= along * ey
        squared = np.minimum(squared, px * px + py * py)
    edge = np.sqrt(squared)
    return np.where(outside < 0, -edge, edge) - CORNER_RADIUS[name] * radius


def blur(size: float) -> float:
    """The blur of an object's shadow, px."""
    return 1.5 + 0.04 * size


def silhouette(rng: Generator, name: str, size: float, turn: Point, picture: Window) -> Patch:
    """A silhouette at a random place in the picture; the longer side of its box is `size` px."""
    right, left, below, above = (
        reach(name, *turned(x, y, turn)) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    )
    radius = size / max(left + right, above + below)
    over, spare = 0.07 * size, 2 * blur(size) + 1  # the shadow ends two blurs from the edge
    window, corner = [], []
    for side, span in zip(picture, (above + below, left + right), strict=True):
        start = between(rng, side.start - over, side.stop - span * radius + over)
        window.append(slice(floor(start - spare), ceil(start + span * radius + spare)))
        corner.append(start)
    x, y = axes(window, (corner[1] + left * radius, corner[0] + above * radius), turn)
    return Patch(tuple(window), x, y, distance(name, x, y, radius), size, turn)
