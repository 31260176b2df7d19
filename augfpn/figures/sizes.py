"""The figure of object sizes: which level of a pyramid the objects of each set belong to."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from augfpn.figures.colours import LEVEL_COLOURS
from augfpn.figures.theme import GREY, INK, WIDTH, themed

LOW, HIGH = -4, 2  # of the logarithm of a side, in octaves from the canonical size
MIDDLES = {2: -2.5, 3: -0.5, 4: 0.5, 5: 1.5}  # of the levels' sides, where their shares stand
OCTAVE_EDGES = np.arange(LOW, HIGH + 0.25, 0.25)


@themed
def object_sizes(objects: pd.DataFrame) -> Figure:
    """How large objects are, a panel for each set of images, in the colours of FPN's levels.

    A bar is the percentage of the set's objects in a quarter of an octave.

    ``objects`` has a row for each object: its "images", its "side" divided by the "canonical" size,
    and the "level" that the rule gives it. The axis of each set has its own pixels. Sides outside
    the figure are drawn at its ends. Each level has its share of the objects.
    """
    names = list(dict.fromkeys(objects["images"]))
    table = objects.assign(octave=np.log2(objects["side"]).clip(LOW, HIGH - 1e-9))
    size = (WIDTH, 0.8 + 1.5 * len(names))
    figure, axes = plt.subplots(len(names), 1, figsize=size, squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        own = table[table["images"] == name]
        seaborn.histplot(own, x="octave", hue="level", palette=LEVEL_COLOURS, bins=OCTAVE_EDGES,
                         stat="percent", multiple="stack", alpha=1, legend=False,
                         ax=axis)  # fmt: skip
        axis.set(ylabel=None, xlabel=None, title=name, ylim=(0, 1.35 * axis.get_ylim()[1]))
        axis.locator_params("y", nbins=3)
        top = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "top"}
        for level, share in own["level"].value_counts(normalize=True).items():
            words = f"P{level}: {share:.0%}"
            axis.text(MIDDLES[level], 0.97, words, **top, fontsize=10.5, color=INK)
        for edge in range(-1, 2):
            axis.axvline(edge, color=GREY, lw=0.8, ls="--")
        axis.grid(visible=False)
        octaves, canonical = range(LOW, HIGH + 1), own["canonical"].iloc[0]
        axis.set_xticks(octaves, [f"{canonical * 2.0**k:.0f}" for k in octaves])
        axis.set_xlim(LOW, HIGH)
    axes[-1][0].set_xlabel("side of the box in the resized image, px")
    figure.supylabel("objects of the set, percent", fontsize="medium")
    return figure
