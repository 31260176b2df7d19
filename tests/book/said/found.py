"""What we found, on one screen: the sentences below the table."""

from augfpn.study import defects, factorial
from said.evidence import BOTH, at, effect, measured, undecided, verdict
from said.table import says


@says("what_we_found", "**AugFPN gains on scenes.**", True)
@says(
    "what_we_found", "On blood cells its mean is above zero, and three seeds do not decide.", True
)
def augfpn_gains_on_scenes_only() -> None:
    assert effect("scenes", "augfpn").low > 0
    there = effect("bccd", "augfpn")
    assert there.mean > 0
    assert there.seeds == 3
    assert undecided(there)


@says(
    "what_we_found",
    "**Soft RoI Selection is a trade on scenes.** Small objects lose, medium and large ones gain.",
    scored=True,
)
@says(
    "what_we_found", "the interval of Soft RoI Selection for small objects lies to the left", True
)
def soft_selection_trades_small_for_large() -> None:
    found = {n: factorial.factorial(at("scenes"), n)[("srs",)] for n in factorial.EFFECT_NUMBERS}
    assert found["APs"].high < 0
    assert min(found["APm"].low, found["APl"].low) > 0


@says("what_we_found", "On blood cells neither shows.", True)
def soft_selection_on_blood_cells() -> None:
    for number in ("APm", "APl"):
        assert undecided(factorial.factorial(at("bccd"), number)[("srs",)])


@says("what_we_found", "On its own dial, where images are made to need it, it gains *less*.", True)
def soft_selection_on_its_dial() -> None:
    assert defects.effect_minus_plain(at("detail"), at("scenes"), "srs").high < 0


@says("what_we_found", "A linear readout recovers no more of $C_5$ with it than without")
@says("what_we_found", "the claim (C62 of [the ledger](claims.ipynb)) does not hold on scenes.")
def augmentation_restores_nothing() -> None:
    more = "C5 lost in M5 + M6 minus C5 lost in M5"
    assert measured("scenes", "rfa", more).low > 0
    assert measured("bccd", "rfa", more).high > 0
    assert verdict("scenes", "C62") == "does not hold"


@says("what_we_found", "**What AugFPN's $P_5$ keeps of $C_5$ depends on the images**")
@says(
    "what_we_found", "less than FPN's on scenes, more on blood cells. Both intervals exclude zero"
)
def what_p5_keeps() -> None:
    assert measured("scenes", "augfpn", "C5 lost in P5", less="fpn").low > 0
    assert measured("bccd", "augfpn", "C5 lost in P5", less="fpn").high < 0


@says("what_we_found", "**One defect is plain on both sets**")
@says("what_we_found", "Soft RoI Selection removes most of the jump")
def the_jump_and_its_end() -> None:
    for pictures in BOTH:
        before = measured(pictures, "fpn", "change across a border minus change elsewhere")
        after = measured(pictures, "srs", "change across a border minus change elsewhere")
        assert before.low > 0
        assert after.mean < before.mean / 4
