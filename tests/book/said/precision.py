"""Average precision: what the chapter says of one detector's boxes, each counted again here.

The chapter's own cells are run for its scene; pycocotools counts the rest.
"""

import contextlib
import io
from functools import cache

import numpy as np
import pytest
from chapters import cells, source
from pycocotools.cocoeval import COCOeval, Params
from solved.table import run

from augfpn.detectors.targets import roi_heads
from augfpn.records import Record
from augfpn.study import gather
from augfpn.training import evaluate
from said.table import says

CHAPTER = "average_precision"
WANTED, SCENE = "triangle", 9
CELLS = ("parameters", "boxes", "iou", "match", "curve")


@cache
def detector() -> tuple[Record, dict]:
    """The record whose boxes are scored, and what is annotated."""
    of = gather.committed("scenes")
    record = of.recorded("fpn")[0]
    return record, of.truth(record)


@cache
def judged() -> COCOeval:
    return judged_by_pycocotools(*detector())


def judged_by_pycocotools(record: Record, truth: dict) -> COCOeval:
    with contextlib.redirect_stdout(io.StringIO()):
        judge = evaluate.with_pycocotools(truth, record.predictions, "bbox")
        judge.evaluate()
        judge.accumulate()
    return judge


@cache
def counted() -> dict:
    """What the chapter's cells have counted, and the ten best boxes of its scene."""
    names, _ = run(CHAPTER, *CELLS)
    assert (names["wanted"], names["scene"], names["threshold"]) == (WANTED, SCENE, 0.5)
    return names | {"ten": np.flatnonzero(names["image_a"] == SCENE)[:10]}


def overlap_with(name: str, rank: int) -> float:
    """The greatest IoU of a box of the scene with an object of some class."""
    _, truth = detector()
    (number,) = (each["id"] for each in truth["categories"] if each["name"] == name)
    every = [
        a["bbox"]
        for a in truth["annotations"]
        if (a["image_id"], a["category_id"]) == (SCENE, number)
    ]
    box = counted()["boxes"][counted()["ten"][rank - 1]]["bbox"]
    return float(evaluate.rle.iou([box], every, [0] * len(every)).max())


@says(CHAPTER, "on scenes about thirty an image, where seven objects are.")
@says(CHAPTER, "There are five times as many boxes as objects.")
@says(CHAPTER, "These are the triangles of a hundred test scenes")
def how_many() -> None:
    record, truth = detector()
    assert len(truth["images"]) == 100
    assert round(len(record.predictions) / 100) == 30
    assert round(len(truth["annotations"]) / 100) == 7
    assert round(len(counted()["boxes"]) / len(counted()["objects"])) == 5


@says(CHAPTER, "The two agree.")
def the_cells_count_as_pycocotools_does() -> None:
    cell = next(source(c) for c in cells(CHAPTER) if c["id"] == "judge")
    names, printed = run(CHAPTER, *CELLS, "judge")
    assert "equal to 1e-9: True" in printed
    assert "1e-9: {abs(ap - that) < 1e-9}" in cell
    place = [each["name"] for each in detector()[1]["categories"]].index(WANTED)
    assert judged().eval["precision"][0, :, place, 0, -1].mean() == pytest.approx(names["ap"])


@says(
    CHAPTER,
    "Boxes 1 and 2 are right. Box 3 fits triangle D, but box 1 has it: a *second "
    "box*, hence false. Box 4 misses the threshold, its IoU is 0.46. Box 5 lies on a disk. Boxes 7 "
    "and 8 find the last two triangles, with low scores.",
)
@says(CHAPTER, "Boxes 9 and below are all false and cost nothing: every object is found before")
@says(
    CHAPTER,
    "Boxes 1 and 2 are right and lie at precision 1, up to recall one half. Boxes 3 to 6 are "
    "false: precision falls to a third. Boxes 7 and 8 are right: it rises to one half at recall 1.",
)
@says(
    CHAPTER,
    "1 and 3 have the colour of D, 2 that of C, 7 that of B, 8 that of A; 4, 5, 6, 9 and 10 are "
    "grey, and 5 frames a disk.",
)
def the_scene() -> None:
    names, ten = counted(), counted()["ten"]
    right, iou = names["right"], names["iou"]
    assert [rank for rank, i in enumerate(ten, start=1) if right[i]] == [1, 2, 7, 8]
    assert right[names["image_a"] == SCENE].sum() == (names["image_b"] == SCENE).sum() == 4
    lettered = dict(zip(np.flatnonzero(names["image_b"] == SCENE), "ABCD", strict=True))
    fits = [lettered[iou[i].argmax()] if iou[i].max() >= 0.5 else "" for i in ten]
    assert fits == ["D", "C", "D", "", "", "", "B", "A", "", ""]
    assert iou[ten[2]].max() >= 0.5
    assert f"{iou[ten[3]].max():.2f}" == "0.46"
    assert overlap_with("disk", 5) > 0.49 > 2 * overlap_with(WANTED, 5)
    assert max(names["boxes"][i]["score"] for i in ten[6:8]) < 0.3


@says(
    CHAPTER,
    "Boxes 1 and 3 overlap by less, so both stay. As in the authors' code, boxes with a score of "
    "0.05 or less are dropped before, and all but the best 100 of an image after.",
)
@says(
    CHAPTER, "drops a box that overlaps a better one of its class by an IoU of more than one half"
)
def suppression() -> None:
    first, _, third = counted()["ten"][:3]
    assert detector()[0].experiment.model.detections == 100
    pair = [[counted()["boxes"][i]["bbox"]] for i in (first, third)]
    assert 0.4 < evaluate.rle.iou(*pair, [0]).item() < 0.5
    heads = roi_heads(None, None, rois=1, objects=1, detections=100)
    assert (heads.nms_thresh, heads.score_thresh, heads.detections_per_img) == (0.5, 0.05, 100)


@says(
    CHAPTER,
    "Raise the IoU to 0.70. Which box stays right? The others are on the right triangle still, but "
    "AP falls from 75.2 % to 12.9 %.",
)
def a_higher_threshold() -> None:
    iou, ten = counted()["iou"], counted()["ten"]
    fits = iou[ten].max(axis=1)
    assert [rank for rank, fit in enumerate(fits, start=1) if fit >= 0.7] == [2]
    assert fits[[0, 6, 7]] == pytest.approx(2 / 3, abs=0.02)
    before, after = 76 / 101, 26 * 0.5 / 101  # box 2 alone: a precision of one half up to 0.25
    assert [f"{100 * ap:.1f}" for ap in (before, after)] == ["75.2", "12.9"]


@says(
    CHAPTER,
    "COCO's main number is the mean over ten IoU thresholds, from 0.50 to 0.95 in steps of 0.05",
)
@says(CHAPTER, "up to 32² px, from there to 96² px, and above.")
@says(CHAPTER, "Of a class at most a hundred boxes an image count.")
def settings_of_coco() -> None:
    of = Params(iouType="bbox")
    assert of.iouThrs.tolist() == pytest.approx([0.5 + 0.05 * i for i in range(10)])
    assert len(of.recThrs) == 101
    assert of.areaRng[1:3] == [[0, 32**2], [32**2, 96**2]]
    assert of.maxDets[-1] == 100


@says(
    CHAPTER,
    "The curves sink with every step of the threshold: at 0.50 the detector finds most objects, at "
    "0.90 few boxes are good enough.",
)
@says(CHAPTER, "the higher the threshold, the lower the curve, and at 0.90 little is left.")
@says(CHAPTER, "disks are highest; crosses and triangles lie close together.")
def curves_sink() -> None:
    by_threshold = judged().eval["precision"][..., 0, -1].mean(axis=(1, 2))
    assert (np.diff(by_threshold) < 0).all()
    assert judged().eval["recall"][0, :, 0, -1].mean() > 0.85
    assert by_threshold[8] < 0.1
    by_class = judged().eval["precision"][0, :, :, 0, -1].mean(axis=0)
    assert by_class[0] - max(by_class[1:]) > 0.06 > 2 * abs(by_class[1] - by_class[2])


@says(
    CHAPTER,
    "large triangles and crosses are far below large disks. There are only twelve and seven "
    "of them beside 27 disks, and yet each class is a third of APl.",
)
def large_objects() -> None:
    _, truth = detector()
    large = judged().eval["precision"][..., 3, -1].mean(axis=(0, 1))
    assert large[0] > 2 * max(large[1:])
    classes = [each["id"] for each in truth["categories"]]
    counts = [
        sum(a["category_id"] == k and a["area"] > 96**2 for a in truth["annotations"])
        for k in classes
    ]
    assert counts == [27, 12, 7]


@says(CHAPTER, "with seed 0, AP is higher than that of any size.")
def sizes_have_classes_of_their_own() -> None:
    record = gather.committed("bccd").recorded("fpn")[0]
    assert record.result["AP"] > max(record.result[name] for name in ("APs", "APm", "APl"))


@says(
    CHAPTER,
    "From one half on there are 181 boxes of triangles, and 142 are right: a precision of 78 % and "
    "a recall of 60 %. AP's 70 % are neither.",
)
def at_one_threshold() -> None:
    names = counted()
    kept = np.array([each["score"] for each in names["boxes"]]) >= 0.5
    hits = int((names["right"] & kept).sum())
    assert (kept.sum(), hits) == (181, 142)
    shares = hits / kept.sum(), hits / len(names["objects"]), names["ap"]
    assert [f"{each:.0%}" for each in shares] == ["78%", "60%", "70%"]


@says(
    CHAPTER,
    "The test scenes have 697 objects. Take seven that our detector misses, one in a hundred of "
    "all, and add a perfect box for each: AP rises by about 1.3 points.",
)
def seven_more_objects() -> None:
    record, truth = detector()
    every = [e for e in judged().evalImgs if e and e["aRng"] == judged().params.areaRng[0]]
    hit = {g for e in every for g, m in zip(e["gtIds"], e["gtMatches"][0], strict=True) if m}
    missed = [each for each in truth["annotations"] if each["id"] not in hit]
    assert len(truth["annotations"]) == 697
    before, rng = evaluate.score(truth, record.predictions)["AP"], np.random.default_rng(0)
    keys = ("image_id", "category_id", "bbox")
    gains = []
    for _ in range(20):
        chosen = (missed[i] for i in rng.choice(len(missed), 7, replace=False))
        more = [{key: each[key] for key in keys} | {"score": 1.0} for each in chosen]
        gains.append(100 * (evaluate.score(truth, record.predictions + more)["AP"] - before))
    assert f"{np.mean(gains):.1f}" == "1.3"
    assert np.std(gains) < 0.1


@says(
    CHAPTER,
    "Another hundred test scenes would move its AP by as much: its standard error over images is "
    "1.3 points",
)
def other_scenes() -> None:
    drawn = gather.committed("scenes").of("fpn")[0].drawn["AP"]
    assert f"{100 * np.std(drawn, ddof=1):.1f}" == "1.3"
