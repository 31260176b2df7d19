"""The pooled residual variance: by hand, against Student, in simulations."""

import math

import numpy as np
import pytest
from scipy import stats

from augfpn.study import gather, spreads
from augfpn.study.ledger import claims
from augfpn.study.results import verdicts
from augfpn.study.running import grid
from augfpn.study.uncertainty import coverage, intervals, pooling
from augfpn.study.uncertainty.pooling import Observation


def runs(values: np.ndarray, processors: tuple[str, ...] | None = None) -> list[Observation]:
    """A run for each value: (variants, seeds)."""
    return [
        Observation(str(v), s, processors[v] if processors else "x", float(x))
        for v, row in enumerate(values)
        for s, x in enumerate(row)
    ]


def test_two_variants_give_students_interval() -> None:
    """With two variants, the residual variance is half that of their differences."""
    values = np.random.default_rng(0).normal(0, 1, (2, 5))
    found = pooling.pooled(runs(values))
    assert found.freedom == 4
    assert found.variance == pytest.approx((values[0] - values[1]).var(ddof=1) / 2)


def test_the_variance_is_that_of_a_two_way_analysis() -> None:
    """Four variants, three seeds, one run missing: against the residuals of least squares."""
    values = np.random.default_rng(1).normal(0, 1, (4, 3))
    every = runs(values)[:-1]
    design = np.array([[r.variant == str(v) for v in range(4)] + [r.seed == s for s in range(3)]
                       for r in every], float)  # fmt: skip
    y = np.array([r.value for r in every])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    found = pooling.pooled(every)
    assert found.freedom == 11 - (4 + 3 - 1)
    assert found.variance == pytest.approx(residuals @ residuals / found.freedom)


def test_what_seeds_share_does_not_count() -> None:
    shared = np.random.default_rng(2).normal(0, 9, 3)
    assert pooling.pooled(runs(np.tile(shared, (4, 1)))).variance == pytest.approx(0, abs=1e-20)


def test_nothing_is_pooled_of_one_run_and_of_missing_numbers() -> None:
    assert pooling.pooled([]) is None
    assert pooling.pooled(runs(np.ones((1, 1)))) is None
    assert pooling.pooled(runs(np.array([[1.0, 2.0], [2.0, math.nan]]))) is None


def test_unequal_variances_are_found_and_equal_ones_are_not() -> None:
    rng = np.random.default_rng(3)
    equal = [pooling.all_alike(runs(rng.normal(0, 1, (8, 3)))) < 0.05 for _ in range(600)]
    assert np.mean(equal) < 0.05 + 0.02
    unequal = rng.normal(0, 1, (8, 3)) * np.array([1, 1, 1, 1, 1, 30, 30, 30])[:, None]
    assert pooling.all_alike(runs(unequal)) < 0.05


def test_a_difference_between_processors_widens_what_crosses_them() -> None:
    """Two processors with seed effects of 5 and residuals of 1: the crossing variance is 2 x 25."""
    rng = np.random.default_rng(4)
    where = ("x",) * 20 + ("y",) * 20
    effects = {p: rng.normal(0, 5, 200) for p in "xy"}
    values = np.array([rng.normal(0, 1, 200) + effects[p] for p in where])
    found = pooling.pooled(runs(values, where))
    assert found.variance == pytest.approx(1, rel=0.1)
    assert found.of_processors == pytest.approx(25, rel=0.2)
    pairs = {("0", s, "x"): 1 / 200 for s in range(200)}
    own = pooling.parts_of(found, pairs | {("1", s, "x"): -1 / 200 for s in range(200)})
    crossing = pooling.parts_of(found, pairs | {("20", s, "y"): -1 / 200 for s in range(200)})
    assert own == [(pytest.approx(2 * found.variance / 200), found.freedom)]
    assert crossing[1] == (pytest.approx(2 * found.of_processors / 200), 199)


def test_parts_are_added_with_satterthwaites_freedom() -> None:
    of = intervals.around(0.0, 3, 0.0, 0.0)
    alike = pooling.with_parts(of, [(1.0, 10), (1.0, 10)])
    assert (alike.of_seeds, alike.freedom) == pytest.approx((math.sqrt(2), 20))
    assert alike.high == pytest.approx(stats.t.ppf(0.975, 20) * math.sqrt(2))
    assert pooling.with_parts(of, [(4.0, 7), (0.0, 2)]).freedom == pytest.approx(7)
    assert pooling.with_parts(of, [(0.0, 7)]).high == 0


def test_the_probability_of_improvement_counts_pairs() -> None:
    assert pooling.probability_of_improvement([2.0, 3.0, 4.0], [1.0, 2.5, 5.0]) == 5 / 9
    assert pooling.probability_of_improvement([1.0], [1.0]) == 0.5


@pytest.mark.parametrize(
    ("spreads", "seeds", "more"),
    [
        ([1] * 8, 3, {}),
        ([1] * 8, 2, {}),
        ([1] * 8, 8, {}),
        ([1] * 2, 3, {}),
        ([1] * 8, 3, {"of_pictures": 0.6}),
        ([1] * 8, 3, {"between": 1.0, "other": 3}),
        ([1] * 8, 8, {"between": 0.5, "other": 3}),
    ],
)
def test_coverage_is_within_two_points(spreads: list, seeds: int, more: dict) -> None:
    assert coverage.of_pool(spreads, seeds, repeats=1000, **more) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("spreads", "held"), [([1.5] + [1] * 7, 0.91), ([2] + [1] * 7, 0.86), ([0.5] * 2 + [1] * 6, 1)]
)
def test_a_variant_that_varies_more_is_covered_less(spreads: list, held: float) -> None:
    """How far off the intervals are: what the report says of unequal variances."""
    assert coverage.of_pool(spreads, 3, repeats=1000) == pytest.approx(held, abs=0.02)


def test_runs_that_were_made_later_do_not_move_what_was_fixed() -> None:
    """The confirming intervals rest on the runs of Table 2, and a later one has theirs, too."""
    of = gather.committed("scenes", phase="confirmation")
    assert len(of.recorded("cs_single_lam1")) == 6
    pooled = {each.variant for each in of.observations("fpn", "AP")}
    assert pooled == set(grid.part("table2").variants)
    found = of.effects("cs_single_lam1", "cs")["AP"]
    assert found.freedom == of.effects("cs", "fpn")["AP"].freedom


def test_the_table_of_spreads_has_each_variants_own_differences() -> None:
    of = gather.committed("scenes", "laptop", "confirmation")
    ap = {
        name: {seed: 100 * record.result["AP"] for seed, record in of.recorded(name).items()}
        for name in ("fpn", "cs")
    }
    apart = [ap["cs"][seed] - ap["fpn"][seed] for seed in sorted(ap["fpn"])]
    header, _, first, *others = spreads.spreads_table(of).splitlines()
    assert header.split("|")[3].strip() == "standard deviation"
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells[:3] == ["CS", "9", f"{np.std(apart, ddof=1):.1f}"]
    assert cells[3].startswith(f"{np.mean(apart):+.1f} [")
    assert len(others) == 6


def test_a_seed_is_left_out_and_signs_are_counted() -> None:
    """Nine equal signs have the probability 2 / 2^9; without a seed, the mean is of the rest."""
    of = gather.committed("scenes", phase="confirmation")
    apart = of.apart("cs", "fpn")
    found = spreads.seed_by_seed(of, "cs")
    assert (found.above, found.seeds) == (9, 9)
    assert found.chance == pytest.approx(2 / 2**9)
    rest = [each.observed["AP"] for seed, each in apart.items() if seed != 4]
    assert found.left_out[4].mean == pytest.approx(np.mean(rest))
    assert found.left_out[4].seeds == 8
    row = spreads.left_out_table(of, ("cs",)).splitlines()[2]
    assert [cell.strip() for cell in row.strip("|").split("|")][:3] == ["CS", "9 of 9", "0.004"]


def test_a_verdict_that_its_own_differences_leave_open_says_so() -> None:
    of = gather.committed("scenes", phase="confirmation")
    asked = ("#1", "#17", "#18", "#22", "#23")
    rows = {row.claim.id: row for row in claims.ledger(of) if row.claim.id in asked}
    said = {row.claim.id: row.verdict for row in spreads.by_both_intervals(of, rows.values())}
    assert said == {
        "#1": "probably holds",
        "#17": "holds",
        "#18": "below the paper's gain",
        "#22": "probably within 1 AP of zero",
        "#23": "probably does not hold",
    }


def test_the_ledger_prints_the_interval_that_headlines_have() -> None:
    of = gather.committed("scenes", phase="confirmation")
    (row,) = [row for row in claims.ledger(of) if row.claim.id == "#1"]
    (both,) = spreads.by_both_intervals(of, [row])
    assert "AugFPN − FPN, AP: +1.1 [−0.02, +2.2]" in verdicts.effects_text(both)
    assert spreads.wider_text(of, "augfpn") == "+1.1 [−0.02, +2.2]"
    assert both.lines[0].said() == row.lines[0].said()  # the rule takes the other one
