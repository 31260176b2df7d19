"""AugFPN's gain over FPN, and how sure it is: what the first pages and the ledger say of it."""

from augfpn.study import findings, grid, intervals
from augfpn.study.cells import effect_text
from said.evidence import BOTH, at, printed, undecided
from said.table import says


@says("intro", "| +1.8 [+0.5, +3.1] | +0.5 [−0.5, +1.5] | +2.4 |", True)
@says(
    "what_we_found",
    "On scenes AugFPN minus FPN is +1.8 [+0.5, +3.1] points of AP, on blood cells +0.5 "
    "[−0.5, +1.5]; the paper reports +2.4 on COCO.",
    scored=True,
)
def the_headline() -> None:
    found = [effect_text(at(name).effects("augfpn", "fpn")["AP"]) for name in BOTH]
    assert found == ["+1.8 [+0.5, +3.1]", "+0.5 [−0.5, +1.5]"]
    assert f"{printed('augfpn'):.1f}" == "2.4"


@says(
    "intro",
    "The three differences alone, one for each seed, give +1.8 [−0.5, +4.0], which contains zero.",
    scored=True,
)
@says(
    "what_we_found",
    "The three differences alone, one for each seed, give +1.8 [−0.5, +4.0], which contains zero.",
    scored=True,
)
@says(
    "claims",
    "on scenes the three differences of AugFPN and FPN alone give +1.8 [−0.5, +4.0], and all runs "
    "together +1.8 [+0.5, +3.1].",
    scored=True,
)
@says("intro", "it decided the headline.", True)
@says("what_we_found", "it decided the headline.", True)
@says("claims", "**This change decided the headline**", True)
def pooling_decides_the_headline() -> None:
    alone = intervals.single(list(at("scenes").apart("augfpn", "fpn").values()))["AP"]
    together = at("scenes").effects("augfpn", "fpn")["AP"]
    assert effect_text(alone) == "+1.8 [−0.5, +4.0]"
    assert effect_text(together) == "+1.8 [+0.5, +3.1]"
    assert undecided(alone)
    assert not undecided(together)


@says(
    "intro",
    "If the 5 % are shared among all intervals of [What we found](what_we_found.ipynb), the gain "
    "is undecided again.",
    scored=True,
)
@says(
    "claims",
    "At a share of the 5 % among all intervals of [what we found](what_we_found.ipynb), it is "
    "undecided again.",
    scored=True,
)
def the_headline_at_its_share_of_the_level() -> None:
    asked = findings.answers({name: at(name) for name in (*BOTH, *grid.DIALS)})
    here = at("scenes").effects("augfpn", "fpn")["AP"]
    assert not findings.interval_cell(here, findings.intervals_in(asked)).startswith("**")
