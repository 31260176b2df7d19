"""Drawings of what the paper reports: AugFPN beside FPN, and each of its ablations."""

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.beside import name_dots
from augfpn.figures.colours import BLUE, COLOURS
from augfpn.figures.theme import WIDTH, themed

TABLES_IN_WORDS = {
    "Table 2": "Table 2:\nparts",
    "Table 3": "Table 3: CS,\nlevels and λ",
    "Table 4": "Table 4: how\nRFA pools",
    "Table 5": "Table 5: how\nSRS joins levels",
}
TOUCHING = 0.01  # points: bars that are no farther apart touch
LEAST_LINES = 3  # that a table takes, for its name
AXIS_ENDS = (-0.95, 3.35)  # points of AP above FPN; on the right, names
BAND = "#eeeeee"
LABEL_SIZE = 10.8  # points: some 9.8 px on a phone
MARKERS = ("o", "s", "D", "^")  # of detectors


@themed
def pairs_figure(pairs: Sequence[tuple[str, str, float, float]]) -> Figure:
    """Each detector's gain against the AP of its FPN: a row is detector, backbone, FPN, AugFPN."""
    figure, axis = plt.subplots(figsize=(WIDTH, 4.4))
    detectors = dict.fromkeys(detector for detector, *_ in pairs)
    for detector, colour, marker in zip(detectors, COLOURS, MARKERS, strict=False):
        own = [(fpn, augfpn - fpn) for name, _, fpn, augfpn in pairs if name == detector]
        axis.scatter(*zip(*own, strict=True), color=colour, marker=marker, s=38, label=detector)
    axis.set(xlabel="AP with FPN", ylabel="AP with AugFPN minus with FPN")
    axis.margins(x=0.04, y=0.1)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    dots = [(fpn, augfpn - fpn) for *_, fpn, augfpn in pairs]
    name_dots(axis, dots, [backbone for _, backbone, *_ in pairs], LABEL_SIZE)
    return figure


@themed
def ablations_figure(rows: Sequence[tuple[str, str, float]], deviation: float) -> Figure:
    """The gain over FPN of each row, a group for each table; grey: plus and minus ``deviation``.

    A row is the table, a label and the gain. Rows of a table whose bars would touch have lines of
    their own. FPN's deviation is the grey band around zero. The best row of each table is named;
    what lies left of all others by far is an arrow with its name and number.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 4.2))
    axis.axvspan(-deviation, deviation, color=BAND, lw=0, zorder=0)
    axis.axvline(0, color="black", lw=0.8, zorder=1)
    top, middles = 0.0, []
    for table in TABLES_IN_WORDS:
        gains = {label: gain for name, label, gain in rows if name == table}
        lines = draw_table(axis, top, gains, deviation)
        middles.append(top + (lines - 1) / 2)
        top += max(lines, LEAST_LINES) + 1
        axis.axhline(top - 1, color=BAND, lw=1, zorder=0)
    axis.grid(visible=False, axis="y")
    axis.set_yticks(middles, TABLES_IN_WORDS.values())
    axis.tick_params(labelsize=LABEL_SIZE)
    axis.set(xlim=AXIS_ENDS, xticks=[0, 1, 2], ylim=(top - 1, -1))
    axis.set_xlabel("points of AP above FPN's 36.3, on val2017", size=LABEL_SIZE)
    return figure


def draw_table(axis: Axes, top: float, gains: Mapping[str, float], deviation: float) -> int:
    """The rows of one table from ``top`` downwards; returns how many lines they take."""
    best = max(gains, key=gains.__getitem__)
    ends: list[float] = []  # of the last bar of each line
    for label, gain in sorted(gains.items(), key=itemgetter(1)):
        if gain < AXIS_ENDS[0]:
            said = f"{label}: {gain:.1f}".replace(": -", ": \N{MINUS SIGN}")
            axis.annotate(said, (AXIS_ENDS[0] + 0.24, top), size=LABEL_SIZE, va="center")
            axis.scatter(AXIS_ENDS[0] + 0.13, top, color=BLUE, s=32, marker="<")
            ends.append(math.inf)  # the words take the line
            continue
        free = (i for i, end in enumerate(ends) if gain - deviation > end + TOUCHING)
        line = next(free, len(ends))
        ends[line : line + 1] = [gain + deviation]
        bar = [gain - deviation, gain + deviation]
        axis.plot(bar, 2 * [top + line], color="#bbbbbb", lw=7, solid_capstyle="butt", zorder=2)
        axis.scatter(gain, top + line, color=BLUE, s=12, zorder=3)
        if label == best:
            at = (gain + deviation, top + line)
            beside = {"textcoords": "offset points", "size": LABEL_SIZE, "va": "center"}
            axis.annotate(label, at, (5, 0), **beside)
    return len(ends)
