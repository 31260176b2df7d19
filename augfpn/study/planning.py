"""How many seeds would show a gain: for a comparison of records, or of two lists of AP."""

import math

from scipy import stats

from augfpn.study import intervals
from augfpn.study.intervals import Interval

ONE_POINT = 0.01  # of AP: the effect for which seeds are planned


def seeds_for(ap: Interval, gain: float) -> int | None:
    """How many seeds would show a gain, a fraction, if differences vary as those behind ``ap``.

    In 80 of 100 cases; ``None`` if no number of seeds does on so few test images.
    """
    of_pictures = 0.0 if math.isnan(ap.of_pictures) else ap.of_pictures
    return intervals.seeds_needed(ap.of_seeds * math.sqrt(ap.seeds), gain, of_pictures)


def images_for(ap: Interval, gain: float, images: int) -> int:
    """How many test images like the ``images`` behind ``ap`` show a gain with endless seeds.

    In 80 of 100 cases, if the error falls with the square root of their number.
    """
    largest = gain / (intervals.factor(intervals.LEVEL) + stats.norm.ppf(intervals.POWER))
    return math.ceil(images * (ap.of_pictures / largest) ** 2)


def varying(ap: Interval) -> str:
    """A sentence with the standard deviation of a difference and its error over images, if known.

    They are what the book's figure of planning asks for.
    """
    pairs = f"Pairs deviate by {100 * ap.of_seeds * math.sqrt(ap.seeds):.2f} AP"
    if math.isnan(ap.of_pictures):
        return f"{pairs}."
    return f"{pairs}, and the error over test images is {100 * ap.of_pictures:.2f} AP."


def shown_by(needed: int, what: str) -> str:
    """A sentence on what would probably show a difference of one point, as "7 seeds"."""
    return f"A true difference of 1 AP would be shown by some {needed} {what} (in 80 of 100 cases)."
