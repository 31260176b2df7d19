"""A drawing of pairs of runs: two detectors with the same seed, side by side."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, ORANGE
from augfpn.figures.theme import FULL_WIDTH, GREY, LETTERS_OF_WIDE, themed

PAIR_HEIGHT = 0.34  # inches
MINUS = "\N{MINUS SIGN}"


@themed
def seed_pairs_figure(runs: pd.DataFrame) -> Figure:
    """A row for each seed: the AP of both runs, joined by a line, and their difference; then means.

    ``runs`` has a row for each run: its "label", one of two, its "seed" and its "AP" in percent.
    The second label's run minus the first's is written on the right.
    """
    first, second = runs["label"].unique()
    table = runs.pivot(index="seed", columns="label", values="AP")
    table.index = [f"seed {seed}" for seed in table.index]
    table.loc["mean"] = table.mean()
    figure, axis = plt.subplots(figsize=(FULL_WIDTH, 1.1 + PAIR_HEIGHT * len(table)))
    rows = range(len(table))
    axis.hlines(rows, table[first], table[second], color=GREY, lw=2, zorder=1)
    for label, colour, mark in ((first, ORANGE, "D"), (second, BLUE, "o")):
        axis.scatter(table[label], rows, color=colour, s=60, marker=mark, label=label, zorder=2)
    axis.axhline(len(table) - 1.5, color=GREY, lw=0.8)
    for row, apart in enumerate(table[second] - table[first]):
        beside = {"transform": axis.get_yaxis_transform(), "va": "center", "size": LETTERS_OF_WIDE}
        axis.text(1.02, row, f"{apart:+.1f}".replace("-", MINUS), **beside)
    axis.set_yticks(rows, table.index)
    axis.set_ylim(len(table) - 0.5, -0.5)
    axis.tick_params(labelsize=LETTERS_OF_WIDE)
    axis.set_xlabel("AP, percent", size=LETTERS_OF_WIDE)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=LETTERS_OF_WIDE)
    return figure
