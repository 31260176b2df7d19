"""What the check refuses, repairs and reports, before anything is trained."""

import copy
import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from augfpn.data.annotations import check_annotations
from augfpn.data.pictures import Pictures
from augfpn.errors import UserError


def first(table):
    return lambda coco: coco[table][0]


IMAGE, CATEGORY, ANNOTATION = first("images"), first("categories"), first("annotations")

BROKEN = [
    (lambda c: c.pop("images"), 'small.json needs "images", a list of dicts'),
    (lambda c: c.pop("categories"), 'needs "categories"'),
    (lambda c: c.update(annotations={}), 'needs "annotations", a list of dicts'),
    (lambda c: c["annotations"].append(3), 'needs "annotations", a list of dicts'),
    (lambda c: c["images"].clear(), "has no images"),
    (lambda c: c["annotations"].clear(), "has no annotations"),
    (lambda c: IMAGE(c).pop("width"), "images[0] (id 7) has no width; add a positive whole number"),
    (lambda c: IMAGE(c).update(height=0), "images[0] (id 7) has height 0"),
    (lambda c: IMAGE(c).update(height=30.5), "height 30.5; make it a positive whole number"),
    (lambda c: IMAGE(c).update(id="7"), "images[0] (id '7') has id '7'; make it a whole number"),
    (lambda c: IMAGE(c).update(id=True), "make it a whole number"),
    (lambda c: IMAGE(c).update(file_name=""), "has file_name ''"),
    (lambda c: IMAGE(c).update(id=3), "images[1] (id 3) has the id of an earlier one"),
    (lambda c: CATEGORY(c).update(id=2), "categories[2] (id 2) has the id of an earlier one"),
    (lambda c: CATEGORY(c).update(name=5), "categories[0] (id 5) has name 5; make it a text"),
    (lambda c: ANNOTATION(c).update(id=4), "annotations[3] (id 4) has the id of an earlier one"),
    (lambda c: ANNOTATION(c).update(image_id=8), "annotation 11 has image_id 8, which is not in"),
    (
        lambda c: ANNOTATION(c).update(category_id=1),
        "annotation 11 has category_id 1, which is not",
    ),
    (lambda c: ANNOTATION(c).pop("bbox"), "annotations[0] (id 11) has no bbox; add four"),
    (lambda c: ANNOTATION(c).update(bbox=[1, 2, 3]), "(id 11) has bbox [1, 2, 3]; make it four"),
    (lambda c: ANNOTATION(c).update(bbox=[1, 2, 3, float("nan")]), "[1, 2, 3, nan]; make it four"),
    (lambda c: ANNOTATION(c).update(bbox=[1, 2, 3, float("inf")]), "[1, 2, 3, inf]; make it four"),
    (lambda c: ANNOTATION(c).update(bbox=[1, 2, 3, 10**400]), "make it four finite numbers"),
    (lambda c: ANNOTATION(c).update(bbox=["1", 2, 3, 4]), "['1', 2, 3, 4]; make it four"),
    (lambda c: ANNOTATION(c).update(iscrowd="no"), "has iscrowd 'no'; make it 0 or 1"),
    (lambda c: ANNOTATION(c).update(area="big"), "has area 'big'; make it a finite number"),
    (lambda c: ANNOTATION(c).update(segmentation=[1, 2, 3]), "has segmentation [1, 2, 3]; make it"),
    (
        lambda c: ANNOTATION(c).update(segmentation=[["a"] * 6], area=None),
        "annotation 11 has a segmentation that is no mask",
    ),
    (lambda c: [a.update(iscrowd=1) for a in c["annotations"]], "has only crowd regions (all 4"),
    (lambda c: CATEGORY(c).update(name="dog"), "categories 5 and 90 are called 'dog' and 'dog'"),
    (lambda c: CATEGORY(c).update(name="dog "), "5 and 90 are called 'dog ' and 'dog': give each"),
    (
        lambda c: [a.update(bbox=[0, 0, 0, 9]) for a in c["annotations"]],
        "has no box to learn from or to score, each is without width or height; correct",
    ),
    (lambda c: [a.update(bbox=[0.2, 0.1, 0.5, 0.9]) for a in c["annotations"]], "give pixels"),
]


@pytest.mark.parametrize(("break_it", "message"), BROKEN)
def test_what_training_cannot_be_right_with_is_one_sentence(small_coco, break_it, message):
    break_it(small_coco)
    with pytest.raises(UserError) as caught:
        check_annotations(small_coco, "small.json")
    sentence = str(caught.value)
    assert message in sentence
    assert sentence.startswith("small.json")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 250


@pytest.mark.parametrize("value", [[], None, "coco"])
def test_what_is_no_dict_is_refused(value):
    with pytest.raises(UserError, match=r"small\.json holds a \w+, but COCO's format is a dict"):
        check_annotations(value, "small.json")


def test_a_good_dict_comes_back_equal_and_the_given_one_stays(small_coco):
    small_coco["info"] = {"year": 2017}
    given_dict = copy.deepcopy(small_coco)
    clean, report = check_annotations(small_coco, "small.json")

    assert clean == given_dict
    assert report == (
        "1 picture without an object, evaluated but not trained on: empty.png.",
        "1 crowd region for the evaluation to ignore: 9.",
    )
    clean["annotations"][0]["bbox"] = None
    clean["images"][0]["id"] = clean["categories"][0]["id"] = -1
    assert small_coco == given_dict


def boxes_after(small_coco: dict, box: list) -> tuple[dict, tuple[str, ...]]:
    """Check with ``box`` for annotation 11, in a 40x30 picture: annotations by id, and report."""
    small_coco["annotations"][0] |= {"bbox": box, "segmentation": [], "area": 123.0}
    before = copy.deepcopy(small_coco)
    clean, report = check_annotations(small_coco, "small.json")
    assert small_coco == before
    return {annotation["id"]: annotation for annotation in clean["annotations"]}, report


@pytest.mark.parametrize("box", [[5, 5, 0, 4], [5, 5, 4, 0], [5, 5, -4, 4], [5, 5, 4, 0.001]])
def test_boxes_without_width_or_height_are_left_out(small_coco, box):
    kept, report = boxes_after(small_coco, box)
    assert 11 not in kept
    assert "Left out 1 box without width or height: annotation 11 in seven.png." in report


@pytest.mark.parametrize("box", [[40, 5, 3, 4], [-5, 5, 5, 4], [5, 900, 4, 4], [5, -9, 4, 2]])
def test_boxes_outside_are_left_out(small_coco, box):
    kept, report = boxes_after(small_coco, box)
    assert 11 not in kept
    assert "Left out 1 box entirely outside of the picture: annotation 11 in seven.png." in report


def test_boxes_that_stick_out_are_clipped_and_reported(small_coco):
    kept, report = boxes_after(small_coco, [-5, 10, 20, 50])
    assert kept[11]["bbox"] == [0, 10, 15, 20]
    assert kept[11]["area"] == 300
    assert "Clipped 1 box sticking out of the picture: annotation 11 in seven.png." in report


def test_rounding_is_clipped_without_a_word(small_coco):
    kept, report = boxes_after(small_coco, [39.5, 10, 1.25, 20])
    assert kept[11]["bbox"] == [39.5, 10, 0.5, 20]
    assert not [line for line in report if "annotation 11" in line]


def test_the_report_names_the_first_few_of_many(small_coco):
    flat = [small_coco["annotations"][0] | {"id": i, "bbox": [1, 2, 0, 4]} for i in range(50, 60)]
    small_coco["annotations"] += flat
    _, report = check_annotations(small_coco, "small.json")
    names = "50 in seven.png, 51 in seven.png, 52 in seven.png and 7 more"
    assert f"Left out 10 boxes without width or height: annotation {names}." in report


def test_classes_and_pictures_without_an_object_are_reported(small_coco):
    del small_coco["annotations"][1]  # the only cat that is not a crowd region
    _, report = check_annotations(small_coco, "small.json")
    assert "1 class without an object: cat." in report
    what = "2 pictures without an object, evaluated but not trained on"
    assert f"{what}: three.png, empty.png." in report


SIDE = st.integers(min_value=1, max_value=20_000)
NUMBER = st.floats(-1e6, 1e6) | st.floats(-2, 2) | st.floats(allow_nan=False, allow_infinity=False)


@given(SIDE, SIDE, st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=9))
def test_every_box_that_is_kept_is_a_box_in_its_picture(width, height, boxes):
    boxes = [box for box in boxes if max(map(abs, box)) < 1e18]
    sure = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, width, height]}
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "width": width, "height": height}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [sure, *(sure | {"id": i, "bbox": b} for i, b in enumerate(boxes, start=2))],
    }
    assume(max(width, height) > 1)  # or all boxes look like fractions
    clean, report = check_annotations(coco, "any.json")
    kept = Pictures("any", clean, read=None, fingerprint="").target(0)["boxes"].numpy()

    assert (kept[:, 2:] > kept[:, :2]).all()  # in float32, as the loss will see them
    assert (kept >= 0).all()
    assert (kept <= np.array([width, height] * 2)).all()
    left_out = sum(int(line.split()[2]) for line in report if line.startswith("Left out"))
    assert len(kept) + left_out == len(boxes) + 1


# --- filled in ------------------------------------------------------------------------------------


def test_optional_fields_are_filled_in(small_coco):
    for entry in small_coco["annotations"]:
        entry.pop("area")
    for entry in small_coco["annotations"][1::2]:
        entry.pop("segmentation")
        entry.pop("iscrowd")
    small_coco["annotations"][0]["iscrowd"] = None
    clean, _ = check_annotations(small_coco, "small.json")

    assert [entry["iscrowd"] for entry in clean["annotations"]] == [0, 0, 1, 0]
    assert clean["annotations"][1]["segmentation"] == []
    # a polygon of 10x20, a box of 19.5x40, 90 ones in run lengths, a box of 10x10
    assert [entry["area"] for entry in clean["annotations"]] == [200, 780, 90, 100]


@pytest.mark.coco
def test_filled_in_areas_agree_with_cocos_own(real_data):
    file = real_data("coco-mini") / "annotations" / "instances_val2017.json"
    coco = json.loads(file.read_text())
    given_areas = np.array([entry.pop("area") for entry in coco["annotations"]])
    clean, _ = check_annotations(coco, "val")
    areas = np.array([entry["area"] for entry in clean["annotations"]])
    # COCO's areas are those of the polygons, ours those of the pixels that the polygons cover
    assert (np.quantile(np.abs(areas / given_areas - 1), [0.5, 0.9]) < [0.01, 0.03]).all()


def average_precision(coco: dict) -> float:
    """AP of detections that are the annotations themselves."""
    truth = COCO()
    truth.dataset = copy.deepcopy(coco)
    truth.createIndex()
    found = [
        {key: entry[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for entry in coco["annotations"]
        if not entry["iscrowd"]
    ]
    evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[0]


def test_annotation_0_is_renamed_for_pycocotools(small_coco):
    small_coco["info"] = {}
    small_coco["annotations"][0]["id"] = 0
    assert average_precision(small_coco) < 0.7  # one of three perfect detections does not count
    clean, report = check_annotations(small_coco, "small.json")
    assert average_precision(clean) == pytest.approx(1)
    assert "Annotation 0 is called 21: pycocotools never matches 0." in report


# --- what fits the format and is wrong ------------------------------------------------------------


def scattered(count: int, notation) -> dict:
    """One picture of 100x80 with boxes of many places and sizes, each written by ``notation``."""
    rng = np.random.default_rng(count)
    corners = np.sort(rng.uniform(0, [100, 80], (count, 2, 2)), axis=1).reshape(count, 4)
    return {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "bbox": notation(*map(float, box))}
            for i, box in enumerate(corners, start=1)
        ],
    }


def test_boxes_in_another_notation_are_refused_and_coco_s_are_not():
    coco = scattered(30, lambda x, y, u, v: [x, y, u - x, v - y])
    assert len(check_annotations(coco, "a.json")[0]["annotations"]) == 30
    with pytest.raises(UserError, match=r"a.json has boxes that seem to be the corners x1, y1"):
        check_annotations(scattered(30, lambda x, y, u, v: [x, y, u, v]), "a.json")
    centres = scattered(30, lambda x, y, u, v: [(x + u) / 2, (y + v) / 2, u - x, v - y])
    with pytest.raises(UserError, match=r"seem to be the centre, width and height: so all 30 fit"):
        check_annotations(centres, "a.json")


@pytest.mark.parametrize("wrong", [lambda w, h: -w * h, lambda w, h: 1.0, lambda w, h: 2 * w * h])
def test_areas_that_cannot_be_right_are_computed_anew(wrong):
    coco = scattered(9, lambda x, y, u, v: [x, y, u - x + 9, v - y + 9])
    coco["images"][0] |= {"width": 200, "height": 200}
    for each in coco["annotations"]:
        each["area"] = wrong(*each["bbox"][2:])
    clean, report = check_annotations(coco, "a.json")
    assert [a["area"] for a in clean["annotations"]] == [
        a["bbox"][2] * a["bbox"][3] for a in clean["annotations"]
    ]
    assert report[0].startswith("Computed the area of 9 boxes anew, because the given one cannot")


def test_a_thin_object_keeps_its_area(small_coco):
    line = [[2.0, 3.0, 12.0, 22.0, 12.0, 23.0]]  # a diagonal of 5 px in a box of 200
    small_coco["annotations"][0] |= {"segmentation": line, "area": 1.9}
    clean, report = check_annotations(small_coco, "a.json")
    assert clean["annotations"][0]["area"] != 200
    assert len(report) in (2, 3)


def test_roboflow_s_group_of_classes_with_a_class_s_name_is_left_out(small_coco):
    small_coco["categories"] = [
        {"id": 0, "name": "dog", "supercategory": "none"},
        *({**each, "supercategory": "dog"} for each in small_coco["categories"]),
    ]
    clean, report = check_annotations(small_coco, "a.json")
    assert [each["id"] for each in clean["categories"]] == [5, 90, 2]
    assert "Left out category 0, 'dog': it only groups the others." in report
