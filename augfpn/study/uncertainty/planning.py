"""How many seeds would show a gain: for a comparison of records, or of two lists of AP."""

import bisect
import math

import numpy as np
from scipy import stats

from augfpn.study.uncertainty.intervals import LEVEL, Floats, Interval, deviation_of, factor

ONE_POINT = 0.01  # of AP: about what the paper reports of one part
TWO_POINTS = 0.02  # about what it reports of all three
POWER = 0.8  # the share of cases in which a true effect is to be shown
MOST_SEEDS = 10_000  # beyond which `seeds_needed` gives up
QUANTILES = 400  # of the distribution of an estimated standard deviation, for `power_of`


def seeds_for(ap: Interval, gain: float) -> int | None:
    """How many seeds would show a gain, a fraction, if differences vary as those behind ``ap``.

    In 80 of 100 cases; ``None`` if no number of seeds does on so few test images.
    """
    of_pictures = 0.0 if math.isnan(ap.of_pictures) else ap.of_pictures
    return seeds_needed(deviation_of(ap), gain, of_pictures)


def images_for(ap: Interval, gain: float, images: int) -> int:
    """How many test images like the ``images`` behind ``ap`` show a gain with endless seeds.

    In 80 of 100 cases, if the error falls with the square root of their number.
    """
    largest = gain / (factor(LEVEL) + stats.norm.ppf(POWER))
    return math.ceil(images * (ap.of_pictures / largest) ** 2)


def varying(ap: Interval) -> str:
    """A sentence with the standard deviation of a difference and its error over images, if known.

    They are what the book's figure of planning asks for.
    """
    pairs = f"Pairs deviate by {100 * deviation_of(ap):.2f} AP"
    if math.isnan(ap.of_pictures):
        return f"{pairs}."
    if f"{100 * ap.of_pictures:.2f}" == "0.00":
        return f"{pairs}; test images add no error that shows beside that."
    return f"{pairs}, and the error over test images is {100 * ap.of_pictures:.2f} AP."


def shown_by(one_point: int | None, two_points: int | None, what: str) -> str:
    """A sentence on how many ``what``, as "pairs", would probably show one point, and two points.

    ``None`` stands for more than `MOST_SEEDS`.
    """
    one, two = (
        f"more than {MOST_SEEDS}" if needed is None else f"some {needed}"
        for needed in (one_point, two_points)
    )
    return (
        f"A true difference of 1 AP would be shown by {one} {what}, one of 2 AP by {two} "
        "(in 80 of 100 cases)."
    )


def seeds_needed(
    spread: float,
    effect: float,
    of_pictures: float = 0.0,
    power: float = POWER,
    level: float = LEVEL,
    variants: int = 2,
) -> int | None:
    """How many seeds show an effect with the given power; ``None`` if the pictures are too few.

    ``spread`` is the standard deviation of the difference from seed to seed, ``of_pictures`` its
    standard error over pictures, which more seeds do not reduce; both in the effect's unit. All
    ``variants`` are run with each seed, and estimate ``spread`` together.
    """

    def enough(n: int) -> bool:
        return power_of(n, spread, effect, of_pictures, level, variants) >= power

    if not enough(MOST_SEEDS):
        return None
    return 2 + bisect.bisect_left(range(2, MOST_SEEDS), True, key=enough)


def power_of(
    n: int,
    spread: float,
    effect: float,
    of_pictures: float = 0.0,
    level: float = LEVEL,
    variants: int = 2,
) -> float:
    """The probability that the interval of n seeds excludes zero; see `seeds_needed`."""
    # The runs only estimate the spread: this is the mean over quantiles of the estimate.
    freedom = (variants - 1) * (n - 1)
    estimates = spread**2 / n * estimated_variances(freedom)
    half = np.sqrt(factor(level, freedom) ** 2 * estimates + (factor(level) * of_pictures) ** 2)
    deviation = math.hypot(spread / math.sqrt(n), of_pictures)
    if deviation == 0:
        return 1.0
    above = stats.norm.sf((half - abs(effect)) / deviation)
    below = stats.norm.cdf((-half - abs(effect)) / deviation)
    return float(np.mean(above + below))


def estimated_variances(freedom: float, quantiles: int = QUANTILES) -> Floats:
    """Quantiles of the estimates of a variance of one that has some degrees of freedom."""
    parts = (np.arange(quantiles) + 0.5) / quantiles
    return stats.chi2.ppf(parts, freedom) / freedom
