"""What we found, on one screen: the sentences below the table."""

from collections import Counter

from augfpn.settings import paper
from augfpn.study import factorial, gates
from augfpn.study.results import findings, questions
from augfpn.study.running import grid
from augfpn.study.uncertainty import intervals
from said.evidence import (
    BOTH,
    at,
    compared,
    confirmation,
    effect,
    gain,
    ledger,
    main_effect,
    measured,
    table_verdict,
    undecided,
    verdict,
)
from said.table import says

LIMIT = "below the paper's gain"


@says(
    "all_effects",
    "Here three differences estimate the spread, so that intervals at the shared level are seven "
    "times as wide, too. On scenes the jump is bold; on blood cells it is not, although it lies "
    "far from zero.",
)
def bold_measurements() -> None:
    jump = "change across a border minus change elsewhere"
    many = 49  # intervals on the page
    for pictures, bold in (("scenes", True), ("bccd", False)):
        found = at(pictures).measured(["fpn"], [], jump)
        assert found.low > 0.1
        shared = intervals.at_level(found, 1 - (1 - intervals.LEVEL) / many)
        assert 7 < (shared.high - shared.low) / (found.high - found.low) < 8
        assert findings.interval_cell(found, many).startswith("**") == bold


@says(
    "all_effects",
    "RetinaNet's is not bold: six runs estimate its spread, so at the shared level its interval is "
    "seven times as wide.",
)
def retinanet_is_not_bold() -> None:
    of, many = at("scenes"), 46  # intervals on the page
    found = of.effects("retinanet:augfpn", "retinanet:fpn")["AP"]
    bold = main_effect("cs")
    assert found.low > bold.low
    cells = [findings.interval_cell(each, many).startswith("**") for each in (found, bold)]
    assert cells == [False, True]
    assert len(of.observations("retinanet:fpn", "AP")) == 6
    assert of.pool("retinanet:fpn", "AP").freedom == found.freedom == 2
    shared = intervals.at_level(found, 1 - (1 - intervals.LEVEL) / many)
    assert 6.5 < (shared.high - shared.low) / (found.high - found.low) < 7.5


@says(
    "claims",
    "In the pilot on scenes a single supervised level was better than all four at the same total "
    "weight.",
)
def one_level_or_all() -> None:
    means = {gain("scenes", name): name for name in compared("table3", "scenes")}
    assert means[max(means)] == "cs_single_lam1"
    (row,) = [row for row in ledger("scenes") if row.claim.id == "#28"]
    assert row.verdict == "undecided"
    one, other = row.lines
    assert (one.said(), other.said()) == ("does not hold", "holds")
    shared = intervals.at_level(one.found, 1 - (1 - intervals.LEVEL) / 2)
    assert undecided(shared)


@says(
    "all_effects",
    "**The paper says the opposite of small objects**: on COCO [every size "
    "gains](putting_it_together.ipynb).",
)
@says(
    "putting_it_together",
    "The paper has the opposite sign for small objects: there all rows gain at every size.",
)
def sizes_in_the_paper() -> None:
    base, *others = paper.tables()["table2"]
    gains = [{n: row[n] - base[n] for n in ("APs", "APm", "APl")} for row in others]
    assert min(x for each in gains for x in each.values()) > 0
    rows = {
        (row["CS"], row["RFA"], row["SRS"]): each for row, each in zip(others, gains, strict=True)
    }
    small = [f"{rows[on]['APs']:+.1f}" for on in ((False, False, True), (True, True, True))]
    assert small == ["+0.4", "+2.7"]
    here = [confirmation().effects(name, "fpn")["APs"] for name in ("srs", "augfpn")]
    assert max(each.high for each in here) < 0
    assert f"{100 * here[1].mean:.1f}" == "-2.0"


@says(
    "all_effects",
    "This page asks 25 questions, most of both sets of images, which makes 46 intervals. We chose "
    "them when the pilot's records were at hand: AugFPN's gain over FPN; what each part adds, on "
    "AP and by the size of objects; four comparisons of other detectors and variants; and eight "
    "measurements inside detectors. (Three more, about [dials](dials.ipynb), were dropped, because "
    "no dial of a single part can answer.)",
)
def questions_of_the_page() -> None:
    kinds = Counter(each.kind for each in questions.questions())
    assert kinds.total() == 25
    answered = findings.answers({name: at(name) for name in BOTH})
    assert findings.intervals_in(answered) == 46
    assert kinds == {"effect": 1 + 4, "main effect": 3 * 4, "measured": 8}
    passing = gates.passing({name: at(name) for name in grid.SETS})
    assert not {*grid.OWN_DIAL.values()} & {*passing}


@says("all_effects", "and some of their intervals exclude zero, too.")
def effects_that_are_not_asked() -> None:
    """Those of two parts, and AugFPN's by the size of objects."""
    for variant, number in (("cs_srs", "AP"), ("augfpn", "APm"), ("augfpn", "APl")):
        assert effect("scenes", variant, number).low > 0


@says("all_effects", "of which some are *below the paper's gain* on scenes, too")
def small_effects_on_scenes() -> None:
    said = [row.claim.kind for row in ledger("scenes") if row.verdict == LIMIT]
    assert said.count("effects") > 1
    assert not [v for v in compared("table2", "scenes") if table_verdict("scenes", v) == LIMIT]


@says(
    "all_effects",
    "**Soft RoI Selection is a trade on scenes.** Small objects lose and medium ones gain",
)
@says("all_effects", "the interval of Soft RoI Selection for small objects lies to the left")
def soft_selection_trades_small_for_large() -> None:
    found = {n: factorial.factorial(at("scenes"), n)[("srs",)] for n in factorial.EFFECT_NUMBERS}
    assert found["APs"].high < 0
    assert min(found["APm"].low, found["APl"].low) > 0


@says("all_effects", "On blood cells neither shows.")
def soft_selection_on_blood_cells() -> None:
    for number in ("APm", "APl"):
        assert undecided(factorial.factorial(at("bccd"), number)[("srs",)])


@says(
    "residual_feature_augmentation",
    "Neither that it does so in trained detectors nor that it brings back what was squeezed out is "
    "shown.",
)
@says("all_effects", "The claim (#62 of [the ledger](claims.ipynb)) does not hold on scenes")
def augmentation_restores_nothing() -> None:
    more = "C5 lost in M5 + M6 minus C5 lost in M5"
    assert measured("scenes", "rfa", more).low > 0
    assert measured("bccd", "rfa", more).high > 0
    assert verdict("scenes", "#62") == "does not hold"


@says(
    "all_effects",
    "there [the means go the right way](residual_feature_augmentation.ipynb).",
)
def augmentation_against_fpn() -> None:
    for pictures in BOTH:
        both = measured(pictures, "rfa", "C5 lost in M5 + M6").mean
        assert both < measured(pictures, "fpn", "C5 lost in M5").mean < both + 2
        assert undecided(measured(pictures, "rfa", "C5 lost in M5", less="fpn"))


@says("all_effects", "**What AugFPN's $P_5$ keeps of $C_5$ depends on the images.**")
@says("all_effects", "Both intervals exclude zero, with opposite signs")
def what_p5_keeps() -> None:
    assert measured("scenes", "augfpn", "C5 lost in P5", less="fpn").low > 0
    assert measured("bccd", "augfpn", "C5 lost in P5", less="fpn").high < 0


@says(
    "soft_roi_selection", "Predictions of FPN jump where its size rule changes the level, on both"
)
@says(
    "soft_roi_selection",
    "soft selection makes that jump disappear; on blood cells",
)
def the_jump_and_its_end() -> None:
    for pictures in BOTH:
        before = measured(pictures, "fpn", "change across a border minus change elsewhere")
        after = measured(pictures, "srs", "change across a border minus change elsewhere")
        assert before.low > 0
        assert after.mean < before.mean / 4


# --- three lines at the end of a chapter ----------------------------------------------------------


@says(
    "consistent_supervision",
    "That it does so by narrowing the gap is not shown; a second head near the backbone would "
    "explain it as well.",
)
def what_supervision_is_worth() -> None:
    for pictures in BOTH:
        assert undecided(measured(pictures, "cs", "gap", less="fpn"))


@says(
    "variants",
    "Whether any fusion raises AP, or is better than a plain sum, is not known.",
)
def fusions_are_undecided() -> None:
    for pictures in BOTH:
        for variant in compared("table5", pictures):
            more = at(pictures).combination([variant], ["srs_sum"], "AP")
            for found in (at(pictures).effects(variant, "fpn")["AP"], more):
                assert intervals.verdict(found) != "holds"


@says(
    "one_stage_and_masks",
    "RetinaNet gains on scenes while it has hardly begun to learn; FCOS is undecided; on blood "
    "cells RetinaNet's mean is below zero.",
)
@says("one_stage_and_masks", "Their gain is undecided.")
@says("what_we_found", "RetinaNet gains on scenes, where its FPN has an AP of 8")
@says("what_we_found", "Nothing else is shown there.")
def one_stage_detectors_and_masks() -> None:
    assert effect("scenes", "retinanet:augfpn").low > 0
    assert effect("bccd", "retinanet:augfpn").mean < 0
    assert table_verdict("bccd", "retinanet:augfpn") == "below the paper's gain"
    assert all(undecided(effect(pictures, "fcos:augfpn")) for pictures in BOTH)
    for number in ("AP", "mask AP"):
        assert undecided(effect("scenes", "mask_rcnn:augfpn", number))
