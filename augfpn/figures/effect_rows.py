"""Figures of effects: a row for each, with its interval, its seeds and the paper's number."""

from collections.abc import Sequence
from itertools import chain

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN, OF_PAPER, PAPERS_MARK
from augfpn.figures.phases import CONFIRMATION
from augfpn.figures.theme import GREY, WIDTH, themed

APART = 0.17  # of a row: from its middle to what the pilot and the confirmation found
BELOW = 0.27  # of a row: from its interval to the dots of its seeds
FEW = 3  # seeds: the interval of fewer is dashed
DASHED = (0, (2.5, 1.2))
ROW_OF_EFFECT = 0.43  # inches
LONG_LABEL = 16  # letters: a longer label of a row takes two lines
FOR_A_COMMA = 4  # letters by which a line may be longer, if it then ends at a comma
OF_A_SEED = {"jitter": False, "color": GREY, "size": 4}


@themed
def effects(
    rows: Sequence[tuple[str, float, float, float, float | None]],
    runs: pd.DataFrame | None = None,
    headings: Sequence[str] = (),
) -> Figure:
    """Effects with their intervals, one below the other, and the paper's as hollow squares.

    A row is a label, the mean, the interval's ends and the paper's effect, all in points of AP; one
    whose label ends in `CONFIRMATION` shares the place of its pilot, which has the same label.
    ``runs`` has a row for each seed's dot, below its effect: the label, "minus FPN" of two runs. An
    interval of fewer than three of them is dashed. Labels that begin with one of ``headings`` and a
    comma stand below that heading, without it.
    """
    table = pd.DataFrame(rows, columns=["label", "mean", "low", "high", "paper"])
    table = placed(table)
    lines = under_headings(table["shown"].unique(), headings)
    table["at"] = table["shown"].map(lines.index) + table["apart"]
    figure, axis = plt.subplots(figsize=(WIDTH, 1.2 + ROW_OF_EFFECT * len(lines)))
    axis.axvline(0, color="black", lw=0.8)
    place = {"y": "at", "orient": "y", "native_scale": True, "ax": axis}
    points = place | {"linestyle": "none", "errorbar": None}
    here, later = table[~table["confirms"]], table[table["confirms"]]
    name = "pilot" if len(later) else "here" if runs is None else "mean over seeds"
    seaborn.pointplot(here, x="mean", color=BLUE, label=name, **points)
    if len(later):
        look = {"color": GREEN, "markers": "D", "markersize": 5, "label": "confirmation"}
        seaborn.pointplot(later, x="mean", **look, **points)
    if table["paper"].notna().any():
        axis.scatter(table["paper"], table["at"], **PAPERS_MARK, label=OF_PAPER, zorder=3)
    draw_intervals(axis, table, runs)
    if runs is not None:
        at = runs["label"].map(table.set_index("label")["at"]) + BELOW
        seaborn.stripplot(runs.assign(at=at), x="minus FPN", **place, **OF_A_SEED)
        axis.collections[-1].set_label("one seed")
    axis.set(xlabel="effect on AP, points", ylabel=None, ylim=(len(lines) - 0.5, -0.5))
    name_lines(axis, lines, headings)
    name_marks(axis)
    return figure


def heading_of(label: str, headings: Sequence[str]) -> str | None:
    """The heading that a label begins with, the longest of several; ``None`` without one."""
    return max((each for each in headings if label.startswith(f"{each}, ")), key=len, default=None)


def under_headings(labels: Sequence[str], headings: Sequence[str]) -> list[str]:
    """The labels in their order, and each heading above the first that begins with it."""
    above = (heading_of(label, headings) for label in labels)
    every = chain.from_iterable(zip(above, labels, strict=True))
    return [*dict.fromkeys(each for each in every if each is not None)]


def name_lines(axis: Axes, lines: Sequence[str], headings: Sequence[str]) -> None:
    """The labels at the left of the rows, and the headings, in bold, inside the axis."""
    names = {}
    for place, line in enumerate(lines):
        heading = heading_of(line, headings)
        if line in headings:
            inside = {"transform": axis.get_yaxis_transform(), "va": "center", "weight": "bold"}
            axis.text(0.01, place, line, **inside)
        else:
            names[place] = on_two_lines(line.removeprefix(f"{heading}, "))
    axis.set_yticks([*names], [*names.values()])


def name_marks(axis: Axes) -> None:
    """The legend of `effects`, above it; none for a single kind of mark."""
    if len(axis.get_legend_handles_labels()[1]) > 1:
        axis.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
    elif axis.get_legend():  # which seaborn draws itself
        axis.get_legend().remove()


def draw_intervals(axis: Axes, table: pd.DataFrame, runs: pd.DataFrame | None) -> None:
    """The intervals of `effects`; where there are few seeds they are dashed, as the legend says."""
    few = np.zeros(len(table), bool)
    if runs is not None:
        few = (table["label"].map(runs["label"].value_counts()) < FEW).to_numpy()
    colours = [GREEN if confirms else BLUE for confirms in table["confirms"]]
    line = {"color": colours, "lw": 2, "linestyles": [DASHED if each else "-" for each in few]}
    axis.hlines(table["at"], table["low"], table["high"], **line, zorder=1)
    axis.locator_params("x", nbins=6)  # so that the numbers of wide intervals stay apart
    if few.any():
        axis.plot([], [], color=GREY, lw=2, ls=DASHED, label=f"fewer than {FEW} seeds")


def placed(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `effects`, if one "confirms", the label "shown", how far "apart" from its middle."""
    of = table["label"].str.removesuffix(CONFIRMATION)
    confirms = of != table["label"]
    both = of.isin(of[confirms]) & of.isin(of[~confirms])
    shown = of.where(both, table["label"])
    apart = both * np.where(confirms, APART, -APART)
    return table.assign(confirms=confirms, shown=shown, apart=apart)


def on_two_lines(label: str) -> str:
    """The label of a row; a long one is broken near its middle, at a comma if one is near."""
    if len(label) <= LONG_LABEL:
        return label
    words = label.split(" ")
    breaks = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words))]

    def length(lines: Sequence[str]) -> int:
        return max(map(len, lines)) + (0 if lines[0].endswith(",") else FOR_A_COMMA)

    return "\n".join(min(breaks, key=length, default=[label]))
