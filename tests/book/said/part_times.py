"""What each part costs in the small detectors of the study, in seconds."""

from augfpn.study import timed
from said.evidence import at
from said.table import says


@says("cost", "- in the small detectors of the study 1.22 times,")
def the_measurement_of_the_small_detectors() -> None:
    (timing,) = at("scenes").timings
    means = [timed.time_ratio(timing, use).mean for use in ("training", "testing")]
    assert [f"{each:.2f}" for each in means] == ["1.87", "1.22"]


@says("cost", "were also timed with each part alone, in thirty rounds")
@says(
    "cost",
    "**In training, Consistent Supervision costs most**: a step takes 1.5 times as long, "
    "because its head reads every sampled box from four levels; at inference nothing of it is "
    "left. Soft RoI Selection takes a quarter longer in training and a fifth at inference. "
    "Residual Feature Augmentation costs next to nothing.",
)
def price_of_each_part() -> None:
    (timing,) = at("scenes").timings
    training, testing = (
        {v: timed.time_ratio(timing, use, v) for v in ("cs", "rfa", "srs", "augfpn")}
        for use in ("training", "testing")
    )
    assert len(timing["seconds"]["training"]["augfpn"]) == 30
    assert abs(training["cs"].mean - 1.5) < 0.05
    assert testing["cs"].low < 1 < testing["cs"].high
    assert abs(training["srs"].mean - 1.25) < 0.05
    assert abs(testing["srs"].mean - 1.2) < 0.05
    assert max(training["rfa"].high, testing["rfa"].high) < 1.08
