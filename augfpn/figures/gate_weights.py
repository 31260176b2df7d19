"""The figure of gates and AP: whether runs whose gates keep the fine maps are the better ones."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, ORANGE
from augfpn.figures.theme import INK, WIDTH, themed

# Percent and AP: a dot closer than this to an earlier one has its seed at its left.
TOO_CLOSE = (6, 0.35)


@themed
def gates_and_ap(runs: pd.DataFrame) -> Figure:
    """A dot for each run: the weight of the fine maps in small boxes, and AP, both in percent.

    ``runs`` has a row for each run: "fine", "AP", its "seed" and its "gates", "random" or "even".
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4))
    look = {"palette": {"random": ORANGE, "even": BLUE}, "markers": {"random": "o", "even": "D"}}
    seaborn.scatterplot(runs, x="fine", y="AP", hue="gates", style="gates", s=70, ax=axis, **look)
    taken: list[tuple[float, float]] = []
    for seed, x, y in runs[["seed", "fine", "AP"]].itertuples(index=False):
        close = any(abs(x - a) < TOO_CLOSE[0] and abs(y - b) < TOO_CLOSE[1] for a, b in taken)
        place = {"xytext": (-7, 0), "ha": "right"} if close else {"xytext": (7, 0), "ha": "left"}
        axis.annotate(f"{seed}", (x, y), textcoords="offset points", va="center", **place,
                      fontsize=11, color=INK)  # fmt: skip
        taken.append((x, y))
    axis.set(xlabel="weight of P2 and P3 in small boxes, percent", ylabel="AP", xlim=(-5, 108))
    axis.legend(title="gates before training", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure
