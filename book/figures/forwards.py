"""Draw the two forwards: python book/figures/forwards.py writes forwards.svg."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import themed, write_svg

GREY = "#8a8a8a"
WIDTH, HEIGHT = 1.6, 0.78  # of a box in the drawing
STEP = 1.92  # from one box to the next
TWO = (
    *("backbone\nC2..C5", "pyramid\nM, P2..P6", "proposals"),
    *("RoI\nselection", "box\nhead", "detections"),
)
ONE = ("backbone\nC3..C5", "pyramid\nM, P3..P7", "dense\nhead", "detections")


@themed
def forwards() -> Figure:
    """Both forwards as chains of boxes, AugFPN's parts in colour."""
    figure, axis = plt.subplots(figsize=(6.9, 4.1))
    axis.axis("off")
    chain(axis, TWO, 3.2, "two stages", {"pyramid": GREEN, "RoI": ORANGE})
    chain(axis, ONE, 0.6, "one stage", {"pyramid": GREEN})
    supervision(axis, 3.2, 2, "sampled RoIs")
    supervision(axis, 0.6, 3, "own detections")
    axis.set(xlim=(-0.9, 5 * STEP + 0.9), ylim=(-1.1, 4.2))
    return figure


def chain(axis: Axes, names: tuple, y: float, title: str, colours: dict[str, str]) -> None:
    """Boxes from left to right with arrows between them."""
    axis.text(-0.75, y + 0.7, title, weight="bold", size=11)
    for i, name in enumerate(names):
        part = next((c for start, c in colours.items() if name.startswith(start)), GREY)
        box(axis, i * STEP, y, name, part)
        if i:
            arrow(axis, ((i - 1) * STEP + WIDTH / 2, y), (i * STEP - WIDTH / 2, y), GREY)
    numbers = {GREEN: "2", ORANGE: "3"}
    for i, name in enumerate(names):
        for start, colour in colours.items():
            if name.startswith(start):
                badge(axis, i * STEP - WIDTH / 2, y + HEIGHT / 2, numbers[colour], colour)


def supervision(axis: Axes, y: float, source: int, what: str) -> None:
    """Consistent Supervision below the pyramid, and the RoIs that it gets."""
    x, below = STEP, y - 1.2
    box(axis, x, below, "Consistent\nSupervision", BLUE)
    badge(axis, x - WIDTH / 2, below + HEIGHT / 2, "1", BLUE)
    arrow(axis, (x, y - HEIGHT / 2), (x, below + HEIGHT / 2), BLUE)
    axis.text(x + 0.08, y - 0.62, "M", color=BLUE)
    arrow(axis, (source * STEP, y - HEIGHT / 2), (x + WIDTH / 2, below), BLUE)
    axis.text(source * STEP + 0.1, y - 0.75, what, color=BLUE)


def box(axis: Axes, x: float, y: float, name: str, colour: str) -> None:
    """A box with a name around (x, y)."""
    style = {"boxstyle": "round,pad=0,rounding_size=0.08", "ec": colour, "fc": "white", "lw": 1.8}
    axis.add_patch(FancyBboxPatch(
        (x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, **style))  # fmt: skip
    axis.text(x, y, name, ha="center", va="center", color="black")


def badge(axis: Axes, x: float, y: float, number: str, colour: str) -> None:
    """A part's number in a disk."""
    axis.text(x, y, number, color="white", weight="bold", ha="center", va="center",
              bbox={"boxstyle": "circle,pad=0.2", "fc": colour, "ec": colour})  # fmt: skip


def arrow(axis: Axes, start: tuple, end: tuple, colour: str) -> None:
    """An arrow from start to end."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.5})


if __name__ == "__main__":
    write_svg(forwards(), Path(__file__).with_suffix(".svg"))
