"""Drawings of what the paper reports: AugFPN beside FPN, and each of its ablations."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN, ORANGE, PURPLE
from augfpn.figures.theme import GREY, WIDTH, themed

OF_TABLES = (BLUE, ORANGE, GREEN, PURPLE)
ROW = 0.3  # inches
LABEL_SIZE = 10.8  # points: some 9.8 px on a phone
ROOM = 4  # points of AP to the right of the last dot, for its label


@themed
def pairs_figure(pairs: Sequence[tuple[str, float, float]]) -> Figure:
    """For each detector its label, the AP of FPN and that of AugFPN, joined by a line."""
    figure, axis = plt.subplots(figsize=(WIDTH, 1.2 + 1.5 * ROW * len(pairs)))
    for place, (label, fpn, augfpn) in enumerate(pairs):
        axis.annotate(
            label, (fpn, place), (0, 6), textcoords="offset points", ha="left", size=LABEL_SIZE
        )
        axis.annotate(
            f"+{augfpn - fpn:.1f}",
            (augfpn, place),
            (7, -4),
            textcoords="offset points",
            size=LABEL_SIZE,
        )
        axis.plot([fpn, augfpn], [place, place], color=GREY, lw=1.5, zorder=1)
    places = range(len(pairs))
    axis.scatter([fpn for _, fpn, _ in pairs], places, color=GREY, label="FPN", s=30)
    axis.scatter([x for *_, x in pairs], places, color=BLUE, label="AugFPN", s=30)
    axis.set(xlabel="AP on COCO's test-dev", yticks=[], ylim=(len(pairs) - 0.5, -0.9))
    axis.margins(x=0.12)
    axis.set_xlim(right=max(x for *_, x in pairs) + ROOM)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure


@themed
def ablations_figure(rows: Sequence[tuple[str, str, float]], noise: float) -> Figure:
    """The gain over FPN of each row, by table, with a grey bar of the noise of single runs."""
    figure, axis = plt.subplots(figsize=(WIDTH, 1.2 + ROW * len(rows)))
    colours = dict(zip(dict.fromkeys(table for table, *_ in rows), OF_TABLES, strict=True))
    axis.axvline(0, color="black", lw=0.8)
    for place, (table, _, gain) in enumerate(rows):
        ends = [gain - noise, gain + noise]
        axis.plot(ends, [place, place], color="#bbbbbb", lw=5, solid_capstyle="butt", zorder=1)
        axis.scatter(gain, place, color=colours[table], s=32, zorder=2)
    for table, colour in colours.items():
        axis.scatter([], [], color=colour, label=table)
    axis.set_yticks(range(len(rows)), [label for _, label, _ in rows], size=LABEL_SIZE)
    axis.set(xlabel="points of AP above FPN's 36.3, on val2017", ylim=(len(rows) - 0.4, -0.6))
    axis.legend(loc="lower center", bbox_to_anchor=(0.3, 1), ncols=2)
    return figure
