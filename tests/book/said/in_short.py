"""The first page's table of the parts: the paper's gains, and ours on scenes."""

from augfpn.study import in_one_table
from augfpn.study.cells import marked
from augfpn.study.spreads import wider_effect
from said.evidence import confirmation
from said.table import says


@says("intro", "| +0.9 | **+0.8 [+0.1, +1.6]** |")
@says("intro", "| +1.0 | −0.4 [−1.2, +0.4] |")
@says("intro", "| +0.8 | +0.3 [−0.5, +1.1] |")
@says("intro", "| **1–3** | all three | AugFPN | +2.4 | +1.1 [−0.02, +2.2] |")
@says("intro", "the paper's on COCO by one run, and ours on *scenes*")
def the_gains_of_the_first_table() -> None:
    of = confirmation()
    gains = {
        variant: (in_one_table.printed_text(of, variant), marked(wider_effect(of, variant)))
        for variant in ("cs", "rfa", "srs", "augfpn")
    }
    assert {name: (paper, ours.replace("\xa0", " ")) for name, (paper, ours) in gains.items()} == {
        "cs": ("+0.9", "**+0.8 [+0.1, +1.6]**"),
        "rfa": ("+1.0", "−0.4 [−1.2, +0.4]"),
        "srs": ("+0.8", "+0.3 [−0.5, +1.1]"),
        "augfpn": ("+2.4", "+1.1 [−0.02, +2.2]"),
    }
    assert {len(of.apart(variant, "fpn")) for variant in gains} == {9}
