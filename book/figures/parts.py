"""Draw the inside of AugFPN's three parts: python book/figures/parts.py.

It writes part_cs.svg, part_rfa.svg and part_srs.svg. Shapes are those of an image of 800 x 1216
pixels with a ResNet-50, where C5 has 25 x 38 places.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import GREY, INK, WIDTH, themed, write_svg

LETTERS = 10.8  # points: some 9.8 px on a phone
ACROSS, APART, LINE, MARGIN = 10.0, 0.3, 0.5, 0.45  # width; between boxes; of a box and its lines
ARROW, INCHES = 0.75, 0.36  # height of an arrow; inches of a unit


class Row(NamedTuple):
    """Boxes side by side, and what stands beside the arrows that lead to the next row."""

    boxes: tuple[str, ...]
    below: str = ""
    is_part: bool = True  # else it is FPN's own
    dashed: bool = False  # in training only


FOUR = ("RoIAlign\n7 × 7",) * 4
FUSION = (
    Row(
        (
            "Adaptive Spatial Fusion: concatenate,\n1×1 convolution, ReLU, 3×3 convolution,\n"
            "sigmoid: a gate for each map and place",
        )
    ),
    Row(("every map times its gate, then the sum",)),
)
CS = [
    Row(tuple(f"$M_{k}$\nstride {2**k}" for k in (2, 3, 4, 5)), "the same RoIs", is_part=False),
    Row(FOUR, "256 × 7 × 7", dashed=True),
    Row(
        ("one second box head,\nshared by the four levels",),
        "class and box, four times",
        dashed=True,
    ),
    Row(("class loss and box loss of each level,\nsummed, times λ",), dashed=True),
]
RFA = [
    Row(("$C_5$: 2048 × 25 × 38",), is_part=False),
    Row(("pool to\n2 × 3", "pool to\n5 × 7", "pool to\n7 × 11")),
    Row(("1×1 conv.\nto 256",) * 3),
    Row(("enlarge to\n25 × 38",) * 3),
    *FUSION,
    Row(("$M_6$: 256 × 25 × 38",)),
    Row(("$M_5 + M_6$, and FPN's sums go on",), is_part=False),
]
SRS = [
    Row(tuple(f"$P_{k}$\nstride {2**k}" for k in (2, 3, 4, 5)), "the same RoI", is_part=False),
    Row(FOUR, "256 × 7 × 7"),
    *FUSION,
    Row(("FPN's box head, on 256 × 7 × 7",), is_part=False),
]


@themed
def drawn(rows: Sequence[Row], colour: str) -> Figure:
    """Rows of boxes from the top down, joined by arrows."""
    tops, top = [], 0.0
    for row in rows:
        tops.append(top)
        top -= high(row) + ARROW
    figure, axis = plt.subplots(figsize=(WIDTH, INCHES * -top))
    for row, at in zip(rows, tops, strict=True):
        for middle, name in zip(middles(row), row.boxes, strict=True):
            box(axis, middle, at, row, name, colour if row.is_part else GREY)
    for (upper, at), (lower, end) in pairwise(zip(rows, tops, strict=True)):
        arrows(axis, (upper, at - high(upper)), (lower, end))
    axis.set(xlim=(-0.1, ACROSS + 0.1), ylim=(top + ARROW - 0.1, 0.1))
    axis.axis("off")
    return figure


def high(row: Row) -> float:
    """The height of a row's boxes."""
    return MARGIN + LINE * max(1 + name.count("\n") for name in row.boxes)


def wide(row: Row) -> float:
    """The width of a row's boxes, which share the drawing's width."""
    return (ACROSS - APART * (len(row.boxes) - 1)) / len(row.boxes)


def middles(row: Row) -> list[float]:
    """Where a row's boxes have their middle."""
    return [wide(row) / 2 + i * (wide(row) + APART) for i in range(len(row.boxes))]


def box(axis: Axes, middle: float, top: float, row: Row, name: str, colour: str) -> None:
    """A box with its name."""
    corner = (middle - wide(row) / 2, top - high(row))
    look = {"boxstyle": "round,pad=0,rounding_size=0.12", "ec": colour, "fc": "none", "lw": 1.6}
    line = "--" if row.dashed else "-"
    axis.add_patch(FancyBboxPatch(corner, wide(row), high(row), **look, ls=line))
    place = {"ha": "center", "va": "center", "size": LETTERS, "color": INK}
    axis.text(middle, top - high(row) / 2, name, **place)


def arrows(axis: Axes, upper: tuple[Row, float], lower: tuple[Row, float]) -> None:
    """One from each box to its successor; straight down into a box that all lead to."""
    (row, start), (next_row, end) = upper, lower
    places = max((middles(row), middles(next_row)), key=len)
    look = {"arrowstyle": "-|>", "color": GREY, "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    for place in places:
        axis.annotate("", (place, end), (place, start), arrowprops=look)
    if row.below:
        between = ACROSS / 2 if len(places) % 2 == 0 else places[0] / 2
        style = {"ha": "center", "va": "center", "size": LETTERS, "color": INK}
        axis.text(between, (start + end) / 2, row.below, **style)


if __name__ == "__main__":
    for part, rows, colour in (("cs", CS, BLUE), ("rfa", RFA, GREEN), ("srs", SRS, ORANGE)):
        write_svg(drawn(rows, colour), Path(__file__).with_name(f"part_{part}.svg"))
