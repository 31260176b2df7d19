"""Drawings of a training log: a panel for each loss, and a line for each run."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from augfpn.figures.colours import COLOURS
from augfpn.figures.plots import LOSS_NAMES
from augfpn.figures.theme import FULL_WIDTH, GREY, LETTERS_OF_WIDE, themed

PANELS = LOSS_NAMES | {"lr": "learning rate", "objects": "RoIs that are objects"}
OVER = 10  # steps of the moving mean: the loss of a single batch jumps
PANEL_HEIGHT = 2.1  # inches
REFERENCE_LINE = {
    "color": GREY,
    "lw": 6,
    "alpha": 0.4,
    "solid_capstyle": "round",
}  # the first of several
DASHES = ("-", (0, (4, 1.6)), "-.")  # of the others
TICKS_OF_WIDE, TICKS_OF_NARROW = (1, 2, 5), (1, 2, 4, 6, 8)  # ticks of a decade


@themed
def log_figure(
    curves: Mapping[str, Sequence[dict]],
    panels: Sequence[str],
    starts: Mapping[str, float] | None = None,
    log: bool = False,
) -> Figure:
    """For each panel, a loss or another column of the curves, the moving mean against the step.

    The first steps have the mean of what there is. Of several runs the first is the reference, a
    wide grey line, and the others lie over it as thin lines in colours. ``starts`` are values that
    are expected at the first step, drawn as dashed lines. ``log`` draws the losses on a logarithmic
    scale.
    """
    tables = {name: pd.DataFrame(curve).set_index("step") for name, curve in curves.items()}
    lines = -(-len(panels) // 2)
    size = (FULL_WIDTH, PANEL_HEIGHT * lines + 0.5)
    figure, axes = plt.subplots(lines, 2, figsize=size, sharex=True, squeeze=False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        for (name, table), look in zip(tables.items(), line_looks(len(tables)), strict=True):
            smooth = table[panel].rolling(OVER, min_periods=1).mean()
            axis.plot(smooth.index, smooth, label=name, **look)
        if panel in (starts or {}):
            axis.axhline(starts[panel], color=GREY, lw=1, ls="--")
        axis.set_title(PANELS[panel], size=LETTERS_OF_WIDE)
        axis.tick_params(labelsize=LETTERS_OF_WIDE)
        if log and panel.startswith("loss_"):
            make_logarithmic(axis)
        else:
            axis.set_ylim(0, None)
    for axis in axes[-1]:
        axis.set_xlabel("step", size=LETTERS_OF_WIDE)
    if len(tables) > 1:
        handles, names = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=min(5, len(names)),
                      columnspacing=1.6, handlelength=2, fontsize=LETTERS_OF_WIDE)  # fmt: skip
    return figure


def line_looks(runs: int) -> list[dict]:
    """How the line of each run is drawn; of several, the first is wide and lies below."""
    thin = [
        {"color": colour, "lw": 1.7, "ls": dash}
        for colour, dash in zip(COLOURS, cycle(DASHES), strict=False)
    ]
    return thin[:1] if runs == 1 else [REFERENCE_LINE, *thin[: runs - 1]]


def make_logarithmic(axis: Axes) -> None:
    """Give an axis a logarithmic scale with plain numbers, also on less than a decade."""
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    subs = TICKS_OF_WIDE if high > 5 * low else TICKS_OF_NARROW
    axis.yaxis.set_major_locator(LogLocator(subs=subs))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
