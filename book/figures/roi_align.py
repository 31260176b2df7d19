"""Draw how RoIAlign cuts a box out of a small map: python book/figures/roi_align.py.

It writes roi_align.svg. The bins are torchvision's own; the samples are computed here by hand.
"""

import json
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patches import Rectangle as Outline
from numpy.typing import NDArray
from pieces import LINE, SHADE, Frame, arrow, canvas, shaded, show, words
from torchvision.ops import roi_align

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import INK, themed, write_svg

PLACES = np.array([[0, 4, 8, 4, 0, 0], [2, 2, 6, 6, 2, 0], [0, 0, 4, 8, 6, 2], [0, 0, 2, 4, 4, 2]])
STRIDE, BINS, SAMPLES = 16, 2, 2  # bins of a side, and samples of a bin's side
BOX = 12, 8, 76, 40  # x1, y1, x2, y2 in pixels of the image
MAP = Frame(0.1, -0.55, 6, 4)  # a place is a unit
RESULT = Frame(7.45, -1.45, 2.2, 2.2)
CLOSE = Frame(1.2, -5.6, 2.6, 1.7)  # the first sample, and the four places around it


def binned() -> NDArray[np.float32]:
    """What torchvision's RoIAlign makes of the box: a number for each bin."""
    pixels, boxes = torch.tensor(PLACES)[None, None].float(), [torch.tensor([BOX]).float()]
    return roi_align(pixels, boxes, (BINS, BINS), 1 / STRIDE, SAMPLES)[0, 0].numpy()


def points() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where samples are, x and y in places, counted from the middle of the first place."""
    x1, y1, x2, y2 = (edge / STRIDE for edge in BOX)
    inside = (np.arange(BINS * SAMPLES) + 0.5) / (BINS * SAMPLES)
    return x1 + inside * (x2 - x1), y1 + inside * (y2 - y1)


def by_hand(x: float, y: float) -> tuple[float, float, float]:
    """Between the two upper places, between the two lower ones, and between both results."""
    left, top = int(x), int(y)
    rows = PLACES[top : top + 2, left : left + 2] @ [left + 1 - x, x - left]
    return *rows, float(rows @ [top + 1 - y, y - top])


def numbers() -> str:
    """What the drawing shows, for its file."""
    across, down = points()
    return json.dumps({"bins": binned().round(3).tolist(), "sample": by_hand(across[0], down[0])})


def at(x: float, y: float) -> tuple[float, float]:
    """A point of the map, in units of the drawing: a place's number stands in its middle."""
    return MAP.left + 0.5 + x, MAP.top - 0.5 - y


def dot(axis: Axes, point: tuple[float, float], colour: str, radius: float) -> None:
    axis.add_patch(Circle(point, radius, fc=colour, ec="none", zorder=5))


def outline(axis: Axes, edges: tuple[float, ...], colour: str, width: float, line: str) -> None:
    """A box x1, y1, x2, y2, in places."""
    (left, top), (right, bottom) = at(*edges[:2]), at(*edges[2:])
    look = {"fill": False, "ec": colour, "lw": width, "ls": line, "zorder": 4}
    axis.add_patch(Outline((left, bottom), right - left, top - bottom, **look))


def the_map(axis: Axes) -> None:
    """Places with their numbers, the box, its bins, and where it is sampled."""
    show(axis, shaded(0.5 * PLACES, GREEN, 0, 10), MAP)
    for (row, column), value in np.ndenumerate(PLACES):
        words(axis, at(column, row), str(value))
    x1, y1, x2, y2 = (edge / STRIDE for edge in BOX)
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    for edges in ((x1, y1, *middle), (*middle, x2, y2)):
        outline(axis, edges, BLUE, 1.2, "--")
    outline(axis, (x1, y1, x2, y2), BLUE, 2.4, "-")
    across, down = points()
    for x in across:
        for y in down:
            dot(axis, at(x, y), INK, 0.06)
    dot(axis, at(across[0], down[0]), ORANGE, 0.1)
    words(axis, (MAP.middle, MAP.top + LINE / 2 + 0.05), "map, box, bins and samples")


def the_bins(axis: Axes) -> None:
    """The result: each bin's mean of its samples."""
    found = binned()
    show(axis, shaded(0.5 * found, GREEN, 0, 10), RESULT, BLUE)
    step = RESULT.width / BINS
    for (row, column), value in np.ndenumerate(found):
        place = RESULT.left + (column + 0.5) * step, RESULT.top - (row + 0.5) * step
        words(axis, place, f"{value:.1f}")
    arrow(axis, (MAP.right + 0.15, RESULT.centre[1]), (RESULT.left - 0.1, RESULT.centre[1]))
    words(axis, (RESULT.middle, RESULT.top + LINE + 0.1), "each bin: the mean\nof its 4 samples")


def close_up(axis: Axes) -> None:
    """The first sample: along the upper edge, along the lower one, then down."""
    across, down = points()
    left, top = int(across[0]), int(down[0])
    x = CLOSE.left + (across[0] - left) * CLOSE.width
    upper, lower, found = by_hand(across[0], down[0])
    for i, y in enumerate((CLOSE.top, CLOSE.bottom)):
        axis.plot([CLOSE.left, CLOSE.right], [y, y], color=SHADE, lw=1.2)
        for side, ha in enumerate(((CLOSE.left - 0.25), (CLOSE.right + 0.25))):
            words(axis, (ha, y), str(PLACES[top + i, left + side]))
        dot(axis, (x, y), INK, 0.06)
    axis.plot([x, x], [CLOSE.top, CLOSE.bottom], color=SHADE, lw=1.2)
    words(axis, (x, CLOSE.top + 0.3), f"{upper:g}")
    words(axis, (x, CLOSE.bottom - 0.3), f"{lower:g}")
    sample = x, CLOSE.top - (down[0] - top) * CLOSE.height
    dot(axis, sample, ORANGE, 0.12)
    words(axis, (x + 0.25, sample[1]), f"{found:g}", "left")
    text = "the orange sample,\nbetween four places:\nfirst sideways,\nthen down"
    words(axis, (CLOSE.right + 1.2, CLOSE.centre[1]), text, "left")


@themed
def boxes_by_hand() -> Figure:
    """A box on a map, its bins, and one sample computed from four places."""
    figure, axis = canvas(tall=7.85)
    for part in (the_map, the_bins, close_up):
        part(axis)
    return figure


if __name__ == "__main__":
    write_svg(boxes_by_hand(), Path(__file__).with_suffix(".svg"), numbers())
    print(numbers())
