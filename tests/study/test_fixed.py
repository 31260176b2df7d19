"""The table of what was fixed before the confirming runs."""

import pytest

from augfpn.study import gather
from augfpn.study.ledger import claims, freeze
from augfpn.study.results import fixed
from augfpn.study.uncertainty import intervals


@pytest.fixture(scope="module")
def rows() -> list[fixed.FixedRow]:
    return fixed.fixed_rows(gather.committed("scenes", "laptop", "confirmation"))


@pytest.mark.parametrize("variant", fixed.CLAIMS)
def test_a_claim_in_the_table_has_that_test_and_was_frozen(variant: str) -> None:
    by_id = {claim.id: claim for claim in claims.claims()}
    claim = by_id[fixed.CLAIMS[variant]]
    assert [(t.plus, t.minus, t.numbers) for t in claim.tests] == [((variant,), ("fpn",), ("AP",))]
    assert freeze.frozen().tests[claim.id] == freeze.test_digest(claim)


def test_small_objects_of_augfpn_are_one_of_the_42_comparisons() -> None:
    (claim,) = [each for each in claims.claims() if each.id == "#23"]
    compared = [(t.plus, t.minus, name) for t in claim.tests for name in t.numbers]
    assert len(compared) == 42
    assert (("augfpn",), ("fpn",), "APs") in compared


def test_twelve_tests_and_twelve_main_effects_stood_in_the_code() -> None:
    assert fixed.questions_before() == 12 + 12


def test_what_excludes_zero_for_all_questions_at_once(rows: list[fixed.FixedRow]) -> None:
    counted = [each for each in rows if each.before not in (fixed.AMONG, fixed.LATER)]
    found = {each.question: fixed.corrected(each.found) for each in counted}
    assert {name for name, x in found.items() if x.low > 0 or x.high < 0} == {
        "main effect of CS",
        "main effect of CS, medium objects",
        "main effect of SRS, small objects",
        "main effect of SRS, medium objects",
    }


def test_a_correction_keeps_the_mean_and_widens(rows: list[fixed.FixedRow]) -> None:
    wide = fixed.corrected(rows[0].found)
    assert wide.mean == rows[0].found.mean
    assert wide == intervals.at_level(rows[0].found, 1 - 0.05 / 24)
    assert wide.low < rows[0].found.low
