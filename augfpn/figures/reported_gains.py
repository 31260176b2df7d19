"""Drawings of what the paper reports: AugFPN beside FPN, and each of its ablations."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE
from augfpn.figures.theme import GREY, INK, WIDTH, themed

PANEL_TITLES = {
    "Table 2": "the paper's Table 2: parts",
    "Table 3": "the paper's Table 3: CS, levels and λ",
    "Table 4": "the paper's Table 4: how RFA pools",
    "Table 5": "the paper's Table 5: how SRS joins levels",
}
TABLE_TITLE_ROWS = 2.5  # rows that a panel's title and axis take
PANEL_LEFT = -0.45  # of an axis' width: so far left of it a title begins
AXIS_ENDS = (-0.95, 2.75)  # points of AP above FPN
BAND = "#eeeeee"
ROW, CLOSE_ROW = 0.3, 0.245  # inches
TITLE_SIZE = 11.5  # points
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
def ablations_figure(rows: Sequence[tuple[str, str, float]], deviation: float) -> Figure:
    """The gain over FPN of each row, a panel for each table; grey: plus and minus ``deviation``.

    A row is the table, a label and the gain. FPN's own deviation is the grey band around zero. What
    lies left of all others by far is an arrow with its number.
    """
    panels = {name: [row[1:] for row in rows if row[0] == name] for name in PANEL_TITLES}
    heights = [len(each) + TABLE_TITLE_ROWS for each in panels.values()]
    size = WIDTH, 1.0 + CLOSE_ROW * sum(heights)
    figure, axes = plt.subplots(
        len(panels), sharex=True, figsize=size, height_ratios=heights, squeeze=False
    )
    for axis, (name, gains) in zip(axes[:, 0], panels.items(), strict=True):
        gains_panel(axis, gains, deviation)
        axis.set_title(PANEL_TITLES[name], loc="left", x=PANEL_LEFT, size=TITLE_SIZE)
        axis.tick_params("x", labelbottom=True)
    figure.supxlabel("points of AP above FPN's 36.3, on val2017", size=LABEL_SIZE, color=INK)
    return figure


def gains_panel(axis: Axes, rows: Sequence[tuple[str, float]], deviation: float) -> None:
    """The rows of one table: labels and gains, in points."""
    axis.axvspan(-deviation, deviation, color=BAND, lw=0, zorder=0)
    axis.axvline(0, color="black", lw=0.8, zorder=1)
    for place, (_, gain) in enumerate(rows):
        if gain < AXIS_ENDS[0]:
            said = f"{gain:.1f}".replace("-", "\N{MINUS SIGN}")
            axis.text(AXIS_ENDS[0] + 0.24, place, said, size=LABEL_SIZE, va="center")
            axis.scatter(AXIS_ENDS[0] + 0.15, place, color=BLUE, s=32, marker="<")
            continue
        ends = [gain - deviation, gain + deviation]
        axis.plot(ends, [place, place], color="#bbbbbb", lw=7, solid_capstyle="butt", zorder=2)
        axis.scatter(gain, place, color=BLUE, s=12, zorder=3)
    axis.set_yticks(range(len(rows)), [label for label, _ in rows])
    axis.tick_params(labelsize=LABEL_SIZE)
    axis.set(xlim=AXIS_ENDS, xticks=[0, 1, 2], ylim=(len(rows) - 0.4, -0.6))
