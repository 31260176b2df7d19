"""The figure of object sizes: which level of a pyramid the objects of each set belong to."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.colours import LEVEL_COLOURS
from augfpn.figures.theme import GREY, INK, WIDTH, themed

LOW, HIGH = -4, 2  # octaves from the canonical size: objects beyond are drawn at these ends
OCTAVE_EDGES = np.arange(LOW, HIGH + 0.25, 0.25)
AXIS_PX = (4.4, 362)  # the ends of every axis
TICKS_PX = (5, 10, 20, 40, 80, 160, 320)
BORDERS = (-1, 0, 1)  # octaves: where the rule goes to the next level


@themed
def object_sizes(objects: pd.DataFrame) -> Figure:
    """How large objects are, a panel for each set of images, in the colours of FPN's levels.

    A bar is the percentage of the set's objects in a quarter of an octave.

    ``objects`` has a row for each object: its "images", its "side" divided by the "canonical" size,
    and the "level" that the rule gives it. All sets share the axis, in pixels; the levels' borders
    are those of each set's canonical size. Each level has its share of the objects.
    """
    names = list(dict.fromkeys(objects["images"]))
    size = (WIDTH, 0.8 + 1.5 * len(names))
    figure, axes = plt.subplots(len(names), 1, figsize=size, squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        draw_sizes(axis, objects[objects["images"] == name])
        axis.set_title(name)
    axes[-1][0].set_xlabel("side of the box in the resized image, px")
    figure.supylabel("objects of the set, percent", fontsize="medium")
    return figure


def draw_sizes(axis: Axes, own: pd.DataFrame) -> None:
    """The panel of one set of images; the axis has the logarithm of a side in pixels."""
    canonical = np.log2(own["canonical"].iloc[0])
    octave = canonical + np.log2(own["side"]).clip(LOW, HIGH - 1e-9)
    look = {"palette": LEVEL_COLOURS, "multiple": "stack", "alpha": 1, "legend": False}
    seaborn.histplot(own.assign(octave=octave), x="octave", hue="level", stat="percent", ax=axis,
                     bins=canonical + OCTAVE_EDGES, **look)  # fmt: skip
    axis.set(ylabel=None, xlabel=None, ylim=(0, 1.35 * axis.get_ylim()[1]))
    axis.locator_params("y", nbins=3)
    borders = [canonical + each for each in BORDERS]
    low, high = np.log2(AXIS_PX)
    edges = dict(zip(LEVEL_COLOURS, pairwise([low, *borders, high]), strict=False))
    top = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "top"}
    for level, share in own["level"].value_counts(normalize=True).items():
        words = f"P{level}: {share:.0%}"
        axis.text(sum(edges[level]) / 2, 0.97, words, **top, fontsize=10.5, color=INK)
    for border in borders:
        axis.axvline(border, color=GREY, lw=0.8, ls="--")
    axis.grid(visible=False)
    axis.set_xticks(np.log2(TICKS_PX), map(str, TICKS_PX))
    axis.set_xlim(low, high)
