"""How sure an AP, or the difference of two, is: over seeds and over test pictures.

An effect is the mean over seeds s of a difference d_s, all measured on the same pictures. It varies
because other seeds would have come out otherwise, and because others would have been tested on. For
the latter there is a bootstrap: the same draws of pictures for every seed and both variants. For
the former there is none: three seeds have but ten draws, with too small a spread (`coverage`
measures that, too). There it is Student's interval, from s^2 / n.

An interval at the level of 95 % is made so that, of many repetitions of a study, 95 in 100 have the
true effect within theirs, or more: `coverage` counts.
"""

import bisect
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from augfpn.study.scoring import Matches, average_precision

Floats = NDArray[np.float64]
Verdict = Literal["holds", "does not hold", "undecided"]
LEVEL = 0.95
FEWEST_SEEDS = 3  # for a verdict: `coverage` is what it should be from three on
DRAWS = 400  # only their standard deviation is used: it is known to 4 %
MOST_SEEDS = 10_000  # beyond which `seeds_needed` gives up
PARTS = 400  # of the distribution of a spread


class Draws(NamedTuple):
    """The AP numbers of one record: as observed, and on draws of its test pictures, (B,) each."""

    observed: dict[str, float]
    drawn: dict[str, Floats]


class Interval(NamedTuple):
    """A mean with an interval for the true one at the level ``LEVEL``; in the unit of the values.

    ``of_seeds`` and ``of_pictures`` are the standard errors that it is made of: what other seeds,
    each with its own luck with the pictures, would change, and what other pictures would change for
    all seeds alike. With one seed the former is nan, and the interval says nothing about other
    seeds; the latter is nan where pictures are not drawn, as they are not for what was measured.
    """

    mean: float
    low: float
    high: float
    seeds: int
    of_seeds: float
    of_pictures: float


def weights(pictures: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Bootstrap draws of pictures: how often each is in each of them, (draws, pictures)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.multinomial(pictures, np.full(pictures, 1 / pictures), draws).astype(float)


def drawn(of: Matches, draws: int = DRAWS, seed: int = 0) -> Draws:
    """AP as observed and on draws of pictures, which are the same for equally many pictures."""
    observed = average_precision(of, np.ones((1, of.pictures)))
    on_draws = average_precision(of, weights(of.pictures, draws, seed))
    return Draws({name: float(values[0]) for name, values in observed.items()}, on_draws)


def with_mean(of: Draws, name: str, parts: Sequence[str]) -> Draws:
    """The same with one number more, the mean of some."""
    observed = float(np.mean([of.observed[part] for part in parts]))
    on_draws = np.mean([of.drawn[part] for part in parts], axis=0)
    return Draws(of.observed | {name: observed}, of.drawn | {name: on_draws})


def joined(of: Draws, other: Draws, prefix: str) -> Draws:
    """The numbers of both, the other's with something before their names."""
    observed = {prefix + name: x for name, x in other.observed.items()}
    on_draws = {prefix + name: x for name, x in other.drawn.items()}
    return Draws(of.observed | observed, of.drawn | on_draws)


def terms_of(number: str) -> list[tuple[int, str]]:
    """A number's names with their signs: "APm less APs" is (1, "APm"), (-1, "APs")."""
    first, *others = number.split(" less ")
    return [(1, first), *((-1, name) for name in others)]


def signed_sum(terms: Sequence[tuple[int, Draws]], number: str) -> Draws:
    """A number of some records added or, with the sign -1, taken away: "AP", or "APm less APs"."""
    observed, on_draws = 0.0, np.zeros(())
    for sign, of in terms:
        for also, name in terms_of(number):
            observed += sign * also * of.observed[name]
            on_draws = on_draws + sign * also * of.drawn[name]
    return Draws({number: observed}, {number: on_draws})


def less(a: Draws, b: Draws) -> Draws:
    """How much better a is than b in each number that both have; they share the draws."""
    both = [name for name in a.observed if name in b.observed]
    return Draws(
        {name: a.observed[name] - b.observed[name] for name in both},
        {name: a.drawn[name] - b.drawn[name] for name in both},
    )


def single(of: Sequence[Draws]) -> dict[str, Interval]:
    """Each number of one variant, or difference of two, with some seeds."""
    return {
        name: interval([x.observed[name] for x in of], np.array([x.drawn[name] for x in of]))
        for name in of[0].observed
    }


def interval(observed: Sequence[float], on_draws: Floats, level: float = LEVEL) -> Interval:
    """The mean over seeds, with an interval for other seeds and other pictures.

    Shapes: observed (n,), on_draws (n, B).
    The draws' variance counts what the seeds' s^2 / n counts already, each seed's own luck with the
    pictures: this is taken from it.
    """
    n, centre = len(observed), float(np.mean(observed))
    usable = on_draws[:, ~np.isnan(on_draws).any(axis=0)]
    if math.isnan(centre) or usable.shape[1] < 2:
        return around(centre, n, math.nan, math.nan, level)
    of_pictures, of_seeds = float(usable.mean(axis=0).var(ddof=1)), math.nan
    if n > 1:
        luck = max(0.0, float(usable.var(axis=1, ddof=1).mean()) - of_pictures) / (n - 1)
        of_seeds = float(np.var(observed, ddof=1)) / n
        of_pictures = max(0.0, of_pictures - luck)
    return around(centre, n, math.sqrt(of_seeds), math.sqrt(of_pictures), level)


def mean(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The mean of a number over seeds, with an interval for other seeds; none for a single seed."""
    n = len(values)
    of_seeds = float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return around(float(np.mean(values)), n, of_seeds, math.nan, level)


def around(
    centre: float, n: int, of_seeds: float, of_pictures: float, level: float = LEVEL
) -> Interval:
    """The interval of two standard errors: their half-widths, Student's and the normal one, added
    as squares. One that is nan does not count; if both are, there is no interval.
    """
    halves = [
        times * error
        for times, error in ((factor(level, n), of_seeds), (factor(level), of_pictures))
        if not math.isnan(error)
    ]
    half = math.hypot(*halves) if halves else math.nan
    return Interval(centre, centre - half, centre + half, n, of_seeds, of_pictures)


def at_level(of: Interval, level: float) -> Interval:
    """The same effect's interval at another level."""
    return around(of.mean, of.seeds, of.of_seeds, of.of_pictures, level)


def factor(level: float, seeds: int | None = None) -> float:
    """Half-width by standard error: Student's for some seeds, or the normal one."""
    tail = (1 + level) / 2
    return float(stats.norm.ppf(tail) if seeds is None else stats.t.ppf(tail, seeds - 1))


def verdict(of: Interval, margin: float = 0.0) -> Verdict:
    """Whether a mean is above ``margin``: its whole interval, of at least three seeds."""
    if of.seeds < FEWEST_SEEDS or math.isnan(of.low):
        return "undecided"
    if of.low > margin:
        return "holds"
    return "does not hold" if of.high < margin else "undecided"


# --- planning -------------------------------------------------------------------------------------


def seeds_needed(
    spread: float,
    effect: float,
    of_pictures: float = 0.0,
    power: float = 0.8,
    level: float = LEVEL,
) -> int | None:
    """How many seeds show an effect with the given power; ``None`` if these pictures are too few.

    ``spread`` is the standard deviation of the difference between seeds, ``of_pictures`` its
    standard error for other pictures, which no seed makes smaller, both in the effect's unit.
    """

    def enough(n: int) -> bool:
        return power_of(n, spread, effect, of_pictures, level) >= power

    if not enough(MOST_SEEDS):
        return None
    return 2 + bisect.bisect_left(range(2, MOST_SEEDS), True, key=enough)


def power_of(
    n: int, spread: float, effect: float, of_pictures: float = 0.0, level: float = LEVEL
) -> float:
    """The probability that the interval of n seeds leaves zero out.

    Over the n seeds' own estimate of ``spread``, which is taken at even parts of its distribution.
    """
    parts = (np.arange(PARTS) + 0.5) / PARTS
    estimates = spread**2 / n * stats.chi2.ppf(parts, n - 1) / (n - 1)
    half = np.sqrt(factor(level, n) ** 2 * estimates + (factor(level) * of_pictures) ** 2)
    deviation = math.hypot(spread / math.sqrt(n), of_pictures)
    if deviation == 0:
        return 1.0
    above = stats.norm.sf((half - abs(effect)) / deviation)
    below = stats.norm.cdf((-half - abs(effect)) / deviation)
    return float(np.mean(above + below))


# --- are the intervals right? ---------------------------------------------------------------------


class Spread(NamedTuple):
    """Standard deviations of a simulated effect: what moves a single value, and how far."""

    seeds: float
    pictures: float
    both: float  # of one seed on one picture


def coverage(
    spread: Spread,
    seeds: int,
    pictures: int = 100,
    repeats: int = 2000,
    nested: bool = False,
    level: float = LEVEL,
) -> float:
    """How often the interval of a simulated experiment holds the truth, which is 0.

    Seed s has on picture i the difference u_s + v_i + w_si, normal with the given deviations; the
    effect is its mean. ``nested`` measures the percentiles of two nested bootstraps instead.
    """
    rng = np.random.Generator(np.random.PCG64(seeds))
    draws = weights(pictures, 200) / pictures  # (B, pictures)
    held = 0
    for _ in range(repeats):
        values = (
            rng.normal(0, spread.seeds, (seeds, 1))
            + rng.normal(0, spread.pictures, pictures)
            + rng.normal(0, spread.both, (seeds, pictures))
        )
        on_draws = values @ draws.T  # (seeds, B)
        if nested:
            chosen = rng.integers(0, seeds, (seeds, len(draws)))
            means = np.take_along_axis(on_draws, chosen, axis=0).mean(axis=0)
            low, high = np.quantile(means, ((1 - level) / 2, (1 + level) / 2))
        else:
            found = interval(values.mean(axis=1).tolist(), on_draws, level)
            low, high = found.low, found.high
        held += low <= 0 <= high
    return held / repeats
