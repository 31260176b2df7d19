"""The ledger of claims."""

import contextlib
import io
import itertools
import re
from collections import Counter
from statistics import mean

from chapters import cells, source

from augfpn.study import claims, findings, grid, intervals, tables
from said.evidence import BOTH, ap, at, compared, gain, ledger, measured, verdict
from said.table import says


@says("claims", "We count sixty-three in this one's text, tables and captions")
@says("claims", "We wrote sixty-one down before our runs; claims C62 and C63 were added since.")
@says(
    "claims",
    "Three claims, C34, C35 and C45, have no test, and C61 is withdrawn: fifty-nine are judged.",
)
def number_of_claims() -> None:
    every = claims.claims()
    assert len(every) == 63
    assert [each.id for each in every if each.kind == "untested"] == ["C34", "C35", "C45"]
    assert [each.id for each in every if each.withdrawn] == ["C61"]
    added = [each.id for each in every if "added after the pilot" in each.note]
    assert added == ["C62", "C63"]
    assert (len(every) - len(added), len(every) - 4) == (61, 59)


@says("claims", "Most of {numref}`fig-verdicts` is light blue and grey", True)
@says(
    "claims",
    "Most of the headline claims are light grey, and light blue is the commonest colour of the "
    "others.",
    scored=True,
)
def colours_of_the_verdicts() -> None:
    counts = Counter((row.claim.group == "headline", row.verdict) for row in ledger("scenes"))
    blue_and_grey = sum(n for (_, v), n in counts.items() if v in ("undecided", "not run"))
    assert blue_and_grey > 63 / 2
    headline, others = (
        {verdict_: n for (is_headline, verdict_), n in counts.items() if is_headline == wanted}
        for wanted in (True, False)
    )
    assert headline["not run"] > sum(headline.values()) / 2
    assert max(others, key=others.get) == "undecided"


@says("claims", "**What holds** is for the most part structure and mechanism.", True)
@says(
    "claims",
    "Of the thirteen claims that hold on scenes, three are exact and need no run, four are "
    "measured inside detectors, and six are effects on AP. Of the six on blood cells, three are "
    "the exact ones and three are measured, one of them nearly certain beforehand (claim C48) and "
    "one with unequal probes (claim C60); none is about AP.",
    scored=True,
)
@says("claims", "The three exact claims need no run, so they are in neither count", True)
def what_holds_is_structure() -> None:
    kinds, there = (
        Counter(row.claim.kind for row in ledger(pictures) if row.verdict == "holds")
        for pictures in BOTH
    )
    assert kinds == {"exact": 3, "measured": 4, "effects": 6}
    assert there == {"exact": 3, "measured": 3}
    notes = {row.claim.id: row.note for row in ledger("bccd") if row.verdict == "holds"}
    assert "nearly certain" in notes["C48"]
    assert "unequal" in notes["C60"]


@says(
    "claims",
    "So claims C14, C23 and C24 are undecided although single comparisons of theirs *do not hold* "
    "by their own intervals.",
    scored=True,
)
def comparisons_that_fail_alone() -> None:
    for name in ("C14", "C23", "C24"):
        rows = [row for pictures in BOTH for row in ledger(pictures) if row.claim.id == name]
        assert {row.verdict for row in rows} == {"undecided"}
        assert "does not hold" in {line.said() for row in rows for line in row.lines}


@says("claims", "claim C44 has a verdict by its interval", True)
@says(
    "test_bench",
    "the ledger has a verdict on claim C44, and its note says that this is none on the claim.",
    scored=True,
)
def a_verdict_that_is_none() -> None:
    (row,) = [row for row in ledger("scenes") if row.claim.id == "C44"]
    assert row.verdict == "smaller than the paper's"
    assert "no verdict on the claim" in row.note


@says(
    "claims",
    "Of the effects on AP, two have means more than two half-widths of their interval away from "
    "zero on scenes: RetinaNet's gain and the harm of a global maximum.",
    scored=True,
)
def two_effects_far_beyond_their_intervals() -> None:
    """The mean is more than two half-widths from zero. C37 and C38 are both about the maximum."""
    far = {
        row.claim.id
        for row in ledger("scenes")
        if row.verdict == "holds" and row.claim.kind == "effects"
        if all(x.found.mean > 2 * (x.found.mean - x.found.low) for x in row.lines)
    }
    assert far == {"C7", "C37", "C38"}


@says(
    "claims",
    "RetinaNet's AP is about 8 % when its 400 steps end, and if the 5 % are shared among all "
    "intervals of [what we found](what_we_found.ipynb), only the harm of the maximum still "
    "excludes zero, of all effects on overall AP.",
    scored=True,
)
def one_of_two_effects_at_its_share_of_the_level() -> None:
    assert round(mean(ap("scenes", "retinanet:fpn").values())) == 8
    asked = findings.answers({name: at(name) for name in (*BOTH, *grid.DIALS)})
    many = findings.intervals_in(asked)
    bold = [
        question.topic
        for (question, _), found in asked.items()
        if question.kind != "measured" and question.number == "AP"
        if findings.interval_cell(found, many).startswith("**")
    ]
    assert bold == ["context from a global maximum"]


@says("claims", "**What does not hold** is little.", True)
def what_does_not_hold() -> None:
    failed = [row.claim.id for row in ledger("scenes") if row.verdict == "does not hold"]
    assert failed == ["C62"]


@says(
    "claims",
    "a linear readout recovers a little *less* of $C_5$ from $M_5 + M_6$ than from $M_5$ of the "
    "same runs.",
)
def the_loss_at_the_top_is_not_reduced() -> None:
    more = measured("scenes", "rfa", "C5 lost in M5 + M6 minus C5 lost in M5")
    assert 0 < more.low < more.high < 1


@says(
    "claims",
    "A claim that every one of many numbers is better is hard to refute with so many comparisons",
    True,
)
def claims_of_many_numbers_are_undecided() -> None:
    assert {verdict("scenes", name) for name in ("C14", "C23")} == {"undecided"}


@says("claims", "by their means, small objects come out worse in most combinations here")
def small_objects_are_often_worse() -> None:
    worse = [gain("scenes", v, "APs") < 0 for v in compared("table2", "scenes")]
    assert mean(worse) > 0.5


@says(
    "claims",
    "**What is undecided** is the ranking of variants that differ by a few tenths of a point: "
    "weights of supervision, numbers of ratios, kinds of fusion.",
    scored=True,
)
def rankings_are_undecided() -> None:
    for pictures, name in itertools.product(BOTH, ("C30", "C31", "C41", "C42", "C43", "C49")):
        assert verdict(pictures, name) in ("undecided", "not run")


@says("claims", "To decide most of them, a hundred seeds and more would be needed", True)
def seeds_for_rankings() -> None:
    """``None`` means that no number of seeds is enough, because the test images are too few."""
    rows = [row for row in ledger("scenes") if row.claim.id in ("C30", "C31", "C42", "C43", "C49")]
    needed = [
        intervals.seeds_needed(tables.deviation_of(x.found), x.printed / 100, x.found.of_pictures)
        for row in rows
        for x in row.lines
        if x.found is not None and x.found.seeds >= intervals.FEWEST_SEEDS and x.printed
    ]
    assert mean(each is None or each >= 100 for each in needed) > 0.5


@says(
    "claims",
    "the gap must grow, and linear CKA, which no change of basis moves, must fall.",
)
def test_of_the_first_defect() -> None:
    (claim,) = [each for each in claims.claims() if each.id == "C59"]
    (test,) = claim.tests
    assert (test.plus, test.minus) == (("fpn",), ())
    assert test.numbers == ("gap minus gap before training", "alike before training minus alike")


@says("claims", "Some of these will turn out right with more seeds.", True)
def believing_every_mean() -> None:
    """The exercise's cell, on the ledger itself."""
    (code,) = [source(c) for c in cells("claims") if c["id"] == "solution-2"]
    for pictures in BOTH:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, {"ledger": ledger(pictures)})
        _, by_means, by_intervals = map(int, re.findall(r"\d+", out.getvalue()))
        assert by_means > 2 * by_intervals
