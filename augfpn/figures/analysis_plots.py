"""Figures of one run: how its training went, and what its detector gets wrong."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib import font_manager
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, COLOURS, ORANGE
from augfpn.figures.letters import font_with, in_latin, letters_of
from augfpn.figures.plots import LOSS_NAMES, smoothed
from augfpn.figures.theme import GREY, WIDTH, themed
from augfpn.support.text import printable, shortened

LETTERS = 18  # letters of a name in a figure
MOST_CLASSES = 20  # in a confusion matrix that can be read
MOST_CURVES = 6
FONT = "DejaVu Sans"  # comes with matplotlib


def figures(found: dict) -> dict[str, Figure]:
    """The figures of an analysis, see `augfpn.study.analysis.analyse`, by their names."""
    return {
        "precision_recall": precision_recall(found["curves"]),
        "confusion": confusion(found["confusion"]),
        "errors": error_kinds(found["errors"]),
        "calibration": calibration(found["calibration"]),
    }


@themed
def dashboard(
    curve: list[dict], evaluations: Sequence[dict] = (), speed: float | None = None
) -> Figure:
    """How a training went: terms of the loss, learning rate, and AP where it was measured.

    ``curve`` has rows of step, lr and losses; ``evaluations`` have rows of step and AP as a
    fraction; ``speed`` is in images per second, and is written above.
    """
    losses = smoothed(curve).rename(columns=LOSS_NAMES)
    rates = pd.DataFrame(curve).set_index("step")["lr"]
    measured = [(each["step"], 100 * each["AP"]) for each in evaluations if each["AP"] is not None]
    heights = [3.2, 1, 1.4] if measured else [3.2, 1]
    figure, axes = plt.subplots(
        len(heights), figsize=(WIDTH, 1.3 * sum(heights)), sharex=True, height_ratios=heights
    )
    palette = COLOURS[: len(losses.columns)]
    seaborn.lineplot(losses, ax=axes[0], palette=palette, dashes=False, errorbar=None)
    above = {"bbox_to_anchor": (0.5, 1), "ncols": 2, "fontsize": "small"}
    title = f"training at {speed:.3g} images per second" if speed else None
    seaborn.move_legend(axes[0], "lower center", title=title, **above)
    axes[0].set(ylabel="loss, weighted", yscale="log")
    axes[1].plot(rates.index, rates, color=GREY)
    axes[1].set(ylabel="learning\nrate", ylim=(0, None))
    if measured:
        axes[2].plot(*zip(*measured, strict=True), color=BLUE, marker="o")
        axes[2].set(ylabel="AP, percent", ylim=(0, None))
    axes[-1].set_xlabel("step")
    return figure


@themed
def precision_recall(curves: dict) -> Figure:
    """Precision against recall: at several IoU thresholds, and of single classes at 0.5.

    Of many classes, those with the least area under the curve are shown.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.8), sharey=True)
    recall, precision = curves["recall"], curves["precision"]
    chosen = [
        name for name in ("0.50", "0.60", "0.70", "0.75", "0.80", "0.90") if name in precision
    ]
    shades = seaborn.color_palette("Blues_r", len(chosen) + 2)
    for name, shade in zip(chosen, shades, strict=False):
        left.plot(recall, precision[name], color=shade)
    by_class = list(curves["by_class"].values())
    shown, fonts = readable(list(curves["by_class"]))
    worst = sorted(range(len(by_class)), key=lambda place: sum(by_class[place]))[:MOST_CURVES]
    for place, colour in zip(worst, COLOURS, strict=False):
        right.plot(recall, by_class[place], color=colour)
    few = len(shown) <= MOST_CURVES
    title = "each class" if few else f"{MOST_CURVES} classes with the lowest AP50"
    left.set(title="mean of all classes,\nby IoU threshold", xlabel="recall", ylabel="precision")
    right.set(title=f"{title},\nIoU threshold 0.50", xlabel="recall")
    # Lines and names are handed over: a label that begins with "_" is left out otherwise.
    entries = [(left.lines, chosen), (right.lines, [shown[place] for place in worst])]
    for axis, entry in zip((left, right), entries, strict=True):
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1])
        if not recall:
            axis.text(0.5, 0.5, "no objects", ha="center", transform=axis.transAxes)
            continue
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 2}
        axis.legend(*entry, **below, prop={"family": fonts, "size": 10.5})
    return figure


@themed
def confusion(found: dict) -> Figure:
    """What the objects of each class were detected as, in percent of the class's objects.

    The last row counts detections where no object is. Of many classes, those are shown whose
    objects were most often taken for another class; the others are one class.
    """
    shown, fonts = readable(found["classes"])
    counts, names = fewer_classes(np.array(found["counts"], dtype=float), shown)
    objects = counts[:-1].sum(axis=1, keepdims=True)
    shares = np.divide(
        100 * counts[:-1], objects, where=objects > 0, out=np.zeros_like(counts[:-1])
    )
    side = max(3.2, 1.6 + 0.42 * len(names))
    figure, axis = plt.subplots(figsize=(side + 1.2, side + 0.6))
    table = np.vstack([shares, np.full(len(names) + 1, np.nan)])
    rows, columns = [*names, "no object"], [*names, "not found"]
    seaborn.heatmap(
        pd.DataFrame(table), vmin=0, vmax=100, cmap="Blues", annot=cell_words(shares),
        fmt="", square=True, linewidths=1, cbar=False, ax=axis, annot_kws={"size": "x-small"},
        xticklabels=columns, yticklabels=rows,
    )  # fmt: skip
    for place, number in enumerate(counts[-1, :-1]):
        axis.text(place + 0.5, len(names) + 0.5, f"{number:.0f}", ha="center", va="center",
                  color=ORANGE, size="x-small")  # fmt: skip
    axis.grid(False)
    axis.set(xlabel="detected as", ylabel="annotated as", facecolor="#eeeeee")
    axis.set_title(f"percent of the class's objects\n(last row: number; score {found['score']:g}+)")
    for label in (*axis.get_xticklabels(), *axis.get_yticklabels()):
        label.set_family(fonts)
    axis.tick_params("x", rotation=90 if len(names) > 4 else 30)
    axis.tick_params("y", rotation=0)
    return figure


def cell_words(shares: np.ndarray) -> np.ndarray:
    """What stands in the cells: whole percents, nothing for 0; the last row is left free."""
    words = [[f"{share:.0f}" if share >= 0.5 else "" for share in row] for row in shares]
    return np.array([*words, [""] * shares.shape[1]])


def fewer_classes(counts: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """The classes that are most often taken for others, and the rest as one class.

    Shapes: counts and the result: (K + 1, K + 1), the background last.
    """
    if len(names) <= MOST_CLASSES:
        return counts, list(names)
    inside = counts[:-1, :-1].copy()
    np.fill_diagonal(inside, 0)
    often = inside.sum(axis=1) + inside.sum(axis=0)
    kept = sorted(np.argsort(-often, kind="stable")[: MOST_CLASSES - 1])
    rest = [i for i in range(len(names)) if i not in kept]
    groups = [[i] for i in kept] + [rest, [len(names)]]
    less = np.array([[counts[np.ix_(a, b)].sum() for b in groups] for a in groups])
    return less, [*(names[i] for i in kept), f"{len(rest)} others"]


@themed
def error_kinds(errors: dict[str, dict[str, float]]) -> Figure:
    """How much AP50 would rise without each kind of error, and how often it occurs."""
    table = pd.DataFrame(errors).T
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.4 * len(table)))
    bars = axis.barh(table.index, 100 * table["AP50"], color=BLUE)
    axis.bar_label(
        bars, [f"{count:,.0f} times" for count in table["count"]], padding=4, size="small"
    )
    axis.invert_yaxis()
    axis.margins(x=0.2)
    axis.grid(visible=False, axis="y")
    axis.set(xlabel="AP50 lost by this kind of error alone, points", xlim=(0, None))
    return figure


@themed
def calibration(found: dict) -> Figure:
    """The share of detections that are right, against their score; equal ones on the diagonal."""
    table = pd.DataFrame(found["bins"], columns=["count", "score", "right"], dtype=float)
    figure, axis = plt.subplots(figsize=(4.2, 4.2))
    axis.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="as it should be")
    sizes = 20 + 180 * table["count"] / max(1, table["count"].max() if len(table) else 1)
    axis.plot(table["score"], table["right"], color=BLUE, lw=1)
    axis.scatter(
        table["score"], table["right"], sizes, color=BLUE, label="detections; size: how many"
    )
    axis.set(xlabel="score", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02))
    axis.set_title(f"expected calibration error {100 * found['ece']:.1f} points")
    axis.legend(loc="upper left", fontsize="small")
    return figure


# --- names that can be drawn ----------------------------------------------------------------------


def readable(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Short names as matplotlib draws them literally, and the fonts for them.

    See `augfpn.figures.letters`. A dollar sign gets the backslash without which two of them would
    enclose mathematics.
    """
    own = font_manager.findfont(FONT)
    shown, fonts = [], [FONT]
    for name in map(printable, names):
        file = own if {ord(x) for x in name if x != " "} <= letters_of(own) else font_with(name)
        if file not in (None, "", own):
            fonts.append(font_manager.get_font(file).family_name)
        short = shortened(in_latin(name) if file is None else name, LETTERS)
        shown.append(short.replace("$", r"\$"))
    return shown, list(dict.fromkeys(fonts))
