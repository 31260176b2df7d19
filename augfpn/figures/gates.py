"""The figure of pilots: what each dial costs, what its control gives back, and which dials pass."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN
from augfpn.figures.theme import GREY, WIDTH, themed

MARGIN = 0.15  # of a panel's least width, on either side of what it must show
PANEL_END = 2.6  # times the bound: what lies beyond is an arrow with its number, at the edge
ARROW = r"$\rightarrow$"


@themed
def pilots(table: pd.DataFrame, least: dict[str, float]) -> Figure:
    """Two numbers of each dial with their intervals, a panel each, and the least that passes.

    ``table`` has a row for each dial and number: the "dial", the "number", its "mean", "low" and
    "high", which may be nan, and whether the dial "passes". ``least`` has the numbers in the order
    of the panels, and what a dial must reach. An interval that leaves its panel is cut there; of a
    mean far beyond the bound only the number is shown, at the edge.
    """
    dials = list(dict.fromkeys(table["dial"]))
    size = (WIDTH, 1.2 + 0.34 * len(dials))
    figure, axes = plt.subplots(1, len(least), figsize=size, sharey=True, squeeze=False)
    for axis, (number, bound) in zip(axes[0], least.items(), strict=True):
        own = table[table["number"] == number]
        for passes, colour, marker in ((False, BLUE, "o"), (True, GREEN, "D")):
            some = own[own["passes"] == passes]
            near = some[some["mean"] <= PANEL_END * bound]
            at = near["dial"].map(dials.index)
            ends = {"fmt": "none", "color": colour, "lw": 2, "capsize": 4, "capthick": 2}
            apart = (near["mean"] - near["low"], near["high"] - near["mean"])
            axis.errorbar(near["mean"], at, xerr=apart, **ends)
            axis.scatter(near["mean"], at, color=colour, marker=marker, s=22, zorder=3)
            for _, far in some.drop(near.index).iterrows():
                words, row = f"{far['mean']:.0f} {ARROW}", dials.index(far["dial"])
                place = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "center"}
                axis.text(0.99, row, words, color=colour, weight="bold", **place)
        axis.axvline(0, color="black", lw=0.8)
        axis.axvline(bound, color=GREY, lw=1.2, ls="--")
        axis.grid(visible=False, axis="y")
        shown = own["mean"][own["mean"] <= PANEL_END * bound]
        axis.set(xlabel=number, xlim=limits(axis, shown, bound))
    axes[0][0].set(yticks=range(len(dials)), yticklabels=dials, ylim=(len(dials) - 0.5, -0.5))
    return figure


def limits(axis: Axes, means: pd.Series, bound: float) -> tuple[float, float]:
    """The ends of a panel: all means, zero and the bound are in it, wider intervals are cut."""
    low, high = min(0.0, means.min()), max(bound, means.max())
    room = MARGIN * (high - low)
    left, right = axis.get_xlim()
    return max(left, low - room), min(right, high + room)
