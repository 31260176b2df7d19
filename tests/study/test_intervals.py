"""Intervals against worked values and simulations."""

import math

import numpy as np
import pytest
from scipy import stats

from augfpn.study.uncertainty import coverage, planning, resampling
from augfpn.study.uncertainty import intervals as st

REGIMES = {
    "seeds": coverage.Spread(1, 0.1, 0.1),
    "pictures": coverage.Spread(0.1, 10, 1),
    "luck": coverage.Spread(0, 1, 1),
    "all": coverage.Spread(1, 5, 5),
    "luck beside seeds": coverage.Spread(1, 0, 10),  # as much variation from each of the two
    "seeds beside luck": coverage.Spread(1.5, 0, 10),
    "seeds beside pictures": coverage.Spread(1, 10, 0.1),
}


# --- intervals ------------------------------------------------------------------------------------


def draws_of(values: np.ndarray, count: int = 400) -> np.ndarray:
    """The mean of each row on draws of its columns, which are pictures."""
    return values @ resampling.weights(values.shape[1], count).T / values.shape[1]


def test_seeds_alone_give_students_interval() -> None:
    """Three seeds, every picture alike: 1, 2, 3 have a mean of 2 and s = 1."""
    found = st.interval([1.0, 2.0, 3.0], np.array([[1.0] * 50, [2.0] * 50, [3.0] * 50]))
    half = stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert found[:4] == pytest.approx((2, 2 - half, 2 + half, 3))
    assert (found.of_seeds, found.of_pictures) == pytest.approx((1 / math.sqrt(3), 0))


def test_pictures_alone_give_the_bootstraps_interval() -> None:
    """Five seeds that agree on every picture: the standard error of a mean of 100 values."""
    values = np.random.default_rng(0).normal(0, 1, 100)
    found = st.interval([values.mean()] * 5, draws_of(np.tile(values, (5, 1)), 4000))
    assert found.high - found.mean == pytest.approx(1.96 * values.std() / 10, rel=0.04)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_one_seed_says_nothing_of_others() -> None:
    values = np.random.default_rng(0).normal(5, 1, (1, 100))
    found = st.interval([values.mean()], draws_of(values))
    assert found.low > 4.7
    assert math.isnan(found.of_seeds)
    assert st.verdict(found) == "undecided"


def test_a_difference_is_paired() -> None:
    """Variation that both variants share, per seed and per picture, adds no uncertainty."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, (3, 60))
    a, b = (
        [
            resampling.Draws({"AP": float(row.mean())}, {"AP": draw})
            for row, draw in zip(values, draws_of(values), strict=True)
        ]
        for values in (shared + 0.25, shared)
    )
    found = st.single([*map(st.minus, a, b)])["AP"]
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert st.single(a)["AP"].high - st.single(a)["AP"].low > 0.1


def test_draws_without_such_objects_are_left_out() -> None:
    draws = np.array([[1.0, 2.0, np.nan, 3.0], [1.0, 2.0, 2.0, 3.0]])
    found = st.interval([2.0, 2.0], draws)
    assert found.of_pictures == pytest.approx(1)
    assert math.isnan(st.interval([math.nan], np.full((1, 4), np.nan)).low)


@pytest.mark.parametrize(
    ("low", "high", "margin", "said"),
    [
        (0.1, 0.5, 0.0, "holds"),
        (0.1, 0.5, 0.2, "undecided"),
        (-0.1, 0.5, 0.0, "undecided"),
        (-0.5, -0.1, 0.0, "does not hold"),
        (0.1, 0.5, 0.6, "does not hold"),
        (math.nan, math.nan, 0.0, "undecided"),
    ],
)
def test_verdicts(low: float, high: float, margin: float, said: str) -> None:
    assert st.verdict(st.Interval(0.3, low, high, 3, 0.1, 0.1), margin) == said


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("regime", REGIMES)
def test_an_interval_holds_the_truth_as_often_as_it_says(regime: str, seeds: int) -> None:
    """Coverage is within two points of 95 %; with three seeds, it may be three points above."""
    held = coverage.of_one_effect(REGIMES[regime], seeds, repeats=2000)
    assert 0.95 - 0.02 <= held <= 0.95 + (0.03 if seeds == 3 else 0.02)


@pytest.mark.parametrize(
    ("mean", "own", "papers", "probable"),
    [
        (0.0, 0.003, None, False),
        (0.0, 0.0055, None, True),  # an end beyond a point: open
        (0.0, 0.0055, 0.019, True),  # below the paper's gain, which says less than the verdict
        (0.008, 0.002, None, False),  # above zero by either, if the shared one is
        (0.008, 0.004, None, True),
        (0.02, 0.02, None, False),  # the shared interval leaves it open: there is no verdict
    ],
)
def test_probably_is_what_own_differences_do_not_say_too(
    mean: float, own: float, papers: float | None, probable: bool
) -> None:
    """On scenes RFA + SRS was *within 1 AP of zero* by all runs together: 90 % [-0.7, +0.6].

    Its own differences have [-1.1, +1.0], which is below the paper's gain and was taken for as
    much.
    """
    shared = st.around(mean, 9, 0.02 if mean == 0.02 else 0.003, 0.0)
    alone = st.around(mean, 9, own, 0.0)
    assert st.is_probable(shared, alone, small=0.01, papers=papers) == probable
    assert not st.is_probable(shared, None)
    assert not st.is_probable(None, alone)


def test_below_the_papers_gain_is_probable_if_own_differences_reach_it() -> None:
    shared, wide = (st.around(-0.005, 9, error, 0.0) for error in (0.005, 0.02))
    small = st.around(0.0, 9, 0.001, 0.0)
    assert st.verdict(shared, small=0.01, papers=0.01) == "below the paper's gain"
    assert st.is_probable(shared, wide, small=0.01, papers=0.01)
    assert not st.is_probable(shared, small, small=0.01, papers=0.01)


def test_an_interval_at_another_level_is_as_if_made_there() -> None:
    values = np.random.default_rng(0).normal(0, 1, (3, 60)) + np.random.default_rng(1).normal(
        0, 1, 60
    )
    observed, draws = values.mean(axis=1).tolist(), draws_of(values)
    wide = st.interval(observed, draws, 0.99)
    assert st.at_level(st.interval(observed, draws), 0.99) == pytest.approx(wide)
    of_seeds = st.mean_interval([1.0, 2.0, 4.0])
    assert st.at_level(of_seeds, 0.99)[:4] == st.mean_interval([1.0, 2.0, 4.0], 0.99)[:4]
    assert math.isnan(st.at_level(st.mean_interval([1.0]), 0.99).low)


def test_two_nested_bootstraps_would_not() -> None:
    assert coverage.of_one_effect(REGIMES["seeds"], 3, repeats=400, nested=True) < 0.85


# --- planning -------------------------------------------------------------------------------------


def test_seeds_for_an_effect_as_large_as_its_spread() -> None:
    """A published value: to find one standard deviation, a paired t test at 0.05 needs 10 pairs."""
    assert planning.seeds_needed(1.0, 1.0) == 10
    assert planning.seeds_needed(2.0, 1.0) == 34


def test_power_is_what_a_simulation_finds() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(1, 1, (4000, 6))
    found = (stats.ttest_1samp(values, 0, axis=1).pvalue < 0.05).mean()
    assert planning.power_of(6, 1, 1) == pytest.approx(found, abs=0.02)


def test_power_of_a_pooled_spread_is_what_a_simulation_finds() -> None:
    """Eight variants with three seeds each: their residuals have 14 degrees of freedom, not 2."""
    rng = np.random.default_rng(0)
    runs = rng.normal(0, 1 / math.sqrt(2), (4000, 8, 3))
    runs[:, 0] += 1.5
    residuals = runs - runs.mean(axis=1, keepdims=True) - runs.mean(axis=2, keepdims=True)
    residuals += runs.mean(axis=(1, 2), keepdims=True)
    error = np.sqrt((residuals**2).sum(axis=(1, 2)) / 14 * 2 / 3)
    effect = runs[:, 0].mean(axis=1) - runs[:, 1].mean(axis=1)
    found = np.mean(abs(effect) > stats.t.ppf(0.975, 14) * error)
    assert planning.power_of(3, 1, 1.5, variants=8) == pytest.approx(found, abs=0.02)
    assert planning.power_of(3, 1, 1.5) < found - 0.2
    assert planning.seeds_needed(1.0, 1.0, variants=8) < planning.seeds_needed(1.0, 1.0)


def test_power_beside_pictures_is_what_a_simulation_finds() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(1, 1, (4000, 6)) + rng.normal(0, 0.3, (4000, 1))
    made = [st.around(row.mean(), 6, row.std(ddof=1) / math.sqrt(6), 0.3) for row in values]
    found = np.mean([not x.low <= 0 <= x.high for x in made])
    assert planning.power_of(6, 1, 1, of_pictures=0.3) == pytest.approx(found, abs=0.02)


def test_no_number_of_seeds_makes_up_for_too_few_pictures() -> None:
    """For a power of 80 %, an effect must be 1.96 + 0.84 standard errors over pictures."""
    assert planning.seeds_needed(1.0, 1.0, of_pictures=1 / 2.7) is None
    assert planning.seeds_needed(1.0, 1.0, of_pictures=1 / 3) > planning.seeds_needed(1.0, 1.0)
