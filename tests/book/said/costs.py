"""What AugFPN costs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import nn

from augfpn import config
from augfpn.config import AUGFPN, FPN
from augfpn.detectors import cost
from augfpn.settings import paper, recipes
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import parse
from augfpn.study.bench import memory, pages
from augfpn.study.bench.measure import ratio_of_rounds
from augfpn.training.schedule import make_optimizer
from said.evidence import verdict
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
@says(
    "cost", "Backbone, pyramid, proposal head and box head are grey, for plain FPN has them, too."
)
def supervision_is_the_largest_addition() -> None:
    every, before = augfpn(), {each.part for each in costs()}
    parameters = {each.part: each.parameters for each in every if each.part not in before}
    parameters["gates"] = own(every, "box RoI selection").parameters
    supervision = parameters.pop("Consistent Supervision")
    assert supervision == own(every, "box head").parameters
    assert supervision > 5 * sum(parameters.values())
    assert own(every, "Consistent Supervision").inference is None
    for part in ("backbone", "FPN", "proposal head", "box head"):
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


@says("cost", "Supervision changes the columns of inference by nothing, to the last digit")
@says("cost", "Residual Feature Augmentation adds parameters without adding work.")
@says("cost", "Soft RoI Selection adds work without adding parameters.")
@says("cost", "PANet's pooling adds much of both")
@says(
    "cost",
    "three layers more than FPN's head: nearly three times the work of the gates, and about 140 "
    "times their parameters.",
)
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
    plain_, panet, gates = (
        cost.at_inference(each)
        for each in (costs(), *(costs(**SETTINGS[n]) for n in ("panet", "srs")))
    )
    parameters, work = ((b - a) / (c - a) for a, b, c in zip(plain_, panet, gates, strict=True))
    assert 2.8 < work < 3
    assert round(parameters, -1) == 140
    assert {verdict("scenes", name) for name in ("#33", "#46", "#52")} == {"holds"}


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


def own_ratio(variants: dict[str, dict], variant: str = "augfpn") -> dict[str, float]:
    """A variant's time divided by our FPN's, over rounds."""
    base, other = (variants[name]["seconds"] for name in ("fpn", variant))
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
    "On a CPU, AugFPN takes 1.06 to 1.25 times as long as FPN at inference: - with a ResNet-50 at "
    "800 × 1216 px, 1.06 or 1.14 times, on two processors,",
)
@says(
    "cost",
    "and do not call `quicken` ([how](your_detector.md)), 1.25 times.",
)
@says("cost", "Inference takes 1.06 to 1.25 times as long.")
@says("seminar", "and 1.06 to 1.25 at inference")
@says(
    "cost",
    "The second processor's ratio is of processor time on one thread, in eight rounds. The first's "
    "is of two rounds on two threads",
)
def price_beside_our_fpn() -> None:
    steps = (LARGE, SMALL, INFERENCE, MOBILE)
    assert [each["augfpn"]["rois"] for each in (INFERENCE, MOBILE)] == [[1000], [1000]]
    ratios = [own_ratio(each) for each in steps]
    assert [f"{each['median']:.2f}" for each in ratios] == ["1.48", "2.24", "1.06", "1.14"]
    operators = pages.committed_bench("operators")
    fast = operators["operators"]["fast"]
    ours, fpn = (fast[name]["cpu_seconds"] for name in ("augfpn", "fpn"))
    assert f"{ratio_of_rounds(ours, fpn)['median']:.2f}" == "1.14"
    plain = (operators["operators"]["torchvision"][x]["cpu_seconds"] for x in ("augfpn", "fpn"))
    assert f"{ratio_of_rounds(*plain)['median']:.2f}" == "1.25"
    assert (len(ours), operators["environment"]["threads"]) == (8, 1)
    rounds = [len(each["augfpn"]["seconds"]) for each in steps]
    assert rounds == [2, 2, 2, 7]
    benches = pages.committed_bench("goals")["benches"].values()
    machines = {each["environment"]["device_name"] for each in benches}
    assert machines == {"Intel(R) Xeon(R) Processor, 2 cores"}
    assert {each["environment"]["threads"] for each in benches} == {2}


@says("cost", "on images of this size that convolution then multiplies less than half as often.")
def the_cheaper_order() -> None:
    places = sum((800 // 2**k) * (1216 // 2**k) for k in (2, 3, 4, 5))
    assert places < 0.5 * 4 * 49 * 1000


@says(
    "cost",
    "it takes the authors' [dialect](deviations.md), with 2000 proposals. This was not timed; "
    "counted, AugFPN then multiplies 1.13 times as often as FPN, in place of 1.07 times.",
)
def work_of_a_recipe() -> None:
    words = recipes.named("faster_rcnn_r50_augfpn_1x").words | {"data_root": "coco"}
    recipe = experiment(parse(words), "cpu")
    assert recipe.model.proposals[1] == 2000
    for proposals, expected in ((1000, "1.07"), (2000, "1.13")):
        base, other = (
            cost.at_inference(cost.part_costs(replace(each, classes=80), rois=proposals))[1]
            for each in (FPN, AUGFPN)
        )
        assert f"{other / base:.2f}" == expected


@says(
    "cost",
    "Beside *torchvision's* FPN, our AugFPN is quicker at inference and slower in training",
)
def price_beside_torchvision() -> None:
    assert all(each["augfpn"]["ratio"]["high"] < 1 for each in (INFERENCE, MOBILE))
    assert all(each["augfpn"]["ratio"]["low"] > 1 for each in (LARGE, SMALL))


@says(
    "cost",
    "In training, AugFPN's step takes 370 MB more than our FPN's at the paper's size and 243 MB "
    "more on small images. The optimiser was SGD with momentum, as in the paper's recipes. Of both "
    "numbers, 196 MB are AugFPN's additional parameters, seven eighths of them in the "
    "supervision's head",
)
@says(
    "cost",
    "With AdamW, which our budgets `laptop` and `transfer` take, each has two moments, and these "
    "196 MB become 262 MB.",
)
def peak_memory() -> None:
    more = [each["augfpn"]["peak_bytes"] - each["fpn"]["peak_bytes"] for each in (LARGE, SMALL)]
    assert [round(each / 1e6) for each in more] == [370, 243]
    added_ = cost.in_training(augfpn())[0] - cost.in_training(costs())[0]
    sizes = {name: bytes_of_a_parameter(each.train) for name, each in BUDGETS.items()}
    assert round(sizes["paper"] * added_ / 1e6) == 196
    assert [round(sizes[name] * added_ / 1e6) for name in ("laptop", "transfer")] == [262, 262]
    assert abs(own(augfpn(), "Consistent Supervision").parameters / added_ - 7 / 8) < 0.001


def bytes_of_a_parameter(settings: config.Train) -> float:
    """Of its weight, its gradient and what the optimiser of a schedule keeps of it."""
    layer = nn.Linear(1000, 1000, bias=False)
    optimizer = make_optimizer(layer, settings)
    layer(torch.ones(1000)).sum().backward()
    optimizer.step()
    gradient = layer.weight.grad
    every = memory.held_bytes(layer, optimizer) + gradient.numel() * gradient.element_size()
    return every / layer.weight.numel()


@says(
    "cost",
    "With one part alone, a step on small images takes 223 MB more than FPN's for Consistent "
    "Supervision, 18 MB for Residual Feature Augmentation and 14 MB for Soft RoI Selection; "
    "AugFPN's own peak, measured again, was 6 MB above the table's.",
)
def memory_of_each_part() -> None:
    peaks = {
        n: x["peak_bytes"] for n, x in pages.committed_bench("part_memory")["variants"].items()
    }
    more = [round((peaks[name] - peaks["fpn"]) / 1e6) for name in ("cs", "rfa", "srs")]
    assert more == [223, 18, 14]
    again = [round((peaks[x] - SMALL[x]["peak_bytes"]) / 1e6) for x in ("fpn", "augfpn")]
    assert again == [0, 6]


@says("cost", "These would take 206 MB for each reader of four levels, at 512 sampled boxes")
def pooled_features() -> None:
    assert LARGE["augfpn"]["rois"] == [512, 512]
    assert round(4 * 2 * 512 * 256 * 7 * 7 * 4 / 1e6) == 206


@says("cost", "so its head computes a quarter as much")
def single_level() -> None:
    every = (costs(lam=AUGFPN.lam, supervision=which) for which in ("all", "single"))
    whole, one = (own(each, "Consistent Supervision").training for each in every)
    assert whole == 4 * one


@says("cost", "with half of them, the gates cost half, and the box head too")
def half_the_proposals() -> None:
    whole, half = (cost.part_costs(replace(AUGFPN, classes=80), rois=n) for n in (1000, 500))
    for part in ("box RoI selection", "box head"):
        assert 2 * own(half, part).inference == own(whole, part).inference
