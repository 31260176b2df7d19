"""Numbers become figures, with seaborn: one function for each kind of figure.

Everything that is drawn, intervals included, was computed elsewhere.
"""

from collections.abc import Sequence
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, COLOURS, GREEN, ORANGE, PURPLE, SKY
from augfpn.figures.effect_rows import effects as effects
from augfpn.figures.galleries import gallery as gallery
from augfpn.figures.levels import accuracies as accuracies
from augfpn.figures.levels import from_nothing
from augfpn.figures.levels import level_weights as level_weights
from augfpn.figures.levels import mixtures as mixtures
from augfpn.figures.theme import (
    FULL_WIDTH,
    GREY,
    LETTERS_OF_WIDE,
    ON_DARK,
    ON_FILL,
    WIDTH,
    themed,
    wcag_contrast,
)

OF_VERDICTS = (  # each followed by that of "probably"
    *(GREEN, "#8fd3bb", ORANGE, "#f2b48a", BLUE, "#6f94c4", PURPLE, "#ecc9dc"),
    *(SKY, "#cccccc", "#888888"),
)
ON_CELLS = ("#0a0a0a", "#ffffff")  # numbers on shades of blue: a contrast of 4.4 on any of them
LOSS_NAMES = {
    "loss_objectness": "proposals: object or not",
    "loss_rpn_box_reg": "proposals: box",
    "loss_classifier": "head: class",
    "loss_box_reg": "head: box",
    "loss_mask": "head: mask",
    "loss_centerness": "head: centerness",
    "loss_supervision_class": "supervision of M: class",
    "loss_supervision_box": "supervision of M: box",
    "loss_supervision_mask": "supervision of M: mask",
}


@themed
def loss_curves(curves: dict[str, list[dict]]) -> Figure:
    """Loss against step: each term of the first run, and the sum of the main terms of all runs.

    ``curves`` maps a run's label to its record's curve: rows of step, lr and losses. Each loss is
    the moving mean over a fortieth of the run.
    """
    smooth = {label: smoothed(curve) for label, curve in curves.items()}
    label, first = next(iter(smooth.items()))
    main = {
        name: terms[[term for term in terms if "supervision" not in term]].sum(axis=1)
        for name, terms in smooth.items()
    }
    figure, (left, right) = plt.subplots(2, 1, figsize=(WIDTH, 5.6 + 0.13 * len(first.columns)))
    for axis, lines in ((left, first.rename(columns=LOSS_NAMES)), (right, pd.DataFrame(main))):
        palette = COLOURS[: len(lines.columns)]
        seaborn.lineplot(lines, ax=axis, palette=palette, dashes=False, errorbar=None)
        seaborn.move_legend(axis, "upper center", bbox_to_anchor=(0.5, -0.26), ncols=2, title=None)
    left.set(ylabel="loss, weighted", yscale="log", title=label, xlabel=None)
    right.set(ylabel="loss, summed", ylim=(0, None), title="the detector's own losses")
    return figure


def smoothed(curve: list[dict]) -> pd.DataFrame:
    """The moving mean of each loss over a fortieth of the run, by step."""
    losses = pd.DataFrame(curve).set_index("step").filter(like="loss_")
    return losses.rolling(max(1, len(losses) // 40)).mean().dropna()


@themed
def schedules(rates: dict[str, Sequence[float]]) -> Figure:
    """Learning rates, relative to the highest, over a run of length one: a curve for each name."""
    lines = {name: pd.Series(x, np.linspace(0, 1, len(x))) for name, x in rates.items()}
    figure, axis = plt.subplots(figsize=(WIDTH, 2.8))
    palette = COLOURS[: len(lines)]
    seaborn.lineplot(lines, ax=axis, palette=palette, dashes=False, errorbar=None, lw=2)
    axis.set(xlabel="part of the run", ylabel="rate, relative", xlim=(0, 1), ylim=(0, 1.05))
    seaborn.move_legend(axis, "lower center", bbox_to_anchor=(0.5, 1), ncols=2, title=None)
    return figure


@themed
def dots(runs: pd.DataFrame, marked: int | None = None) -> Figure:
    """AP of every run: a row of dots for each label, a line at its mean.

    ``runs`` has a row for each run: its "label", its "seed" and its "AP" in percent. The labels are
    drawn in their order. The runs of each seed are joined, or only those of one that is ``marked``.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 1 + 0.34 * runs["label"].nunique()))
    at = {"x": "AP", "y": "label", "orient": "y", "ax": axis}
    for _, pairs in runs.groupby("seed") if marked is None else ():
        seaborn.pointplot(pairs, **at, color=GREY, errorbar=None, lw=0.8, marker="", alpha=0.4)
    bordered = {"linewidth": 0.5, "edgecolor": "white"}  # seen on a dark ground, too
    seaborn.stripplot(runs, **at, color=BLUE, size=7, jitter=False, **bordered)
    line = {"marker": "|", "markersize": 18, "markeredgewidth": 2, "linestyle": "none"}
    seaborn.pointplot(runs, **at, color=ORANGE, errorbar=None, **line, label="mean")
    axis.collections[0].set_label("one run")
    if marked is not None:
        ours = {"color": PURPLE, "markersize": 7, "marker": "D", "lw": 1.8, "zorder": 5}
        seaborn.pointplot(runs[runs["seed"] == marked], **at, **ours, label=f"seed {marked}")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    axis.set(xlabel="AP, percent", ylabel=None)
    return figure


@themed
def verdicts(groups: dict[str, Sequence[str]], kinds: Sequence[str]) -> Figure:
    """How many of each group's claims have which verdict: a stacked bar for each group.

    Kinds that no claim has are left out.

    ``groups`` maps a group to its claims' verdicts, each one of ``kinds``.
    """
    table = pd.Series(groups, name="verdict").explode().rename_axis("group").reset_index()
    colours = dict(zip(kinds, OF_VERDICTS, strict=False))
    there = [kind for kind in kinds if (table["verdict"] == kind).any()]
    figure, axis = plt.subplots(figsize=(WIDTH, 1.3 + 0.36 * len(groups)))
    order = {"hue": "verdict", "hue_order": there[::-1], "palette": colours}
    seaborn.histplot(table, y="group", **order, multiple="stack", shrink=0.8, alpha=1, ax=axis)
    for bars in axis.containers:
        labels = [f"{bar.get_width():.0f}" if bar.get_width() else "" for bar in bars]
        ink = ON_DARK if to_hex(bars[0].get_facecolor()).upper() == BLUE else ON_FILL
        axis.bar_label(bars, labels, label_type="center", color=ink)
    axis.set(xlabel="claims", ylabel=None)
    above = {"bbox_to_anchor": (0.4, 1), "ncols": 2, "title": None, "reverse": True}
    seaborn.move_legend(axis, "lower center", **above)
    return figure


@themed
def matrices(
    panels: dict[str, np.ndarray],
    names: Sequence[str],
    across: str,
    down: str,
    what: str,
) -> Figure:
    """Square tables as shaded cells with their numbers, a panel each, with one colour scale.

    ``panels`` maps a title to (n, n), nan for what is not known. ``across`` is the label of the
    columns, ``down`` that of the rows, ``what`` that of the numbers. In the cells stand the numbers
    without decimals.
    """
    top = max(np.nanmax(x) for x in panels.values())
    side = min(2.4, (WIDTH - 0.7) / len(panels))  # of a panel, in inches
    size = (min(WIDTH, 1.2 + side * len(panels)), 1.2 + side)
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for axis, (title, values) in zip(axes[0], panels.items(), strict=True):
        table = pd.DataFrame(values, names, names)
        seaborn.heatmap(table, vmin=0, vmax=top, cmap="Blues", annot=True, fmt=".0f", square=True,
                        cbar=False, linewidths=1, ax=axis)  # fmt: skip
        ink_cells(axis)
        axis.set(title=title, xlabel=across, facecolor="#eeeeee")
        axis.title.set_size("medium")
        axis.grid(False)
        axis.tick_params("y", rotation=0)
    axes[0][0].set_ylabel(down)
    figure.supxlabel(f"in each cell: {what}", fontsize="medium")
    return figure


def ink_cells(axis: Axes) -> None:
    """Give the numbers of a heat map the ink, dark or light, that is read best on its cell."""
    (mesh,) = axis.collections
    mesh.update_scalarmappable()
    grid = mesh.get_facecolors().reshape(*mesh.get_array().shape, 4)
    for text in axis.texts:
        across, down = map(int, text.get_position())
        text.set_color(max(ON_CELLS, key=partial(wcag_contrast, grid[down, across])))


@themed
def fields(
    panels: dict[str, np.ndarray],
    columns: int | None = None,
    top: float | None = None,
    scale: str | None = None,
) -> Figure:
    """Maps (h, w) in a grid with ``columns`` columns; each row has one colour scale, from 0 on.

    ``panels`` maps a title to a map, or to a picture (h, w, 3) uint8. With ``top`` all maps share
    the scale from 0 to ``top``, which ``scale`` names; it ends in an arrow if a value is larger.
    """
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    titles = 0.6 if any("," in x for x in panels) else 0.3  # inches
    size = (FULL_WIDTH, (FULL_WIDTH / columns * 0.8 + titles) * rows + (0.5 if top else 0))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    named = list(panels.items())
    for i, line in enumerate(axes):
        row = dict(named[i * columns : (i + 1) * columns])
        highest = top or max(values.max() for values in row.values())
        for axis, (title, values) in zip(line, row.items(), strict=False):
            shades = {"vmin": 0, "vmax": highest, "interpolation": "nearest"}
            shown = axis.imshow(values, cmap=from_nothing(BLUE), **shades)
            axis.spines[:].set_visible(True)
            axis.grid(False)
            axis.set(xticks=[], yticks=[])
            axis.set_title(title.replace(", ", "\n"), size=LETTERS_OF_WIDE)
        if top is None:
            bar = figure.colorbar(shown, ax=list(line), aspect=10, pad=0.02)
            bar.ax.tick_params(labelsize=LETTERS_OF_WIDE)
    if top is not None:
        larger = any(values.max() > top for values in panels.values() if values.ndim == 2)
        look = {"location": "bottom", "shrink": 0.5, "aspect": 30, "pad": 0.02}
        look["extend"] = "max" if larger else "neither"
        bar = figure.colorbar(shown, ax=list(axes.flat), **look)
        bar.ax.tick_params(labelsize=LETTERS_OF_WIDE)
        bar.set_label(scale or "", size=LETTERS_OF_WIDE)
    return figure
