"""The first training: what the chapter says of its recorded runs, and of twelve healthy ones."""

import json
import math
from dataclasses import replace
from functools import cache
from statistics import mean

import torch
from torchvision.ops import box_iou

from augfpn.data.batches import draws
from augfpn.data.load import load_pictures, scene_settings
from augfpn.data.scenes import scene
from augfpn.records import COMMITTED
from augfpn.study import gather
from augfpn.study.running import grid
from said.table import says

CLASSES = ("disk", "triangle", "cross")


@cache
def runs() -> dict[str, dict]:
    file = next(f / "first_training" / "runs.json" for f in COMMITTED if f.is_dir())
    return json.loads(file.read_text())["runs"]


def ap(name: str, step: int, kind: str = "AP") -> float:
    """AP of a run after so many steps, in points."""
    (at,) = [each for each in runs()[name]["seen"] if each["step"] == step]
    return 100 * at[kind]


def around(name: str, loss: str, start: int) -> float:
    """The mean of a column of a run's curve over ten steps."""
    return mean(row[loss] for row in runs()[name]["curve"][start : start + 10])


@cache
def twelve() -> list[list[dict]]:
    """The curves of the committed healthy runs."""
    phases = [gather.committed("scenes", phase=phase) for phase in ("pilot", "confirmation")]
    return [run.curve for each in phases for run in each.recorded("fpn").values()]


@says("first_training", "AP goes from zero to 5.9, 14.2 and 47.5.")
def ap_of_the_healthy_run() -> None:
    assert [round(ap("healthy", step), 1) for step in (0, 50, 100, 400)] == [0.0, 5.9, 14.2, 47.5]


@cache
def objects_of_the_scene() -> tuple[torch.Tensor, list[str]]:
    """The boxes and names of the objects in the test scene that is shown."""
    data = replace(grid.Run("fpn", "scenes", "laptop", 0).experiment.data, test_scenes=5)
    pictures = load_pictures(data, "test")
    target = pictures.target(4)
    return target["boxes"], [pictures.classes[k - 1] for k in target["labels"].tolist()]


def best(name: str, step: int) -> list[tuple[float, float, str, str]]:
    """A run's five best boxes in it: score, IoU with an object, its class, and the box's."""
    boxes, names = objects_of_the_scene()
    (at,) = [each for each in runs()[name]["seen"] if each["step"] == step]
    found = []
    for x, y, w, h, label, score in at["best"][:5]:
        iou = box_iou(torch.tensor([[x, y, x + w, y + h]]), boxes)[0]
        found.append((score, float(iou.max()), names[int(iou.argmax())], CLASSES[label - 1]))
    return found


@says(
    "first_training",
    "the untrained detector gives every box a score near 0.3. After 50 steps it knows "
    "where large things are, and is sure of none. After 100 the "
    "first two boxes have a score, and an IoU with a disk, above one half. At the end the four "
    "disks are found.",
)
@says("first_training", "Amber boxes are called *disk*, blue ones *triangle*.")
@says("first_training", "Untrained: small boxes with scores around 0.3 anywhere.")
@says("first_training", "large boxes near large objects, scores around one third.")
@says(
    "first_training",
    "four tight boxes around four disks with scores above 0.9, and one false box.",
)
def one_scene_four_times() -> None:
    of_class = [{each[3] for each in best("healthy", step)} for step in (0, 50, 100, 400)]
    assert of_class == [{"disk", "triangle"}, {"disk"}, {"disk"}, {"disk"}]
    start, early, later, end = (best("healthy", step) for step in (0, 50, 100, 400))
    assert all(abs(score - 0.3) < 0.02 and iou < 0.2 for score, iou, *_ in start)
    assert all(0.25 < score < 0.4 and iou > 0.4 for score, iou, *_ in early)
    sure = [each for each in later if each[0] > 0.5]
    assert len(sure) == 2
    assert all(iou > 0.5 and was == now == "disk" for _, iou, was, now in sure)
    right = [each for each in end if each[1] > 0.8 and each[2:] == ("disk", "disk")]
    assert len(right) == objects_of_the_scene()[1].count("disk") == 4
    assert min(score for score, *_ in right) > 0.9
    assert len(end) == 5


@says("first_training", "the head's between 1.1 and 1.7, for its last layer is drawn at random.")
@says("first_training", "{numref}`tab-healthy` has twelve recorded runs of plain FPN")
def first_steps_of_twelve_runs() -> None:
    assert len(twelve()) == 12
    first = [curve[0] for curve in twelve()]
    of_class = [row["loss_classifier"] for row in first]
    assert (round(min(of_class), 1), round(max(of_class), 1)) == (1.1, 1.7)
    assert min(of_class) < math.log(4) < max(of_class)
    assert all(abs(row["loss_objectness"] - math.log(2)) < 0.02 for row in first)


@says("first_training", "one of the four losses rises to several times its first value")
@says("first_training", "from 0.05 in the first step to 0.33 at step 50, then down to 0.17.")
@says("first_training", "between steps 20 and 50 it rises from 0.61 to 0.66.")
@says("first_training", "At first 41 RoIs are objects. Most of these are the annotated boxes")
@says("first_training", "At step 50 there are some 115, mostly proposals whose edges are wrong.")
@says("first_training", "ends at 128, a quarter of $R$, the most that are drawn.")
@says("first_training", "The head's box loss rises steeply for fifty steps, then falls slowly.")
def what_rises_in_the_healthy_run() -> None:
    first = runs()["healthy"]["curve"][0]
    box = [around("healthy", "loss_box_reg", start) for start in (45, 390)]
    assert [f"{x:.2f}" for x in (first["loss_box_reg"], *box)] == ["0.05", "0.33", "0.17"]
    for loss in ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"):
        highest = max(around("healthy", loss, start) for start in range(391))
        assert highest > 5 * first[loss] if loss == "loss_box_reg" else highest < first[loss]
    of_class = [around("healthy", "loss_classifier", start) for start in (15, 45)]
    assert [f"{x:.2f}" for x in of_class] == ["0.61", "0.66"]
    assert (first["objects"], first["rois"]) == (41, 512)
    assert 114 < around("healthy", "objects", 45) < 116
    assert around("healthy", "objects", 390) == 128 == 512 / 4
    assert annotated_in_the_first_step() > 41 / 2


def annotated_in_the_first_step() -> int:
    """How many objects the first step's images have."""
    data = grid.Run("fpn", "scenes", "laptop", 0).experiment.data
    (drawn,) = draws([*range(data.train_scenes)], 4, range(1), seed=0)
    settings = scene_settings(data, "train")
    return sum(len(scene.scene(settings, "train", index).objects) for index, _ in drawn)


@says(
    "first_training",
    "It looks like the quickest learner for twenty steps. Then its class loss turns back, from "
    "0.57 around step 20 to 1.02 around step 95. Its RoIs that are objects fall to 43, most of "
    "them annotated boxes; AP is zero.",
)
@says("first_training", "A falls first and fastest, then its objectness and class loss climb back")
def a_rate_that_is_too_high() -> None:
    for loss in ("loss_objectness", "loss_classifier"):
        early, late = (around("rate", loss, start) for start in (15, 90))
        assert early < around("healthy", loss, 15) < late or loss == "loss_objectness"
        assert early < late
    of_class = [around("rate", "loss_classifier", start) for start in (15, 90)]
    assert [f"{x:.2f}" for x in of_class] == ["0.57", "1.02"]
    assert round(around("rate", "objects", 90)) == 43
    assert annotated_in_the_first_step() > 43 / 2
    assert round(ap("rate", 100), 1) == 0


@says(
    "first_training",
    "the proposals' box loss is 0.70, forty times the healthy 0.017, because anchors are far "
    "larger than objects. Objectness is still at 0.35 when the healthy run has 0.04. The head "
    "repairs part of it: AP is half the healthy one.",
)
@says("first_training", "some forty times higher from the first step on")
def anchors_that_are_too_large() -> None:
    first = {name: runs()[name]["curve"][0]["loss_rpn_box_reg"] for name in ("anchors", "healthy")}
    assert (f"{first['anchors']:.2f}", f"{first['healthy']:.3f}") == ("0.70", "0.017")
    assert round(first["anchors"] / first["healthy"], -1) == 40
    late = [around(name, "loss_objectness", 90) for name in ("anchors", "healthy")]
    assert [f"{x:.2f}" for x in late] == ["0.35", "0.04"]
    assert 0.45 < ap("anchors", 100) / ap("healthy", 100) < 0.55


@says(
    "first_training",
    "Its four losses there are 0.023, 0.006, 0.37 and 0.16; those of the healthy run are 0.022, "
    "0.006, 0.36 and 0.17.",
)
@says(
    "first_training",
    "With all classes as one its AP is 51.9, the healthy run's 52.7. Its AP is 3.8.",
)
@says("first_training", "calls it a *triangle*, with a score of 0.996.")
@says("first_training", "No loss shows it, and the last column of {numref}`tab-faults` does.")
@says("first_training", "B stays close to the healthy run everywhere.")
def the_run_that_looked_healthy() -> None:
    names = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")
    ends = {run: [around(run, loss, 390) for loss in names] for run in ("labels", "healthy")}
    shown = {run: " ".join(f"{x:.3f}" for x in each[:2]) for run, each in ends.items()}
    assert shown == {"labels": "0.023 0.006", "healthy": "0.022 0.006"}
    shown = {run: " ".join(f"{x:.2f}" for x in each[2:]) for run, each in ends.items()}
    assert shown == {"labels": "0.37 0.16", "healthy": "0.36 0.17"}
    assert [round(ap(name, 400, "AP_any_class"), 1) for name in ends] == [51.9, 52.7]
    assert round(ap("labels", 400), 1) == 3.8
    assert any(
        each[1] > 0.8 and each[2:] == ("disk", "triangle") and round(each[0], 3) == 0.996
        for each in best("labels", 400)
    )
    assert ap("labels", 100, "AP_any_class") > 5 * ap("labels", 100)
