"""The primer on intervals: what it says of the six runs, of the seeds, and of the promise."""

import math
from dataclasses import replace

import numpy as np

from augfpn.study import freeze, grid, intervals
from said.evidence import ap, at, confirmation, effect, undecided
from said.table import says


@says(
    "intervals",
    "The dots of FPN span some two points, and the two means differ by somewhat less",
)
@says(
    "intervals",
    "On scenes the three dots of FPN span some two points, and the means differ by somewhat "
    "less. Had we trained one of each, we might have reported a gain of half a point or of nearly "
    "four.",
)
def six_runs() -> None:
    fpn, augfpn = (list(ap("scenes", name).values()) for name in ("fpn", "augfpn"))
    assert len(fpn) == len(augfpn) == 3
    spread = max(fpn) - min(fpn)
    assert round(spread) == 2
    assert 1.5 < (sum(augfpn) - sum(fpn)) / 3 < spread
    assert 0.3 < min(augfpn) - max(fpn) < 0.7
    assert 3.5 < max(augfpn) - min(fpn) < 4


@says(
    "test_bench",
    "Each variant has three pilot seeds at `laptop`, 0 to 2, and those of the paper's Table 2 have "
    "nine confirming ones on scenes, 3 to 11",
)
@says(
    "test_bench",
    "with three pilot seeds, and nine confirming ones for the paper's Table 2 on scenes;",
)
@says("intervals", "three runs of FPN and three of AugFPN, those of the *pilot*, seeds 0 to 2.")
def seeds_of_pilot_and_confirmation() -> None:
    first, last = freeze.frozen().seeds
    assert [*ap("scenes", "fpn")] == [*range(grid.SEEDS["laptop"])] == [0, 1, 2]
    assert (first, last, last - first + 1) == (3, 11, 9)
    for variant in grid.part("table2").variants:
        assert sorted(confirmation().recorded(variant)) == [*range(first, last + 1)]


@says(
    "intervals",
    "| on scenes each seed from 3 on draws its own; all other runs of a set share theirs |",
)
def training_images_of_a_seed() -> None:
    def data(pictures: str, seed: int):
        return replace(grid.Run("fpn", pictures, "laptop", seed).experiment.data, test_scenes=1)

    assert data("scenes", 3) != data("scenes", 4)
    assert {data("scenes", seed).scene_seed for seed in (3, 4)} == {3, 4}
    assert data("scenes", 0) == data("scenes", 2)
    assert data("bccd", 0) == data("bccd", 2) == data("bccd", 3) == data("bccd", 4)


@says("intervals", "On scenes these are some eighty runs, with about fifty degrees of freedom.")
def runs_that_are_pooled() -> None:
    of = at("scenes")
    assert round(len(of.observations("fpn", "AP")), -1) == 80
    assert round(of.pool("fpn", "AP").freedom, -1) == 50
    assert "augfpn" in grid.part("table2").variants


@says(
    "intervals",
    "The mean is the same. The shared spread has a better estimate of the deviation, *if all "
    "variants vary alike*",
)
def the_better_estimate_decides() -> None:
    for pictures in ("scenes", "bccd"):
        pairs = list(at(pictures).apart("augfpn", "fpn").values())
        alone, together = intervals.single(pairs)["AP"], effect(pictures, "augfpn")
        assert undecided(alone)
        assert undecided(together) == (pictures == "bccd")
        assert together.high - together.low < 100 * (alone.high - alone.low)


@says("intervals", "With few seeds and both sources of error these are up to 98")
def two_sources_of_error_are_covered_a_little_too_much() -> None:
    random, studies = np.random.default_rng(0), 20_000
    covered = []
    for n, error in ((3, 0.0), (3, 0.5), (3, 1.0), (12, 0.5)):
        apart = random.normal(0.0, 1.0, (studies, n))
        seeds = intervals.factor(0.95, n - 1) * apart.std(axis=1, ddof=1) / math.sqrt(n)
        half = np.hypot(seeds, intervals.factor(0.95) * error)
        mean = apart.mean(axis=1) + random.normal(0.0, error, studies)
        covered.append(round(100 * float(np.mean(abs(mean) < half))))
    assert covered == [95, 97, 98, 95]
