"""Claims that are wrongly written are refused in a sentence that names them."""

import json
import re

import pytest

from augfpn.errors import UserError
from augfpn.study.ledger import claims
from augfpn.study.ledger.claims import Comparison

WRITTEN = {
    "id": "#62",
    "group": "mine",
    "statement": "CS helps.",
    "where": "nowhere",
    "kind": "effects",
    "tests": [{"plus": ["cs"], "minus": ["fpn"]}],
}


def of(*plus: str, minus: tuple[str, ...] = ("fpn",), numbers: tuple[str, ...] = ("AP",)) -> dict:
    return {"tests": [{"plus": plus, "minus": minus, "numbers": numbers}]}


def test_a_claim_that_is_wholly_written_is_read() -> None:
    (found,) = claims.read_claims(json.dumps([WRITTEN]))
    assert found.tests == (Comparison(("cs",), ("fpn",), ("AP",), 0.0),)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "efects"}, "kind: 'efects': Input should be 'effects', 'exact', "),
        ({"weight": 1}, "weight: 1: Unexpected keyword argument."),
        ({"tests": []}, "tests: a claim of kind 'effects' needs it."),
        ({"kind": "exact"}, "check: a claim of kind 'exact' needs it."),
        ({"kind": "runtime"}, "runs: a claim of kind 'runtime' needs it."),
        ({"kind": "untested"}, "note: a claim of kind 'untested' needs it."),
        (
            {"kind": "exact", "check": "fusion_is_smal"},
            "check: there is no check 'fusion_is_smal': did you mean 'fusion_is_small'? "
            "Add it to CHECKS in study/ledger/exact.py.",
        ),
        (
            of("cs", minus=("fpn", "augfnp")),
            "tests[0].minus[1]: no part of the study runs 'augfnp': did you mean 'augfpn'? "
            "Add it to a part in study/running/grid.py.",
        ),
        (
            of("cs", numbers=("AP", "APs minus APx")),
            "tests[0].numbers[1]: a claim of kind 'effects' has no number 'APx': did you mean",
        ),
        (
            {"kind": "measured"},
            "tests[0].numbers[0]: a claim of kind 'measured' has no number 'AP'",
        ),
        ({"tests": [{"plus": ["cs"]}]}, "tests[0].minus: Field required."),
        (of(), "tests[0].plus: []: Tuple should have at least 1 item"),
        (of("cs", numbers=()), "tests[0].numbers: []: Tuple should have at least 1 item"),
        ({"tests": [{"plus": ["cs"], "minus": [], "margin": float("nan")}]}, "tests[0].margin: "),
        ({"statement": ""}, "statement: '': String should have at least 1 character."),
        ({"group": "componets"}, "group: 'componets': did you mean 'components'? A group of"),
    ],
)
def test_what_a_claim_lacks_is_said_in_one_sentence(change: dict, said: str) -> None:
    with pytest.raises(UserError) as raised:
        claims.read_claims(json.dumps([WRITTEN | change]))
    assert str(raised.value).startswith(f"claims.json, claim #62, {said}")
    assert "\n" not in str(raised.value)


def test_two_claims_with_one_id_are_refused() -> None:
    with pytest.raises(UserError, match="claim #62: another claim has this id already"):
        claims.read_claims(json.dumps([WRITTEN, WRITTEN]))


def test_the_groups_are_those_of_the_file() -> None:
    assert {claim.group for claim in claims.claims()} == set(claims.CLAIM_GROUPS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "claims.json: Invalid JSON"),
        ("{}", "claims.json: Input should be a valid array"),
        ("[1]", "claims.json, claim 0: 1: Input should be"),
        ('[{"kind": "effects"}]', "claims.json, claim 0, id: Field required."),
    ],
)
def test_a_file_without_claims_is_named(text: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        claims.read_claims(text)
