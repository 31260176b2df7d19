"""Speed: what was gained, and what is left."""

from augfpn.records import COMMITTED
from augfpn.study import recorded
from augfpn.study.bench import pages
from augfpn.study.bench.floor import least_seconds
from augfpn.study.bench.measure import ratio_of_rounds
from augfpn.study.timed import TIMED_VARIANTS
from said.costs import LARGE, price_beside_our_fpn, price_beside_torchvision
from said.table import says


@says(
    "speed",
    "a training step takes 1.5 to 2.2 times as long as with our FPN, inference 1.1 times at 800 × "
    "1216 px with 1000 proposals.",
)
def price_at_the_start() -> None:
    price_beside_our_fpn()


@says("speed", "From 2.2 to 1.1 both the code and the number of cores changed;")
@says(
    "speed",
    "inference on such an image took 2.2 times as long as with FPN, on one core",
)
@says(
    "your_detector",
    "In an older version of this package, inference took 2.2 times as long as with FPN when the "
    "formulas were computed so, at 800 × 1216 px on one core of a CPU.",
)
def price_before_the_work() -> None:
    """A record of the code before convolutions, fusion and heads had quick forwards."""
    (before,) = recorded.read_timings(COMMITTED, "paper")
    about = before["environment"]
    assert (about["commit"], about["threads"]) == ("c799cc8105d6", 1)
    base, other = (before["seconds"]["testing"][name] for name in TIMED_VARIANTS)
    assert f"{ratio_of_rounds(other, base)['median']:.1f}" == "2.2"


@says(
    "speed",
    "Training our AugFPN on two images of 800 × 1216 px, for example, took 17.9 seconds, and its "
    "multiplications alone would take 9.2: it takes 1.9 times as long.",
)
def a_step_beside_its_multiplications() -> None:
    step, benches = LARGE["augfpn"], pages.committed_bench("goals")["benches"]
    least = least_seconds(step["floor"]["macs"], benches)
    found = (step["median"], least, step["median"] / least)
    assert [f"{each:.1f}" for each in found] == ["17.9", "9.2", "1.9"]


@says(
    "speed",
    "On two CPU cores, inference with AugFPN is now quicker than torchvision's with FPN; training "
    "is slower.",
)
def speed_beside_torchvision() -> None:
    price_beside_torchvision()
    every = pages.committed_bench("goals")["benches"].values()
    assert {each["environment"]["threads"] for each in every} == {2}
