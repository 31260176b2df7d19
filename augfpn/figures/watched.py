"""Drawings of a training log: a panel for each loss, and a line for each run."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from augfpn.figures.colours import COLOURS
from augfpn.figures.plots import LOSS_NAMES
from augfpn.figures.theme import GREY, WIDTH, themed

PANELS = LOSS_NAMES | {"lr": "learning rate", "objects": "RoIs that are objects"}
OVER = 10  # steps of the moving mean: the loss of a single batch jumps
PANEL_HEIGHT = 1.75  # inches
TICKS_OF_WIDE, TICKS_OF_NARROW = (1, 2, 5), (1, 2, 4, 6, 8)  # ticks of a decade


@themed
def log_figure(
    curves: Mapping[str, Sequence[dict]],
    panels: Sequence[str],
    starts: Mapping[str, float] | None = None,
    log: bool = False,
) -> Figure:
    """For each panel, a loss or another column of the curves, the moving mean against the step.

    The first steps have the mean of what there is. A single run is drawn in a colour; of several,
    the first is grey and the others are in colours. ``starts`` are values that are expected at the
    first step, drawn as dashed lines. ``log`` draws the losses on a logarithmic scale.
    """
    tables = {name: pd.DataFrame(curve).set_index("step") for name, curve in curves.items()}
    colours = [GREY, *COLOURS] if len(tables) > 1 else COLOURS
    lines = -(-len(panels) // 2)
    size = (WIDTH, PANEL_HEIGHT * lines + 0.5)
    figure, axes = plt.subplots(lines, 2, figsize=size, sharex=True, squeeze=False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        for (name, table), colour in zip(tables.items(), colours, strict=False):
            smooth = table[panel].rolling(OVER, min_periods=1).mean()
            axis.plot(smooth.index, smooth, color=colour, lw=1.6, label=name)
        if panel in (starts or {}):
            axis.axhline(starts[panel], color=GREY, lw=1, ls="--")
        axis.set_title(PANELS[panel], size="medium")
        if log and panel.startswith("loss_"):
            make_logarithmic(axis)
        else:
            axis.set_ylim(0, None)
    for axis in axes[-1]:
        axis.set_xlabel("step")
    if len(tables) > 1:
        handles, names = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=min(5, len(names)),
                      columnspacing=1.2, handlelength=1.4)  # fmt: skip
    return figure


def make_logarithmic(axis: Axes) -> None:
    """Give an axis a logarithmic scale with plain numbers, also on less than a decade."""
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    subs = TICKS_OF_WIDE if high > 5 * low else TICKS_OF_NARROW
    axis.yaxis.set_major_locator(LogLocator(subs=subs))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
