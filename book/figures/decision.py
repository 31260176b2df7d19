"""Draw the order in which to try AugFPN's parts: python book/figures/decision.py."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import GREY, INK, WIDTH, themed, write_svg

LONGER, SUPERVISED = (
    ("train longer,\ncome back", ORANGE),
    ("keep it", GREEN),
)  # ends, with their colours
AUGFPN, FPN = ("keep\nAugFPN", GREEN), ("keep\nFPN", BLUE)
QUESTIONS = [  # a question, and the answers that end the search; any other leads to the next one
    (
        "Train FPN with twice the steps.\nDoes that bring more than another\nseed changes?",
        {"yes": LONGER},
    ),
    (
        "Add Consistent Supervision,\nseven seeds of each. Is the interval\nabove zero?",
        {"yes": SUPERVISED},
    ),
    (
        "May inference take 1.2 times\nas long?",
        {"no": FPN},
    ),
    (
        "All three parts, even gates, eleven\nseeds of each. Is the interval\nabove zero?",
        {"yes": AUGFPN, "no": FPN},
    ),
]
WIDE, HIGH, STEP = 6.4, 1.5, 2.1  # of a question's box, and from one to the next
END, END_WIDE, END_HIGH = 7.8, 2.1, 0.9  # of a box on the right
LETTERS = 10.8  # points: some 9.8 px on a phone


@themed
def decision() -> Figure:
    """A question below the other; what ends the search stands to the right."""
    figure, axis = plt.subplots(figsize=(WIDTH, 5.6))
    for number, (question, ends) in enumerate(QUESTIONS):
        middle = -number * STEP
        box(axis, (0, middle), (WIDE, HIGH), question, GREY)
        if number:
            before = QUESTIONS[number - 1][1]
            start = (WIDE / 2, middle + STEP - HIGH / 2)
            arrow(axis, start, (WIDE / 2, middle + HIGH / 2), "no" if "yes" in before else "yes")
        for place, (answer, (words, colour)) in enumerate(ends.items()):
            apart = (0.5 - place) * (len(ends) - 1)
            box(axis, (END, middle + 1.2 * apart), (END_WIDE, END_HIGH), words, colour)
            arrow(axis, (WIDE, middle + 0.5 * apart), (END, middle + 1.2 * apart), answer)
    axis.set(xlim=(-0.1, END + END_WIDE + 0.1), ylim=(-(len(QUESTIONS) - 0.4) * STEP, 1))
    axis.axis("off")
    return figure


def box(
    axis: Axes, at: tuple[float, float], size: tuple[float, float], text: str, colour: str
) -> None:
    """A box with its text; ``at`` is the middle of its left side."""
    (left, middle), (wide, high) = at, size
    axis.add_patch(
        plt.Rectangle((left, middle - high / 2), wide, high, fill=False, ec=colour, lw=1.6)
    )
    axis.text(left + wide / 2, middle, text, ha="center", va="center", size=LETTERS, color=INK)


def arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], answer: str) -> None:
    """An arrow with the answer that it stands for: beside it, or above it."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.4})
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    down = start[0] == end[0]
    place = {"xytext": (8, 0), "va": "center"} if down else {"xytext": (-8, 6), "va": "bottom"}
    axis.annotate(answer, middle, textcoords="offset points", color=GREY, size=LETTERS, **place)


if __name__ == "__main__":
    write_svg(decision(), Path(__file__).with_suffix(".svg"))
