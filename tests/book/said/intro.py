"""The first page: what came out, in short."""

from augfpn.study import gather
from augfpn.study.evidence import Evidence
from augfpn.study.spreads import wider_effect
from augfpn.study.uncertainty.intervals import Interval
from said.evidence import BOTH, effect, measured, table_verdict, undecided, verdict
from said.photographs import photos
from said.table import says


@says("consistent_supervision", "so not scales, but *directions* of features differ")
@says(
    "consistent_supervision",
    "Each level's own 1×1 convolution gives it a basis of its own, before any training.",
)
@says("consistent_supervision", "most of that is there before training.")
@says("claims", "Untrained networks pass it, too.")
def a_probe_fails_on_other_levels_even_untrained() -> None:
    for pictures in BOTH:
        gap, before = (measured(pictures, "fpn", f"gap{when}") for when in ("", " before training"))
        assert min(gap.low, before.low) > 10
        assert before.mean > 0.8 * gap.mean


@says("fpn", "What this gap says of *meaning* is less plain than it looks")
@says("consistent_supervision", "Whether training widens it is open:")
def what_training_adds_to_the_gap_is_undecided() -> None:
    assert {verdict(pictures, "#59") for pictures in BOTH} == {"undecided"}


@says("claims", "Something of $C_5$ is lost in $M_5$")
@says("fpn", "Something of $C_5$ is lost at the top.")
@says(
    "residual_feature_augmentation",
    "**There is a loss** ({numref}`tab-top`).",
)
def something_of_c5_is_lost() -> None:
    assert [verdict(pictures, "#48") for pictures in BOTH] == ["holds", "holds"]
    assert all(measured(pictures, "fpn", "C5 lost in M5").low > 10 for pictures in BOTH)


@says("fpn", "Predictions jump at a border of the size rule")
@says("claims", "predictions jump where the size rule changes its level")
def predictions_jump_at_a_border() -> None:
    for pictures in BOTH:
        jump = measured(pictures, "fpn", "change across a border minus change elsewhere")
        assert jump.low > 5 * measured(pictures, "fpn", "change elsewhere").mean


def augfpn_holds_on_scenes() -> None:
    assert verdict("scenes", "#1") == "holds"
    assert undecided(effect("bccd", "augfpn"))
    assert verdict("bccd", "#1") == "below the paper's gain"
    assert table_verdict("bccd", "srs") == "within 1 AP of zero"


@says(
    "README",
    "begin even; as the authors begin them, at random, a gain as large as the paper's is excluded "
    "on both.",
)
def no_gain_on_photographs_with_random_gates() -> None:
    cells, animals = (wider_effect(photos()[name], "srs") for name in ("bccd", "aquarium"))
    assert cells.high < 0
    assert undecided(animals)
    for of in (gather.from_pretrained()["bccd_again"], photos()["aquarium"]):
        assert undecided(wider_effect(of, "srs_even"))
        assert wider_effect(of, "srs_even", "srs").low > 0
    found = [both(of, "augfpn", "fpn") for of in photos().values()]
    assert len(found) == 3
    assert max(shared.mean for shared, _ in found) < 0
    assert all(undecided(own) for _, own in found)


def both(of: Evidence, variant: str, base: str) -> tuple[Interval, Interval]:
    """A gain in AP with the shared spread, and with that of its own differences."""
    own = of.combination([variant], [base], "AP", pooled=False)
    return of.effects(variant, base)["AP"], own
