"""Folders in COCO's layout and in similar ones, and the errors for all other folders."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO

from augfpn.data.coco import coco
from augfpn.errors import UserError

LAYOUTS = [
    ("train", "annotations/instances_train2017.json", "train2017"),
    ("val", "annotations/instances_val2017.json", "images/val2017"),
    ("train", "annotations/instances_train.json", "train"),
    ("val", "annotations/instances_val.json", "images/val"),
    ("train", "annotations/train.json", "train"),
    ("test", "annotations/test.json", "images"),
    ("train", "annotations/instances_train.json", "train2017"),
    ("train", "train/_annotations.coco.json", "train"),
    ("val", "valid/_annotations.coco.json", "valid"),
    ("test", "test/_annotations.coco.json", "test"),
]


@pytest.mark.parametrize(("split", "annotations", "pictures"), LAYOUTS)
def test_usual_layouts_are_found(small_coco, write_coco, tmp_path, split, annotations, pictures):
    write_coco(small_coco, tmp_path / annotations, tmp_path / pictures)
    data = coco(str(tmp_path), split)
    assert data.name == f"coco {split}"
    assert [(image.shape, target["image_id"]) for image, target in data] == [
        ((3, 30, 40), 7),
        ((3, 50, 20), 3),
        ((3, 16, 16), 12),
    ]


def test_file_names_may_hold_folders(small_coco, write_coco, tmp_path):
    names = ("images/a/1.png", "images/b/1.png", "2.png")
    for name, entry in zip(names, small_coco["images"], strict=True):
        entry["file_name"] = name
    write_coco(small_coco, tmp_path / "annotations/train.json", tmp_path)
    assert [target["image_id"] for _, target in coco(tmp_path, "train")] == [7, 3, 12]


def test_splits_of_one_folder_are_kept_apart(small_coco, write_coco, tmp_path):
    for split, width in (("train", 40), ("val", 44)):
        small_coco["images"][0]["width"] = width
        file = tmp_path / f"annotations/instances_{split}2017.json"
        write_coco(small_coco, file, tmp_path / f"{split}2017")
    assert coco(tmp_path, "train")[0][0].shape == (3, 30, 40)
    assert coco(tmp_path, "val")[0][0].shape == (3, 30, 44)


def test_what_was_repaired_is_reported(small_coco, write_coco, tmp_path):
    small_coco["annotations"][0]["bbox"] = [5, 5, 0, 0]
    write_coco(small_coco, tmp_path / "annotations/train.json", tmp_path / "train")
    data = coco(tmp_path, "train")
    assert "Left out 1 box without width or height: annotation 11 in seven.png." in data.report
    assert data[0][1]["labels"].tolist() == [1]


# --- fingerprint ----------------------------------------------------------------------------------


@pytest.fixture
def folder(small_coco, write_coco, tmp_path):
    write_coco(small_coco, tmp_path / "mine/annotations/train.json", tmp_path / "mine/train")
    return tmp_path / "mine"


def test_a_copy_has_the_same_fingerprint(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "train" / "notes.txt").write_text("not a picture that the annotations name")
    os.utime(copy / "train" / "seven.png", (0, 0))
    assert coco(copy, "train").fingerprint == coco(folder, "train").fingerprint


def test_another_annotation_or_picture_has_another_fingerprint(folder):
    before = coco(folder, "train").fingerprint
    picture = folder / "train" / "seven.png"
    picture.write_bytes(picture.read_bytes() + b" ")
    larger = coco(folder, "train").fingerprint
    file = folder / "annotations" / "train.json"
    file.write_text(file.read_text().replace("[30.0, 20.0,", "[30.0, 19.0,"))
    assert len({before, larger, coco(folder, "train").fingerprint}) == 3


# --- what is wrong --------------------------------------------------------------------------------


def message(root, split: str = "train") -> str:
    with pytest.raises(UserError) as caught:
        coco(root, split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("root", [None, ""])
def test_no_root(root):
    assert message(root).startswith("coco needs data_root: the folder with annotations/instances_")


def test_roots_that_are_no_data(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.zip").write_text("")
    assert f"data_root {tmp_path / 'nowhere'} does not exist" in message(tmp_path / "nowhere")
    assert "empty is empty" in message(tmp_path / "empty")
    assert "file.zip is a file" in message(tmp_path / "file.zip")
    assert "split 'trian' is unknown; did you mean 'train'" in message(folder, "trian")


def test_no_annotations_says_what_was_looked_for_and_what_is_there(folder):
    text = message(folder, "val")
    assert "annotations/instances_val2017.json" in text
    assert "valid/_annotations.coco.json" in text
    assert f"{folder} holds annotations/, train/" in text
    assert "annotations/ holds train.json" in text


def test_broken_json_names_the_place(folder):
    file = folder / "annotations" / "train.json"
    file.write_text('{\n  "images": [,]\n}')
    assert f"{file} is no JSON: Expecting value at line 2, column 14" in message(folder)
    file.write_bytes(b'{"images": "\xff\xfe"}')
    assert f"{file} is no JSON text" in message(folder)
    file.write_text("[]")
    assert f"{file} holds a list" in message(folder)


def test_missing_pictures_are_counted_and_named(folder):
    (folder / "train" / "seven.png").unlink()
    text = message(folder)
    assert f"{folder / 'train'} lacks 1 of 3 files" in text
    assert "(seven.png)" in text
    for file in (folder / "train").iterdir():
        file.unlink()
    assert "lacks 3 of 3 files" in message(folder)


def test_no_picture_folder(folder):
    (folder / "train").rename(folder / "photos")
    text = message(folder)
    assert "looked for train/, train2017/, images/train/" in text
    assert f"{folder} holds annotations/, photos/" in text


def test_json_with_a_mark_at_its_start_or_in_utf_16_is_read(small_coco, folder):
    for coding in ("utf-8-sig", "utf-16"):
        (folder / "annotations" / "train.json").write_bytes(json.dumps(small_coco).encode(coding))
        assert len(coco(folder, "train")) == 3


# --- COCO itself ----------------------------------------------------------------------------------


@pytest.mark.coco
@pytest.mark.parametrize(("split", "pictures", "crowds"), [("train", 112, 10), ("val", 86, 12)])
def test_real_coco_agrees_with_pycocotools(real_data, split, pictures, crowds):
    root = real_data("coco-mini")
    oracle = COCO(root / "annotations" / f"instances_{split}2017.json")
    data = coco(root, split)

    assert len(data) == pictures
    assert len(data.classes) == 80
    assert data.classes[:2] + data.classes[-1:] == ("person", "bicycle", "toothbrush")
    assert data.category_of[80] == 90
    assert sum(annotation["iscrowd"] for annotation in data.coco["annotations"]) == crowds
    for i in range(pictures):
        target = data.target(i)
        annotations = oracle.loadAnns(oracle.getAnnIds([target["image_id"]], iscrowd=False))
        boxes = np.array([a["bbox"] for a in annotations]).reshape(-1, 4)
        corners = torch.tensor(np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])).float()
        assert torch.equal(target["boxes"], corners)
        names = [oracle.cats[a["category_id"]]["name"] for a in annotations]
        assert [data.classes[label - 1] for label in target["labels"].tolist()] == names


@pytest.mark.coco
def test_real_coco_pictures_have_the_annotated_size(real_data):
    data = coco(real_data("coco-mini"), "val")
    for i in range(0, len(data), 10):
        image, target = data[i]
        assert image.shape[1] >= target["boxes"][:, 3].max()
        assert image.shape[2] >= target["boxes"][:, 2].max()


@pytest.mark.coco
def test_real_coco_is_unchanged_by_the_check(real_data):
    root = real_data("coco-mini")
    given = json.loads((root / "annotations" / "instances_val2017.json").read_text())
    assert coco(root, "val").coco == given
