"""The ledger of claims."""

import contextlib
import io
import itertools
import re
from collections import Counter
from statistics import mean

from chapters import cells, source

from augfpn.config import DIALS
from augfpn.study import spreads
from augfpn.study.ledger import claims, freeze
from augfpn.study.results import findings
from augfpn.study.running import sets
from augfpn.study.uncertainty import intervals, planning
from augfpn.study.uncertainty.cells import effect_text
from said.evidence import BOTH, ap, at, confirmation, ledger, measured, verdict
from said.table import says


@says("claims", "We count sixty-three claims in the paper's text, tables and captions")
@says("claims", "We wrote sixty-one down before our runs; claims #62 and #63 were added since.")
@says(
    "claims",
    "Three claims, #34, #35 and #45, have no test, and #61 is withdrawn. Fifty-nine have a test; "
    "of these, forty-eight are judged on scenes, the others need runs that nobody has made.",
)
def number_of_claims() -> None:
    every = claims.claims()
    assert (len(every), len(every) - 2, len(every) - 4) == (63, 61, 59)
    assert [each.id for each in every if each.kind == "untested"] == ["#34", "#35", "#45"]
    assert [each.id for each in every if each.withdrawn] == ["#61"]
    assert [each.id for each in every if "added after the pilot" in each.note] == ["#62", "#63"]
    assert sum(row.verdict not in ("not run", "withdrawn") for row in ledger("scenes")) == 48


@says("claims", "**Verdicts rest on the pilot** (seeds 0 to 2), on scenes and on blood cells.")
@says("claims", "Twelve claims were judged again by nine further seeds on scenes")
@says("claims", "*Confirmation* is the verdict of the seeds 3 to 11")
def claims_judged_again() -> None:
    assert all([*ap(pictures, "fpn")] == [0, 1, 2] for pictures in BOTH)
    assert sets.PILOT_SEEDS == 3
    assert len(freeze.decided_by_table2(claims.claims())) == 12
    assert [*confirmation().recorded("fpn")] == [*range(3, 12)]


@says("claims", "Most of {numref}`fig-verdicts` is light blue and grey")
@says(
    "claims",
    "Most of the headline claims are light grey, and light blue is the commonest colour of the "
    "others.",
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


@says("claims", "**What holds** is for the most part structure and mechanism.")
@says(
    "claims",
    "Of the twelve claims that hold on scenes, three are exact and need no run, four are measured "
    "inside detectors, and five are effects on AP; a thirteenth, that AugFPN is better than FPN "
    "(#1), *probably holds*. Of the six on blood cells, three are exact and three are measured, "
    "one nearly certain beforehand (#48) and one with unequal probes (#60); none is about AP.",
)
@says("claims", "The three exact claims need no run, so they are in neither count")
def what_holds_is_structure() -> None:
    kinds, there = (
        Counter(row.claim.kind for row in ledger(pictures) if row.verdict == "holds")
        for pictures in BOTH
    )
    assert kinds == {"exact": 3, "measured": 4, "effects": 1 + 5}
    assert [*probable()] == ["#1", "#22", "#23"]
    assert there == {"exact": 3, "measured": 3}
    notes = {row.claim.id: row.note for row in ledger("bccd") if row.verdict == "holds"}
    assert "nearly certain" in notes["#48"]
    assert "unequal" in notes["#60"]


@says(
    "claims",
    "So claims #14, #24 and #28 are undecided although single comparisons of theirs *do not hold* "
    "by their own intervals.",
)
def comparisons_that_fail_alone() -> None:
    for name in ("#14", "#24", "#28"):
        rows = [row for pictures in BOTH for row in ledger(pictures) if row.claim.id == name]
        assert {row.verdict for row in rows} == {"undecided"}
        assert "does not hold" in {line.said() for row in rows for line in row.lines}


@says("claims", "Claim #44 gets no verdict, whatever its interval says")
@says("claims", "(#44's verdict was withheld later)")
@says(
    "test_bench",
    "So [the ledger](claims.ipynb) withholds its verdict on AugFPN's pooling against fixed bins "
    "(claim #44).",
)
def a_verdict_that_is_withheld() -> None:
    (row,) = [row for row in ledger("scenes") if row.claim.id == "#44"]
    assert (row.verdict, row.rider) == ("undecided", claims.WITHHELD)
    assert {line.said() for line in row.lines} == {"below the paper's gain"}
    assert freeze.changed(claims.claims()) == ["#44"]


def effects_that_hold() -> dict[str, claims.Judgement]:
    """The claims about AP that hold on scenes."""
    every = {row.claim.id: row for row in ledger("scenes") if row.verdict == "holds"}
    return {name: row for name, row in every.items() if row.claim.kind == "effects"}


def probable() -> dict[str, claims.Judgement]:
    """The claims on scenes whose verdict begins with "probably", by those of the confirmation."""
    of = confirmation()
    rows = spreads.by_both_intervals(of, freeze.confirming_verdicts(of).values())
    return {row.claim.id: row for row in rows if row.verdict.startswith("probably")}


@says(
    "claims",
    "Two of the five are [*confirmed*](what_we_found.ipynb#how-to-read-it): Consistent "
    "Supervision alone (#17) and with Soft RoI Selection (#21) are better than FPN. AugFPN "
    "probably is. The other three are the pilot's: RetinaNet's gain, and the harm of a global "
    "maximum (#37, #38).",
)
@says(
    "claims",
    "Another held in the pilot only: that of Residual Feature Augmentation with Soft RoI "
    "Selection (#22) is *probably within 1 AP of zero*.",
)
@says(
    "claims",
    "On scenes Consistent Supervision alone is better than FPN, and AugFPN probably is: so say "
    "nine further seeds.",
)
def effects_that_are_confirmed() -> None:
    again = freeze.confirming_verdicts(confirmation())
    confirmed = {name for name, row in again.items() if row.verdict == "holds"}
    assert confirmed == {"#1", "#17", "#21"}
    assert effects_that_hold().keys() - confirmed == {"#7", "#37", "#38"}
    pilot = {row.claim.id for row in claims.ledger(at("scenes")) if row.verdict == "holds"}
    assert {name for name in again if name in pilot} - confirmed == {"#22"}
    assert probable()["#22"].verdict == "probably within 1 AP of zero"


@says(
    "claims",
    "**What has a limit** are seven effects on scenes, six of them by the confirming seeds. Two "
    "are *within 1 AP of zero*: Soft RoI Selection alone (#19) and, *probably*, with Residual "
    "Feature Augmentation (#22). The other five are *below the paper's gain* and may be losses; "
    "four by the confirming seeds, all of Residual Feature Augmentation: alone (#18), with "
    "Consistent Supervision (#20), on objects of every size (#25) and on small ones (#47).",
)
@says("claims", "Residual Feature Augmentation's effect alone is *below the paper's gain*.")
def effects_that_have_a_limit() -> None:
    small = {x.claim.id: x.verdict for x in ledger("scenes") if x.verdict in intervals.LIMITS}
    again = small.keys() & freeze.confirming_verdicts(confirmation()).keys()
    assert len(small) == 7
    assert again == {"#18", "#19", "#20", "#22", "#25", "#47"}
    (both, one_side) = intervals.LIMITS
    assert [name for name, said in small.items() if said == both] == ["#19", "#22"]
    assert sorted(again - {"#19", "#22"}) == ["#18", "#20", "#25", "#47"]
    assert [*small.values()].count(one_side) == 5
    about = {each.id: each.tests for each in claims.claims()}
    assert probable().keys() & again == {"#22"}
    tests = [test for name in again - {"#19"} for test in about[name]]
    assert all("rfa" in test.plus[0] for test in tests)


@says(
    "claims",
    "The pilot's three have means more than two half-widths of their interval away from zero.",
)
def three_effects_far_beyond_their_intervals() -> None:
    far = {
        name
        for name, row in effects_that_hold().items()
        if all(x.found.mean > 2 * (x.found.mean - x.found.low) for x in row.lines)
    }
    assert far == {"#7", "#37", "#38"}


@says(
    "claims",
    "RetinaNet's AP is about 8 % when its 400 steps end. If the 5 % are shared among all "
    "intervals of [What we found](what_we_found.ipynb), only the harm of the maximum still "
    "excludes zero.",
)
def one_of_two_effects_at_its_share_of_the_level() -> None:
    assert round(mean(ap("scenes", "retinanet:fpn").values())) == 8
    asked = findings.answers({name: at(name) for name in (*BOTH, *DIALS)})
    share = intervals.shared_level(findings.intervals_in(asked))
    left = [
        name
        for name, row in effects_that_hold().items()
        if all(line.said(share) == "holds" for line in row.lines)
    ]
    assert left == ["#37", "#38"]


@says("claims", "**What does not hold** is one claim on scenes, and probably another.")
@says(
    "claims",
    "That all three parts together are best in every number (#23) probably does not hold, by the "
    "confirming seeds: small objects lose 2.0 points against FPN.",
)
@says(
    "claims",
    "That the loss at the top is reduced does not hold on scenes, and that all parts together are "
    "best in every number probably does not.",
)
def what_does_not_hold() -> None:
    failed = [row.claim.id for row in ledger("scenes") if row.verdict == "does not hold"]
    assert failed == ["#23", "#62"]
    again = freeze.confirming_verdicts(confirmation())
    assert again["#23"].verdict == "does not hold"
    assert probable()["#23"].verdict == "probably does not hold"
    assert not {"#14", "#62"} & again.keys()
    small = confirmation().effects("augfpn", "fpn")["APs"]
    assert effect_text(small).startswith("−2.0 ")
    assert small.high < 0


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
    "**What is undecided** is above all the ranking of variants that differ by a few tenths of a "
    "point: weights of supervision, numbers of ratios, kinds of fusion.",
)
def rankings_are_undecided() -> None:
    for pictures, name in itertools.product(BOTH, ("#30", "#31", "#41", "#42", "#43", "#49")):
        assert verdict(pictures, name) in ("undecided", "not run")


@says(
    "claims",
    "Two claims stay undecided in the confirmation: that each part improves on whatever it is "
    "added to (#24), and that Soft RoI Selection helps medium *and* large objects (#26): only "
    "medium ones are shown to gain.",
)
def undecided_in_the_confirmation() -> None:
    again = freeze.confirming_verdicts(confirmation())
    assert [name for name, row in again.items() if row.verdict == "undecided"] == ["#24", "#26"]
    medium, large = again["#26"].lines[:2]
    assert (medium.said(), large.said()) == ("holds", "undecided")
    assert "APm" in medium.label
    assert "APl" in large.label


@says("claims", "Most would need a hundred seeds.")
def seeds_for_rankings() -> None:
    """``None`` means that no number of seeds is enough, because the test images are too few."""
    rows = [row for row in ledger("scenes") if row.claim.id in ("#30", "#31", "#42", "#43", "#49")]
    needed = [
        planning.seeds_needed(intervals.deviation_of(x.found), x.printed / 100, x.found.of_pictures)
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
    (claim,) = [each for each in claims.claims() if each.id == "#59"]
    (test,) = claim.tests
    assert (test.plus, test.minus) == (("fpn",), ())
    assert test.numbers == ("gap minus gap before training", "alike before training minus alike")


@says("claims", "Some will turn out right with more seeds; the means do not say which.")
def believing_every_mean() -> None:
    """The exercise's cell, on the ledger itself."""
    (code,) = [source(c) for c in cells("claims") if c["id"] == "solution-2"]
    for pictures in BOTH:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, {"ledger": ledger(pictures)})
        _, by_means, by_intervals = map(int, re.findall(r"\d+", out.getvalue()))
        assert by_means > 2 * by_intervals
