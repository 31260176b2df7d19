"""Are the intervals right? Simulated studies, in which the true effect is known to be zero.

A 95 % interval should contain the true effect in 95 of 100 repetitions of a study.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from augfpn.study.uncertainty.intervals import LEVEL, interval
from augfpn.study.uncertainty.pooling import Observation, parts_of, pooled, with_parts
from augfpn.study.uncertainty.resampling import weights


class Spread(NamedTuple):
    """Standard deviations in a simulated study, of one seed's result on one picture."""

    seeds: float
    pictures: float
    both: float  # the remaining variation: the interaction of seed and picture


def of_one_effect(
    spread: Spread,
    seeds: int,
    pictures: int = 100,
    repeats: int = 2000,
    nested: bool = False,
    level: float = LEVEL,
) -> float:
    """How often the interval of a simulated study contains the true effect, which is 0.

    Seed j has the difference u_j + v_i + w_ji on picture i; all three terms are normal, with the
    standard deviations in ``spread``. The effect is the mean. With ``nested``, the interval is the
    percentile interval of two nested bootstraps instead.
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


def of_pool(
    spreads: Sequence[float],
    seeds: int,
    of_pictures: float = 0.0,
    between: float = 0.0,
    other: int = 0,
    repeats: int = 2000,
    level: float = LEVEL,
) -> float:
    """How often the interval of the first variant minus the second contains the truth, which is 0.

    ``spreads`` are the variants' standard deviations between runs. The first variant and ``other``
    more run on a processor of their own, on which the effect of a seed differs by a deviation of
    ``between``, if that is not zero. ``of_pictures`` is the standard error of the difference over
    100 pictures, shared by all seeds. All terms are normal.
    """
    rng = np.random.Generator(np.random.PCG64(seeds))
    names = [str(number) for number in range(len(spreads))]
    apart = {"0", *names[2 : 2 + other]} if between else set()
    draws = weights(100, 200) / 100
    held = 0
    for _ in range(repeats):
        effect = {p: rng.normal(0, between, seeds) if between else [0.0] * seeds for p in "xy"}
        runs = [
            Observation(name, seed, p, rng.normal(0, spread) + effect[p][seed])
            for name, spread in zip(names, spreads, strict=True)
            for p in ("y" if name in apart else "x",)
            for seed in range(seeds)
        ]
        pictures = rng.normal(0, 10 * of_pictures, 100)
        difference = [a.value - b.value for a, b in zip(runs[:seeds], runs[seeds:], strict=False)]
        observed = [each + pictures.mean() for each in difference]
        on_draws = np.array(difference)[:, None] + pictures @ draws.T
        weighted = {
            (run.variant, run.seed, run.processor): (1 if run.variant == "0" else -1) / seeds
            for run in runs[: 2 * seeds]
        }
        found = with_parts(interval(observed, on_draws), parts_of(pooled(runs), weighted))
        held += found.low <= 0 <= found.high
    return held / repeats
