"""The figure of context weights: how far they open, image by image."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import WIDTH, themed

OF_RATIOS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))


@themed
def context_figure(weights: np.ndarray, brightness: np.ndarray, ratios: Sequence[float]) -> Figure:
    """A dot for each image and ratio: the weight (n, ratios) against the brightness (n,)."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    for ratio, values, (colour, mark) in zip(ratios, weights.T, OF_RATIOS, strict=False):
        look = {"color": colour, "marker": mark, "s": 18, "alpha": 0.8, "linewidths": 0}
        axis.scatter(brightness, values, label=f"α = {ratio}", **look)
    axis.set(xlabel="brightness of the image, percent", ylabel="mean weight", ylim=(0, 1))
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handletextpad=0)
    return figure
