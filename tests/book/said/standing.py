"""Where AugFPN stands: whether it is worth using today."""

from augfpn.settings import paper
from augfpn.study import factorial, intervals
from said.costs import price_beside_our_fpn
from said.evidence import BOTH, at, compared, confirmation, effect, table_verdict, undecided
from said.photographs import photos
from said.table import says

PAGE = "where_augfpn_stands"


@says(
    PAGE,
    "a detector of this package takes 1.1 times as long as with FPN at inference on 800 × 1216 px, "
    "1.2 times with the study's small detectors, and [1.5 to 2.2 times](cost.ipynb) in training.",
)
def its_price() -> None:
    price_beside_our_fpn()


@says(
    PAGE,
    "All three parts together are probably better than FPN on scenes, though [their own "
    "differences](what_we_found.ipynb) do not decide it. On blood cells their gain is undecided "
    "and smaller than the paper's. With [settings searched for both](fair_baselines.ipynb), and on "
    "[photographs from pretrained weights](photographs.ipynb), no gain is shown.",
)
def its_gain() -> None:
    later = confirmation()
    assert min(effect("scenes", "augfpn").low, later.effects("augfpn", "fpn")["AP"].low) > 0
    assert undecided(intervals.single(list(later.apart("augfpn", "fpn").values()))["AP"])
    assert undecided(later.effects("augfpn_tuned", "fpn_tuned")["AP"])
    assert all(of.effects("augfpn", "fpn")["AP"].mean < 0 for of in photos().values())
    assert undecided(effect("bccd", "augfpn"))
    assert table_verdict("bccd", "augfpn") == "smaller than the paper's"


@says(PAGE, "mind that Soft RoI Selection lost AP on them in our scenes")
def small_objects() -> None:
    assert factorial.factorial(at("scenes"), "APs")[("srs",)].high < 0


@says(
    PAGE,
    "RetinaNet gained with them on scenes, at the beginning of its training; all else is undecided",
)
def one_stage() -> None:
    found = {(name, v): effect(name, v) for name in BOTH for v in compared("one_stage", name)}
    decided = [which for which, each in found.items() if not undecided(each)]
    assert decided == [("scenes", "retinanet:augfpn")]
    assert len(found) == 4


# Read in mmdetection's configs: faster_rcnn, pafpn, groie, libra_rcnn and nas_fpn, each README.md,
# and in README.md of lyuwenyu/RT-DETR. Nothing here could compute them.
@says(PAGE, "| Faster R-CNN | 12 and 24 epochs | 37.4 | 38.4 |")
@says(PAGE, "| PAFPN, PANet's path alone | Faster R-CNN | 12 epochs | 37.4 | 37.5 |")
@says(
    PAGE, "| Libra R-CNN, with its sampling and its loss | Faster R-CNN | 12 epochs | 37.4 | 38.3 |"
)
@says(PAGE, "| RetinaNet | 50 epochs, crops of 640 px | 37.9 | 40.5 |")
@says(PAGE, "RT-DETR has [53.1](https://github.com/lyuwenyu/RT-DETR) with ResNet-50, 72 epochs")
@says(PAGE, "| AugFPN, Table 2 of its paper | Faster R-CNN | 12 epochs | 36.3 | 38.7 |")
@says(
    PAGE,
    "mmdetection's FPN is 1.1 points above the paper's, and the paper's AugFPN with 12 epochs is "
    "only 0.3 above mmdetection's FPN with 24.",
)
@says(
    "fair_baselines",
    "with ResNet-50, the paper's AugFPN is only 0.3 points above "
    "[mmdetection's newer FPN](where_augfpn_stands.md) with 24 epochs.",
)
def published() -> None:
    rows = {
        tuple(row[x] for x in ("CS", "RFA", "SRS")): row["AP"] for row in paper.tables()["table2"]
    }
    assert (rows[False, False, False], rows[True, True, True]) == (36.3, 38.7)
    newer, newer_twice = 37.4, 38.4  # the first row above
    assert round(newer - rows[False, False, False], 1) == 1.1
    assert round(rows[True, True, True] - newer_twice, 1) == 0.3
