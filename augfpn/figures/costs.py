"""What detectors cost and what it buys, as figures in the theme of `augfpn.figures.plots`."""

from collections.abc import Collection, Mapping

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from augfpn.figures.colours import AMBER, BLUE, COLOURS, GREEN, ORANGE, PURPLE, SKY, YELLOW
from augfpn.figures.theme import GREY, WIDTH, themed

# Parts of a step, in the order of a bar. Small parts share a colour and a line of the legend.
PART_COLOURS = {
    "backbone": BLUE,
    "pyramid": SKY,
    "proposals": YELLOW,
    "RoI features": ORANGE,
    "fusion": AMBER,
    "heads": GREEN,
    "supervision": PURPLE,
    "post-processing": "#777777",
    "optimiser": "#444444",
    "the rest": "#cccccc",
}
REST = "the rest"
SHARED = "#8c8c8c"  # bars of what is not new
Bars = dict[str, dict[str, float]]  # by variant and part: seconds


@themed
def time_by_part(
    panels: dict[str, tuple[Bars, Bars]], ratios: dict[str, dict[str, float]], base: str
) -> Figure:
    """Seconds of a step by part: a stacked bar for each variant, a panel for each use.

    ``panels`` maps a title to the seconds of the forward pass and everything outside of the
    detector, and those of the backward pass, which are drawn paler. ``ratios`` maps the same titles
    to each variant's ratio to ``base``, which stands at the bar's end.
    """
    counts = [len(forward) for forward, _ in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(WIDTH, 2.0 + sum(0.5 + 0.36 * n for n in counts)), squeeze=False,
        height_ratios=counts,
    )  # fmt: skip
    shown: dict[str, str] = {}
    for axis, (title, (forward, backward)) in zip(axes[:, 0], panels.items(), strict=True):
        ends = stacked(axis, forward, backward, shown)
        for place, (variant, end) in enumerate(ends.items()):
            ratio = ratios[title][variant]
            axis.annotate(
                f"{ratio:.2f}", (end, place), (4, 0), textcoords="offset points", va="center"
            )
        axis.set_yticks(range(len(forward)), list(forward))
        axis.set(title=title, ylim=(len(forward) - 0.5, -0.5), xlim=(0, 1.12 * max(ends.values())))
        axis.grid(False, axis="y")
        axis.locator_params("x", nbins=5)
    axes[-1, 0].set_xlabel(f"seconds of a step; at the bar's end:\nthe ratio to {base}")
    patches = [Patch(color=PART_COLOURS[p], label=p) for p in PART_COLOURS if p in shown]
    if any(backward for _, backward in panels.values()):
        patches.append(Patch(color=pale(GREY), label="pale: backward"))
    figure.legend(handles=patches, loc="outside lower center", ncols=3)
    return figure


def stacked(axis: Axes, forward: Bars, backward: Bars, shown: dict[str, str]) -> dict[str, float]:
    """Draw the bars; returns the seconds at which each ends. Adds the drawn parts to ``shown``."""
    ends = dict.fromkeys(forward, 0.0)
    for bars, colour_of in ((forward, str), (backward, pale)):
        for part, colour in PART_COLOURS.items():
            for place, variant in enumerate(forward):
                seconds = of_part(bars.get(variant, {}), part)
                if seconds:
                    axis.barh(place, seconds, 0.72, ends[variant], color=colour_of(colour), lw=0)
                    ends[variant] += seconds
                    shown[part] = colour
    return ends


def of_part(seconds: dict[str, float], part: str) -> float:
    """The seconds of a part that has a colour of its own, or of all those that have none."""
    if part != REST:
        return seconds.get(part, 0.0)
    return sum(x for name, x in seconds.items() if name not in PART_COLOURS)


def pale(colour: str) -> tuple[float, float, float]:
    """The same hue, nearer to white."""
    return seaborn.light_palette(colour, 5)[2]


@themed
def ap_against_time(runs: pd.DataFrame, equal: float | None = None) -> Figure:
    """AP of every run against the time of its training: a dot each, dashes between the means.

    ``runs`` has a row for each run: its "detector", its "time", relative, and its "AP" in percent.
    A line stands at the time that is ``equal`` for all detectors.
    """
    names = list(dict.fromkeys(runs["detector"]))
    look = {"x": "time", "y": "AP", "hue": "detector", "hue_order": names}
    look |= {"style": "detector", "style_order": names, "palette": COLOURS[: len(names)]}
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    seaborn.scatterplot(runs, **look, alpha=0.6, legend=False, ax=axis)
    dashed = {"dashes": False, "linestyle": "--"}  # nothing was run between the dots
    seaborn.lineplot(runs, **look, **dashed, errorbar=None, lw=1.5, ax=axis)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set(xlabel="time of training, relative", ylabel="AP, percent")
    if equal is not None:
        axis.axvline(equal, color=GREY, lw=1, ls=":", label=f"equal time: {equal:.2f}")
    axis.legend(title=None)
    return figure


@themed
def cost_by_part(
    parts: Mapping[str, tuple[int, int]], added: Collection[str], training_only: Collection[str]
) -> Figure:
    """Parameters and multiply-accumulates of a detector: a bar with its number for each part.

    ``parts`` maps a part to the two counts. Bars of what is ``added`` to a plain detector have a
    colour, those of the parts that are ``training_only`` are hatched.
    """
    counts = ["parameters,\nmillions", "MACs,\nbillions"]
    table = pd.DataFrame(parts, counts).T / [1e6, 1e9]
    colours = [ORANGE if part in added else SHARED for part in parts]
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 1.3 + 0.3 * len(parts)), sharey=True)
    for axis, count in zip(axes, counts, strict=True):
        bars = axis.barh(list(parts), table[count], 0.72, color=colours, lw=0)
        axis.bar_label(bars, [written(each) for each in table[count]], padding=2, size=10.5)
        for part, bar in zip(parts, bars, strict=True):
            if part in training_only:
                bar.set(hatch="////", edgecolor="white", lw=0)
        axis.set(xlabel=count, xlim=(0, 1.3 * table[count].max()))  # room for the numbers
        axis.grid(False, axis="y")
    axes[0].invert_yaxis()
    looks = {"in both": {"fc": SHARED}, "AugFPN's": {"fc": ORANGE}}
    looks["training only"] = {"fc": ORANGE, "ec": "white", "lw": 0, "hatch": "////"}
    handles = [Patch(**look, label=name) for name, look in looks.items()]
    figure.legend(handles=handles, loc="outside upper right", ncols=3)
    return figure


def written(width: float) -> str:
    """The number beside a bar: with a decimal below ten."""
    return f"{width:.0f}" if width >= 10 else f"{width:.1f}"
