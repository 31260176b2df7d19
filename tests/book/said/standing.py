"""Where AugFPN stands: whether it is worth using today."""

from augfpn.study import factorial
from said.costs import price_beside_our_fpn
from said.evidence import BOTH, at, compared, effect, table_verdict, undecided
from said.quicker import price_before_the_work
from said.table import says

PAGE = "where_augfpn_stands"


@says(
    PAGE,
    "a detector of this package takes 1.1 times as long as with FPN at inference on 800 × 1216 px, "
    "1.2 times with the study's small detectors, and [1.5 to 2.2 times](cost.ipynb) in training.",
)
@says(PAGE, "which made inference take 2.2 times as long in an older version of this package")
def its_price() -> None:
    price_beside_our_fpn()
    price_before_the_work()


@says(
    PAGE,
    "AugFPN gains on scenes, while on blood cells its gain is undecided and smaller than the "
    "paper's",
)
def its_gain() -> None:
    assert effect("scenes", "augfpn").low > 0
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
