"""The freeze: tests of claims are those that were fixed before the runs that decide them."""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from augfpn.study.ledger import claims, freeze
from augfpn.study.results import summary
from augfpn.study.running.sets import PILOT_SEEDS
from augfpn.study.uncertainty.intervals import Interval, around

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"statement": "Other words.", "where": "nowhere", "source": "table", "note": "A note."}


class NoRuns:
    """Evidence without any run."""

    def combination(self, plus: Sequence[str], minus: Sequence[str], number: str) -> None: ...


class AllAlike:
    """Evidence of variants that are all alike, to a tenth of a point."""

    budget = "laptop"

    def combination(self, plus: Sequence[str], minus: Sequence[str], number: str) -> Interval:
        return around(0.0, 9, 0.0, 0.001)

    def fewest_objects(self, number: str) -> int:
        return 100


def test_the_claims_that_table_2_decides_are_tested_as_was_fixed() -> None:
    """They may not change any more: their runs have begun."""
    fixed = freeze.decided_by_table2(claims.claims())
    assert {"#1", "#17", "#18", "#19", "#24"} <= set(fixed) <= set(freeze.frozen().tests)
    assert not set(fixed) & set(freeze.changed(claims.claims()))


def test_the_seeds_that_confirm_take_precedence_where_they_have_runs() -> None:
    decided = set(freeze.decided_by_table2(claims.claims()))
    pilot = [claims.Judgement(each, "undecided", (), "") for each in claims.claims()]
    assert freeze.confirming_verdicts(NoRuns()) == {}
    assert freeze.with_precedence(pilot, {}) == pilot
    again = freeze.confirming_verdicts(AllAlike())
    assert set(again) == decided
    both = {row.claim.id: row.verdict for row in freeze.with_precedence(pilot, again)}
    assert {name for name, said in both.items() if said != "undecided"} <= decided
    assert both["#1"] == again["#1"].verdict == "within 1 AP of zero"


def test_what_was_fixed_is_the_file_of_that_commit() -> None:
    fixed = freeze.frozen()
    asked = ["git", "show", f"{fixed.commit}:augfpn/study/claims.json"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True)
    if found.returncode:
        pytest.skip("this clone does not have the commit")
    assert hashlib.sha256(found.stdout).hexdigest() == fixed.claims_sha256
    then = [
        replace(each, id=each.id.replace("C", "#"))
        for each in claims.read_claims(found.stdout.decode())
    ]
    assert {each.id: freeze.test_digest(each) for each in then} == fixed.tests
    assert freeze.changed(then) == []


def test_words_may_change_and_tests_may_not() -> None:
    (one,) = [each for each in claims.claims() if each.id == "#17"]
    digest = freeze.test_digest(one)
    assert freeze.test_digest(replace(one, **WORDS)) == digest
    (test,) = one.tests
    for other in (
        replace(one, tests=(replace(test, margin=0.01),)),
        replace(one, tests=(replace(test, numbers=("APs",)),)),
        replace(one, tests=(replace(test, minus=("rfa",)),)),
        replace(one, tests=(test, test)),
        replace(one, withdrawn="It failed."),
        replace(one, withheld_at=("laptop",)),
    ):
        assert freeze.test_digest(other) != digest
        rest = [each for each in claims.claims() if each.id != "#17"]
        assert freeze.changed([*rest, other]) == ["#17", "#44"]
    assert freeze.changed(each for each in claims.claims() if each.id != "#17") == ["#17", "#44"]


def test_one_verdict_is_withheld_since() -> None:
    """It is none of those that are confirmed."""
    assert freeze.changed(claims.claims()) == ["#44"]


def test_a_claim_that_was_added_later_has_its_date() -> None:
    later = [each for each in claims.claims() if each.id not in freeze.frozen().tests]
    assert all(each.added > freeze.frozen().date for each in later)


def test_the_first_page_says_what_was_fixed_when() -> None:
    fixed, text = freeze.frozen(), freeze.freeze_text()
    assert fixed.seeds[0] == PILOT_SEEDS
    for said in (fixed.date, fixed.commit[:7], f"`{fixed.claims_sha256[:10]}…`", "seeds 3 to 11"):
        assert said in text
    assert f"the {len(fixed.tests)} claims of `claims.json`" in text
    assert "**What was fixed when.**" in summary.about_freeze({})
