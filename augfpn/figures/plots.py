"""Numbers to figures: one function for each kind, one style. Nothing is computed here.

Colours are Okabe and Ito's, safe for colour-blind readers; the ground is white, so that a figure
reads the same in a page's light and dark theme.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = (
    *("#0072B2", "#D55E00", "#009E73", "#AA4499", "#56B4E9", "#E69F00"),
)
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
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
STYLE = {
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "font.size": 10,
    "legend.frameon": False,
    "svg.hashsalt": "augfpn",
}


def losses(curves: dict[str, list[dict]]) -> Figure:
    """Loss against step: each term of the first run, and the sum of the main ones of all runs.

    ``curves`` maps a run's label to its record's curve, rows of step, lr and losses.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
        first = next(iter(curves.values()))
        names = [name for name in first[0] if name.startswith("loss_")]
        for name, colour in zip(names, COLOURS, strict=False):
            left.plot(*smoothed(first, [name]), color=colour, label=LOSS_NAMES.get(name, name))
        left.set(xlabel="step", ylabel="loss, weighted", yscale="log", title=next(iter(curves)))
        left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
        for (label, curve), colour in zip(curves.items(), COLOURS, strict=False):
            main = [
                name for name in curve[0] if name.startswith("loss_") and "supervision" not in name
            ]
            right.plot(*smoothed(curve, main), color=colour, label=label)
        right.set(xlabel="step", ylabel="loss", ylim=(0, None), title="without supervision of M")
        right.legend(fontsize=8)
    plt.close(figure)
    return figure


def smoothed(curve: list[dict], names: list[str], part: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Steps and the moving mean of the sum of some losses over 1/part of the run."""
    steps = np.array([row["step"] for row in curve])
    values = np.array([sum(row[name] for name in names) for row in curve])
    n = max(1, len(values) // part)
    return steps[n - 1 :], np.convolve(values, np.ones(n) / n, mode="valid")


def gallery(rows: dict[str, Sequence[np.ndarray]], width: float = 10) -> Figure:
    """Rows of pictures (H, W, 3) uint8 of one shape, each row with its label at the left."""
    columns = max(len(pictures) for pictures in rows.values())
    shapes = [p.shape for pictures in rows.values() for p in pictures]
    ratio = max(h / w for h, w, _ in shapes)
    size = (width, width / columns * ratio * len(rows) * 1.03)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(rows), columns, figsize=size, squeeze=False, layout="constrained"
        )
        for line, (label, pictures) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel(label)
            for axis in line:
                axis.set(xticks=[], yticks=[])
                axis.grid(False)
                axis.spines[:].set_visible(False)
            for axis, picture in zip(line, pictures, strict=False):
                axis.imshow(picture)
    plt.close(figure)
    return figure


def level_weights(
    panels: dict[str, np.ndarray], sides: np.ndarray, borders: Sequence[float] = (), first: int = 2
) -> Figure:
    """How much of each level goes into a box, against the box's side: a panel for each selection.

    ``panels`` maps a title to weights (levels, sides) from 0 to 1, level ``first`` first; ``sides``
    are in px and grow; ``borders`` are sides to mark.
    """
    rows = len(next(iter(panels.values())))
    with plt.rc_context(STYLE | {"axes.grid": False, "font.size": 11}):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(7.4, 2.7), sharey=True, squeeze=False, layout="constrained"
        )
        for axis, (title, weights) in zip(axes[0], panels.items(), strict=True):
            shades = axis.pcolormesh(
                sides, np.arange(rows), weights, cmap="Blues", vmin=0, vmax=1, rasterized=True
            )
            axis.hlines(np.arange(rows - 1) + 0.5, sides[0], sides[-1], color="white", lw=3)
            axis.vlines(borders, -0.5, rows - 0.5, color=ORANGE, lw=1.2, ls="--")
            axis.set_xscale("log", base=2)
            axis.xaxis.set_major_formatter("{x:.0f}")
            axis.set(title=title, xlabel="side of the box, px")
            axis.set_yticks(range(rows), [f"P{k}" for k in range(first, first + rows)])
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
        figure.colorbar(shades, ax=axes, label="weight", ticks=[0, 0.5, 1], aspect=12, pad=0.02)
    plt.close(figure)
    return figure


def by_size(results: dict[str, dict[str, float | None]]) -> Figure:
    """AP in percent, over all objects and by their size: a group of bars each, a bar for each run.

    ``results`` maps a run's label to COCO's numbers; ``None`` draws no bar.
    """
    groups = {"AP": "all", "APs": "small", "APm": "medium", "APl": "large"}
    width = 0.8 / len(results)
    with plt.rc_context(STYLE | {"axes.grid.axis": "y", "axes.axisbelow": True, "font.size": 11}):
        figure, axis = plt.subplots(figsize=(7.4, 3), layout="constrained")
        for i, ((label, numbers), colour) in enumerate(zip(results.items(), COLOURS, strict=False)):
            heights = [np.nan if numbers[name] is None else numbers[name] for name in groups]
            at = np.arange(len(groups)) + (i - (len(results) - 1) / 2) * width
            bars = axis.bar(at, heights, 0.92 * width, color=colour, label=label)
            axis.bar_label(bars, fmt="%.1f", padding=2, fontsize=9)
        axis.set_xticks(range(len(groups)), groups.values())
        axis.tick_params(axis="x", length=0)
        axis.set(ylabel="AP, percent", xlabel="objects")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=len(results))
    plt.close(figure)
    return figure


def effects(rows: Sequence[tuple[str, float, float, float, float | None]]) -> Figure:
    """Effects with their intervals, one below the other, and the paper's as open circles.

    A row is a label, the mean, the interval's ends and the paper's effect, all in points of AP.
    """
    height = 1.2 + 0.34 * len(rows)
    with plt.rc_context(STYLE | {"axes.grid.axis": "x", "axes.axisbelow": True}):
        figure, axis = plt.subplots(figsize=(5.6, height), layout="constrained")
        at = np.arange(len(rows))
        labels, means, lows, highs, printed = zip(*rows, strict=True)
        axis.axvline(0, color="black", lw=0.8)
        axis.hlines(at, lows, highs, color=BLUE, lw=2)
        axis.plot(means, at, "o", color=BLUE, label="here")
        there = [(x, y) for x, y in zip(printed, at, strict=True) if x is not None]
        if there:
            paper = {"mfc": "none", "mec": ORANGE, "mew": 1.5, "label": "the paper, on COCO"}
            axis.plot(*zip(*there, strict=True), "o", **paper)
        axis.set_yticks(at, labels)
        axis.set(ylim=(len(rows) - 0.5, -0.5), xlabel="AP less FPN's, points")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    plt.close(figure)
    return figure


def matrices(
    panels: dict[str, np.ndarray], names: Sequence[str], across: str, down: str, what: str
) -> Figure:
    """Square tables as shaded fields with their numbers, a panel each, on one scale.

    ``panels`` maps a title to (n, n), nan for what is not known; ``across`` and ``down`` say what
    columns and rows are, ``what`` what the numbers are.
    """
    top = max(np.nanmax(x) for x in panels.values())
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(
            1,
            len(panels),
            figsize=(0.6 + 2.6 * len(panels), 2.9),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for axis, (title, values) in zip(axes[0], panels.items(), strict=True):
            shades = axis.imshow(values, cmap="Blues", vmin=0, vmax=top)
            for (i, j), x in np.ndenumerate(values):
                text = "–" if np.isnan(x) else f"{x:.0f}"
                colour = "white" if x > 0.6 * top else "black"
                axis.text(j, i, text, ha="center", va="center", color=colour)
            axis.set_xticks(range(len(names)), names)
            axis.set_yticks(range(len(names)), names)
            axis.set(title=title, xlabel=across)
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
        axes[0][0].set_ylabel(down)
        figure.colorbar(shades, ax=axes, label=what, aspect=14, pad=0.02)
    plt.close(figure)
    return figure


def mixtures(mean: np.ndarray, spread: np.ndarray, names: Sequence[str]) -> Figure:
    """Figure 4 of the paper: the weights of all levels, a panel for the RoIs of each.

    Shapes: mean and spread (L, L), row i for the RoIs that the rule gives to level i; nan for few.
    """
    with plt.rc_context(STYLE | {"axes.grid.axis": "y", "axes.axisbelow": True}):
        figure, axes = plt.subplots(
            1, len(names), figsize=(9, 2.7), sharey=True, layout="constrained"
        )
        for axis, row, apart, name in zip(axes, mean, spread, names, strict=True):
            there = not np.isnan(row).all()
            if there:
                axis.bar(names, row, yerr=apart, color=COLOURS[: len(names)], ecolor="#555555")
            else:
                axis.text(0.5, 0.5, "too few RoIs", ha="center", transform=axis.transAxes)
            axis.set(title=f"RoIs of {name} by rule", ylim=(0, None))
            axis.tick_params(axis="x", length=0)
        axes[0].set_ylabel("weight, mean and spread")
    plt.close(figure)
    return figure


def fields(panels: dict[str, np.ndarray], columns: int | None = None) -> Figure:
    """Maps (h, w) beside each other, each with its own scale; a new row after so many columns.

    ``panels`` maps a title to a map.
    """
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    size = (9.0, 9.0 / columns * 0.8 * rows)
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(
            rows, columns, figsize=size, squeeze=False, layout="constrained"
        )
        for axis, (title, values) in zip(axes.flat, panels.items(), strict=True):
            shades = axis.imshow(values, cmap="Blues", interpolation="nearest")
            axis.set(title=title, xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            figure.colorbar(shades, ax=axis, shrink=0.75)
    plt.close(figure)
    return figure


def dots(columns: dict[str, Sequence[float]]) -> Figure:
    """AP in percent of every run: a column of dots for each variant, a line at its mean."""
    with plt.rc_context(STYLE | {"axes.grid.axis": "y", "axes.axisbelow": True}):
        figure, axis = plt.subplots(figsize=(7.4, 3), layout="constrained")
        for i, values in enumerate(columns.values()):
            axis.plot([i] * len(values), values, "o", color=BLUE, alpha=0.7)
            if len(values):
                axis.hlines(np.mean(values), i - 0.25, i + 0.25, color=ORANGE, lw=2)
        axis.set_xticks(range(len(columns)), [name.replace(" + ", " +\n") for name in columns])
        axis.tick_params(axis="x", length=0)
        axis.set(ylabel="AP, percent", xlim=(-0.6, len(columns) - 0.4))
    plt.close(figure)
    return figure


def verdicts(groups: dict[str, Sequence[str]], kinds: Sequence[str]) -> Figure:
    """How many of each group's claims have which verdict: a stacked bar for each group.

    ``groups`` maps a group to its claims' verdicts, each one of ``kinds``.
    """
    colours = dict(zip(kinds, (GREEN, ORANGE, SKY, "#cccccc"), strict=True))
    names = list(groups)[::-1]
    with plt.rc_context(STYLE | {"axes.grid.axis": "x", "axes.axisbelow": True}):
        figure, axis = plt.subplots(figsize=(7.4, 0.9 + 0.34 * len(names)), layout="constrained")
        left = np.zeros(len(names))
        for kind in kinds:
            counts = np.array([list(groups[name]).count(kind) for name in names])
            bars = axis.barh(names, counts, left=left, color=colours[kind], label=kind)
            axis.bar_label(bars, [str(n) if n else "" for n in counts], label_type="center")
            left += counts
        axis.set(xlabel="claims")
        axis.tick_params(axis="y", length=0)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=len(kinds))
    plt.close(figure)
    return figure


def parts(models: dict[str, dict[str, tuple[int, int]]]) -> Figure:
    """Parameters and multiply-accumulates by part, a bar for each model.

    ``models`` maps a model's name to its parts and these to the two counts.
    """
    names = list(dict.fromkeys(part for every in models.values() for part in every))[::-1]
    height = 0.8 / len(models)
    with plt.rc_context(STYLE | {"axes.grid.axis": "x", "axes.axisbelow": True}):
        figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4), sharey=True, layout="constrained")
        titles = (("parameters, millions", 1e6), ("multiply-accumulates, billions", 1e9))
        for which, (axis, (title, unit)) in enumerate(zip(axes, titles, strict=True)):
            for i, ((name, every), colour) in enumerate(zip(models.items(), COLOURS, strict=False)):
                widths = [every.get(part, (0, 0))[which] / unit for part in names]
                at = np.arange(len(names)) + (len(models) / 2 - i - 0.5) * height
                axis.barh(at, widths, 0.9 * height, color=colour, label=name)
            axis.set(xlabel=title)
            axis.tick_params(axis="y", length=0)
        axes[0].set_yticks(range(len(names)), names)
        axes[1].legend(loc="lower right")
    plt.close(figure)
    return figure


def schedules(rates: dict[str, Sequence[float]]) -> Figure:
    """Learning rates, relative to the highest, over a run of length one: a curve for each name."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7.4, 2.8), layout="constrained")
        for (name, values), colour in zip(rates.items(), COLOURS, strict=False):
            axis.plot(np.linspace(0, 1, len(values)), values, color=colour, label=name, lw=2)
        axis.set(xlabel="part of the run", ylabel="rate, relative", xlim=(0, 1), ylim=(0, 1.05))
        axis.legend()
    plt.close(figure)
    return figure
