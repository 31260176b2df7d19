"""The first page's table of the parts: the paper's gains, and what we found on scenes."""

from augfpn.study import spreads
from augfpn.study.factorial import wider_main_effect
from augfpn.study.results import in_one_table
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.intervals import SMALL_EFFECT as SMALL
from said.evidence import confirmation
from said.table import says

PARTS = ("cs", "rfa", "srs", "augfpn")


@says("intro", "| a gain, as a mean over all combinations with the other parts: *confirmed* |")
@says("intro", "while training, one shared head questions every map M. | +0.9 |")
@says("intro", "| +1.0 | *within 1 AP of zero* |")
@says("intro", "| +0.8 | a trade, *confirmed*: small objects lose, medium ones gain |")
@says("intro", "| **1–3** | all three | AugFPN | +2.4 | *probably* better |")
@says("intro", "with small detectors and nine seeds.")
def the_gains_of_the_first_table() -> None:
    of = confirmation()
    printed = [in_one_table.printed_text(of, variant) for variant in PARTS]
    assert printed == ["+0.9", "+1.0", "+0.8", "+2.4"]
    assert wider_main_effect(of, "cs").low > 0
    assert intervals.verdict(wider_main_effect(of, "rfa"), small=SMALL) == "within 1 AP of zero"
    assert wider_main_effect(of, "srs", "APs").high < 0 < wider_main_effect(of, "srs", "APm").low
    shown = [spreads.wider_effect(of, variant) for variant in PARTS]
    assert [each.low > 0 for each in shown] == [True, False, False, False]
    assert of.effects("augfpn", "fpn")["AP"].low > 0  # probably
    assert {len(of.apart(variant, "fpn")) for variant in PARTS} == {9}
