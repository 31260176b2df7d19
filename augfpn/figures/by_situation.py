"""A drawing of effects with their intervals in panels: a row for each situation."""

import textwrap
from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from augfpn.figures.colours import BLUE, GREEN, OF_PAPER, PAPERS_MARK
from augfpn.figures.theme import WIDTH, themed

OF_FIXED, OF_PILOT, OF_LATER = "fixed beforehand", "pilot", "run later"
MARKS = {  # how a kind of result is drawn
    OF_FIXED: {"color": GREEN, "marker": "D", "s": 34},
    OF_PILOT: {"color": BLUE, "marker": "o", "s": 36, "facecolors": "white", "linewidths": 1.6},
    OF_LATER: {"color": BLUE, "marker": "o", "s": 36},
    OF_PAPER: PAPERS_MARK,
}
ROW_INCHES, TITLE_ROWS = 0.27, 2.4  # inches of a row; rows that a panel's title and axis take
NEXT_LINE = 0.65  # of a row: by so much each further line of its label makes it taller
LONGEST_LINE = 24  # letters of a label that stand on one line
TITLE_LEFT = -0.35  # of an axis' width: so far left of it a title begins
FEW_POINTS = 8  # points: an axis that spans less has a tick at each
SITUATION_SIZE = 10.8  # points: some 9.8 px on a phone
LIMIT_POINTS = 5.0  # of AP: where the axis ends, if effects lie farther; an arrow leads to them
BESIDE = {"size": SITUATION_SIZE, "va": "center", "ha": "right"}  # numbers beside a row
SEEDS_AT = 33  # points to the right of an axis: where the column of numbers ends


@themed
def by_situation_figure(of: pd.DataFrame) -> Figure:
    """Effects in points of AP, one axis for all panels.

    ``of`` has the columns part, the panel, situation, mean, low, high, seeds and kind, a key of
    `MARKS`. Rows of a panel with the same situation, such as ours and the paper's, are one row.
    """
    panels = dict(tuple(of.groupby("part", sort=False)))
    places = {part: places_of_rows(rows["situation"]) for part, rows in panels.items()}
    heights = [rows_in_all(each) + TITLE_ROWS for each in places.values()]
    figure, axes = plt.subplots(
        len(panels),
        sharex=True,
        figsize=(WIDTH, 1.1 + ROW_INCHES * sum(heights)),
        height_ratios=heights,
        squeeze=False,
    )
    for axis, (part, rows) in zip(axes[:, 0], panels.items(), strict=True):
        draw_panel(axis, str(part), rows, places[part])
        axis.tick_params("x", labelbottom=True, labelsize=SITUATION_SIZE)
    last = axes[-1, 0]
    low, high = (max(-LIMIT_POINTS, min(LIMIT_POINTS, x)) for x in last.get_xlim())
    last.set_xlim(low, high)
    last.xaxis.set_major_locator(MultipleLocator(1 if high - low < FEW_POINTS else 2))
    last.set_xlabel("effect on AP, points")
    for kind in dict.fromkeys(of["kind"]):
        last.scatter([], [], **MARKS[kind], label=kind)
    write_seeds(axes[0, 0], -1, "seeds")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def places_of_rows(situations: Iterable[str]) -> dict[str, float]:
    """Where the middle of each situation's row is, in rows of one line."""
    places, end = {}, 0.0
    for situation in dict.fromkeys(situations):
        tall = rows_for(situation)
        places[situation] = end + (tall - 1) / 2
        end += tall
    return places


def rows_for(label: str) -> float:
    """How many rows of one line a label takes."""
    return 1 + NEXT_LINE * (len(textwrap.wrap(label, LONGEST_LINE)) - 1)


def rows_in_all(places: Mapping[str, float]) -> float:
    """How many rows of one line the rows take."""
    situation, place = list(places.items())[-1]
    return place + (1 + rows_for(situation)) / 2


def draw_panel(axis: Axes, part: str, rows: pd.DataFrame, places: Mapping[str, float]) -> None:
    """One panel: marks with their intervals for each situation, the first at the top."""
    axis.axvline(0, color="black", lw=0.8, zorder=1)
    for row in rows.itertuples():
        draw_effect(axis, places[row.situation], row.mean, row.low, row.high, MARKS[row.kind])
        if row.seeds > 1:
            write_seeds(axis, places[row.situation], str(row.seeds))
    labels = [textwrap.fill(each, LONGEST_LINE) for each in places]
    axis.set_yticks([*places.values()], labels, size=SITUATION_SIZE)
    axis.set_ylim(rows_in_all(places) - 0.4, -0.6)
    axis.set_title(part, loc="left", x=TITLE_LEFT, size=SITUATION_SIZE, weight="bold")


def write_seeds(axis: Axes, at: float, text: str) -> None:
    """The column to the right of the rows: how many seeds each has."""
    right = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points"}
    axis.annotate(text, (1, at), (SEEDS_AT, 0), **right, **BESIDE, annotation_clip=False)


def draw_effect(axis: Axes, at: float, mean: float, low: float, high: float, mark: dict) -> None:
    """A mark with its interval; an arrow, with the mean if it is beyond, where the axis ends."""
    axis.hlines(
        at, max(low, -LIMIT_POINTS), min(high, LIMIT_POINTS), color=mark["color"], lw=2, zorder=2
    )
    axis.scatter(mean, at, **mark, zorder=3)
    for end, is_beyond, arrow in (
        (-LIMIT_POINTS, low < -LIMIT_POINTS, "<"),
        (LIMIT_POINTS, high > LIMIT_POINTS, ">"),
    ):
        if is_beyond:
            axis.scatter(end, at, color=mark["color"], marker=arrow, s=40, clip_on=False, zorder=3)
    if abs(mean) > LIMIT_POINTS:
        if mean < 0:  # beside the part of the interval that is drawn
            inside, side = max(high, -LIMIT_POINTS) + 0.2, "left"
        else:
            inside, side = min(low, LIMIT_POINTS) - 0.2, "right"
        said = f"{mean:+.1f}".replace("-", "−")
        axis.text(inside, at, said, va="center", ha=side, size=SITUATION_SIZE)
