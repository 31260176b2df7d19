"""Pictures side by side and below each other."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from augfpn.figures.theme import themed

WIDE = 6.8  # inches of a gallery: pictures need more than `augfpn.figures.theme.WIDTH`
LEAST_INCHES = 2.5  # inches of a picture; with less, the names in it cannot be read
POINTS = 14  # points of labels and titles, which a phone shows at three quarters


@themed
def gallery(
    rows: dict[str, Sequence[np.ndarray]], width: float = WIDE, titles: Sequence[str] = ()
) -> Figure:
    """Rows of pictures (H, W, 3) uint8 of one shape, each row with its label at the left.

    As many stand side by side as have room; the rest of every row follows below, so that pictures
    of one column stay together. Rows without labels are one. ``titles`` stand above the pictures,
    in the order of the rows.
    """
    if not any(map(str.strip, rows)):
        rows = {"": [picture for some in rows.values() for picture in some]}
    names = iter([*titles, *[""] * sum(map(len, rows.values()))])
    titled = {label: [(each, next(names)) for each in some] for label, some in rows.items()}
    most = max(map(len, rows.values()))
    columns = min(most, int(width // LEAST_INCHES))
    parts = [slice(start, start + columns) for start in range(0, most, columns)]
    lines = [(label, some[part]) for part in parts for label, some in titled.items() if some[part]]
    ratio = max(p.shape[0] / p.shape[1] for pictures in rows.values() for p in pictures)
    height = width / columns * ratio * 1.03 + (0.35 if titles else 0)
    size = (width, height * len(lines))
    figure, axes = plt.subplots(len(lines), columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
    for line, (label, pictures) in zip(axes, lines, strict=True):
        line[0].set_ylabel(label, fontsize=POINTS)
        for axis, (picture, title) in zip(line, pictures, strict=False):
            axis.imshow(picture)
            axis.set_title(title, fontsize=POINTS)
    return figure
