"""The first page: what came out, in short."""

from said.evidence import BOTH, effect, gain, measured, undecided, verdict
from said.table import says

OWN_DIAL = {"cs": "scale", "rfa": "context", "srs": "detail"}


@says("intro", "a class probe of one level fails on another")
@says("claims", "The levels of M do differ in meaning")
@says("fpn", "The three defects are there.")
@says("consistent_supervision", "The gap is there, large")
@says("consistent_supervision", "the *directions* of the features differ")
def a_probe_fails_on_other_levels() -> None:
    assert [verdict(pictures, "C59") for pictures in BOTH] == ["holds", "holds"]


@says("intro", "part of $C_5$ cannot be read from $M_5$")
@says("claims", "something of $C_5$ is lost in $M_5$")
@says("fpn", "The three defects are there.")
@says(
    "residual_feature_augmentation",
    "There *is* a loss: a good part of $C_5$'s variance is not in $M_5$.",
)
def something_of_c5_is_lost() -> None:
    assert [verdict(pictures, "C48") for pictures in BOTH] == ["holds", "holds"]
    assert all(measured(pictures, "fpn", "C5 lost in M5").low > 10 for pictures in BOTH)


@says("intro", "predictions jump where the size rule changes its level")
@says("fpn", "The three defects are there.")
def predictions_jump_at_a_border() -> None:
    for pictures in BOTH:
        jump = measured(pictures, "fpn", "change across a border less change elsewhere")
        assert jump.low > 5 * measured(pictures, "fpn", "change elsewhere").mean


@says("intro", "AugFPN's mean effect on AP is **above zero on both**")
def augfpn_is_above_zero_by_its_mean() -> None:
    assert all(gain(pictures, "augfpn") > 0 for pictures in BOTH)


@says("intro", "of a size that needs more seeds to be sure of: its intervals still hold zero", True)
def augfpn_is_undecided() -> None:
    assert all(undecided(effect(pictures, "augfpn")) for pictures in BOTH)


@says(
    "intro",
    "Consistent Supervision with Soft RoI Selection is clearly better than FPN on scenes",
    scored=True,
)
def supervision_with_soft_selection_is_better() -> None:
    assert verdict("scenes", "C21") == "holds"
    assert effect("scenes", "cs_srs").low > 0


@says("intro", "The story that **each part mends its own defect does not show**")
@says(
    "intro",
    "the part that should mend it gains no more there than on plain ones, with one exception",
)
@says("putting_it_together", "**The account does not show.**")
@says(
    "putting_it_together",
    "Where its own dial is turned up, a part gains no more than on plain scenes, but for "
    "Consistent Supervision on *scale*",
)
def parts_gain_no_more_on_their_own_dial() -> None:
    more = [part for part, dial in OWN_DIAL.items() if gain(dial, part) > gain("scenes", part)]
    assert more == ["cs"]
