"""From one map to a pyramid: the chapters on one map, on FPN and on the two forwards."""

import numpy as np
import torch
from torchvision.ops import box_iou

from augfpn.data.scenes.settings import SceneSettings
from augfpn.records import COMMITTED
from augfpn.settings.budgets import BUDGETS
from augfpn.study import gates, grid, recorded
from augfpn.study.evidence import Evidence
from said.costs import costs, own
from said.evidence import at, looked_at
from said.table import says


def losses_by_level() -> np.ndarray:
    """The loss of objects, by the level of their size (rows) and the level they are read from."""
    found = at("scenes").arrays("fpn", "assignment", "oracle", "loss")
    assert np.isnan(found[3]).all()
    return 100 * found[:3, :3]


@says("why_one_map", "$P_5$ is left out, because the rule gives it too few of the test objects.")
@says("why_one_map", "Objects are read best from the level of their size")
@says("why_one_map", "and second best from a neighbour")
@says("why_one_map", "The lowest losses lie on the diagonal")
def own_level_first_then_a_neighbour() -> None:
    for own_level, row in enumerate(losses_by_level()):
        best, second, *_ = row.argsort()
        assert best == own_level
        assert abs(second - own_level) == 1


@says(
    "why_one_map",
    "but not nearly as well: there the loss is 1.5 to 2.4 times that of their own level.",
)
def a_neighbour_is_worse() -> None:
    times = [sorted(row)[1] / min(row) for row in losses_by_level()]
    assert [f"{each:.1f}" for each in (min(times), max(times))] == ["1.5", "2.4"]


@says("why_one_map", "in the two corners far from it they are several times as high.")
def the_wrong_end_of_the_pyramid_is_dear() -> None:
    small, _, large = losses_by_level()
    assert small[-1] > 3 * small[0]
    assert large[0] > 3 * large[-1]


@says(
    "why_one_map",
    "in most of these cells the loss is above 139, which is that of a uniform guess among the four "
    "answers, three classes and background",
)
def most_other_levels_are_worse_than_a_guess() -> None:
    losses, answers = losses_by_level(), len(at("scenes").recorded("fpn")[0].classes) + 1
    guess = 100 * np.log(answers)
    assert (answers, round(guess)) == (4, 139)
    off = losses[~np.eye(3, dtype=bool)]
    assert (off > guess).mean() > 0.5


@says(
    "why_one_map",
    "with one seed each: with every box on a level up to two steps coarser, FPN loses some ten "
    "points of AP; up to two steps finer, it loses none.",
)
def other_rules_in_training() -> None:
    every, dials = recorded.collect(COMMITTED), ("canonical_x0.25", "canonical_x2", "canonical_x4")
    coarser, *finer = gates.pilots_of(dials, "laptop", every).values()
    assert 9.5 < 100 * coarser.loss < 10.7
    assert max(each.loss for each in finer) < 0
    rules = [grid.Run("fpn", name, "laptop", 0).experiment.model for name in ("scenes", *dials)]
    sizes = [each.canonical_size for each in rules]
    assert [np.log2(each / sizes[0]) for each in sizes[1:]] == [-2, 1, 2]
    assert all(len(every_of(every, name)) == 1 for name in dials)


def every_of(found: recorded.Found, pictures: str) -> dict:
    """The pilot's runs of FPN on a set of images."""
    return Evidence(pictures, "laptop", found.among("pilot")).recorded("fpn")


@says(
    "why_one_map",
    "Those of our small scenes go from a dozen to some 170: stride 16 serves nine in ten of them",
)
@says("why_one_map", "scenes: 12 px to two thirds of the image's height")
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


@says("fpn", "whole objects are set apart from the ground, in pale on dark, down to level 2")
@says("fpn", "In P, the fine levels have what came down from the coarse ones")
@says("fpn", "First row, M2 to M5: outlines and surfaces at level 2, blurred blobs at level 5.")
def objects_are_pale_in_p() -> None:
    """Inside objects the activations are larger than around them in M2, and smaller in all of P."""
    _, _, of = looked_at("fpn")
    for levels, pale in ((of.m, None), (of.p, True)):
        for k, x in levels.items():
            strength, inside = x[0].abs().mean(dim=0), torch.zeros(x.shape[2:], dtype=torch.bool)
            for left, top, right, bottom in (of.boxes / 2**k).round().int().tolist():
                inside[top : bottom + 1, left : right + 1] = True
            below = (strength[inside][:, None] < strength[~inside][None]).float().mean()
            if pale:
                assert below > 0.7
            elif k == 2:
                assert below < 0.3


@says("two_forwards", "Left: some forty proposals, crowded around the objects in several sizes.")
@says("two_forwards", "Right: one box for most objects, with its class.")
def one_box_for_most_objects() -> None:
    _, found, of = looked_at("augfpn")
    scale = of.batch.image_sizes[0][1] / 320
    sure = found["scores"] >= 0.5
    overlap = box_iou(of.boxes, scale * found["boxes"][sure])
    assert ((overlap >= 0.5).sum(dim=1) <= 1).all()
    assert ((overlap >= 0.5).sum(dim=1) == 1).float().mean() > 0.5
