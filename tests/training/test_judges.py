"""hotcoco gives pycocotools' numbers, to the last bit: on made-up sets and on COCO's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from augfpn.data.load import load
from augfpn.training import evaluate

SIDE = 120  # px, of the pictures: with factor 1 an object may be small, medium or large
NAMES = {1: "cup", 4: "fork", 90: "moon"}
PICTURES = (7, 3, 12)
FEW = settings(max_examples=150, deadline=None)
AREAS = (0.0, 32.0**2, 96.0**2, 1e5**2, 1e5**2 + 1)  # the edges of COCO's ranges, and beyond


def assert_equal(coco: dict, results: list[dict], masks: bool = False) -> dict:
    """Score with both; returns the numbers."""
    fast, slow = (evaluate.score(coco, results, masks, judge) for judge in evaluate.JUDGES)
    assert fast == slow  # of floats: not one bit differs
    return fast


def coco_of(annotations: list[dict]) -> dict:
    images = [{"id": i, "width": SIDE, "height": SIDE, "file_name": f"{i}.png"} for i in PICTURES]
    return {
        "images": images,
        "annotations": [each | {"id": n} for n, each in enumerate(annotations, start=1)],
        "categories": [{"id": number, "name": name} for number, name in NAMES.items()],
    }


@st.composite
def boxes(draw: st.DrawFn) -> list[float]:
    """Corners on a coarse grid, so that boxes often coincide; or in hundredths of a pixel."""
    step = draw(st.sampled_from((0.01, 1.0, 10.0)))
    most = int(SIDE / step)
    x, y = draw(st.integers(0, most - 1)), draw(st.integers(0, most - 1))
    w, h = draw(st.integers(1, most - x)), draw(st.integers(1, most - y))
    return [round(value * step, 2) for value in (x, y, w, h)]


def code_of(box: list[float]) -> dict:
    mask = np.zeros((SIDE, SIDE), np.uint8, order="F")
    x, y, w, h = box
    mask[round(y) : round(y + h), round(x) : round(x + w)] = 1
    mask[:: 1 + round(w), ::7] = 0  # holes, so that the mask is not its box
    code = rle.encode(mask)
    return {"size": [SIDE, SIDE], "counts": code["counts"].decode()}


@st.composite
def annotations(draw: st.DrawFn) -> dict:
    box = draw(boxes())
    return {
        "image_id": draw(st.sampled_from(PICTURES)),
        "category_id": draw(st.sampled_from(tuple(NAMES))),
        "bbox": box,
        "segmentation": code_of(box),
        "area": draw(st.just(box[2] * box[3]) | st.sampled_from(AREAS)),
        "iscrowd": draw(st.sampled_from((0, 0, 0, 1))),
    }


@st.composite
def sets(draw: st.DrawFn) -> tuple[dict, list[dict]]:
    """Ground truth and detections; half of these lie on an object; scores in tenths often tie."""
    truth = draw(st.lists(annotations(), min_size=1, max_size=12))
    found = draw(st.lists(annotations(), max_size=12))
    found += draw(st.lists(st.sampled_from(truth), max_size=12))
    keys = ("image_id", "category_id", "bbox", "segmentation")
    results = [
        {key: each[key] for key in keys} | {"score": draw(st.integers(0, 10)) / 10}
        for each in draw(st.permutations(found))
    ]
    return coco_of(truth), results


@FEW
@given(sets())
def test_boxes_and_masks_of_made_up_sets_are_equal(made: tuple[dict, list[dict]]) -> None:
    assert_equal(*made, masks=True)


@pytest.mark.parametrize("found", [0, 99, 100, 101, 250])
def test_more_detections_than_count_are_equal(found: int) -> None:
    rng = np.random.default_rng(found)
    truth = [
        {"image_id": 7, "category_id": 4, "bbox": [4.0 * i, 3.0 * i, 30, 20], "iscrowd": i == 3}
        for i in range(20)
    ]
    coco = coco_of([each | {"area": 600.0, "iscrowd": int(each["iscrowd"])} for each in truth])
    results = [
        {
            "image_id": 7,
            "category_id": 4,
            "bbox": [round(v, 2) for v in (truth[i % 20]["bbox"] + rng.normal(0, 2, 4)).tolist()],
            "score": round(float(rng.random()), 1),
        }
        for i in range(found)
    ]
    numbers = assert_equal(coco, results)
    assert numbers["by_class"]["cup"] is numbers["by_class"]["moon"] is None
    assert (numbers["AP"] > 0) is (found > 0)


@pytest.mark.coco
@pytest.mark.parametrize("split", ["train", "val"])
def test_numbers_on_coco_s_own_annotations_are_equal(real_data, split: str) -> None:
    coco = load("coco", split, real_data("coco-mini")).coco
    assert any(each["iscrowd"] for each in coco["annotations"])
    sizes = {each["id"]: (each["height"], each["width"]) for each in coco["images"]}
    rng = np.random.default_rng(0)
    results = []
    for each in evaluate.with_codes(coco)["annotations"] * 2:
        height, width = sizes[each["image_id"]]
        shift = rng.normal(0, 0.1 * max(each["bbox"][2:]), 2)
        moved = np.roll(rle.decode(each["segmentation"]), shift.round().astype(int)[::-1], (0, 1))
        code = rle.encode(np.asfortranarray(moved))
        x, y, w, h = each["bbox"]
        box = [round(v, 2) for v in (x + shift[0], y + shift[1], w, h)]
        results.append({"image_id": each["image_id"], "category_id": each["category_id"]})
        results[-1] |= {"bbox": box, "score": round(float(rng.random()), 2)}
        results[-1]["segmentation"] = {"size": [height, width], "counts": code["counts"].decode()}
    numbers = assert_equal(coco, results, masks=True)
    assert 0.05 < numbers["AP"] < 0.95
    assert 0.05 < numbers["mask"]["AP"] < 0.95
