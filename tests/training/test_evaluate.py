"""Scores of boxes and of masks: what is perfect, absent, empty or wrong; pycocotools on files."""

import copy
import json
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

from augfpn.data.load import load
from augfpn.data.pictures import Pictures
from augfpn.errors import UserError
from augfpn.training import evaluate

BOXES = {1: [(10, 10, 20, 20, 3), (50, 40, 60, 50, 7)], 2: [(5, 5, 200, 150, 3)]}


def truth() -> dict:
    annotations = [
        {"image_id": image, "category_id": c, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0}
        for image, boxes in BOXES.items()
        for x, y, w, h, c in boxes
    ]
    return {
        "images": [{"id": i, "width": 320, "height": 256, "file_name": f"{i}.png"} for i in BOXES],
        "annotations": [a | {"id": n} for n, a in enumerate(annotations, start=1)],
        "categories": [{"id": i, "name": n} for i, n in ((3, "cup"), (7, "fork"), (9, "moon"))],
    }


def perfect() -> list[dict]:
    return [
        {k: a[k] for k in ("image_id", "category_id", "bbox")} | {"score": 0.9}
        for a in truth()["annotations"]
    ]


def test_perfect_detections_score_one_and_absent_classes_do_not_exist() -> None:
    scores = evaluate.score(truth(), perfect())
    assert scores["AP"] == scores["AP50"] == scores["AR100"] == pytest.approx(1)
    assert scores["by_class"] == {"cup": pytest.approx(1), "fork": pytest.approx(1), "moon": None}


def test_a_size_without_objects_is_none_and_not_zero() -> None:
    coco = truth()
    coco["annotations"] = coco["annotations"][1:]  # 60 x 50 and 200 x 150: no small object
    scores = evaluate.score(coco, perfect())
    assert scores["APs"] is None
    assert scores["APm"] == pytest.approx(1)


def test_no_detections_score_zero() -> None:
    scores = evaluate.score(truth(), [])
    assert scores["AP"] == scores["AR100"] == 0
    assert scores["by_class"]["cup"] == 0


def test_equals_pycocotools_on_files_and_leaves_the_truth_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    results = [
        {
            **each,
            "bbox": [
                round(v + d, 2) for v, d in zip(each["bbox"], rng.normal(0, 3, 4), strict=True)
            ],
            "score": round(float(rng.random()), 4),
        }
        for each in perfect() * 4
    ]
    (tmp_path / "truth.json").write_text(json.dumps(truth() | {"info": {}}))
    (tmp_path / "results.json").write_text(json.dumps(results))
    api = COCO(str(tmp_path / "truth.json"))
    judge = COCOeval(api, api.loadRes(str(tmp_path / "results.json")), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    coco = truth()
    scores = evaluate.score(coco, results)
    expected = [None if v == -1 else v for v in judge.stats.tolist()]
    assert [scores[name] for name in evaluate.COCO_NUMBERS] == expected
    assert coco == truth()


def test_detections_become_coco_results_with_the_data_sets_own_ids() -> None:
    detections = {
        "boxes": torch.tensor([[1.0, 2.0, 4.5, 8.004]]),
        "labels": torch.tensor([2]),
        "scores": torch.tensor([0.123456]),
    }
    assert evaluate.as_results(detections, 42, {1: 3, 2: 7}) == [
        {"image_id": 42, "category_id": 7, "bbox": [1.0, 2.0, 3.5, 6.0], "score": 0.1235}
    ]


@given(st.floats(0, 2000, width=32), st.integers(0, 4))
@example(0.125, 2)  # a tie: to the even digit
@example(2.675, 2)
def test_numbers_are_rounded_as_python_rounds_them(value: float, digits: int) -> None:
    assert evaluate.rounded(torch.tensor([value, -value]), digits) == [
        round(value, digits),
        round(-value, digits),
    ]


# --- masks ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scenes() -> Pictures:
    return load("scenes", "val", count=5).with_masks()


class Perfect(nn.Module):
    """Detects the annotations, their masks changed by a function; counts old masks still held."""

    def __init__(self, pictures: Pictures, change=lambda masks: masks) -> None:
        super().__init__()
        self.targets = [pictures.target(i) for i in range(len(pictures))]
        self.change = change
        self.given: list[weakref.ref] = []
        self.most_held = 0

    def __deepcopy__(self, memo: dict) -> "Perfect":
        return self  # the copy that detects counts here too

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        self.most_held = max(self.most_held, sum(ref() is not None for ref in self.given))
        found = []
        for _ in images:
            target = self.targets.pop(0)
            masks = self.change(target["masks"][:, None].float())
            self.given.append(weakref.ref(masks))
            scores = torch.full((len(target["boxes"]),), 0.9)
            found.append({k: target[k] for k in ("boxes", "labels")})
            found[-1] |= {"scores": scores, "masks": masks}
        return found


def test_perfect_masks_score_one_after_a_way_through_json(scenes) -> None:
    results = json.loads(json.dumps(evaluate.predict(Perfect(scenes), scenes, batch=2)))
    scores = evaluate.score(scenes.coco, results, masks=True)
    assert scores["AP"] == scores["mask"]["AP"] == pytest.approx(1)
    assert scores["mask"]["APs"] == pytest.approx(1)
    assert set(scores["mask"]) == {*evaluate.COCO_NUMBERS, "by_class"}
    assert scores["mask"]["by_class"].keys() == scores["by_class"].keys()
    assert "mask" not in evaluate.score(scenes.coco, results)


def test_right_boxes_with_wrong_masks_score_one_for_the_boxes_alone(scenes) -> None:
    quarter = Perfect(scenes, lambda masks: masks.roll((40, 60), (2, 3)))
    scores = evaluate.score(scenes.coco, evaluate.predict(quarter, scenes), masks=True)
    assert scores["AP"] == pytest.approx(1)
    assert scores["mask"]["AP"] < 0.3


def test_float_masks_of_no_more_than_a_batch_are_held(scenes) -> None:
    detector = Perfect(scenes)
    evaluate.predict(detector, scenes, batch=1)
    assert len(detector.given) == 5
    assert detector.most_held == 0


def test_pictures_that_workers_read_are_detected_in_the_same_order(scenes) -> None:
    alone, helped = (
        evaluate.predict(Perfect(scenes), scenes, batch=2, workers=workers) for workers in (0, 2)
    )
    assert alone == helped
    assert len({row["image_id"] for row in alone}) == 5


def test_a_pixel_belongs_to_an_object_from_one_half_on() -> None:
    masks = torch.tensor([[[[0.5, 0.49, 0.0], [1.0, 0.2, 0.51]]], [[[0.0] * 3] * 2]])
    detections = {"boxes": torch.tensor([[0.0, 0.0, 3.0, 2.0]] * 2), "masks": masks}
    detections |= {"labels": torch.tensor([1, 1]), "scores": torch.tensor([0.9, 0.8])}
    first, second = evaluate.as_results(detections, 42, {1: 3})
    assert rle.decode(first["segmentation"]).tolist() == [[1, 0, 0], [1, 0, 1]]
    assert rle.area(second["segmentation"]) == 0
    assert first["segmentation"]["size"] == [2, 3]
    assert type(first["segmentation"]["counts"]) is str
    none = {name: values[:0] for name, values in detections.items()}
    assert evaluate.as_results(none, 42, {1: 3}) == []


def shaken(pictures: Pictures) -> list[dict]:
    """Annotated masks, each twice, shifted by some pixels, with a random score."""
    rng = np.random.default_rng(0)
    results = []
    for i in range(len(pictures)):
        masks = pictures.target(i)["masks"].numpy()
        for annotation, mask in zip(pictures.objects(i) * 2, [*masks, *masks], strict=True):
            moved = np.roll(mask, rng.integers(-6, 7, 2), (0, 1))
            code = rle.encode(np.asfortranarray(moved))
            results.append({k: annotation[k] for k in ("image_id", "category_id", "bbox")})
            results[-1]["score"] = round(float(rng.random()), 4)
            results[-1]["segmentation"] = code | {"counts": code["counts"].decode()}
    return results


def by_hand(truth: Path, results: Path, kind: str) -> list[float | None]:
    api = COCO(str(truth))
    judge = COCOeval(api, api.loadRes(str(results)), kind)
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return [None if v == -1 else v for v in judge.stats.tolist()]


def assert_equal_to_files(pictures: Pictures, results: list[dict], folder: Path) -> dict:
    """Score, and compare with pycocotools on files; the file for masks has no boxes."""
    coco, before = copy.deepcopy(pictures.coco), copy.deepcopy(results)
    scores = evaluate.score(coco, results, masks=True)
    assert coco == pictures.coco
    assert results == before
    bare = [{k: v for k, v in each.items() if k != "bbox"} for each in results]
    files = {"truth": {"info": {}, **coco}, "boxes": results, "masks": bare}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    truth, boxes, masks = (folder / f"{name}.json" for name in files)
    assert [scores[n] for n in evaluate.COCO_NUMBERS] == by_hand(truth, boxes, "bbox")
    assert [scores["mask"][n] for n in evaluate.COCO_NUMBERS] == by_hand(truth, masks, "segm")
    return scores


def test_masks_equal_pycocotools_on_files(scenes, tmp_path: Path) -> None:
    scores = assert_equal_to_files(scenes, shaken(scenes), tmp_path)
    assert 0.05 < scores["mask"]["AP"] < 0.95


@pytest.mark.coco
def test_coco_s_polygons_and_crowds_equal_pycocotools_on_files(real_data, tmp_path: Path) -> None:
    pictures = load("coco", "val", real_data("coco-mini")).first(20).with_masks()
    assert any(each["iscrowd"] for each in pictures.coco["annotations"])
    scores = assert_equal_to_files(pictures, shaken(pictures), tmp_path)
    assert 0.05 < scores["mask"]["AP"] < 0.95


def test_no_masks_found_score_zero(scenes) -> None:
    assert evaluate.score(scenes.coco, [], masks=True)["mask"]["AP"] == 0


def test_masks_cannot_be_scored_where_none_are_annotated() -> None:
    with pytest.raises(UserError, match=r"annotation 1 has no mask.*faster_rcnn"):
        evaluate.score(truth(), perfect(), masks=True)
