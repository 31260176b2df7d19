"""The figure of gates and AP: whether runs whose gates keep the fine maps are the better ones."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, ORANGE
from augfpn.figures.theme import INK, WIDTH, themed

# Where a seed may stand: its place from its dot, in points; of a label and of a dot, the room that
# is kept free around it, in percent and points of AP.
PLACES = (((7, 0), "left"), ((-7, 0), "right"), ((0, -12), "center"), ((0, 12), "center"))
SHIFTS = ((3.5, 0.0), (-3.5, 0.0), (0.0, -0.45), (0.0, 0.45))  # the same in the axes' units
FREE = (3.4, 0.35)


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
    dots = [*runs[["fine", "minus FPN"]].itertuples(index=False)]
    taken = [*map(tuple, dots)]
    for seed, (x, y) in zip(runs["seed"], dots, strict=True):
        near = [(x + across, y + up) for across, up in SHIFTS]
        best = max(range(len(near)), key=lambda i: (min(room(near[i], each) for each in taken), -i))
        (offset, side), at = PLACES[best], near[best]
        axis.annotate(f"{seed}", (x, y), offset, textcoords="offset points", va="center", ha=side,
                      fontsize=11, color=INK)  # fmt: skip
        taken.append(at)
    axis.set(
        xlabel="weight of P2 and P3 in boxes\nthat FPN reads from P2, percent",
        ylabel="AP minus FPN, points",
        xlim=(-5, 108),
    )
    axis.legend(title="gates before training", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure


def room(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How far two places are apart, at most 1: what keeps ``FREE`` apart is far enough."""
    across, up = (abs(a - b) / free for a, b, free in zip(one, other, FREE, strict=True))
    return min(1.0, max(across, up))
