"""What AugFPN costs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from statistics import median

from augfpn.config import AUGFPN, FPN
from augfpn.detectors import cost
from augfpn.settings import paper
from augfpn.study import timed
from augfpn.study.bench import pages
from augfpn.study.bench.measure import ratio_of_rounds
from augfpn.study.timed import TIMED_VARIANTS
from said.evidence import at, verdict
from said.table import says

SETTINGS = {
    "cs": {"lam": AUGFPN.lam},
    "rfa": {"ratios": AUGFPN.ratios},
    "srs": {"roi_selection": AUGFPN.roi_selection},
    "panet": {"roi_selection": "panet"},
}


@cache
def costs(**settings: object) -> tuple[cost.PartCost, ...]:
    return tuple(cost.part_costs(replace(FPN, classes=80, **settings)))


def own(every: Sequence[cost.PartCost], part: str) -> cost.PartCost:
    (found,) = [each for each in every if each.part == part]
    return found


def added(variant: str) -> tuple[float, float]:
    """The parameters and multiply-accumulates at inference beyond FPN's, as shares of FPN's."""
    plain_, more = (cost.at_inference(each) for each in (costs(), costs(**SETTINGS[variant])))
    return tuple((b - a) / a for a, b in zip(plain_, more, strict=True))


def augfpn() -> tuple[cost.PartCost, ...]:
    return costs(**SETTINGS["cs"], **SETTINGS["rfa"], **SETTINGS["srs"])


@says("cost", "The supervision is the largest addition by far, a whole box head")
@says("cost", "Backbone and box head are the same in both")
def supervision_is_the_largest_addition() -> None:
    every, before = augfpn(), {each.part for each in costs()}
    parameters = {each.part: each.parameters for each in every if each.part not in before}
    parameters["gates"] = own(every, "box RoI selection").parameters
    supervision = parameters.pop("Consistent Supervision")
    assert supervision == own(every, "box head").parameters
    assert supervision > 5 * sum(parameters.values())
    assert own(every, "Consistent Supervision").inference is None
    for part in ("backbone", "box head"):
        assert own(every, part) == own(costs(), part)


@says("cost", "which hardly compute anything because they run on a handful of places")
def context_hardly_computes() -> None:
    work = own(augfpn(), "RFA, reductions").inference
    assert work < 0.001 * cost.at_inference(augfpn())[1]


@says("cost", "next to no parameters, but as much arithmetic as the whole box head")
def gates_compute_as_much_as_the_head() -> None:
    gates, head = (own(augfpn(), part) for part in ("box RoI selection", "box head"))
    assert gates.parameters < 0.02 * head.parameters
    assert 0.9 < gates.inference / head.inference < 1.1


@says("cost", "With $n = 4$ and $C = 256$ that is a little over a quarter of a million parameters.")
def parameters_of_the_gates() -> None:
    n, c = 4, 256
    assert own(augfpn(), "box RoI selection").parameters == n * c * c + c + 9 * c * n + n
    assert 250_000 < n * c * c + c + 9 * c * n + n < 300_000


@says("cost", "Training seems cheaper than inference for a plain FPN")
def training_counts_fewer_boxes() -> None:
    assert cost.in_training(costs())[1] < cost.at_inference(costs())[1]


@says("cost", "Supervision changes the column of inference by nothing, to the last digit")
@says("cost", "Residual Feature Augmentation adds parameters without adding work.")
@says("cost", "Soft RoI Selection adds work without adding parameters.")
@says("cost", "PANet's pooling adds much of both")
@says("cost", "nearly four times their work, and nearly two hundred times their parameters.")
@says(
    "claims",
    "Consistent Supervision costs nothing at inference, a ratio costs what the formula says, gates "
    "are a small fraction of PANet's layers.",
)
def what_each_part_adds() -> None:
    assert added("cs") == (0, 0)
    assert added("rfa")[0] > 0.03 > 0.003 > added("rfa")[1]
    assert added("srs")[1] > 0.03 > 0.01 > added("srs")[0]
    assert min(added("panet")) > 0.1
    panet, gates = (own(costs(**SETTINGS[name]), "box RoI selection") for name in ("panet", "srs"))
    assert 3.7 < panet.inference / gates.inference < 4
    assert 180 < panet.parameters / gates.parameters < 200
    assert {verdict("scenes", name) for name in ("C33", "C46", "C52")} == {"holds"}


def priced(backbone: str | None, use: str, size: list[int]) -> dict[str, dict]:
    """The variants of a committed bench."""
    (found,) = [
        each["uses"][use]["variants"]
        for each in pages.committed_bench("goals")["benches"].values()
        if each["settings"]["backbone"] == backbone
        and each["uses"].get(use, {}).get("size") == size
    ]
    return found


LARGE = priced(None, "training", [800, 1216])
SMALL = priced(None, "training", [320, 416])
INFERENCE = priced(None, "testing", [800, 1216])
MOBILE = priced("mobilenet_v2", "testing", [800, 1216])


def own_ratio(variants: dict[str, dict]) -> dict[str, float]:
    """AugFPN's time divided by our FPN's, over rounds."""
    base, other = (variants[name]["seconds"] for name in TIMED_VARIANTS)
    return ratio_of_rounds(other, base)


@says(
    "cost",
    "inference with AugFPN takes hardly longer than with FPN: less than the paper's ratio. "
    "Training takes longer than the paper's ratio",
)
@says("cost", "On small images this weighs more")
@says(
    "claims",
    "on a CPU, at the paper's size, [our ratio](cost.ipynb) is smaller than the paper's at "
    "inference and larger in training.",
)
def cpu_ratios_beside_the_papers() -> None:
    theirs = paper.printed_time_ratios()
    testing, training, small = map(own_ratio, (INFERENCE, LARGE, SMALL))
    assert testing["median"] < 1.1
    assert testing["high"] < theirs["testing"]
    assert theirs["training"] < training["low"]
    assert training["high"] < small["low"]


@says(
    "cost",
    "In training, a step of AugFPN takes 1.5 times as long as one of our FPN at the paper's size, "
    "and 2.2 times as long on small images. At inference the ratio is 1.1 with either backbone, "
    "and 1.2 with the small detectors of the study.",
)
@says(
    "cost",
    "A training step takes 1.5 to 2.2 times as long as with our FPN. Inference takes 1.1 times as "
    "long at 800 × 1216 px, 1.2 times with the small detectors of the study.",
)
@says("your_detector", "With our quicker operators it takes 1.1 times as long, on two cores")
def price_beside_our_fpn() -> None:
    steps = (LARGE, SMALL, INFERENCE, MOBILE)
    seconds = pages.committed_bench("goals")["laptop"]["seconds"]["testing"]
    base, other = (seconds[name] for name in TIMED_VARIANTS)
    assert f"{ratio_of_rounds(other, base)['median']:.1f}" == "1.2"
    assert [f"{own_ratio(each)['median']:.1f}" for each in steps] == ["1.5", "2.2", "1.1", "1.1"]


@says(
    "cost",
    "Beside *torchvision's* FPN, our AugFPN takes 0.84 of the time at inference with ResNet-50 and "
    "0.72 with MobileNet-V2; in training 1.12 times as long at the paper's size and 1.50 times on "
    "small images.",
)
def price_beside_torchvision() -> None:
    found = [each["augfpn"]["ratio"]["median"] for each in (INFERENCE, MOBILE, LARGE, SMALL)]
    assert [f"{each:.2f}" for each in found] == ["0.84", "0.72", "1.12", "1.50"]
    assert all(each["augfpn"]["ratio"]["high"] < 1 for each in (INFERENCE, MOBILE))
    assert all(each["augfpn"]["ratio"]["low"] > 1 for each in (LARGE, SMALL))


@says(
    "cost",
    "Its peak memory is above that of our own FPN by a sixth to a quarter in training, and by a "
    "third with ResNet-50 and six tenths with MobileNet-V2 at inference. It is above that of "
    "torchvision's FPN by a sixth in both rows of training, and by an eighth with ResNet-50 and "
    "four tenths with MobileNet-V2 at inference.",
)
def peak_memory() -> None:
    for base, said in (
        ("fpn", (1 / 6, 1 / 4, 1 / 3, 0.6)),
        ("torchvision", (1 / 6, 1 / 6, 1 / 8, 0.4)),
    ):
        for found, more in zip((LARGE, SMALL, INFERENCE, MOBILE), said, strict=True):
            ratio = found["augfpn"]["peak_bytes"] / found[base]["peak_bytes"]
            assert abs(ratio - 1 - more) < 0.02


@says("cost", "Three of the four rows have two rounds only")
def rounds_of_the_bench() -> None:
    rounds = [len(each["augfpn"]["seconds"]) for each in (LARGE, SMALL, INFERENCE, MOBILE)]
    assert rounds[:3] == [2, 2, 2]
    assert rounds[3] > 2


@says("cost", "for thirty rounds.")
@says(
    "cost",
    "this book uses the ratio of {numref}`tab-part-times`, 1.87: it has thirty rounds, where "
    "{numref}`tab-times` has nine.",
)
@says(
    "cost",
    "**In training, Consistent Supervision costs most**: half as much again, because its head "
    "reads every sampled box from four levels; at inference nothing of it is left. Soft RoI "
    "Selection takes a quarter longer in training and a fifth at inference. Residual Feature "
    "Augmentation costs next to nothing.",
)
def price_of_each_part() -> None:
    (timing,) = at("scenes").timings
    training, testing = (
        {v: timed.time_ratio(timing, use, v) for v in ("cs", "rfa", "srs", "augfpn")}
        for use in ("training", "testing")
    )
    assert f"{training['augfpn'].mean:.2f}" == "1.87"
    small = pages.committed_bench("goals")["laptop"]["seconds"]["training"]
    assert len(timing["seconds"]["training"]["augfpn"]) == 30
    assert len(small["augfpn"]) == 9
    assert abs(training["cs"].mean - 1.5) < 0.05
    assert testing["cs"].low < 1 < testing["cs"].high
    assert abs(training["srs"].mean - 1.25) < 0.05
    assert abs(testing["srs"].mean - 1.2) < 0.05
    assert max(training["rfa"].high, testing["rfa"].high) < 1.08


@says("cost", "What takes memory in training are the pooled RoIs and their gradients")
def memory_goes_into_rois() -> None:
    """In records of the code that kept them: supervision and soft selection took memory."""
    used = {
        v: median(run.result["memory_mb"] for run in at("scenes").recorded(v).values())
        for v in ("fpn", "cs", "rfa", "srs", "augfpn")
    }
    assert min(used["cs"], used["srs"]) > used["fpn"] + 100
    assert abs(used["rfa"] - used["fpn"]) < 30
    assert used["augfpn"] == max(used.values())


@says("cost", "with half of them, the gates cost half, and the box head too")
def half_the_proposals() -> None:
    whole, half = (cost.part_costs(replace(AUGFPN, classes=80), rois=n) for n in (1000, 500))
    for part in ("box RoI selection", "box head"):
        assert 2 * own(half, part).inference == own(whole, part).inference
