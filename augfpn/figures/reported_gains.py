"""Drawings of what the paper reports: AugFPN beside FPN, and each of its ablations."""

from collections.abc import Sequence
from operator import itemgetter

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.beside import name_dots
from augfpn.figures.colours import BLUE, COLOURS
from augfpn.figures.theme import WIDTH, themed

TABLES_IN_WORDS = {
    "Table 2": "Table 2: parts",
    "Table 3": "Table 3: CS, levels and λ",
    "Table 4": "Table 4: how RFA pools",
    "Table 5": "Table 5: how SRS joins levels",
}
LINE = 0.215  # inches of a row
AXIS_ENDS = (-0.75, 2.75)  # points of AP above FPN
BAND = "#eeeeee"
FOR_NAMES = 0.23  # of the axis of dots: added for the names of the last ones
LABEL_SIZE = 10.8  # points: some 9.8 px on a phone
MARKERS = ("o", "s", "D", "^")  # of detectors


@themed
def pairs_figure(pairs: Sequence[tuple[str, str, float, float]]) -> Figure:
    """Each detector's gain against the AP of its FPN: a row is detector, backbone, FPN, AugFPN.

    A backbone's "24 epochs" are written as "(24)".
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 4.4))
    detectors = dict.fromkeys(detector for detector, *_ in pairs)
    for detector, colour, marker in zip(detectors, COLOURS, MARKERS, strict=False):
        own = [(fpn, augfpn - fpn) for name, _, fpn, augfpn in pairs if name == detector]
        axis.scatter(*zip(*own, strict=True), color=colour, marker=marker, s=38, label=detector)
    axis.set(xlabel="AP with FPN", ylabel="AP with AugFPN minus with FPN")
    low, high = axis.get_xlim()
    axis.set_xlim(low, high + FOR_NAMES * (high - low))  # so that each name is right of its dot
    axis.margins(y=0.1)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    dots = [(fpn, augfpn - fpn) for *_, fpn, augfpn in pairs]
    names = [backbone.replace(", 24 epochs", " (24)") for _, backbone, *_ in pairs]
    name_dots(axis, dots, names, LABEL_SIZE)
    return figure


@themed
def ablations_figure(rows: Sequence[tuple[str, str, float]], deviation: float) -> Figure:
    """The gain over FPN of each row, best first in each table; grey: plus and minus ``deviation``.

    A row is the table, a label and the gain. FPN's deviation is the grey band around zero. What
    lies left of all others by far is an arrow with its number.
    """
    by_table = {name: [] for name in TABLES_IN_WORDS}
    for table, label, gain in rows:
        by_table[table].append((label, gain))
    count = len(rows) + len(by_table)
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + LINE * count))
    axis.axvspan(-deviation, deviation, color=BAND, lw=0, zorder=0)
    axis.axvline(0, color="black", lw=0.8, zorder=1)
    names: list[str] = []
    for table, own in by_table.items():
        place = {"transform": axis.get_yaxis_transform(), "va": "center", "size": LABEL_SIZE}
        axis.text(0.02, len(names), TABLES_IN_WORDS[table], weight="bold", **place)
        names.append("")
        for label, gain in sorted(own, key=itemgetter(1), reverse=True):
            draw_gain(axis, len(names), gain, deviation)
            names.append(label)
    axis.grid(visible=False, axis="y")
    axis.set_yticks(range(count), names)
    axis.tick_params("y", length=0)
    axis.tick_params(labelsize=LABEL_SIZE)
    axis.set(xlim=AXIS_ENDS, xticks=[0, 1, 2], ylim=(count - 0.5, -0.7))
    axis.set_xlabel("points of AP above FPN's 36.3", size=LABEL_SIZE)
    return figure


def draw_gain(axis: Axes, line: int, gain: float, deviation: float) -> None:
    """One row's gain on its line."""
    if gain < AXIS_ENDS[0]:
        words = f"{gain:.1f}".replace("-", "\N{MINUS SIGN}")
        axis.scatter(AXIS_ENDS[0] + 0.13, line, color=BLUE, s=32, marker="<")
        axis.annotate(words, (AXIS_ENDS[0] + 0.26, line), size=LABEL_SIZE, va="center")
        return
    bar = [gain - deviation, gain + deviation]
    axis.plot(bar, [line, line], color="#bbbbbb", lw=7, solid_capstyle="butt", zorder=2)
    axis.scatter(gain, line, color=BLUE, s=14, zorder=3)
