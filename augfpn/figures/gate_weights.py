"""The figure of gates and AP: whether runs whose gates keep the fine maps are the better ones."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from augfpn.figures.beside import name_dots
from augfpn.figures.colours import BLUE, ORANGE
from augfpn.figures.theme import INK, WIDTH, themed

SEED_SIZE = 11  # points


@themed
def gates_and_ap(runs: pd.DataFrame) -> Figure:
    """A dot for each run: the weight of the fine maps in boxes of P2, and AP minus FPN's.

    ``runs`` has a row for each run: "fine" in percent, "minus FPN" in points, its "seed" and its
    "gates", "random" or "even". FPN is the line at zero.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 4.2))
    axis.axhline(0, color=INK, lw=1)
    axis.annotate("FPN of the same seed", (-3, 0), (0, 3), textcoords="offset points", color=INK)
    look = {"palette": {"random": ORANGE, "even": BLUE}, "markers": {"random": "o", "even": "D"}}
    seaborn.scatterplot(
        runs, x="fine", y="minus FPN", hue="gates", style="gates", s=32, ax=axis, **look
    )
    axis.set(
        xlabel="weight of P2 and P3 in boxes\nthat FPN reads from P2, percent",
        ylabel="AP minus FPN, points",
        xlim=(-5, 108),
    )
    axis.legend(title="gates before training", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    dots = [*zip(runs["fine"], runs["minus FPN"], strict=True)]
    name_dots(axis, dots, [*map(str, runs["seed"])], SEED_SIZE)
    return figure
