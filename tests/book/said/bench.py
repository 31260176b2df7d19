"""The test bench: what it says of its images, its numbers and of untrained networks."""

import inspect
from dataclasses import replace

import numpy as np

from augfpn.data import aquarium, bccd
from augfpn.data.scenes.dials import home_of
from augfpn.data.scenes.settings import CLASSES, SceneSettings
from augfpn.diagnostics import assignment, top_level
from augfpn.settings.budgets import BUDGETS
from augfpn.study.running import grid, sets
from said.evidence import BOTH, at
from said.table import says


@says(
    "test_bench",
    "blood cells have hardly a small object, and neither they nor scenes have many objects on",
)
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
@says(
    "test_bench",
    "the defaults of `SceneSettings`, which have five classes, in colours that say nothing about "
    "the class.",
)
@says("why_one_map", "five classes; the study's scenes have [three](test_bench.ipynb)")
def classes_of_scenes() -> None:
    data = at("scenes").recorded("fpn")[0].experiment.data
    assert data.scene_classes == ("disk", "triangle", "cross")
    assert len(CLASSES) == 5
    assert SceneSettings().own_colours == 0


@says("test_bench", "| 800 | 100 for seeds 0 to 2, 1,000 for seeds 3 to 11 | yes |")
@says(
    "test_bench",
    "87 of its 364, its authors' validation part, are kept for choosing settings | 205 | 72 |",
)
@says(
    "test_bench",
    "46 of its 638 between training and test are left out, because neighbouring shots are alike | "
    "435 | 157 |",
)
def images_of_each_set() -> None:
    counts = {n: at(n).recorded("fpn")[0].result["pictures"] for n in BOTH}
    assert [counts[n][use] for n in BOTH for use in ("train", "test")] == [800, 100, 205, 72]
    assert sets.PILOT_SEEDS == 3
    assert "364 photographs" in inspect.getdoc(bccd)
    assert 364 - 205 - 72 == 87
    of = {name: len(each) for name, each in aquarium.parts_of_aquarium().items()}
    train = sum(of[name] for name in aquarium.PARTS_OF_SPLIT["train"])
    assert (train, of["val"], of["left_out"], sum(of.values())) == (435, 157, 46, 638)


@says("test_bench", "1,000 for seeds 3 to 11")
@says(
    "all_effects",
    "Each of these seeds draws its own training scenes, and starts whatever a variant shares with "
    "FPN from FPN's weights; all are tested on a thousand scenes, of which the pilot's hundred are "
    "the first.",
)
@says("intervals", "Pairs of the seeds from 3 on start from the same weights")
def runs_that_confirm() -> None:
    """Test scene number n is the same whatever their count: see `augfpn.data.scenes.scene`."""
    pilot, later = (
        [grid.Run("fpn", name, "laptop", seed).experiment for name in BOTH] for seed in (2, 3)
    )
    assert [each.train.fpn_start for each in (*pilot, *later)] == [False, False, True, True]
    of_scenes = replace(pilot[0].data, scene_seed=3, test_scenes=1000)
    assert [pilot[0].data.test_scenes, pilot[0].data.scene_seed] == [100, 0]
    assert [each.data for each in later] == [of_scenes, pilot[1].data]


@says("test_bench", "the rule's 224 px shrink with the image, to 72 px at `laptop`.")
def side_of_a_box_on_p4() -> None:
    model = at("scenes").recorded("fpn")[0].experiment.model
    assert round(model.canonical_size) == 72
    assert model.canonical_size / model.short_side == 224 / 800


@says("test_bench", "outside a box 1.5 times as wide and high as the object's")
@says("test_bench", r"if $\lvert \log_2 (\sqrt{wh} / b) \rvert < \tfrac14$")
def limits_of_the_measurements() -> None:
    assert top_level.AROUND == 1.5
    assert assignment.NEAR == 1 / 4


@says("test_bench", "An untrained $M_2$ tells the classes of scenes apart in three of four cases")
@says("test_bench", "more than twice as often as guessing")
@says("test_bench", "On scenes in three of four cases, where guessing is right in one of three.")
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


@says(
    "dials",
    "training shows disks and crosses at 12 to 45 px only, triangles at 45 to 166 px only, and the "
    "test shows all at all sizes.",
)
def halves_of_the_sizes() -> None:
    made = grid.Run("fpn", "scale", "laptop", 0).experiment.data
    settings = SceneSettings(
        width=made.scene_size[0],
        height=made.scene_size[1],
        classes=made.scene_classes,
        scale=made.scale,
    )
    homes = {name: home_of(settings, name) for name in settings.classes}
    sizes = {name: tuple(map(round, home)) for name, home in homes.items()}
    assert sizes == {"disk": (12, 45), "triangle": (45, 166), "cross": (12, 45)}
    assert made.scale == 1


@says("test_bench", "| weights start from scratch, the paper's from ImageNet |")
def weights_at_the_start() -> None:
    of = {name: budget.model.weights for name, budget in BUDGETS.items()}
    assert (of["laptop"], of["paper"]) == ("scratch", "imagenet")


@says("test_bench", "**Guessing reaches one over the number of classes: 33 % on both sets.**")
@says("test_bench", "four of five objects have their class's own colour.")
def chance_and_colours() -> None:
    for pictures in BOTH:
        assert round(100 / len(at(pictures).recorded("fpn")[0].classes)) == 33
    assert at("scenes").recorded("fpn")[0].experiment.data.own_colours == 0.8


@says("test_bench", "| 400 steps from scratch: 1,600 images, two epochs of scenes |")
def epochs_of_scenes() -> None:
    train = BUDGETS["laptop"].train
    pictures = at("scenes").recorded("fpn")[0].result["pictures"]["train"]
    assert (train.steps, train.batch, pictures) == (400, 4, 800)
    assert train.steps * train.batch == 2 * pictures
