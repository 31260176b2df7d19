"""Figures of levels: how much each level of a pyramid weighs for a box."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, LEVEL_COLOURS, ORANGE
from augfpn.figures.theme import GREY, INK, WIDTH, themed

OF_LEVELS = ("o", "s", "^", "D")  # the marks of levels
IN_A_ROW = 3  # panels of seeds
LOOK_OF_DETECTORS = {"palette": [GREY, BLUE, ORANGE], "markers": ["s", "o", "D"]}


@themed
def mixtures(seeds: np.ndarray, first: int = 2) -> Figure:
    """Figure 4 of the paper: the weights of all levels, a panel for each seed.

    A level has a line over the levels that the rule gives the RoIs. Shape: (S, L, L); row i is for
    the RoIs of level ``first`` + i; nan for levels with too few RoIs.
    """
    levels = range(first, first + seeds.shape[1])
    names = [f"P{k}" for k in levels]
    rows = -(-len(seeds) // IN_A_ROW)
    size = WIDTH, 0.9 + 2.1 * rows
    figure, axes = plt.subplots(rows, min(IN_A_ROW, len(seeds)), figsize=size, sharey=True)
    every = np.atleast_1d(axes).ravel()
    for seed, (axis, weights) in enumerate(zip(every, seeds, strict=False)):
        for k, mark, values in zip(levels, cycle(OF_LEVELS), weights.T, strict=False):
            axis.plot(names, values, mark, ls="-", color=LEVEL_COLOURS[k], label=f"weight of P{k}")
        for place in np.flatnonzero(np.isnan(weights).all(axis=1)):
            axis.text(place, 0.5, "too few RoIs", rotation=90, ha="center", va="center")
        axis.set(title=f"seed {seed}", ylim=(-0.03, 1.03), xlim=(-0.3, len(names) - 0.7))
    for axis in every[len(seeds) :]:
        axis.set_axis_off()
    every[0].set_ylabel("mean weight")
    figure.supxlabel("level of the RoIs by FPN's rule", fontsize="medium")
    figure.legend(*every[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


@themed
def accuracies(found: pd.DataFrame, guessing: float) -> Figure:
    """How well levels tell classes, a panel for each set of images: means joined, dots for seeds.

    ``found`` has a row for each seed: "images", "level" ("M2"), "detector" and "accuracy" in
    percent, like ``guessing``, which is a dotted line. There are at most three detectors.
    """
    sets = found["images"].unique()
    figure, axes = plt.subplots(1, len(sets), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for axis, name in zip(axes[0], sets, strict=True):
        of = {"data": found[found["images"] == name], "x": "level", "y": "accuracy", "ax": axis}
        of |= {"hue": "detector", "palette": LOOK_OF_DETECTORS["palette"]}
        lines = {"markers": LOOK_OF_DETECTORS["markers"], "linestyles": ["--", "-", "-"], "ms": 6}
        seaborn.pointplot(**of, **lines, lw=1.6, dodge=0.36, errorbar=None)
        seaborn.stripplot(**of, dodge=True, jitter=False, size=3.5, alpha=0.6, legend=False)
        axis.axhline(guessing, color=GREY, lw=1, ls=":")
        axis.set(title=name, xlabel=None, ylim=(20, 104))
        words, marks = axis.get_legend_handles_labels()
        axis.get_legend().remove()
    axes[0][0].set(ylabel="accuracy, percent")
    axes[0][0].text(0, guessing - 3, "guessing", va="top", ha="left", color=INK, size=10.8)
    figure.legend(words, marks, loc="outside upper center", ncols=3)
    return figure


@themed
def level_weights(
    panels: dict[str, np.ndarray], sides: np.ndarray, borders: Sequence[float] = (), first: int = 2
) -> Figure:
    """The weight of each level for a box, against the box's side: a panel for each RoI selection.

    ``panels`` maps a title to weights (levels, sides) from 0 to 1, level ``first`` first; ``sides``
    are in px, in ascending order; ``borders`` are sides to mark. A level is chosen or not where all
    weights are 0 or 1: then there is no scale of shades.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 2.9), sharey=True, squeeze=False)
    figure.get_layout_engine().set(w_pad=0.1)  # inches: the outer ticks' labels stay apart
    for axis, (title, weights) in zip(axes[0], panels.items(), strict=True):
        for level, row in enumerate(weights, start=first):
            band = [level - 0.22, level + 0.22]  # two rows of cells: one alone has no height
            shades = from_nothing(LEVEL_COLOURS[level])
            axis.pcolormesh(sides, band, [row, row], cmap=shades, vmin=0, vmax=1, rasterized=True)
            axis.hlines([level - 0.44, level + 0.44], sides[0], sides[-1], color=GREY, lw=0.5)
        axis.vlines(borders, first - 0.5, level + 0.5, color=GREY, lw=1.2, ls="--")
        axis.grid(False)
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:.0f}")
        if len(borders):
            ticks = [round_number(sides[0]), *borders, round_number(sides[-1])]
            lines = ["\n" * (i % 2) + f"{x:.0f}" for i, x in enumerate(ticks)]  # close together
            axis.set_xticks(ticks, lines)
            left, *_, right = axis.get_xticklabels()
            left.set_horizontalalignment("left")  # apart from the next panel's
            right.set_horizontalalignment("right")
        axis.set(title=title.replace(", ", ",\n"), xlabel="side of the box, px")
        axis.set_yticks(range(first, level + 1), [f"P{k}" for k in range(first, level + 1)])
    if not all(np.isin(weights, (0, 1)).all() for weights in panels.values()):
        scale_of_weights(figure, axes, range(first, level + 1))
    return figure


def round_number(x: float) -> float:
    """A number with two significant digits, such as 1000 for 1018."""
    return float(f"{x:.2g}")


def scale_of_weights(figure: Figure, axes: np.ndarray, levels: Sequence[int]) -> Axes:
    """Beside the panels, shades from weight 0 to 1: a strip in the colour of each level."""
    axis = figure.colorbar(ScalarMappable(), ax=axes, aspect=10, pad=0.02).ax
    axis.clear()  # only its place is needed
    steps = np.linspace(0, 1, 65)
    for place, level in enumerate(levels):
        shades = {"cmap": from_nothing(LEVEL_COLOURS[level]), "vmin": 0, "vmax": 1}
        axis.pcolormesh([place, place + 1], steps, steps[:-1, None], **shades, rasterized=True)
    axis.set(xticks=[], yticks=[0, 0.5, 1], ylabel="weight")
    axis.grid(False)
    return axis


def from_nothing(colour: str) -> LinearSegmentedColormap:
    """Shades from transparent, which is the page's own ground, to a colour."""
    return LinearSegmentedColormap.from_list(colour, [(*to_rgb(colour), 0), colour])
