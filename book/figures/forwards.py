"""Draw the two forwards: python book/figures/forwards.py writes forwards.svg."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import themed, write_svg

GREY = "#8a8a8a"
WIDTH, HEIGHT = 2.1, 0.74  # of a box in the drawing
ACROSS, DOWN = 2.7, 1.1  # from one box to the next
TWO = (
    *("backbone\nC2..C5", "pyramid\nM, P2..P6", "proposals"),
    *("RoI selection", "box head", "NMS,\ndetections"),
)
ONE = ("backbone\nC3..C5", "pyramid\nM, P3..P7", "dense head", "NMS,\ndetections")
INCHES = 0.62  # of a row

Place = tuple[float, float]  # column and row, from the top


@themed
def forwards() -> Figure:
    """Both forwards, one below the other: a chain from the top down, and beside it training."""
    size = (5.2, INCHES * 12.2)
    figure, (two, one) = plt.subplots(2, 1, figsize=size, height_ratios=(6.6, 5.6))
    chain(two, TWO, "two stages")
    training(two, 2, 2, head=(0, 4))
    joined(two, (0.92, 2.36), (0.4, 2.9), dashed=True)
    badge(two, (0, 1), "2", GREEN)
    badge(two, (0, 3), "3", ORANGE)
    chain(one, ONE, "one stage")
    training(one, 2, 3)
    badge(one, (0, 1), "2", GREEN)
    for axis, rows in ((two, 6), (one, 5)):
        axis.axis("off")
        limits = (-WIDTH / 2 - 0.3, 2 * ACROSS + WIDTH / 2 + 0.1)
        axis.set(xlim=limits, ylim=((0.5 - rows) * DOWN, DOWN * 0.85))
    return figure


def chain(axis: Axes, names: tuple[str, ...], title: str) -> None:
    """What an image goes through: boxes from the top down."""
    axis.text(0, 0.6, title, weight="bold", ha="center")
    axis.text(1.5 * ACROSS, 0, "dashed: in training only", ha="center", va="center", size=11)
    colours = {"pyramid\n": GREEN, "RoI selection": ORANGE}
    for row, name in enumerate(names):
        colour = next((c for start, c in colours.items() if name.startswith(start)), GREY)
        box(axis, (0, row), name, colour)
        if row:
            joined(axis, (0, row - 0.66), (0, row - 0.34))


def training(axis: Axes, first: int, last: int, head: Place | None = None) -> None:
    """Annotations, the matcher beside some rows of the chain, and the losses.

    ``head`` is a place of the chain whose output goes to the losses, too.
    """
    middle = (first + last) / 2
    for row in range(first, last + 1):
        joined(axis, (0.4, row), (0.6, row), dashed=True)
    box(axis, (1, middle), "matcher,\nsampler", GREY, dashed=True, rows=1 + last - first)
    box(axis, (2, middle), "annotations", GREY, dashed=True)
    joined(axis, (1.6, middle), (1.4, middle), dashed=True)
    box(axis, (1, 1), "Consistent\nSupervision", BLUE, dashed=True)
    badge(axis, (1 + WIDTH / ACROSS, 1), "1", BLUE)  # at the right: at the left stands M
    joined(axis, (0.4, 1), (0.6, 1), BLUE, dashed=True)
    axis.text(ACROSS / 2, -0.86 * DOWN, "M", color=BLUE, ha="center", va="bottom")
    joined(axis, (1, first - 0.34), (1, 1.34), BLUE, dashed=True)
    axis.text(1.06 * ACROSS, -1.5 * DOWN, "sampled RoIs", color=BLUE, va="center", size=11)
    box(axis, (2, 1), "losses on M:\nclass, box", BLUE, dashed=True)
    joined(axis, (1.4, 1), (1.6, 1), BLUE, dashed=True)
    box(axis, (1, 4), "head's losses:\nclass, box", GREY, dashed=True)
    joined(axis, (1, last + 0.34), (1, 3.66), dashed=True)
    if head is not None:
        joined(axis, (head[0] + 0.4, head[1]), (0.6, head[1]), dashed=True)


def box(axis: Axes, at: Place, name: str, colour: str, dashed: bool = False, rows: int = 1) -> None:
    """A box with a name around a place, as high as so many rows."""
    x, y, height = at[0] * ACROSS, -at[1] * DOWN, HEIGHT + (rows - 1) * DOWN
    style = {"boxstyle": "round,pad=0,rounding_size=0.08", "ec": colour, "fc": "none", "lw": 1.8}
    corner = (x - WIDTH / 2, y - height / 2)
    line = "--" if dashed else "-"
    axis.add_patch(FancyBboxPatch(corner, WIDTH, height, **style, ls=line))
    axis.text(x, y, name, size=11, ha="center", va="center")


def badge(axis: Axes, at: Place, number: str, colour: str) -> None:
    """A part's number in a disk, at the upper left corner of its box."""
    x, y = at[0] * ACROSS - WIDTH / 2, -at[1] * DOWN + HEIGHT / 2
    axis.text(x, y, number, color="white", weight="bold", ha="center", va="center", size=11,
              bbox={"boxstyle": "circle,pad=0.2", "fc": colour, "ec": colour})  # fmt: skip


def joined(axis: Axes, start: Place, end: Place, colour: str = GREY, dashed: bool = False) -> None:
    """An arrow from one place to another."""
    ends = [(column * ACROSS, -row * DOWN) for column, row in (end, start)]
    look = {"arrowstyle": "-|>", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", *ends, arrowprops=look | {"ls": "--" if dashed else "-"})


if __name__ == "__main__":
    write_svg(forwards(), Path(__file__).with_suffix(".svg"))
