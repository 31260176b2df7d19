"""Draw many studies of one effect: python book/figures/studies.py writes studies.svg.

Student's factors for the interactive figure are written, too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from interactive import write
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import WIDTH, themed, write_svg
from augfpn.study.uncertainty.intervals import LEVEL, around, factor, verdict

EFFECT, BETWEEN, OF_IMAGES, SEEDS = 1.0, 1.0, 0.3, 3  # points; as the interactive figure begins
STUDIES, MOST_SEEDS = 40, 30
COLOURS = {"holds": GREEN, "does not hold": ORANGE, "undecided": "#8a8a8a"}


@themed
def studies() -> Figure:
    """Forty simulated studies: an interval each, in the colour of what it says."""
    rng = np.random.default_rng(1)
    shared = EFFECT + rng.normal(0, OF_IMAGES, STUDIES)
    differences = rng.normal(shared, BETWEEN, (SEEDS, STUDIES))
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    axis.axvline(0, color="black", lw=0.8)
    axis.axvline(EFFECT, color=BLUE, lw=1.5, ls="--")
    for row, values in enumerate(differences.T):
        found = around(values.mean(), SEEDS, values.std(ddof=1) / SEEDS**0.5, OF_IMAGES)
        colour = COLOURS[verdict(found)]
        axis.hlines(row, found.low, found.high, color=colour, lw=1.8)
        axis.plot(found.mean, row, "o", ms=3, color=colour)
    axis.set(xlabel="effect, points of AP", ylabel="a study each", yticks=[], xlim=(-4, 6))
    return figure


if __name__ == "__main__":
    by_freedom = [factor(LEVEL), *(factor(LEVEL, n) for n in range(1, MOST_SEEDS))]
    write("studies", {"factors": [round(x, 5) for x in by_freedom]})
    write_svg(studies(), Path(__file__).with_suffix(".svg"))
