"""The figure of gates and AP: whether runs whose gates keep the fine maps are the better ones."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, ORANGE
from augfpn.figures.theme import INK, WIDTH, themed


@themed
def gates_and_ap(runs: pd.DataFrame) -> Figure:
    """A dot for each run: the weight of the fine maps in small boxes, and AP, both in percent.

    ``runs`` has a row for each run: "fine", "AP", its "seed" and its "gates", "random" or "even".
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4))
    look = {"palette": {"random": ORANGE, "even": BLUE}, "markers": {"random": "o", "even": "D"}}
    seaborn.scatterplot(runs, x="fine", y="AP", hue="gates", style="gates", s=70, ax=axis, **look)
    for _, run in runs.iterrows():
        axis.annotate(
            f"{run['seed']}", (run["fine"], run["AP"]), (7, 0), textcoords="offset points",
            va="center", fontsize=9.5, color=INK,
        )  # fmt: skip
    axis.set(xlabel="weight of P2 and P3 in small boxes, percent", ylabel="AP", xlim=(-5, 108))
    axis.legend(title="gates before training", loc="lower right")
    return figure
