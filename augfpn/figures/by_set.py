"""A drawing of differences with their intervals, in panels: a row for each, a mark for each set."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.by_situation import SITUATION_SIZE, TITLE_LEFT
from augfpn.figures.colours import BLUE, PURPLE
from augfpn.figures.theme import WIDTH, themed

LOOK_OF_SETS = ({"color": BLUE, "marker": "o"}, {"color": PURPLE, "marker": "^"})
BESIDE_ROW = 0.15  # of a row: from its middle to the mark of a set
ROW, FRAME = 0.44, 0.78  # inches of a row; of what is above and below a panel's rows
LEFT_WORDS = 22  # letters of a row's name on one line


@themed
def by_set_figure(of: pd.DataFrame) -> Figure:
    """Differences in panels, each with its own axis, for one or two sets of images.

    ``of`` has the columns panel, across (the label of the panel's axis), row, images, mean, low and
    high.
    """
    panels = dict(tuple(of.groupby("panel", sort=False)))
    sets = [*of["images"].unique()]
    counts = [rows["row"].nunique() for rows in panels.values()]
    size = WIDTH, 0.5 + ROW * sum(counts) + FRAME * len(counts)
    figure, axes = plt.subplots(
        len(panels), figsize=size, squeeze=False, height_ratios=[ROW * n + 0.3 for n in counts]
    )
    for axis, (name, rows) in zip(axes[:, 0], panels.items(), strict=True):
        draw_sets(axis, rows, sets)
        if name:
            axis.set_title(name, loc="left", x=TITLE_LEFT, size=SITUATION_SIZE, weight="bold")
    for look, name in zip(LOOK_OF_SETS, sets, strict=False):
        axes[0, 0].scatter([], [], s=40, **look, label=name)
    figure.legend(loc="outside upper center", ncols=len(sets))
    return figure


def draw_sets(axis: Axes, rows: pd.DataFrame, sets: Sequence[str]) -> None:
    """One panel: the first row at the top, the sets beside each other within a row."""
    names = [*rows["row"].unique()]
    axis.axvline(0, color="black", lw=0.8, zorder=1)
    for each in rows.itertuples():
        place = sets.index(each.images)
        at = names.index(each.row) + BESIDE_ROW * (2 * place - (len(sets) - 1))
        look = LOOK_OF_SETS[place]
        axis.hlines(at, each.low, each.high, color=look["color"], lw=2, zorder=2)
        axis.scatter(each.mean, at, s=40, **look, zorder=3)
    labels = [textwrap.fill(name, LEFT_WORDS) for name in names]
    axis.set_yticks(range(len(names)), labels, size=SITUATION_SIZE)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.locator_params("x", nbins=6)
    axis.tick_params("x", labelsize=SITUATION_SIZE)
    axis.set_xlabel(rows["across"].iloc[0], size=SITUATION_SIZE)
