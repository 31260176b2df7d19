"""Numbers to figures: one function for each kind, one style. Nothing is computed here.

Colours are Okabe and Ito's, safe for colour-blind readers; the ground is white, so that a figure
reads the same in a page's light and dark theme.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW = (
    *("#0072B2", "#D55E00", "#009E73", "#CC3311", "#AA4499", "#56B4E9", "#E69F00"),
)
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
LOSS_NAMES = {
    "loss_objectness": "proposals: object or not",
    "loss_rpn_box_reg": "proposals: box",
    "loss_classifier": "head: class",
    "loss_box_reg": "head: box",
    "loss_supervision_class": "supervision of M: class",
    "loss_supervision_box": "supervision of M: box",
}
STYLE = {
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "font.size": 10,
    "legend.frameon": False,
    "svg.hashsalt": "augfpn",
}


def losses(curves: dict[str, list[dict]]) -> Figure:
    """Loss against step: each term of the first run, and the sum of the main ones of all runs.

    ``curves`` maps a run's label to its record's curve, rows of step, lr and losses.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
        first = next(iter(curves.values()))
        names = [name for name in first[0] if name.startswith("loss_")]
        for name, colour in zip(names, COLOURS, strict=False):
            left.plot(*smoothed(first, [name]), color=colour, label=LOSS_NAMES.get(name, name))
        left.set(xlabel="step", ylabel="loss, weighted", yscale="log", title=next(iter(curves)))
        left.legend(fontsize=8)
        for (label, curve), colour in zip(curves.items(), COLOURS, strict=False):
            main = [name for name in curve[0] if name.startswith("loss_") and "supervision" not in name]
            right.plot(*smoothed(curve, main), color=colour, label=label)
        right.set(xlabel="step", ylabel="loss", ylim=(0, None), title="without supervision of M")
        right.legend(fontsize=8)
    plt.close(figure)
    return figure


def smoothed(curve: list[dict], names: list[str], part: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Steps and the moving mean of the sum of some losses over 1/part of the run."""
    steps = np.array([row["step"] for row in curve])
    values = np.array([sum(row[name] for name in names) for row in curve])
    n = max(1, len(values) // part)
    return steps[n - 1 :], np.convolve(values, np.ones(n) / n, mode="valid")


def gallery(rows: dict[str, Sequence[np.ndarray]], width: float = 10) -> Figure:
    """Rows of pictures (H, W, 3) uint8 of one shape, each row with its label at the left."""
    columns = max(len(pictures) for pictures in rows.values())
    shapes = [p.shape for pictures in rows.values() for p in pictures]
    ratio = max(h / w for h, w, _ in shapes)
    size = (width, width / columns * ratio * len(rows) * 1.03)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(rows), columns, figsize=size, squeeze=False, layout="constrained"
        )
        for line, (label, pictures) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel(label)
            for axis in line:
                axis.set(xticks=[], yticks=[])
                axis.grid(False)
                axis.spines[:].set_visible(False)
            for axis, picture in zip(line, pictures, strict=False):
                axis.imshow(picture)
    plt.close(figure)
    return figure
