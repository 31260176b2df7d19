"""Draw the order in which to try AugFPN's parts: python book/figures/decision.py."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.theme import GREY, INK, WIDTH, themed, write_svg

STEPS = [  # what a box says, and the answer that ends the search; any other leads to the next box
    (
        "Train FPN with twice the steps. Does\nthat bring more than 2 points?\n"
        "(4, if you would test all three parts)",
        {"yes": "train longer,\nask again"},
    ),
    (
        "Choose one test: Consistent\nSupervision, or all three parts\nif inference may be slower.",
        {},
    ),
    (
        "Run three pairs. augfpn then says how\nmany pairs it takes. Choose the number\n"
        "once. Are so many pairs worth it?",
        {"no": "keep FPN"},
    ),
    (
        "Run that many pairs, and stop. Where does the\ninterval of the difference to FPN lie?",
        {},
    ),
]
ANSWERS = {
    "above zero": "keep the part",
    "contains zero": "undecided:\nkeep FPN",
    "below zero": "keep FPN",
}
GOES_ON = {"yes": "no", "no": "yes"}  # the answer that leads to the next box, by the one that ends
WIDE, LINE, MARGIN, GAP = 6.7, 0.42, 0.5, 0.75  # of a box and its lines; from one box to the next
END = 7.75  # where the words on the right begin
LAST = (1.4, 4.6, 8.0)  # where those of the last box stand
LETTERS = 10.8  # points: some 9.8 px on a phone


@themed
def decision() -> Figure:
    """A box below the other; what ends the search stands to the right, and below the last."""
    figure, axis = plt.subplots(figsize=(WIDTH, 5.4))
    bottom = GAP
    for number, (words, ends) in enumerate(STEPS):
        high = LINE * (1 + words.count("\n")) + MARGIN
        top, middle = bottom - GAP, bottom - GAP - high / 2
        if number:
            answer = "".join(GOES_ON[each] for each in STEPS[number - 1][1])
            arrow(axis, (WIDE / 2, bottom), (WIDE / 2, top), answer)
        wide = END + 2.3 if number == len(STEPS) - 1 else WIDE
        box(axis, middle, high, words, wide)
        for answer, end in ends.items():
            arrow(axis, (WIDE, middle), (END, middle), answer)
            axis.text(END + 0.1, middle, end, va="center", size=LETTERS, weight="bold", color=INK)
        bottom = top - high
    for x, (answer, end) in zip(LAST, ANSWERS.items(), strict=True):
        arrow(axis, (x, bottom), (x, bottom - GAP), answer)
        below = {"ha": "center", "va": "top", "size": LETTERS, "weight": "bold", "color": INK}
        axis.text(x, bottom - GAP - 0.12, end, **below)
    axis.set(xlim=(-0.1, END + 2.5), ylim=(bottom - GAP - 0.95, 0.1))
    axis.axis("off")
    return figure


def box(axis: Axes, middle: float, high: float, words: str, wide: float) -> None:
    """A box with its words."""
    frame = plt.Rectangle((0, middle - high / 2), wide, high, fill=False, ec=GREY, lw=1.4)
    axis.add_patch(frame)
    axis.text(wide / 2, middle, words, ha="center", va="center", size=LETTERS, color=INK)


def arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], answer: str) -> None:
    """An arrow with the answer that it stands for: beside it, or above it."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.4})
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    down = start[0] == end[0]
    place = {"xytext": (8, 0), "va": "center"} if down else {"xytext": (-8, 4), "va": "bottom"}
    axis.annotate(answer, middle, textcoords="offset points", color=GREY, size=LETTERS, **place)


if __name__ == "__main__":
    write_svg(decision(), Path(__file__).with_suffix(".svg"))
