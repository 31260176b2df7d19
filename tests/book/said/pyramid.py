"""From one map to a pyramid: the chapters on one map, on FPN and on the two forwards."""

from functools import cache
from statistics import mean

import numpy as np
import torch
from torchvision.ops import box_iou

from augfpn.data.load import load_pictures
from augfpn.data.scenes.scene import scene
from augfpn.data.scenes.settings import SceneSettings
from augfpn.diagnostics import assignment
from augfpn.diagnostics.objects import maps
from augfpn.records import COMMITTED
from augfpn.settings.budgets import BUDGETS
from augfpn.study import gates
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import effect_text
from augfpn.training import reopen
from said.costs import costs, own
from said.evidence import at, looked_at
from said.evidence import every as evidence
from said.table import says


def losses_by_level() -> np.ndarray:
    """The loss of objects, by the level of their size (rows) and the level they are read from."""
    found = at("scenes").arrays("fpn", "assignment", "oracle", "loss")
    assert np.isnan(found[3]).all()
    return found[:3, :3]


@cache
def right_by_level() -> np.ndarray:
    """The same in percent of right answers, of the detector with committed weights."""
    detector, record = reopen.load_detector(at("scenes").recorded("fpn")[0].folder, "cpu")
    pictures = load_pictures(record.experiment.data, "test")
    return 100 * assignment.right_by_level(detector, pictures, "cpu")


@says("why_one_map", "$P_5$ is left out, because the rule gives it too few of the test objects.")
@says("why_one_map", "Objects are read best from the level of their size")
@says("why_one_map", "and second best from a neighbour.")
def own_level_first_then_a_neighbour() -> None:
    right = right_by_level()
    assert np.isnan(right[3]).all()
    for table in (losses_by_level(), -right[:3, :3]):
        for own_level, row in enumerate(table):
            best, second, *_ = row.argsort()
            assert best == own_level
            assert abs(second - own_level) == 1


@says(
    "why_one_map",
    "In each row the highest number is on the diagonal, from 63 to 77; in the two corners far from "
    "it the numbers are 10 and less.",
)
@says("why_one_map", "small ones are harder on every level.")
def the_wrong_end_of_the_pyramid_is_dear() -> None:
    right = right_by_level()[:3, :3].round()
    own = np.diag(right)
    assert (own.min(), own.max()) == (63, 77)
    assert own.argmin() == 0
    assert max(right[0, 2], right[2, 0]) == 10


@cache
def taken_for_background() -> dict[int, float]:
    """The share of test objects of FPN with seed 0 that it takes for background, by level."""
    detector, record = reopen.load_detector(at("scenes").recorded("fpn")[0].folder, "cpu")
    rows = []
    for image, target in load_pictures(record.experiment.data, "test"):
        of = maps(detector, image, target, "cpu")
        with torch.no_grad():
            chances = assignment.probabilities(detector, detector.select, of.p, of.boxes)
        level = detector.select.level_of(of.boxes).numpy()
        rows.append((level, chances.argmax(dim=1).numpy() == 0))
    level, missed = map(np.concatenate, zip(*rows, strict=True))
    return {k: missed[level == k].mean() for k in (2, 3, 4)}


@says(
    "why_one_map",
    "On it the head takes 28 % of the objects of $P_2$ for background, and 11 % of those of $P_4$.",
)
def small_objects_are_taken_for_background() -> None:
    missed = taken_for_background()
    assert [f"{missed[k]:.0%}" for k in (2, 4)] == ["28%", "11%"]


@says("why_one_map", "with boxes around its eight objects")
def objects_of_the_scene() -> None:
    assert len(scene(SceneSettings(), "train", 12).objects) == 8


@says(
    "why_one_map",
    "A rule that sends each box two levels up, where there are as many, costs FPN 11.3 [9.2, 13.4] "
    "points of AP (average precision, from 0 to 100) in three *seeds*, runs that differ in their "
    "random numbers; the brackets are a 95 % [interval](intervals.ipynb). Rules that send each box "
    "one or two levels down were trained with one seed each.",
)
def other_rules_in_training() -> None:
    every, dials = recorded.collect(COMMITTED), ("canonical_x0.25", "canonical_x2", "canonical_x4")
    turned = next(x for x in gates.pilots_with_intervals(evidence()) if x.pilot.dial == dials[0])
    assert effect_text(turned.loss) == "+11.3 [+9.2, +13.4]"
    assert (turned.loss.seeds, intervals.LEVEL) == (3, 0.95)
    rules = [grid.Run("fpn", name, "laptop", 0).experiment.model for name in ("scenes", *dials)]
    sizes = [each.canonical_size for each in rules]
    assert [np.log2(each / sizes[0]) for each in sizes[1:]] == [-2, 1, 2]
    assert [len(every_of(every, name)) for name in dials] == [3, 1, 1]


def every_of(found: recorded.Found, pictures: str) -> dict:
    """The pilot's runs of FPN on a set of images."""
    return Evidence(pictures, "laptop", found.among("pilot")).recorded("fpn")


@says(
    "why_one_map",
    "Those of our small scenes go from a dozen to some 170: stride 16 serves nine in ten of them",
)
@says("why_one_map", "a short side of 256 px and objects from 12 px to two thirds of that")
def sizes_of_objects_in_scenes() -> None:
    made = SceneSettings()
    assert (made.width, made.height) == BUDGETS["laptop"].data.scene_size
    assert made.smallest == 12
    assert abs(made.largest - 2 / 3) < 0.02
    assert round(made.largest * made.height, -1) == 170


def work_by_level() -> dict[int, int]:
    """Multiply-accumulates of FPN's two convolutions on each level: 800 x 1216 px, ResNet-50."""
    places = {k: (800 // 2**k) * (1216 // 2**k) for k in (2, 3, 4, 5)}
    return {k: n * 256 * (64 * 2**k + 9 * 256) for k, n in places.items()}


@says("fpn", "most of it is there before training, because each level has random weights")
def most_of_the_gap_is_untrained() -> None:
    for pictures in ("scenes", "bccd"):
        before, after = (
            mean(each[name] for each in at(pictures).measurements("fpn").values())
            for name in ("gap before training", "gap")
        )
        assert before > 0.8 * after


@says("fpn", "Each level does a third to a quarter of the work of the finer one.")
@says("fpn", "$P_2$ alone takes nearly three quarters of the pyramid's")
def work_of_the_levels() -> None:
    work = work_by_level()
    assert sum(work.values()) == own(costs(), "FPN").inference
    assert all(3 <= work[k] / work[k + 1] <= 4 for k in (2, 3, 4))
    assert 0.70 < work[2] / sum(work.values()) < 0.75


@says(
    "fpn",
    "FPN has few parameters beside the backbone, most of them in the 3×3 convolutions. Its work is "
    "not small: seven tenths of the backbone's",
)
def fpn_is_small_but_works() -> None:
    fpn, smoothing = own(costs(), "FPN"), 4 * (9 * 256 + 1) * 256
    backbone = own(costs(), "backbone")
    assert fpn.parameters < backbone.parameters / 5
    assert smoothing > fpn.parameters / 2
    assert round(10 * fpn.inference / backbone.inference) == 7


def strengths(levels: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
    """The mean over channels of the absolute value at each place."""
    return {k: x[0].abs().mean(dim=0) for k, x in levels.items()}


@says("fpn", "In $M_2$ and $M_3$ the objects are stronger than the ground")
@says("fpn", "In $M_5$ one cannot find them.")
@says("fpn", "In P the objects are weaker than the ground, on all levels.")
@says("fpn", "In M2 and M3 the objects are strong, drawn dark and textured, on a weak ground;")
@says("fpn", "In P2 to P5 the ground is strong and the objects are weak.")
def objects_are_weak_in_p() -> None:
    """How often a place inside an object's box is weaker than one outside all boxes."""
    _, _, of = looked_at("fpn")
    weaker = {}
    for name, levels in (("M", of.m), ("P", of.p)):
        for k, strength in strengths(levels).items():
            inside = torch.zeros(strength.shape, dtype=torch.bool)
            for left, top, right, bottom in (of.boxes / 2**k).round().int().tolist():
                inside[top : bottom + 1, left : right + 1] = True
            pairs = strength[inside][:, None] < strength[~inside][None]
            weaker[f"{name}{k}"] = pairs.float().mean().item()
    assert max(weaker["M2"], weaker["M3"]) < 0.2
    assert 0.35 < weaker["M5"] < 0.65
    assert min(weaker[f"P{k}"] for k in (2, 3, 4, 5)) > 0.7


@says("fpn", "With what comes down it is the other way round, and $P_2$ looks like $P_3$.")
def p2_looks_like_p3() -> None:
    _, _, of = looked_at("fpn")
    m, p = strengths(of.m), strengths(of.p)
    above = torch.nn.functional.interpolate(p[3][None, None], p[2].shape)[0, 0]
    like = [float(np.corrcoef(p[2].flatten(), x.flatten())[0, 1]) for x in (above, m[2])]
    assert like[0] > 0.8
    assert like[1] < -0.7


@says("fpn", "The convolution alone keeps the objects stronger than the ground.")
@says("fpn", "what comes from above decides where $P_2$ is strong.")
def what_comes_from_above_decides() -> None:
    """P2 resembles what its convolution makes of the sum from above, not what it makes of M2."""
    detector, _, of = looked_at("fpn")
    smooth = detector.fpn.output["2"]
    with torch.no_grad():
        total = of.m[5]
        for k in (4, 3):
            total = of.m[k] + torch.nn.functional.interpolate(total, of.m[k].shape[2:])
        above = smooth(torch.nn.functional.interpolate(total, of.m[2].shape[2:]))
        alone = smooth(of.m[2])
    p2, *others = (x[0].abs().mean(dim=0).flatten() for x in (of.p[2], above, alone))
    like = [float(np.corrcoef(p2, x)[0, 1]) for x in others]
    assert like[0] > 0.9
    assert like[1] < 0
    m2 = strengths(of.m)[2].flatten()
    assert float(np.corrcoef(others[1], m2)[0, 1]) > 0.6


@says("two_forwards", "Left: some forty proposals, crowded around the objects in several sizes.")
@says("two_forwards", "Right: one box for most objects, with its class.")
def one_box_for_most_objects() -> None:
    _, found, of = looked_at("augfpn")
    scale = of.batch.image_sizes[0][1] / 320
    sure = found["scores"] >= 0.5
    overlap = box_iou(of.boxes, scale * found["boxes"][sure])
    assert ((overlap >= 0.5).sum(dim=1) <= 1).all()
    assert ((overlap >= 0.5).sum(dim=1) == 1).float().mean() > 0.5
