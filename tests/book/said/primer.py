"""The primer on intervals: what it says of the six runs."""

from augfpn.study import grid, intervals
from said.evidence import ap, at, effect, undecided
from said.table import says


@says(
    "intervals",
    "The dots of FPN lie some two points apart, and the two means differ by somewhat less",
)
@says(
    "intervals",
    "On scenes the three dots of FPN lie some two points apart, and the means differ by somewhat "
    "less. Had we trained one of each, we might have reported a gain of half a point or of nearly "
    "four.",
)
def six_runs() -> None:
    fpn, augfpn = (list(ap("scenes", name).values()) for name in ("fpn", "augfpn"))
    assert len(fpn) == len(augfpn) == 3
    spread = max(fpn) - min(fpn)
    assert round(spread) == 2
    assert 1.5 < (sum(augfpn) - sum(fpn)) / 3 < spread
    assert 0.3 < min(augfpn) - max(fpn) < 0.7
    assert 3.5 < max(augfpn) - min(fpn) < 4


@says("intervals", "some eighty runs on scenes, which have about fifty degrees of freedom")
def runs_that_are_pooled() -> None:
    of = at("scenes")
    assert round(len(of.observations("fpn", "AP")), -1) == 80
    assert round(of.pool("fpn", "AP").freedom, -1) == 50
    assert "augfpn" in grid.part("table2").variants


@says(
    "intervals",
    "The mean is the same; the better estimate of the deviation is what decides it on scenes. On "
    "blood cells the interval gets narrower, too, and still contains zero.",
    scored=True,
)
def the_better_estimate_decides() -> None:
    for pictures in ("scenes", "bccd"):
        pairs = list(at(pictures).apart("augfpn", "fpn").values())
        alone, together = intervals.single(pairs)["AP"], effect(pictures, "augfpn")
        assert undecided(alone)
        assert undecided(together) == (pictures == "bccd")
        assert together.high - together.low < 100 * (alone.high - alone.low)
