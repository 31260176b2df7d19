"""A drawing of effects with their intervals: a panel for each part, a row for each situation."""

from math import isnan

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import WIDTH, themed

OF_FIXED, OF_PILOT, OF_LATER, OF_PAPER = "fixed beforehand", "pilot", "run later", "the paper"
MARKS = {  # how a kind of result is drawn
    OF_FIXED: {"color": GREEN, "marker": "D", "s": 34},
    OF_PILOT: {"color": BLUE, "marker": "o", "s": 36, "facecolors": "white", "linewidths": 1.6},
    OF_LATER: {"color": BLUE, "marker": "o", "s": 36},
    OF_PAPER: {"color": ORANGE, "marker": "s", "s": 30, "facecolors": "none", "linewidths": 1.6},
}
ROW_INCHES, TITLE_ROWS = 0.27, 2.3  # inches of a row; rows that a panel's title and axis take
TITLE_LEFT = -0.35  # of an axis' width: so far left of it a title begins
FEW_POINTS = 8  # points: an axis that spans less has a tick at each
SITUATION_SIZE = 10.8  # points: some 9.8 px on a phone
LIMIT_POINTS = 5.0  # of AP: where the axis ends, if effects lie farther; an arrow leads to them
BESIDE = {"size": SITUATION_SIZE, "va": "center", "ha": "right"}  # numbers beside a row
SEEDS_AT, FPN_AT = 33, 65  # points to the right of an axis: where the columns of numbers end


@themed
def by_situation_figure(of: pd.DataFrame) -> Figure:
    """Effects in points of AP, one axis for all panels.

    ``of`` has the columns part, situation, mean, low, high, seeds, kind, a key of `MARKS`, and
    fpn, the AP of the baseline, which has a column beside the rows if it is known of any.
    """
    panels = dict(tuple(of.groupby("part", sort=False)))
    heights = [len(each) + TITLE_ROWS for each in panels.values()]
    figure, axes = plt.subplots(
        len(panels),
        sharex=True,
        figsize=(WIDTH, 1.3 + ROW_INCHES * sum(heights)),
        height_ratios=heights,
        squeeze=False,
    )
    for axis, (part, rows) in zip(axes[:, 0], panels.items(), strict=True):
        draw_panel(axis, str(part), rows)
        axis.tick_params("x", labelbottom=True, labelsize=SITUATION_SIZE)
    last = axes[-1, 0]
    low, high = (max(-LIMIT_POINTS, min(LIMIT_POINTS, x)) for x in last.get_xlim())
    last.set_xlim(low, high)
    last.xaxis.set_major_locator(MultipleLocator(1 if high - low < FEW_POINTS else 2))
    last.set_xlabel("effect on AP, points")
    for kind in dict.fromkeys(of["kind"]):
        last.scatter([], [], **MARKS[kind], label=kind)
    write_beside(axes[0, 0], -1, "seeds", "" if of["fpn"].isna().all() else "FPN")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def draw_panel(axis: Axes, part: str, rows: pd.DataFrame) -> None:
    """One part: a mark with its interval for each situation, the first at the top."""
    axis.axvline(0, color="black", lw=0.8, zorder=1)
    for place, row in enumerate(rows.itertuples()):
        draw_effect(axis, place, row.mean, row.low, row.high, MARKS[row.kind])
        seeds = str(row.seeds) if row.seeds > 1 else ""
        write_beside(axis, place, seeds, "" if isnan(row.fpn) else f"{row.fpn:.1f}")
    axis.set_yticks(range(len(rows)), rows["situation"], size=SITUATION_SIZE)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_title(part, loc="left", x=TITLE_LEFT, size=SITUATION_SIZE, weight="bold")


def write_beside(axis: Axes, at: float, seeds: str, fpn: str) -> None:
    """The columns to the right of a row: how many seeds it has, and the AP of its baseline."""
    right = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points"}
    for end, said in ((SEEDS_AT, seeds), (FPN_AT, fpn)):
        if said:
            axis.annotate(said, (1, at), (end, 0), **right, **BESIDE, annotation_clip=False)


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
        inside, side = (-LIMIT_POINTS, "left") if mean < 0 else (LIMIT_POINTS, "right")
        said = f"{mean:+.1f}".replace("-", "−")
        axis.text(inside * 0.94, at, said, va="center", ha=side, size=SITUATION_SIZE)
