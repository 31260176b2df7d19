"""The residual variance of runs, estimated from all variants and seeds of a detector together.

Three seeds estimate a standard deviation poorly: Student's factor is 4.3. All variants of a table
were run with the same seeds, so the model

    number of a run = variant + block + residual,        a block is one seed on one processor

has many residuals, and their common variance has many degrees of freedom. The interval of a
contrast (weights of variants that sum to zero) then takes its seed part from this variance: blocks
cancel. They do not cancel where a contrast compares runs of two processors, because the same seed
gives another run there: the variance between processors is then added.

The common variance is right on average over variants. A variant that varies more than the others
has intervals that are too narrow: `all_alike` tests for that, and
`augfpn.study.uncertainty.coverage.of_pool` says how far off they are.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from augfpn.study.uncertainty.intervals import Interval, around

Floats = NDArray[np.float64]
VariancePart = tuple[float, float]  # a variance and its degrees of freedom


class Observation(NamedTuple):
    """One number of one run."""

    variant: str
    seed: int
    processor: str
    value: float


class PooledVariance(NamedTuple):
    """The residual variance of some runs, and the variance between processors."""

    variance: float
    freedom: int
    of_processors: float = 0.0  # variance of a seed's effect between processors
    processors_freedom: int = 0  # 0 if there is one processor, or none that can be compared


def pooled(runs: Sequence[Observation]) -> PooledVariance | None:
    """The common residual variance; ``None`` without a degree of freedom or with a missing number.

    The variance between processors is estimated by moments: by how much the residuals shrink if
    each processor has seed effects of its own.
    Source: Searle, Casella and McCulloch, Variance Components, 1992, chapter 5 (Henderson's
    method 3).
    """
    y = np.array([run.value for run in runs])
    if not len(y) or np.isnan(y).any():
        return None
    _, block, coarse, fine = residual_makers(tuple(run[:3] for run in runs))
    freedom, of_seeds = (round(float(np.trace(each))) for each in (fine, coarse))
    if freedom < 1:
        return None
    residuals = fine @ y
    variance, extra = float(residuals @ residuals) / freedom, of_seeds - freedom
    if not extra:
        return PooledVariance(variance, freedom)
    times = float(np.trace(block.T @ coarse @ block))
    between = max(0.0, (float(y @ coarse @ y) - of_seeds * variance) / times)
    return PooledVariance(variance, freedom, between, extra)


@cache
def residual_makers(runs: tuple[tuple[str, int, str], ...]) -> tuple[Floats, ...]:
    """For runs (variant, seed, processor): which variant and block each has, and two matrices.

    They take numbers to their residuals without and with processors. Shapes: (runs, variants),
    (runs, blocks), twice (runs, runs).
    """
    variant, seed = membership([run[0] for run in runs]), membership([run[1] for run in runs])
    block = membership([run[1:] for run in runs])
    return variant, block, annihilator(variant, seed), annihilator(variant, block)


def membership(labels: Sequence) -> Floats:
    """A column for each different label: (runs, labels)."""
    there = sorted(set(labels))
    return np.array([[float(label == each) for each in there] for label in labels])


def annihilator(*factors: Floats) -> Floats:
    """The matrix that takes numbers to their residuals, (runs, runs)."""
    design = np.hstack(factors)
    return np.eye(len(design)) - design @ np.linalg.pinv(design)


def all_alike(runs: Sequence[Observation]) -> float:
    """The p-value of Bartlett's test that the residuals of all variants have the same variance.

    Variants with one run are left out; nan if fewer than two are left.
    """
    variant, _, _, fine = residual_makers(tuple(run[:3] for run in runs))
    residuals = fine @ np.array([run.value for run in runs])
    several = [residuals[column > 0] for column in variant.T if column.sum() > 1]
    if len(several) < 2:
        return math.nan
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # residuals that are all zero have no variance
        return float(stats.bartlett(*several).pvalue)


def parts_of(
    pool: PooledVariance, weighted: Mapping[tuple[str, int, str], float]
) -> list[VariancePart]:
    """The variance of a weighted sum of runs (variant, seed, processor), in independent parts."""
    blocks: dict[tuple[int, str], float] = {}
    for (_, seed, processor), weight in weighted.items():
        blocks[seed, processor] = blocks.get((seed, processor), 0.0) + weight
    squares = sum(weight**2 for weight in weighted.values())
    crossing = sum(weight**2 for weight in blocks.values())
    parts: list[VariancePart] = [(pool.variance * squares, pool.freedom)]
    if crossing > 1e-12 and pool.processors_freedom:
        parts.append((pool.of_processors * crossing, pool.processors_freedom))
    return parts


def with_parts(of: Interval, parts: Sequence[VariancePart]) -> Interval:
    """The interval with another variance of its seeds.

    Degrees of freedom of a sum of variances are Satterthwaite's (1946).
    """
    total = sum(variance for variance, _ in parts)
    shares = sum(variance**2 / freedom for variance, freedom in parts)
    freedom = total**2 / shares if shares else min(each for _, each in parts)
    return around(of.mean, of.seeds, math.sqrt(total), of.of_pictures, freedom=freedom)


def probability_of_improvement(a: Sequence[float], b: Sequence[float]) -> float:
    """How probable it is that a run of a is better than a run of b: over all pairs of their runs.

    A tie counts half. Source: Agarwal et al., NeurIPS 2021; the statistic is Mann and Whitney's.
    """
    return float(stats.mannwhitneyu(a, b).statistic) / (len(a) * len(b))
