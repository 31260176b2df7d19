"""The test bench: what it says of its images, its numbers and of untrained networks."""

import numpy as np

from augfpn.data.scenes.settings import CLASSES
from augfpn.diagnostics import assignment, top_level
from said.evidence import BOTH, at
from said.table import says


@says("test_bench", "blood cells have hardly a small object, and neither set has many objects on")
@says("test_bench", "| few objects on $P_5$, none of blood cells |")
@says("test_bench", "| 7 small blood cells |")
@says("test_bench", "| 46 large objects in the scenes' test images |")
def objects_of_the_test_images() -> None:
    assert at("bccd").objects()["small"] == 7
    assert at("scenes").objects()["large"] == 46
    on_p5 = [
        at(name).arrays("fpn", "assignment", "oracle", "table").sum(axis=1)[-1] for name in BOTH
    ]
    assert on_p5[0] < 30
    assert on_p5[1] == 0


@says("test_bench", "The study's scenes have three classes, disk, triangle and cross")
@says("test_bench", "the defaults of `SceneSettings`, which have five")
@says("why_one_map", "five classes; the study's scenes have [three](test_bench.ipynb)")
def classes_of_scenes() -> None:
    data = at("scenes").recorded("fpn")[0].experiment.data
    assert data.scene_classes == ("disk", "triangle", "cross")
    assert len(CLASSES) == 5


@says("test_bench", "outside a box 1.5 times as wide and high as the object's")
@says("residual_feature_augmentation", "outside a box 1.5 times the object's is blanked out")
@says("test_bench", r"if $\lvert \log_2 (\sqrt{wh} / b) \rvert < \tfrac14$")
def limits_of_the_measurements() -> None:
    assert top_level.AROUND == 1.5
    assert assignment.NEAR == 1 / 4


@says("test_bench", "An untrained $M_2$ tells the classes of scenes apart in three of four cases")
@says("test_bench", "more than twice as often as guessing")
@says("test_bench", "less than ten points on each level, on both sets.")
def two_floors() -> None:
    for pictures in BOTH:
        before, after = (
            np.diag(at(pictures).arrays("fpn", key, "probe"))
            for key in ("semantic_gap_before", "semantic_gap")
        )
        assert (after - before).max() < 0.1
        assert (after - before).min() > 0
    scenes = at("scenes").arrays("fpn", "semantic_gap_before", "probe")[0, 0]
    assert round(4 * scenes) == 3
    assert scenes > 2 / 3


@says("test_bench", "**Guessing reaches one over the number of classes: 33 % on both sets.**")
@says("test_bench", "Four of five objects of these scenes have their class's own colour")
def chance_and_colours() -> None:
    for pictures in BOTH:
        assert round(100 / len(at(pictures).recorded("fpn")[0].classes)) == 33
    assert at("scenes").recorded("fpn")[0].experiment.data.own_colours == 0.8
