"""Draw the chance that a test shows a gain: python book/figures/plan.py writes plan.svg.

What the interactive figure needs to compute the same is written, too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from interactive import write
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import GREY, WIDTH, themed, write_svg
from augfpn.study import gather
from augfpn.study.tables import variant_row
from augfpn.study.uncertainty.intervals import LEVEL, factor
from augfpn.study.uncertainty.planning import POWER, estimated_variances, power_of

SPREAD, OF_IMAGES = 1.7, 0.1  # points: of CS on blood cells, by the spread of all variants
MOST_PAIRS, QUANTILES = 30, 40  # of the interactive figure
MOST_GAIN = 4.0  # points
DRAWN = {4: ORANGE, 8: BLUE, 16: GREEN}  # pairs


def estimates() -> list[list[float]]:
    """For 2, 3, ... pairs: the squared half-width that each quantile of the estimate gives.

    It is in units of the variance of the mean; images not counted. See `planning.power_of`.
    """
    return [
        [round(factor(LEVEL, n - 1) ** 2 * x, 3) for x in estimated_variances(n - 1, QUANTILES)]
        for n in range(2, MOST_PAIRS + 1)
    ]


def papers_gains() -> dict[str, float]:
    """The paper's gains on val2017 of Consistent Supervision alone and of all parts, in points."""
    of = gather.committed("scenes")
    return {name: round(variant_row(name, of).printed_effect, 1) for name in ("cs", "augfpn")}


@themed
def plan() -> Figure:
    """The chance of an interval above zero against the true gain, for three numbers of pairs."""
    gains = np.linspace(0, MOST_GAIN, 81)
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4))
    for pairs, colour in DRAWN.items():
        chance = [power_of(pairs, SPREAD, gain, OF_IMAGES) for gain in gains]
        axis.plot(gains, chance, color=colour, lw=2, label=f"{pairs} pairs")
    axis.axhline(POWER, color=GREY, lw=1, ls=":")
    for gain in papers_gains().values():
        axis.axvline(gain, color=GREY, lw=1, ls="--")
    axis.set(xlabel="true gain, points of AP", ylabel="chance to show it", ylim=(0, 1))
    axis.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    content = {"estimates": estimates(), "normal": round(factor(LEVEL), 5)}
    write("plan", content | {"papers": papers_gains()})
    write_svg(plan(), Path(__file__).with_suffix(".svg"))
