"""AP on draws of pictures against pycocotools on repeated pictures; kinds of errors by hand."""

import math

import numpy as np
import pytest

from augfpn.study.uncertainty import intervals, resampling
from augfpn.study.uncertainty.scoring import ERROR_KINDS, average_precision, error_types, matches
from augfpn.training import evaluate

CLASSES = ({"id": 3, "name": "cat"}, {"id": 7, "name": "dog"})


def truth_and_found(pictures: int, seed: int = 0) -> tuple[dict, list[dict]]:
    """Objects of all sizes, and detections near some of them with scores that are all different."""
    rng = np.random.default_rng(seed)
    annotations, found = [], []
    for image in range(1, pictures + 1):
        for _ in range(rng.integers(0, 5)):
            side = float(np.exp(rng.uniform(np.log(12), np.log(150))))
            x, y = rng.uniform(0, 200, 2)
            category = CLASSES[rng.integers(2)]["id"]
            box = [float(x), float(y), side, side]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": box,
                    "area": side * side,
                    "iscrowd": int(rng.random() < 0.1),
                }
            )
            for _ in range(rng.integers(0, 3)):
                moved = [float(v + rng.normal(0, 0.08 * side)) for v in box]
                found.append({"image_id": image, "category_id": category, "bbox": moved})
        for _ in range(rng.integers(0, 3)):
            found.append(
                {"image_id": image, "category_id": 3, "bbox": [*rng.uniform(0, 200, 2), 30.0, 30.0]}
            )
    for rank, each in enumerate(rng.permutation(len(found))):
        found[each]["score"] = (rank + 1) / (len(found) + 1)
    images = [{"id": i, "width": 400, "height": 400} for i in range(1, pictures + 1)]
    return {"images": images, "annotations": annotations, "categories": [*CLASSES]}, found


def repeated(coco: dict, found: list[dict], times: np.ndarray) -> tuple[dict, list[dict]]:
    """A data set with each picture repeated a given number of times; all scores stay distinct."""
    images, annotations, results = [], [], []
    for entry, count in zip(coco["images"], times, strict=True):
        for copy in range(int(count)):
            new = len(images) + 1
            images.append(entry | {"id": new})
            for each in coco["annotations"]:
                if each["image_id"] == entry["id"]:
                    annotations.append(each | {"id": len(annotations) + 1, "image_id": new})
            for each in found:
                if each["image_id"] == entry["id"]:
                    results.append(each | {"image_id": new, "score": each["score"] - 1e-9 * copy})
    return coco | {"images": images, "annotations": annotations}, results


# --- AP of draws of pictures ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_ap_is_pycocotools(seed: int) -> None:
    coco, found = truth_and_found(30, seed)
    expected = evaluate.score(coco, found)
    ours = average_precision(matches(coco, found), np.ones((1, 30)))
    for name in ("AP", "AP50", "AP75", "APs", "APm", "APl"):
        assert ours[name][0] == pytest.approx(expected[name], abs=1e-9)
    for name, ap in expected["by_class"].items():
        assert ours[f"AP of {name}"][0] == pytest.approx(ap, abs=1e-9)


def test_a_draw_is_as_if_pictures_stood_there_again() -> None:
    coco, found = truth_and_found(20)
    draws = resampling.weights(20, 5)
    ours = average_precision(matches(coco, found), draws)
    for row, times in enumerate(draws):
        expected = evaluate.score(*repeated(coco, found, times))
        for name in ("AP", "AP50", "AP75", "APs", "APm", "APl"):
            assert ours[name][row] == pytest.approx(expected[name], abs=1e-9)


def test_what_a_draw_lacks_does_not_exist() -> None:
    """Of two pictures one has the only cat and the only small object; it is not in the draw."""
    square = {"bbox": [0.0, 0.0, 20.0, 20.0], "area": 400.0, "iscrowd": 0}
    large = {"bbox": [0.0, 0.0, 200.0, 200.0], "area": 4e4, "iscrowd": 0}
    coco = {
        "images": [{"id": i, "width": 300, "height": 300} for i in (1, 2)],
        "categories": [*CLASSES],
        "annotations": [
            square | {"id": 1, "image_id": 1, "category_id": 3},
            large | {"id": 2, "image_id": 2, "category_id": 7},
        ],
    }
    found = [{"image_id": 2, "category_id": 7, "bbox": large["bbox"], "score": 0.5}]
    ap = average_precision(matches(coco, found), np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert ap["AP"].tolist() == [0.5, 1.0]  # the cat that is not there does not count
    assert ap["APs"][0] == 0
    assert math.isnan(ap["APs"][1])
    assert math.isnan(ap["AP of cat"][1])


def test_no_detections_and_no_objects_of_a_class() -> None:
    coco, found = truth_and_found(10)
    none = average_precision(matches(coco, []), np.ones((2, 10)))
    assert none["AP"].tolist() == [0, 0]
    coco["categories"] = [*CLASSES, {"id": 9, "name": "unicorn"}]
    ap = average_precision(matches(coco, found), np.ones((1, 10)))
    assert math.isnan(ap["AP of unicorn"][0])
    assert not math.isnan(ap["AP"][0])


def test_results_are_the_same_each_time() -> None:
    coco, found = truth_and_found(10)
    once, twice = (
        intervals.single([resampling.draws_of_ap(matches(coco, found), 50)] * 2) for _ in range(2)
    )
    assert repr(once) == repr(twice)


# --- kinds of errors ------------------------------------------------------------------------------

SMALL, LARGE = [10.0, 10.0, 20.0, 20.0], [200.0, 200.0, 120.0, 120.0]


def four_pictures() -> tuple[dict, list[dict]]:
    """A small and a large object of class 1 in each of four pictures, all found."""
    annotations, found = [], []
    for i in range(1, 5):
        for box in (SMALL, LARGE):
            common = {"image_id": i, "category_id": 1, "bbox": box}
            number = {"id": len(annotations) + 1, "area": box[2] * box[3], "iscrowd": 0}
            annotations.append(common | number)
            found.append(common | {"score": 0.9})
    images = [{"id": i, "width": 640, "height": 480} for i in range(1, 5)]
    classes = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    return {"images": images, "annotations": annotations, "categories": classes}, found


@pytest.mark.parametrize(
    ("kind", "size", "change"),
    [
        ("class", "small", lambda found: found[0].update(category_id=2)),
        ("place", "large", lambda found: found[1].update(bbox=[250.0, 200.0, 120.0, 120.0])),
        ("missed", "small", lambda found: found.pop(0)),
        (
            "found twice",
            "large",
            lambda found: found.append(found[1] | {"score": 0.95}),
        ),
    ],
)
def test_an_error_is_of_its_kind_and_size(kind: str, size: str, change) -> None:
    coco, found = four_pictures()
    change(found)
    errors = error_types(coco, found)
    assert set(errors) == {"all", "small", "large"}  # no medium object is there
    for where, costs in errors.items():
        wrong = {name for name, cost in costs.items() if cost > 0}
        assert wrong == ({kind} if where in ("all", size) else set())


def test_without_errors_nothing_is_lost_and_a_missed_quarter_costs_a_quarter() -> None:
    coco, found = four_pictures()
    none = dict.fromkeys(ERROR_KINDS.values(), 0.0)
    assert error_types(coco, found) == {"all": none, "small": none, "large": none}
    missed = [each for each in found if each["bbox"] == LARGE or each["image_id"] > 1]
    assert error_types(coco, missed)["small"]["missed"] == pytest.approx(0.25, abs=0.01)
