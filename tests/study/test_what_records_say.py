"""What the pilot's records say, as the review of the study found it; AP in points."""

import numpy as np
import pytest

from augfpn.records import COMMITTED
from augfpn.study import factorial, gather
from augfpn.study.evidence import Evidence
from augfpn.study.ledger import claims
from augfpn.study.results import mechanisms, summary, verdicts
from augfpn.study.running import recorded
from augfpn.study.uncertainty import pooling


@pytest.fixture(scope="module")
def scenes() -> Evidence:
    return gather.committed("scenes")


@pytest.fixture(scope="module")
def ledger(scenes: Evidence) -> dict[str, claims.Judgement]:
    wanted = ("#1", "#14", "#17", "#22", "#28", "#53", "#54", "#61", "#62", "#63")
    chosen = [each for each in claims.claims() if each.id in wanted]
    return {each.id: claims.judged(each, scenes) for each in chosen}


def near(found: tuple, *points: float) -> bool:
    """Whether mean and limits are these, in points."""
    return np.allclose([100 * x for x in found[: len(points)]], points, atol=0.06)


def test_a_variance_of_all_runs_has_fifty_degrees_of_freedom(scenes: Evidence) -> None:
    """27 variants, 3 seeds, two processors; three differences alone have two."""
    pool = scenes.pool("fpn", "AP")
    assert pool.freedom == (27 - 1) * (3 - 1) - 2
    assert 100 * pool.variance**0.5 == pytest.approx(0.7, abs=0.05)
    assert pooling.all_alike(scenes.observations("fpn", "AP")) > 0.05
    half = 100 * scenes.combination(["cs"], ["cs_lam0.5"], "AP").of_seeds
    assert 1.0 < 2.01 * half < 1.2


def test_what_pooling_decides(ledger: dict[str, claims.Judgement]) -> None:
    said = {name: ledger[name].verdict for name in ("#1", "#22", "#28")}
    assert said == {"#1": "holds", "#22": "holds", "#28": "undecided"}
    assert near(ledger["#1"].lines[0].found, 1.8, 0.5, 3.1)


def test_selection_trades_small_objects_for_larger_ones(scenes: Evidence) -> None:
    main = {"cs": (0.5, 0.6), "rfa": (0.6, 0.6), "srs": (1.0, 0.8)}
    for effect, of in factorial.factorial(scenes).items():
        if len(effect) == 1:
            mean, half = main[effect[0]]
            assert 100 * of.mean == pytest.approx(mean, abs=0.06)
            assert 100 * (of.high - of.mean) == pytest.approx(half, abs=0.06)
        else:
            assert abs(100 * of.mean) < 0.25
    for number, mean, half in (("APs", -2.3, 1.1), ("APm", 3.5, 1.0), ("APl", 3.5, 2.2)):
        of = factorial.factorial(scenes, number)[("srs",)]
        assert 100 * of.mean == pytest.approx(mean, abs=0.06)
        assert 100 * (of.high - of.mean) == pytest.approx(half, abs=0.07)


def test_two_claims_of_the_paper_are_measured(ledger: dict[str, claims.Judgement]) -> None:
    """M5 + M6 gives back less of C5 than M5; supervised levels know more and differ less."""
    (lost,) = ledger["#62"].lines
    assert near(lost.found, -0.34, -0.43, -0.24)
    assert ledger["#62"].verdict == "does not hold"
    own, spread = ledger["#63"].lines
    assert near(own.found, 2.5, 1.2, 3.7)
    assert 100 * spread.found.mean == pytest.approx(7, abs=0.1)
    assert ledger["#63"].verdict == "holds"


def test_shares_stay_between_zero_and_one(ledger: dict[str, claims.Judgement]) -> None:
    for name in ("#53", "#54"):
        assert all(0 < x.found.low < x.found.mean < x.found.high < 1 for x in ledger[name].lines)


def test_shares_of_levels_are_no_property_of_the_method(scenes: Evidence) -> None:
    seeds, panels = mechanisms.shares_between(scenes, "srs")
    assert (round(100 * seeds), round(100 * panels)) == (19, 3)
    assert "19 points between seeds, 3 between the panels" in mechanisms.shares_sentence(scenes)


def test_the_withdrawn_claim_asked_a_head_about_levels_it_does_not_know(
    scenes: Evidence, ledger: dict[str, claims.Judgement]
) -> None:
    """Its mean loss on other levels is above that of a guess in which all classes are equal."""
    loss = scenes.arrays("fpn", "assignment", "oracle", "loss")
    classes = scenes.recorded("fpn")[0].experiment.model.classes + 1
    assert np.nanmean(loss[~np.eye(4, dtype=bool)]) > np.log(classes)
    assert ledger["#61"].verdict == "withdrawn"


def test_sizes_with_few_objects_have_their_count_beside_them(scenes: Evidence) -> None:
    assert scenes.objects()["large"] == 46
    assert gather.committed("bccd").objects()["small"] == 7


def test_runs_of_two_processors_widen_an_effect() -> None:
    """On BCCD, seeds differ between processors; CS at 0.5 ran on one, FPN partly on another."""
    of = gather.committed("bccd")
    assert of.pool("fpn", "AP").of_processors > 0
    one, two = (
        sum(variance for variance, _ in of.parts({a: 1.0, "fpn": -1.0}, "AP", [0, 1, 2]))
        for a in ("cs", "cs_lam0.5")
    )
    assert two > one


def test_the_pilot_and_the_seeds_that_confirm_are_apart(scenes: Evidence) -> None:
    found = recorded.collect(COMMITTED)
    pilot, later = found.among("pilot"), found.among("confirmation")
    laptop = {r.experiment.seed for r in pilot.by_key.values() if r.experiment.budget == "laptop"}
    assert laptop == {0, 1, 2}
    assert pilot.by_key.keys() | later.by_key.keys() == found.by_key.keys()
    assert not pilot.by_key.keys() & later.by_key.keys()
    assert scenes.among("confirmation").recorded("fpn").keys().isdisjoint({0, 1, 2})


def test_claims_are_counted_by_where_the_paper_has_them() -> None:
    text = summary.scope()
    for source, words in verdicts.SOURCES.items():
        count = sum(each.source == source for each in claims.claims())
        assert count
        assert f"{count} {words}" in text
