"""The uncertainty of an AP, or of the difference of two: over seeds and over test pictures.

An effect is the mean over n seeds of a difference, all measured on the same pictures. Two things
make it uncertain: seed-to-seed variation and image-to-image variation. The part of the pictures is
a bootstrap, with the same draws of pictures for every seed and both variants. The part of the seeds
is Student's interval, from s^2 / n, where s is the standard deviation of the differences; or, for a
comparison of variants, from all runs together (`augfpn.study.uncertainty.pooling`). A bootstrap
over seeds would be too narrow: three seeds have only ten different draws.
`augfpn.study.uncertainty.coverage` counts in simulations how often an interval contains the true
effect.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from augfpn.study.uncertainty.resampling import Draws

Floats = NDArray[np.float64]
Verdict = Literal[  # on an effect: from the strongest to none
    "holds", "does not hold", "within 1 AP of zero", "below the paper's gain", "undecided"
]
LIMITS: tuple[Verdict, ...] = ("within 1 AP of zero", "below the paper's gain")
SETTLED: tuple[Verdict, ...] = ("holds", "does not hold")
LEVEL = 0.95
FEWEST_OBJECTS = 30  # of a size in the test pictures, for a verdict on a number of that size
ONE_SIDED = 0.90  # the level of an interval each end of which is a one-sided limit at 95 %
SMALL_EFFECT = 0.01  # an effect within one point of AP of zero is called within 1 AP of zero
TO_THE_ENDS = 1e-4  # to 0 and 1: where a share is put that is 0 or 1 before its logit is taken
FEWEST_SEEDS = 3  # for a verdict: the intervals have their coverage from three seeds on


class Interval(NamedTuple):
    """A mean with an interval for the true mean at the level ``LEVEL``, in the values' unit.

    ``of_seeds`` and ``of_pictures`` are the two standard errors that it is made of. The former is
    the variation from seed to seed, including each seed's own variation over pictures; the latter
    is the variation over pictures that all seeds share. With one seed ``of_seeds`` is nan, and the
    interval says nothing about other seeds. ``of_pictures`` is nan for numbers that are not
    computed on draws of pictures, such as those of `augfpn.diagnostics`. ``freedom`` are the
    degrees of freedom of ``of_seeds``, seeds - 1 if it is ``None``. A ``share`` has its standard
    errors on the logit scale, so that its limits lie between 0 and 1.
    """

    mean: float
    low: float
    high: float
    seeds: int
    of_seeds: float
    of_pictures: float
    freedom: float | None = None
    share: bool = False


def deviation_of(effect: Interval) -> float:
    """The standard deviation of an effect between seeds."""
    return effect.of_seeds * effect.seeds**0.5


def terms_of(number: str) -> list[tuple[int, str]]:
    """A number's names with their signs: "APm minus APs" is (1, "APm"), (-1, "APs")."""
    first, *others = number.split(" minus ")
    return [(1, first), *((-1, name) for name in others)]


def signed(plus: Sequence[str], minus: Sequence[str]) -> list[tuple[str, int]]:
    """Variants with the sign that they have in a sum."""
    return [(name, 1) for name in plus] + [(name, -1) for name in minus]


def signed_sum(terms: Sequence[tuple[float, Draws]], number: str) -> Draws:
    """The weighted sum of a number ("AP", or "APm minus APs") over some records."""
    observed, on_draws = 0.0, np.zeros(())
    for sign, of in terms:
        for also, name in terms_of(number):
            observed += sign * also * of.observed[name]
            on_draws = on_draws + sign * also * of.drawn[name]
    return Draws({number: observed}, {number: on_draws})


def minus(a: Draws, b: Draws) -> Draws:
    """a - b, in each number that both have and on each draw of pictures, which both share."""
    both = [name for name in a.observed if name in b.observed]
    return Draws(
        {name: a.observed[name] - b.observed[name] for name in both},
        {name: a.drawn[name] - b.drawn[name] for name in both},
    )


def single(of: Sequence[Draws]) -> dict[str, Interval]:
    """An interval for each number of a variant or a difference; ``of`` has one item per seed."""
    return {
        name: interval([x.observed[name] for x in of], np.array([x.drawn[name] for x in of]))
        for name in of[0].observed
    }


def interval(observed: Sequence[float], on_draws: Floats, level: float = LEVEL) -> Interval:
    """The mean over seeds, with an interval for other seeds and other pictures.

    Shapes: observed (n,), on_draws (n, B).
    Each seed's own variation over pictures is part of both the variance of the draws and the
    variance between seeds: it is subtracted from the former, so that it counts once.
    """
    n, centre = len(observed), float(np.mean(observed))
    usable = on_draws[:, ~np.isnan(on_draws).any(axis=0)]
    if math.isnan(centre) or usable.shape[1] < 2:
        return around(centre, n, math.nan, math.nan, level)
    of_pictures, of_seeds = float(usable.mean(axis=0).var(ddof=1)), math.nan
    if n > 1:
        twice = max(0.0, float(usable.var(axis=1, ddof=1).mean()) - of_pictures) / (n - 1)
        of_seeds = float(np.var(observed, ddof=1)) / n
        of_pictures = max(0.0, of_pictures - twice)
    return around(centre, n, math.sqrt(of_seeds), math.sqrt(of_pictures), level)


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The mean of a number over seeds, with an interval for other seeds; nan for a single seed."""
    n = len(values)
    of_seeds = float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return around(float(np.mean(values)), n, of_seeds, math.nan, level)


def share_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """As `mean_interval`, for shares between 0 and 1: mean and limits are taken of their logits."""
    logits = special.logit(np.clip(values, TO_THE_ENDS, 1 - TO_THE_ENDS))
    of = mean_interval(logits.tolist(), level)
    return around(float(special.expit(of.mean)), of.seeds, of.of_seeds, math.nan, level, share=True)


def ratio(above: Sequence[Draws], below: Sequence[Draws], number: str) -> Interval:
    """The ratio of two means over the same seeds, with Fieller's interval.

    It has all ratios r for which the interval of above - r * below contains zero: between the roots
    of a parabola. Without roots, ``below`` may be zero, and the limits are nan.
    Source: Fieller, JRSS B, 1954.
    """

    def apart(r: float) -> Interval:
        both = zip(above, below, strict=True)
        sums = [signed_sum([(1.0, a), (-r, b)], number) for a, b in both]
        return single(sums)[number]

    def excess(of: Interval) -> float:
        return of.mean**2 - ((of.high - of.low) / 2) ** 2

    minus, zero, plus = map(apart, (-1.0, 0.0, 1.0))
    whole = zero.mean - plus.mean
    centre = zero.mean / whole if whole else math.nan
    ends, middle = (excess(minus), excess(plus)), excess(zero)
    square, linear = sum(ends) / 2 - middle, (ends[1] - ends[0]) / 2
    root = linear**2 - 4 * square * middle
    if not (square > 0 and root >= 0):
        return Interval(centre, math.nan, math.nan, len(above), math.nan, math.nan)
    half = math.sqrt(root) / (2 * square)
    low, high = (-linear / (2 * square) + x for x in (-half, half))
    return Interval(centre, low, high, len(above), math.nan, math.nan)


def around(
    centre: float,
    n: int,
    of_seeds: float,
    of_pictures: float,
    level: float = LEVEL,
    freedom: float | None = None,
    share: bool = False,
) -> Interval:
    """The interval that follows from two standard errors.

    Its half-width is the root of the sum of two squares: Student's factor times ``of_seeds``, and
    the normal factor times ``of_pictures``. A standard error that is nan is left out; if both are
    nan, the limits are nan.
    """
    halves = [
        times * error
        for times, error in (
            (factor(level, n - 1 if freedom is None else freedom), of_seeds),
            (factor(level), of_pictures),
        )
        if not math.isnan(error)
    ]
    half = math.hypot(*halves) if halves else math.nan
    low, high = centre - half, centre + half
    if share:
        low, high = (float(special.expit(special.logit(centre) + x)) for x in (-half, half))
    return Interval(centre, low, high, n, of_seeds, of_pictures, freedom, share)


def shared_level(many: int) -> float:
    """The level of each of ``many`` intervals that together contain what they should at ``LEVEL``.

    Source: Bonferroni's inequality.
    """
    return 1 - (1 - LEVEL) / many


def at_level(of: Interval, level: float) -> Interval:
    """The same effect's interval at another level."""
    return around(of.mean, of.seeds, of.of_seeds, of.of_pictures, level, of.freedom, of.share)


def factor(level: float, freedom: float | None = None) -> float:
    """Half-width of an interval in standard errors: normal, or Student's with some freedom."""
    tail = (1 + level) / 2
    return float(stats.norm.ppf(tail) if freedom is None else stats.t.ppf(tail, freedom))


def verdict(
    of: Interval, margin: float = 0.0, small: float | None = None, papers: float | None = None
) -> Verdict:
    """Whether the mean is above ``margin``: the whole interval must be, of three seeds or more.

    What that leaves open may still have a limit: ``small`` on both sides of zero, or, on one side
    only, ``papers``, the effect that the paper prints. These are one-sided tests at 95 %.
    Source: Schuirmann's two one-sided tests, 1987.
    """
    if of.seeds < FEWEST_SEEDS or math.isnan(of.low):
        return "undecided"
    if of.low > margin:
        return "holds"
    if of.high < margin:
        return "does not hold"
    inner = at_level(of, ONE_SIDED)
    if small is not None and -small < inner.low and inner.high < small:
        return "within 1 AP of zero"
    return "below the paper's gain" if inner.high < (papers or -math.inf) else "undecided"


def wider(*found: Interval | None) -> Interval | None:
    """The widest of some intervals of one effect; ``None`` if there is none."""
    return max(filter(None, found), key=lambda each: each.high - each.low, default=None)


def is_probable(
    found: Interval | None,
    alone: Interval | None,
    small: float | None = None,
    papers: float | None = None,
    margin: float = 0.0,
) -> bool:
    """Whether "probably" stands before the verdict that the interval ``found`` gives an effect.

    It does if ``alone``, the interval of the effect's own differences, does not give it, too. The
    other arguments are those of `verdict`.
    """
    if found is None or alone is None:
        return False
    said = verdict(found, margin, small, papers)
    if said in SETTLED:
        return verdict(alone, margin) != said
    inner = at_level(alone, ONE_SIDED)
    if small is not None and said == "within 1 AP of zero":
        return not (-small < inner.low and inner.high < small)
    return said != "undecided" and not inner.high < (papers or -math.inf)
