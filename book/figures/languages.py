"""Draw two levels that tell the same three classes in two channels, in two languages.

    python book/figures/languages.py   writes languages.svg and the interactive data

M3's language is M2's, turned by an angle. A level's probe gives each point to the class whose mean
is nearest; the noise of a point is the same for each class and channel, so no linear probe is
better. The sum has a probe of its own.
"""

import matplotlib.pyplot as plt
import numpy as np
from interactive import HERE, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from augfpn.figures.colours import AMBER, GREEN, PURPLE
from augfpn.figures.theme import GREY, WIDTH, themed, write_svg

EACH, NOISE, DRAWN = 60, 0.55, 110  # points of a class; their deviation; degrees of the drawing
DEGREES = (90, 210, 330)  # where the classes' means lie, at radius 1
COLOURS, MARKS = (AMBER, GREEN, PURPLE), ("o", "s", "^")
REACH = 3.2  # from the middle to the edge of a panel
LETTERS = 10.8  # points
Points = NDArray[np.float64]  # (3 classes, n, 2 channels)


def means(by: float = 0) -> Points:
    """The classes' means, turned: (3, 1, 2)."""
    angles = np.radians(np.add(DEGREES, by))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None]


def noises() -> Points:
    """The noise of both levels: (2, 3, EACH, 2); its mean over each class is zero."""
    drawn = NOISE * np.random.default_rng(3).standard_normal((2, 3, EACH, 2))
    return (drawn - drawn.mean(axis=2, keepdims=True)).round(3)


def levels(by: float, noise: Points) -> dict[str, tuple[Points, Points]]:
    """Points and the means that their probe knows, for M2, M3 read by M2's probe, and the sum."""
    own, other = means(), means(by)
    m2, m3 = own + noise[0], other + noise[1]
    return {"M2": (m2, own), "M3": (m3, own), "M2 + M3": (m2 + m3, own + other)}


def accuracy(points: Points, known: Points) -> float:
    """The share of points whose own class's mean is the nearest of those that the probe knows."""
    apart = ((points[:, :, None] - known[:, 0]) ** 2).sum(axis=3)  # (3, n, 3)
    return float((apart.argmin(axis=2) == np.arange(3)[:, None]).mean())


@themed
def languages(noise: Points) -> Figure:
    """The points of both levels and of their sum at one angle; below, all angles."""
    figure = plt.figure(figsize=(WIDTH, 4.6))
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 1.05))
    for i, (name, (points, known)) in enumerate(levels(DRAWN, noise).items()):
        panel(figure.add_subplot(grid[0, i]), name, points, known)
    axis, angles = figure.add_subplot(grid[1, :]), np.arange(0, 181, 5)
    found = [levels(by, noise) for by in angles]
    for name, look in (("M2", "--"), ("M3", ":"), ("M2 + M3", "-")):
        values = [100 * accuracy(*of[name]) for of in found]
        words = "M3 by M2's probe" if name == "M3" else name
        axis.plot(
            angles, values, look, color=GREY if name != "M2 + M3" else GREEN, lw=2, label=words
        )
    axis.set(xlabel="angle by which M3 is turned, degrees", ylabel="right, percent", ylim=(0, 104))
    axis.set(xticks=range(0, 181, 45), yticks=(0, 50, 100), xlim=(0, 180))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def panel(axis: Axes, name: str, points: Points, known: Points) -> None:
    """The points of one map, and lines from the middle that part the classes of its probe."""
    for of_class, colour, mark in zip(points, COLOURS, MARKS, strict=True):
        axis.scatter(*of_class.T, s=9, color=colour, marker=mark, lw=0)
    for x, y in -known[:, 0]:  # the border of two classes lies opposite to the third
        far = 2 * REACH / max(np.hypot(x, y), 1e-9)
        axis.plot([0, far * x], [0, far * y], color=GREY, lw=1)
    said = f"{name}: {100 * accuracy(points, known):.0f} %"
    axis.set_title(said, size=LETTERS)
    axis.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[], aspect="equal")
    axis.spines[:].set_visible(True)
    axis.grid(False)


if __name__ == "__main__":
    drawn = noises()
    write("languages", {"degrees": DEGREES, "noise": drawn.tolist()})
    write_svg(languages(drawn), HERE / "languages.svg")
    for by in (0, 45, 90, 120, 135, 180):
        print(by, {name: round(accuracy(*of), 2) for name, of in levels(by, drawn).items()})
