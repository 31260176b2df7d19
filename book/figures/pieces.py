"""Pieces of drawings that show maps: maps in a level's colour, boxes, arrows, words.

A drawing is ACROSS units wide; heights are counted downwards from 0.
"""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from numpy.typing import NDArray

from augfpn.figures.theme import GREY, INK, WIDTH

LETTERS = 10.8  # points: some 9.8 px on a phone
ACROSS, LINE = 10.0, 0.4  # units: the width of a drawing, a line of words
UNIT = WIDTH / ACROSS  # inches
LEAST_PIXELS = 160  # of a map's long side: enlarged beforehand, so that no browser blurs its places
STEPS = 40  # from none to all of a colour: more would only make files larger
SHADE = "#808080"  # seen on white and on dark pages
SHUT, OPEN = "#f2f2f2", "#2b2b2b"  # weights of 0 and 1, which a dark page leaves as they are
DASHED = (0, (3, 2))
FPN_GREY = "#8a8a8a"  # of FPN's own arrows, as in the other drawings
Point = tuple[float, float]


class Frame(NamedTuple):
    """Where something is drawn."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top - self.height

    @property
    def centre(self) -> Point:
        return self.middle, self.top - self.height / 2


def canvas(tall: float) -> tuple[Figure, Axes]:
    """An empty drawing, so many units tall."""
    figure = plt.figure(figsize=(WIDTH, UNIT * tall), layout="none")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    axis.set(xlim=(0, ACROSS), ylim=(-tall, 0), autoscale_on=False)
    return figure, axis


def shaded(values: NDArray, colour: str, low: float | None = None, high: float | None = None):
    """A map (h, w) as pixels (h, w, 4): the larger a value, the more of the colour it has.

    ``low`` and ``high``, by default the least and the largest value, have none and all of it.
    """
    low, high = (values.min() if low is None else low), (values.max() if high is None else high)
    alpha = np.clip((values - low) / (high - low), 0, 1)
    flat = np.broadcast_to(to_rgb(colour), (*values.shape, 3))
    in_steps = (STEPS * alpha).round() / STEPS
    return (255 * np.dstack([flat, in_steps])).round().astype(np.uint8)


def weighed(values: NDArray) -> NDArray[np.uint8]:
    """Weights (h, w) from 0 to 1 as opaque greys (h, w, 3), the same on white and dark pages."""
    low, high = (np.array(to_rgb(shade)) for shade in (SHUT, OPEN))
    in_steps = (STEPS * np.clip(values, 0, 1)).round()[..., None] / STEPS
    return (255 * (low + (high - low) * in_steps)).round().astype(np.uint8)


def show(axis: Axes, pixels: NDArray, place: Frame, edge: str = GREY) -> Frame:
    """Pixels (h, w, 3 or 4) in a frame, whose place is returned."""
    times = max(1, round(LEAST_PIXELS / max(pixels.shape[:2])))
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)
    extent = (place.left, place.right, place.bottom, place.top)
    axis.imshow(large, extent=extent, interpolation="none", aspect="auto", zorder=2)
    look = {"fill": False, "ec": edge, "lw": 0.9, "zorder": 3}
    axis.add_patch(Rectangle((place.left, place.bottom), place.width, place.height, **look))
    return place


def mark(axis: Axes, box: tuple[float, ...], of: Point, place: Frame) -> None:
    """The box (x1, y1, x2, y2) of an image of the size ``of`` (width, height), drawn in a frame."""
    across, down = place.width / of[0], place.height / of[1]
    corner = place.left + across * box[0], place.top - down * box[3]
    sides = across * (box[2] - box[0]), down * (box[3] - box[1])
    for colour, width in (("white", 2.8), (INK, 1.2)):
        axis.add_patch(Rectangle(corner, *sides, fill=False, ec=colour, lw=width, zorder=4))


def words(axis: Axes, at: Point, text: str, ha: str = "center", colour: str = INK) -> None:
    """Words around a point, or from it to the right (``ha`` "left")."""
    axis.text(*at, text, ha=ha, va="center", size=LETTERS, color=colour, linespacing=1.15)


def boxed(axis: Axes, place: Frame, text: str, edge: str = INK, dashed: bool = False) -> Frame:
    """Words in a box."""
    look = {"boxstyle": "round,pad=0,rounding_size=0.12", "ec": edge, "fc": "none", "lw": 1.5}
    line = DASHED if dashed else "-"
    corner = (place.left, place.bottom)
    axis.add_patch(FancyBboxPatch(corner, place.width, place.height, **look, ls=line))
    words(axis, place.centre, text)
    return place


def arrow(axis: Axes, *points: Point, colour: str = INK, dashed: bool = False) -> None:
    """An arrow through points, with its head at the last one."""
    look = {"color": colour, "lw": 1.4}
    *_, start, end = points
    axis.plot(*zip(*points[:-1], strict=True), **look, ls=DASHED if dashed else "-")
    line = {"ls": DASHED if dashed else "-", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", **look, **line))


def plus(axis: Axes, at: Point, colour: str = INK, radius: float = 0.2) -> None:
    """A sum, as a circle with a plus."""
    axis.add_patch(Circle(at, radius, fill=False, ec=colour, lw=1.5, zorder=4))
    for x, y in ((0.6 * radius, 0.0), (0.0, 0.6 * radius)):
        ends = (at[0] - x, at[0] + x), (at[1] - y, at[1] + y)
        axis.plot(*ends, color=colour, lw=1.5, zorder=4)


def scale(axis: Axes, place: Frame) -> None:
    """The scale of weights, from 0 at the bottom of a frame to 1 at its top."""
    show(axis, weighed(np.linspace(1, 0, 32)[:, None]), place)
    for text, height in (("1", place.top + LINE / 2), ("0", place.bottom - LINE / 2)):
        words(axis, (place.middle, height), text)
