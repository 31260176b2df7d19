"""Speed: what was gained, and what is left."""

from augfpn.study.bench import pages
from augfpn.study.bench.floor import least_seconds
from augfpn.study.bench.measure import ratio_of_rounds
from said.costs import (
    INFERENCE,
    LARGE,
    own_ratio,
    price_beside_our_fpn,
    price_beside_torchvision,
    the_cheaper_order,
)
from said.table import says


@says("speed", "With torchvision's operators AugFPN takes 1.25 times as long as FPN")
def price_at_the_start() -> None:
    price_beside_our_fpn()


@says(
    "speed",
    "with them AugFPN takes 0.57 times the processor time that it takes with torchvision's "
    "operators, and FPN 0.62 times",
)
@says(
    "speed",
    "With torchvision's operators AugFPN takes 1.25 times as long as FPN, with ours 1.14 times; "
    "the brackets overlap.",
)
@says("speed", "and took turns in one process, for eight rounds, on images of 800 × 1216 px.")
@says("speed", "On two quiet cores of another processor")
@says("speed", "our operators had [1.06](cost.ipynb).")
@says(
    "your_detector",
    "So computed, AugFPN took 1.25 times the processor time of FPN at inference, with a ResNet-50 "
    "at 800 × 1216 px with 1000 proposals on one thread of a CPU, and 1.14 times with our quicker "
    "operators",
)
@says("should_you_use_it", "Inference with all three takes 1.06 to 1.25 times as long")
@says("your_detector", "They made AugFPN itself quicker: 0.57 times the processor time.")
def price_with_both_kinds_of_operators() -> None:
    found = pages.committed_bench("operators")
    here, there = found["environment"], pages.committed_bench("goals")["laptop"]["environment"]
    assert (here["threads"], there["threads"]) == (1, 2)
    assert pages.measured_backbone(found["settings"]) == "resnet50"
    assert found["settings"]["size"] == [800, 1216]
    assert here["device_name"] != there["device_name"]
    seconds = {
        kind: {name: each["cpu_seconds"] for name, each in both.items()}
        for kind, both in found["operators"].items()
    }
    theirs, ours = seconds["torchvision"], seconds["fast"]
    assert {len(each) for both in seconds.values() for each in both.values()} == {8}
    prices = [ratio_of_rounds(each["augfpn"], each["fpn"]) for each in (theirs, ours)]
    assert [f"{each['median']:.2f}" for each in prices] == ["1.25", "1.14"]
    assert prices[0]["low"] < prices[1]["high"]
    quicker = [ratio_of_rounds(ours[n], theirs[n])["median"] for n in ("augfpn", "fpn")]
    assert [f"{each:.2f}" for each in quicker] == ["0.57", "0.62"]
    assert f"{own_ratio(INFERENCE)['median']:.2f}" == "1.06"


@says("speed", "where it multiplies less than half as often")
def order_of_the_gates() -> None:
    the_cheaper_order()


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
