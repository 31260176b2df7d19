"""Scores: what is perfect, absent or empty, and agreement with pycocotools on files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from augfpn import evaluate

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
    assert [scores[name] for name in evaluate.NUMBERS] == expected
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
