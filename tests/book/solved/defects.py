"""Solutions: the three defects and AugFPN's three parts."""

import math
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from augfpn.detectors import variants
from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import (
    ConsistentSupervision,
    HardRoISelection,
    Samples,
    ratio_invariant_pool,
)
from augfpn.speed.roi_align import torchvision_roi_align
from augfpn.study import gather
from augfpn.training import reopen
from solved.table import percentages, run, solves


def supervised(lam: float, levels: int) -> float:
    """The loss of supervision on ``levels`` levels that share one map and one head."""
    select = HardRoISelection((2,), 2, torchvision_roi_align)
    boxes = torch.tensor([[4.0, 4, 40, 40], [10, 0, 60, 30]])
    samples = Samples([boxes], [torch.tensor([1, 0])], [torch.zeros(2, 4)], [torch.zeros(2)])
    torch.manual_seed(0)
    head = torch.nn.Sequential(TwoMLPHead(3 * 2 * 2, 4), FastRCNNPredictor(4, 2))
    supervision = ConsistentSupervision(head, lam, [select] * levels, partial(roi_loss, beta=1.0))
    losses = supervision({2: torch.rand(1, 3, 16, 16)}, samples)
    return sum(loss.item() for loss in losses.values())


@solves("consistent_supervision", 1, r"$\lambda = 1/4$ on four levels", "at one half")
def weights_of_the_levels_together() -> list[str]:
    assert supervised(0.25, 4) == pytest.approx(supervised(1.0, 1))
    assert supervised(0.125, 4) == pytest.approx(supervised(0.5, 1))
    return [
        "Four times a quarter is one: as much as the detector's own head",
        "A single level at one weighs the same",
        "at one half is matched by one eighth on four levels",
    ]


@solves("consistent_supervision", 2, "the supervision's losses alone", "3×3 convolution of $P_3$")
def what_supervision_reaches() -> list[str]:
    made, printed = run("consistent_supervision", "languages", "toy", "cost", "solution-2")
    (line,) = [each for each in printed.splitlines() if each.startswith("[")]
    reached = set(re.findall(r"'([\w.]+)'", line))
    assert {name for name in reached if not name.startswith("backbone.")} == {
        "fpn.lateral",
        *(name for name in reached if name.startswith("supervision.")),
    }
    assert {name.split(".")[0] for name in reached} == {"backbone", "fpn", "supervision"}
    every = {".".join(n.split(".")[:2]) for n, _ in made["detector"].named_parameters()}
    assert {"fpn.output", "fpn.augment", "rpn.head"} <= every - reached
    return [
        "The backbone, the 1×1 convolutions and the supervision's own head",
        "Not the 3×3 convolutions, not Residual Feature Augmentation, not the proposal network",
    ]


@solves("consistent_supervision", 3, "A probe of $M_2$ fails on $M_3$")
def a_sum_of_two_languages_that_loses_nothing() -> list[str]:
    rng = np.random.default_rng(0)
    features, wanted = rng.normal(size=(200, 4)), rng.normal(size=4)
    a, b = np.eye(4, 8), np.eye(4, 8, 4)  # to the first half of the channels, and to the second
    probe = np.linalg.lstsq(features @ a, features @ wanted, rcond=None)[0]
    assert np.allclose(features @ a @ probe, features @ wanted)
    assert np.allclose(features @ b @ probe, 0)  # nothing is recognised
    assert np.linalg.matrix_rank(a + b) == 4  # and the sum keeps all information
    _, printed = run("consistent_supervision", "languages", "questioned", "probed", "solution-3")
    lines = [each for each in printed.splitlines() if " channels:" in each]
    few, many = (percentages(line.partition(":")[2]) for line in lines)
    assert max(few[1], many[1]) < 40, "the probe fails on the other level"
    assert few[2] < few[0]
    assert many[2] > many[0] + 5
    return [
        "the sum tells more than $M_2$ alone",
        "each probe fails on the other level and the sum loses nothing",
    ]


def pooled_sizes(height: int, width: int) -> list[tuple[int, int]]:
    c5 = torch.zeros(1, 1, height, width)
    return [tuple(ratio_invariant_pool(c5, ratio).shape[2:]) for ratio in (0.1, 0.2, 0.3)]


@solves("residual_feature_augmentation", 1, "480 × 640 px", "stay one place high")
def pooled_sizes_of_a_small_picture() -> list[str]:
    sizes = pooled_sizes(15, 20)
    assert [height == 1 for height, _ in sizes] == [True, False, False]
    tenth, two, three = (f"${h} \\times {w}$" for h, w in sizes)
    return [
        f"$480 / 32 = {480 // 32}$ by $640 / 32 = {640 // 32}$ places",
        f"A tenth is {tenth} (one and a half is truncated)",
        f"two tenths {two}, three tenths {three}",
        "Only the first is one place high",
    ]


@solves("residual_feature_augmentation", 2, "a tenth, two and three tenths the same as PSP's")
def squares_that_are_pooled_as_by_psp() -> list[str]:
    _, printed = run("residual_feature_augmentation", "squeeze", "toy", "solution-2")
    sides = [int(each) for each in re.findall(r"for a C5 of (\d+) x", printed)]
    low, high = min(sides), max(sides)
    assert sides == list(range(low, high + 1))
    assert {int(side * n / 10) == n for side in sides for n in (1, 2, 3)} == {True}
    return [
        f"For {low} × {low} up to {high} × {high}: the truncated fractions are then 1, 2 and 3",
        f"an image of {32 * low} px",
    ]


@solves("residual_feature_augmentation", 3, "a constant $C_5$", "Is $M_6$?")
def a_frame_around_nothing() -> list[str]:
    found = gather.committed("scenes").recorded("augfpn")[0]
    net, _ = reopen.load_detector(found.folder, "cpu")
    _, printed = run("residual_feature_augmentation", "solution-3", net=net, torch=torch)
    apart = float(printed.splitlines()[0].rpartition(" ")[2])
    ends = re.findall(r": ([\d.]+) inside, ([\d.]+) at the right border", printed)
    assert apart < 1e-5
    assert len(ends) == 2
    assert all(float(border) > 1.5 * float(inside) for inside, border in ends)
    fusion = net.fpn.augment.fusion
    with torch.no_grad():
        contexts = net.fpn.augment.contexts(torch.full((1, 256, 8, 10), 0.3))
        fusion.score.padding_mode = "replicate"
        framed = fusion.weights(contexts)
    assert (framed.amax((2, 3)) - framed.amin((2, 3))).max() < 1e-4
    return [
        "No: it has a frame",
        "by the zeros around the 3×3 convolution",
        "Padding with the border's own values would take the frame away",
    ]


@solves("soft_roi_selection", 1, "300 × 400 pixels")
def levels_of_a_box() -> list[str]:
    box, side = torch.tensor([[0.0, 0, 300, 400]]), math.sqrt(300 * 400)
    sides = torch.arange(347, 600).float()
    squares = torch.stack([0 * sides, 0 * sides, sides, sides], dim=1)
    rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
    exact, level = 4 + math.log2(side / 224), rule.level_of(box).item()
    lines = [f"\\approx {exact - 4:.2f}$", f"the floor of ${exact:.2f}$ is {level}, so $P_{level}$"]
    first = sides[rule.level_of(squares) > level][0].item()
    return [*lines, f"\\approx {side:.1f}$", f"a square of {first:.0f} pixels, on $P_{level + 1}$"]


@solves(
    "soft_roi_selection",
    2,
    "augfpn.detectors.variants.Sum",
    "better than guessing",
    "as the weight maps",
)
def a_sum_in_the_unfair_world() -> list[str]:
    torch.manual_seed(0)
    hard = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
    draw = SimpleNamespace(level_weights=lambda *_, **__: None)
    ids = ("imports", "world", "train", "trained", "solution-2")
    made, printed = run("soft_roi_selection", *ids, hard=hard, plots=draw)
    gated, guessed, summed = percentages(printed)
    assert guessed == round(100 / 15)
    assert 2 * guessed < summed < 0.8 * gated
    level, gates = made["level"][made["test"]], made["gates"]  # the latter (4, boxes)
    opposite = (gates.argmax(dim=0) + 2 == 7 - level).float().mean()
    assert opposite > 0.9, "the gates have not found the opposite staircase"
    return ["Better than guessing", "Not as good as the weight maps"]


@solves("variants", 1, "$4, 3, 2, 1$", "$1, 2, 3, 4$", "give 4 in both")
def what_fusions_make_of_two_channels() -> list[str]:
    levels = torch.tensor([[4.0, 1], [3, 2], [2, 3], [1, 4]])[..., None, None]
    maps = [each[None] for each in levels]
    summed, largest = (fuse(maps).flatten().tolist() for fuse in (variants.Sum(), variants.Max()))
    assert (summed, largest) == ([10, 10], [4, 4])
    weights = torch.tensor([0.8, 0, 0, 0.8])[:, None, None, None]
    assert (weights * levels).sum(0).flatten().tolist() == pytest.approx([4, 4])
    return [
        "The sum gives 10 in both, the maximum 4 in both",
        "weights of 0.8 for $P_2$ and for $P_5$",
        f"they add up to {weights.sum():.1f}",
    ]


@solves("variants", 2, "a quarter and four times as large", "get a gradient")
def what_a_maximum_and_an_average_see() -> list[str]:
    _, printed = run("variants", "solution-2")
    lines = [each.split(": ") for each in printed.splitlines()]
    means = [float(said.split(",")[0]) for _, said in lines]
    places = [int(re.search(r"at (\d+) places", said)[1]) for _, said in lines]
    assert max(map(abs, means[:3])) < 0.1
    assert places == [20, 80, 320, 1, 1, 1]
    return [
        "The average stays near zero, and every place gets a gradient",
        f"from about {means[3]:.1f} to {means[5]:.1f}",
        "one place of each channel gets all of the gradient",
    ]
