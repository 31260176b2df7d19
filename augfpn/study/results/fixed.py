"""What was fixed before the seeds that confirm, question by question, and what they say.

Two things stood in the code before: tests of claims, and the table of main effects with its sizes.
Only the first were listed as what decides (`augfpn.study.ledger.freeze`). What was asked later is
no confirmation, even where the runs are the same.
"""

from typing import NamedTuple

from augfpn.study.evidence import Evidence
from augfpn.study.factorial import EFFECT_NUMBERS, FACTORS, wider_main_effect
from augfpn.study.ledger import claims, freeze
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import marked, page_table
from augfpn.study.uncertainty.intervals import Interval

TEST, TABLE, LATER = "a test: claim {}", "its table, no test", "found afterwards"
AMONG = "one of the 42 comparisons of claim #23"
OF_SIZE = {"AP": "", "APs": ", small objects", "APm": ", medium objects", "APl": ", large objects"}
CLAIMS = {"augfpn": "#1", "cs": "#17", "rfa": "#18", "srs": "#19"}  # a variant minus FPN, on AP


class FixedRow(NamedTuple):
    """A question, what of it stood in the code before the runs, and its wider interval."""

    question: str
    before: str
    found: Interval | None


def fixed_rows(of: Evidence) -> list[FixedRow]:
    """All questions of the table, first those that a test of a claim asks."""
    alone = [
        FixedRow(f"{variant_label(name)} minus FPN", TEST.format(claim), wider_effect(of, name))
        for name, claim in CLAIMS.items()
    ]
    main = [
        FixedRow(
            f"main effect of {part.upper()}{OF_SIZE[number]}",
            TABLE,
            wider_main_effect(of, part, number),
        )
        for part in FACTORS
        for number in EFFECT_NUMBERS
    ]
    small = wider_effect(of, "augfpn", number="APs")
    even = wider_effect(of, "augfpn_even")
    return [
        *alone,
        *main,
        FixedRow("AugFPN minus FPN, small objects", AMONG, small),
        FixedRow("AugFPN with even gates minus FPN", LATER, even),
    ]


def questions_before() -> int:
    """How many questions stood in the code before: tests of claims, and main effects by size."""
    tests = freeze.decided_by_table2(claims.claims())
    return len(tests) + len(FACTORS) * len(EFFECT_NUMBERS)


def corrected(found: Interval) -> Interval:
    """An interval that holds for all questions at once (Bonferroni)."""
    return intervals.at_level(found, intervals.shared_level(questions_before()))


def fixed_table(of: Evidence) -> str:
    """A row for each question: what stood before, its interval, and that for all at once.

    An interval that excludes zero is bold. The last two questions are not among those counted.
    """
    rows = []
    for each in fixed_rows(of):
        if each.found is not None:
            counted = each.before not in (AMONG, LATER)
            all_at_once = marked(corrected(each.found)) if counted else "–"
            rows.append([each.question, each.before, marked(each.found), all_at_once])
    header = ["question", "before the runs", "95 % interval", f"for all {questions_before()}"]
    return page_table(header, rows)
