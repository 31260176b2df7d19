"""The theme of all figures: sizes, colours of words and lines, and how a figure is written.

The background is white; for the book's dark pages `book/finish.py` makes it transparent and turns
INK and GREY light.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import matplotlib.pyplot as plt
import seaborn
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

WIDTH = 5.2  # inches of a figure: narrow, so that its words can be read on a phone
FULL_WIDTH = 6.4  # inches of one that needs the room
LETTERS_OF_WIDE = 12.6  # points of its letters: some 9.6 px on a phone
INK, GREY = "#222222", "#555555"
ON_FILL = "#262626"  # words on a coloured area, which stays as it is on a dark page
ON_DARK = "#fafafa"  # the same on dark blue
THEME = {
    **seaborn.axes_style("whitegrid"),
    **seaborn.plotting_context("notebook"),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so it is the same everywhere
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "augfpn",
}
P = ParamSpec("P")


def themed(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """The same function in the theme of all figures; the figure does not show itself."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with plt.rc_context(THEME):
            figure = draw(*args, **kwargs)
        plt.close(figure)
        return figure

    return drawn


def wcag_contrast(one: ColorType, other: ColorType) -> float:
    """The contrast of two colours as WCAG defines it, from 1 to 21."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: ColorType) -> float:
    """How light a colour is, from 0 to 1, as WCAG defines it."""
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(colour)]
    return sum(share * x for share, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def write_svg(figure: Figure, file: Path, description: str | None = None) -> None:
    """Write a figure as SVG: the same bytes for the same figure and description."""
    metadata = {"Date": None, "Description": description}
    with plt.rc_context(THEME):
        figure.savefig(file, format="svg", metadata=metadata)
