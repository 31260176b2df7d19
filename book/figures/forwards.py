"""Draw the two forwards: python book/figures/forwards.py writes forwards.svg."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import themed, write_svg

GREY = "#8a8a8a"
WIDTH, HEIGHT = 1.95, 0.76  # of a box in the drawing
STEP = 1.12  # from one box to the next
LEFT, RIGHT = 0.0, 4.8  # where the two chains stand
TWO = (
    *("backbone\nC2..C5", "pyramid\nM, P2..P6", "proposals"),
    *("RoI\nselection", "box\nhead", "detections"),
)
ONE = ("backbone\nC3..C5", "pyramid\nM, P3..P7", "dense\nhead", "detections")


@themed
def forwards() -> Figure:
    """Both forwards as chains of boxes from the top down, AugFPN's parts in colour."""
    figure, axis = plt.subplots(figsize=(5.2, 4.9))
    axis.axis("off")
    chain(axis, TWO, LEFT, "two stages", {"pyramid": GREEN, "RoI": ORANGE})
    chain(axis, ONE, RIGHT, "one stage", {"pyramid": GREEN})
    supervision(axis, LEFT, 2, "sampled\nRoIs")
    supervision(axis, RIGHT, 3, "own\ndetections")
    axis.set(xlim=(-1.2, RIGHT + 3.55), ylim=(-5 * STEP - 0.45, 0.95))
    return figure


def chain(axis: Axes, names: tuple, x: float, title: str, colours: dict[str, str]) -> None:
    """Boxes from the top down with arrows between them."""
    axis.text(x, 0.62, title, weight="bold", ha="center")
    for i, name in enumerate(names):
        part = next((c for start, c in colours.items() if name.startswith(start)), GREY)
        box(axis, x, -i * STEP, name, part)
        if i:
            arrow(axis, (x, (1 - i) * STEP - HEIGHT / 2), (x, -i * STEP + HEIGHT / 2), GREY)
    numbers = {GREEN: "2", ORANGE: "3"}
    for i, name in enumerate(names):
        for start, colour in colours.items():
            if name.startswith(start):
                badge(axis, x - WIDTH / 2, -i * STEP + HEIGHT / 2, numbers[colour], colour)


def supervision(axis: Axes, x: float, source: int, what: str) -> None:
    """Consistent Supervision beside the pyramid, and the RoIs that it gets."""
    beside, y = x + 2.35, -STEP
    box(axis, beside, y, "Consistent\nSupervision", BLUE)
    badge(axis, beside + WIDTH / 2, y + HEIGHT / 2, "1", BLUE)
    arrow(axis, (x + WIDTH / 2, y), (beside - WIDTH / 2, y), BLUE)
    axis.text((x + beside) / 2, y + 0.1, "M", color=BLUE, ha="center")
    arrow(axis, (x + WIDTH / 2, -source * STEP), (beside, y - HEIGHT / 2), BLUE)
    axis.text(beside + 0.1, -source * STEP, what, color=BLUE, ha="center", va="center")


def box(axis: Axes, x: float, y: float, name: str, colour: str) -> None:
    """A box with a name around (x, y)."""
    style = {"boxstyle": "round,pad=0,rounding_size=0.08", "ec": colour, "fc": "none", "lw": 1.8}
    axis.add_patch(FancyBboxPatch(
        (x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, **style))  # fmt: skip
    axis.text(x, y, name, size=11, ha="center", va="center")


def badge(axis: Axes, x: float, y: float, number: str, colour: str) -> None:
    """A part's number in a disk."""
    axis.text(x, y, number, color="white", weight="bold", ha="center", va="center",
              bbox={"boxstyle": "circle,pad=0.2", "fc": colour, "ec": colour})  # fmt: skip


def arrow(axis: Axes, start: tuple, end: tuple, colour: str) -> None:
    """An arrow from start to end."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.5})


if __name__ == "__main__":
    write_svg(forwards(), Path(__file__).with_suffix(".svg"))
