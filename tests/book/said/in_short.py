"""The first page's table of the parts: it is what the package makes of the records."""

from chapters import BOOK

from augfpn.study import gather, in_one_table
from said.evidence import at, confirmation
from said.table import says


@says("intro", "| CS | +0.9 | **+0.8 [+0.1, +1.6]** (9) | +0.2 [−1.1, +1.4] (8)")
@says("intro", "−0.7 [−2.3, +0.9] (3) | × 1.47 | × 1.01 |")
@says("intro", "| RFA | +1.0 | −0.4 [−1.2, +0.4] (9) | −0.3 [−1.5, +0.9] (8)")
@says("intro", "+0.3 [−2.7, +3.4] (3) | × 1.03 | × 1.02 |")
@says("intro", "| SRS | +0.8 | +0.3 [−0.5, +1.1] (9) | **−1.7 [−3.0, −0.4]** (8)")
@says("intro", "−1.0 [−3.7, +1.8] (3) | × 1.27 | × 1.19 |")
@says("intro", "| AugFPN | +2.4 | +1.1 [−0.02, +2.2] (9) | −1.2 [−2.9, +0.6] (8)")
@says("intro", "−0.6 [−2.0, +0.8] (3) | × 1.87 | × 1.22 |")
@says("intro", "| – | **+1.8 [+0.5, +3.0]** (6) | −0.3 [−1.6, +1.0] (8) | – | × 1.87 | × 1.22 |")
def the_table_is_made_of_the_records() -> None:
    photographs = gather.committed_sets(("bccd", "aquarium"), "transfer")
    (timing,) = at("scenes").timings
    made = in_one_table.parts_table(confirmation(), photographs, timing).replace("\xa0", " ")
    assert made in (BOOK / "intro.md").read_text("utf-8")
