"""Maps of different shapes in one figure, with one scale of colours."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from augfpn.figures.theme import WIDTH, themed

FOR_WORDS = 1.05  # inches of the titles above and of the bar of colours below
LABEL_SPACE = 0.4  # inches of the labels at the left


@themed
def maps_figure(rows: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Maps (h, w): a row for each label, a column for each shape, whose title is the inner key.

    A place has the same size in all maps. One bar of colours below, from 0 to the highest value,
    holds for all of them.
    """
    columns = next(iter(rows.values()))
    widths = [values.shape[1] for values in columns.values()]
    height = max(values.shape[0] for values in columns.values())
    inches = (WIDTH - LABEL_SPACE) / sum(widths) * height * len(rows) + FOR_WORDS
    figure, axes = plt.subplots(
        len(rows), len(widths), figsize=(WIDTH, inches), width_ratios=widths, squeeze=False
    )
    top = max(values.max() for row in rows.values() for values in row.values())
    for line, (label, row) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(label)
        for axis, values in zip(line, row.values(), strict=True):
            drawn = axis.imshow(values, cmap="Blues", vmin=0, vmax=top)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(True)
    for axis, title in zip(axes[0], columns, strict=True):
        axis.set_title(title)
    figure.colorbar(drawn, ax=axes, location="bottom", aspect=30, pad=0.03)
    return figure
