"""AugFPN's gain over FPN, and how sure it is: what the first pages and the ledger say of it."""

from augfpn.config import DIALS
from augfpn.study import factorial, spreads
from augfpn.study.ledger import claims, freeze
from augfpn.study.results import findings, fixed
from augfpn.study.running import grid
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import effect_text, limits_text
from augfpn.study.uncertainty.intervals import SMALL_EFFECT as SMALL
from said.evidence import BOTH, at, confirmation, main_effect, printed, undecided, verdict
from said.table import says


@says(
    "README",
    "on images that we draw, AugFPN is probably better than FPN after as many steps.",
)
@says(
    "intro",
    "**On scenes AugFPN is *probably* better than FPN**, by +1.1 [−0.02, +2.2] points",
)
def the_headline() -> None:
    of = (confirmation(), *map(at, BOTH))
    later, pilot, cells = (each.effects("augfpn", "fpn")["AP"] for each in of)
    assert effect_text(later) == "+1.1 [+0.3, +1.9]"
    assert effect_text(pilot) == "+1.8 [+0.5, +3.1]"
    assert effect_text(cells) == "+0.5 [−0.5, +1.5]"
    assert f"{printed('augfpn'):.1f}" == "2.4"
    assert later.seeds == 9
    assert printed("augfpn") / 100 > pilot.mean > later.mean
    assert undecided(cells)
    assert verdict("bccd", "#1") == "below the paper's gain"


@says(
    "claims",
    "on scenes the three differences of AugFPN and FPN alone give +1.8 [−0.5, +4.0], and all runs "
    "together +1.8 [+0.5, +3.1].",
)
@says(
    "all_effects",
    "it decided the pilot's headline. It was fixed before the confirming runs were made, and it "
    "decides theirs, too.",
)
@says("claims", "**This change decided the headline**")
@says(
    "what_we_found",
    "*+1.1 [−0.02, +2.2]* says that in nine seeds AugFPN has 1.1 points more than FPN on average",
)
@says("what_we_found", "+1.1 [−0.02, +2.2] by its own runs and [+0.3, +1.9] by all.")
@says(
    "what_we_found",
    "In six later seeds AugFPN with *even* gates lies clear of zero, too",
)
@says(
    "what_we_found",
    "Most intervals contain zero. Those of Consistent Supervision on scenes, and of AugFPN with "
    "even gates on scenes and on Aquarium, lie to the right of it, that of Soft RoI Selection on "
    "pretrained blood cells to the left.",
)
def pooling_decides_the_headline() -> None:
    for of, said in ((at("scenes"), "+1.8 [−0.5, +4.0]"), (confirmation(), "+1.1 [−0.02, +2.2]")):
        alone = intervals.single(list(of.apart("augfpn", "fpn").values()))["AP"]
        assert effect_text(alone) == said
        assert undecided(alone)
        assert not undecided(of.effects("augfpn", "fpn")["AP"])
    alone = intervals.single(list(at("bccd").apart("augfpn", "fpn").values()))["AP"]
    assert effect_text(alone) == "+0.5 [−1.4, +2.5]"


@says(
    "claims",
    "At a share of the 5 % among all intervals of [What we found](what_we_found.ipynb), it is "
    "undecided again.",
)
def the_headline_at_its_share_of_the_level() -> None:
    asked = findings.answers({name: at(name) for name in (*BOTH, *DIALS)})
    here = at("scenes").effects("augfpn", "fpn")["AP"]
    assert not findings.interval_cell(here, findings.intervals_in(asked)).startswith("**")


@says(
    "putting_it_together",
    "Nine further seeds [confirm](what_we_found.ipynb#what-was-fixed) the main effect of "
    "Consistent Supervision, not that of Residual Feature Augmentation.",
)
@says(
    "all_effects",
    "**Consistent Supervision raises AP**, by +0.8 [+0.4, +1.2] points (its main effect): "
    "*confirmed*. Medium and large objects gain, too; on small ones its effect is *within "
    "1 AP of zero*. The pilot had left this undecided.",
)
def consistent_supervision_is_confirmed() -> None:
    assert effect_text(main_effect("cs")) == "+0.8 [+0.4, +1.2]"
    (asked,) = [x for x in findings.of_table2() if (x.plus, x.number) == (("cs",), "AP")]
    assert findings.own_interval(asked, confirmation()).low > 0
    assert min(main_effect("cs", number).low for number in ("APm", "APl")) > 0
    assert intervals.verdict(main_effect("cs", "APs"), small=SMALL) == "within 1 AP of zero"
    assert undecided(main_effect("cs", of=at("scenes")))


@says("all_effects", "Consistent Supervision is better than FPN by either reckoning.")
@says(
    "all_effects",
    "is *probably within 1 AP of zero*. Soft RoI Selection still moves AP from small objects to "
    "medium ones.",
)
@says("what_we_found", "Consistent Supervision alone lies above zero")
def consistent_supervision_alone() -> None:
    pairs = (("cs", "fpn"), ("augfpn", "fpn"), ("augfpn", "cs"))
    alone, together, more = (confirmation().effects(*pair) for pair in pairs)
    assert effect_text(alone["AP"]) == "+0.8 [+0.1, +1.6]"
    assert effect_text(together["AP"]) == "+1.1 [+0.3, +1.9]"
    own = confirmation().combination(["augfpn"], ["cs"], "AP", pooled=False)
    assert effect_text(own) == "+0.3 [−0.7, +1.3]"
    assert intervals.wider(own, more["AP"]) == own
    assert intervals.verdict(more["AP"], small=SMALL) == "within 1 AP of zero"
    assert intervals.is_probable(more["AP"], own, small=SMALL)
    assert more["APs"].high < 0 < more["APm"].low
    apart = [list(confirmation().apart(name, "fpn").values()) for name in ("cs", "augfpn")]
    assert limits_text(intervals.single(apart[0])["AP"]) == "[+0.5, +1.2]"
    assert [sum(x.observed["AP"] > 0 for x in of) for of in apart] == [9, 8]


@says(
    "residual_feature_augmentation",
    "On scenes its main effect on AP is less than a point either way, in [nine further "
    "seeds](what_we_found.ipynb);",
)
@says(
    "all_effects",
    "By the shared spread the pilot's interval lies above zero and the confirming one below it. "
    "With a dozen questions some intervals miss",
)
@says(
    "all_effects",
    "The pilot's mean was above half a point; on nine further seeds its main effect is *within "
    "1 AP of zero*.",
)
def augmentation_is_not_confirmed() -> None:
    assert 0.5 < 100 * main_effect("rfa", of=at("scenes")).mean < 0.6
    assert intervals.verdict(main_effect("rfa"), small=SMALL) == "within 1 AP of zero"
    assert main_effect("rfa", "APm").high < 0 < main_effect("rfa", "APm", at("scenes")).low


@says(
    "all_effects",
    "**Soft RoI Selection is the trade that the pilot showed**, between small and medium objects: "
    "*confirmed*. That large ones gain is *undecided*, and on all objects together its main "
    "effect is *within 1 AP of zero*.",
)
@says(
    "all_effects", "in the pilot and in the confirming runs. Large ones gained in the pilot only."
)
@says(
    "soft_roi_selection",
    "on scenes confirm a trade: small objects lose, medium ones gain.",
)
def soft_selection_is_confirmed_as_a_trade() -> None:
    small, medium, large = (main_effect("srs", number) for number in ("APs", "APm", "APl"))
    assert small.high < 0 < medium.low
    assert (round(100 * small.mean), round(100 * medium.mean)) == (-2, 3)
    assert 100 * medium.mean < 3
    assert undecided(large)
    assert main_effect("srs", "APl", at("scenes")).low > 0
    assert intervals.verdict(main_effect("srs"), small=SMALL) == "within 1 AP of zero"


@says(
    "all_effects",
    "of its claim #1, *AugFPN is better than FPN*: it *probably holds*.",
)
def claims_that_table2_decides() -> None:
    decided = freeze.decided_by_table2(claims.claims())
    verdicts = {row.claim.id: row.verdict for row in claims.ledger(confirmation())}
    said = {
        "holds": ["#1", "#17", "#21"],
        "does not hold": ["#23"],
        "within 1 AP of zero": ["#19", "#22"],
        "below the paper's gain": ["#18", "#20", "#25", "#47"],
        "undecided": ["#24", "#26"],
    }
    assert {word: [c for c in decided if verdicts[c] == word] for word in said} == said
    assert len(decided) == 12


@says("what_we_found", "the 72 runs made that are to confirm or refute the paper's Table 2")
@says("what_we_found", "Only these runs *confirm* anything.")
@says("all_effects", "sets the runs that confirm beside the pilot.")
def runs_that_were_made() -> None:
    """All by the code that was fixed."""
    of, (first, last) = confirmation(), freeze.frozen().seeds
    made = [of.recorded(name) for name in grid.part("table2").variants]
    assert [sorted(each) for each in made] == [list(range(first, last + 1))] * 8
    assert not freeze.made_elsewhere(record for each in made for record in each.values())


@says(
    "what_we_found",
    "Twelve tests of claims were fixed, and the code had a table of twelve main effects",
)
@says(
    "what_we_found",
    "With its interval widened for all of them (Bonferroni's correction), the main effect of "
    "Consistent Supervision and the trade of Soft RoI Selection still exclude zero; AugFPN and "
    "Consistent Supervision alone do not",
)
def what_a_correction_for_all_questions_leaves() -> None:
    of = confirmation()
    assert len(freeze.decided_by_table2(claims.claims())) == 12
    assert fixed.questions_before() == 24
    parts = (("cs", "AP"), ("srs", "APs"), ("srs", "APm"))
    main = [factorial.wider_main_effect(of, *each) for each in parts]
    alone = [spreads.wider_effect(of, variant) for variant in ("cs", "augfpn")]
    stand = [not undecided(fixed.corrected(each)) for each in (*main, *alone)]
    assert stand == [True, True, True, False, False]
