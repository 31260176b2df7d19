"""Aquarium: its real folder, a made-up one, and the split without leaks that the package has."""

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from augfpn.config import DATA_SETS
from augfpn.data.aquarium import ANIMALS, AQUARIUM, aquarium, parts_of_aquarium, short_name
from augfpn.data.pinned import content_of
from augfpn.errors import UserError

GAP = 2  # shots, between two parts of the split
SPLITS = DATA_SETS["aquarium"].splits


def names(split: str, root: Path) -> list[str]:
    return [short_name(Path(e["file_name"])) for e in aquarium(root, split).coco["images"]]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> Path:
    """Pictures of one colour under the real names, with a made-up export's hashes, and a box each.

    The first of "tune" has a box of zero size too, the second has no object.
    """
    folder = tmp_path_factory.mktemp("copy") / "aquarium_pretrain"
    picture = folder / "one.jpg"
    parts = parts_of_aquarium()
    for place in ("train", "valid", "test"):
        (folder / place / "images").mkdir(parents=True)
        (folder / place / "labels").mkdir()
    Image.new("RGB", (64, 48)).save(picture)
    for k, name in enumerate(name for part in parts.values() for name in part):
        place = folder / ("train", "valid", "test")[k % 3]
        shutil.copy(picture, place / "images" / f"{name}.rf.{k:04d}.jpg")
        more = "4 0.5 0.5 0 0\n" if name == parts["tune"][0] else ""
        label = "" if name == parts["tune"][1] else f"{k % 7} 0.5 0.5 0.25 0.5\n{more}"
        (place / "labels" / f"{name}.rf.{k:04d}.txt").write_text(label)
    picture.unlink()
    return folder


# --- the split ------------------------------------------------------------------------------------


def test_each_picture_is_in_one_part():
    parts = parts_of_aquarium()
    sizes = {name: len(part) for name, part in parts.items()}
    assert sizes == {"fit": 337, "tune": 84, "between": 14, "val": 157, "left_out": 46}
    assert sizes["fit"] + sizes["between"] + sizes["tune"] == 435
    assert len({name for part in parts.values() for name in part}) == 638


@pytest.mark.parametrize(("one", "other"), [("fit", "tune"), ("train", "val")])
def test_no_shot_has_a_neighbour_in_the_other_part(one, other):
    """In the camera's order, two parts are more than ``GAP`` shots apart; films are whole."""
    parts = parts_of_aquarium()
    parts = parts | {"train": [*parts["fit"], *parts["between"], *parts["tune"]]}
    where = {name: part for part in (one, other) for name in parts[part]}
    order = sorted({name for part in parts.values() for name in part})
    for k, name in enumerate(order):
        for near in order[k + 1 : k + 1 + GAP]:
            if "MOV" not in name + near:
                assert {where.get(name), where.get(near)} != {one, other}, (name, near)
    films: dict[str, set] = {}
    for name in where:
        if film := re.match(r"(IMG_\d+)_MOV", name):
            films.setdefault(film[1], set()).add(where[name])
    assert films
    assert all(len(found) == 1 for found in films.values())


def test_the_split_is_that_of_the_blocks(real_data):
    blocks = json.loads((real_data("aquarium") / "blocks.json").read_text())
    short = {name: [short_name(Path(each)) for each in part] for name, part in blocks.items()}
    parts = parts_of_aquarium()
    assert sorted([*parts["fit"], *parts["between"], *parts["tune"]]) == short["train"]
    assert (parts["val"], parts["left_out"]) == (short["val"], short["left_out"])


# --- a made-up folder -----------------------------------------------------------------------------


def test_splits_are_read_from_any_export(made_up):
    found = {split: names(split, made_up) for split in SPLITS}
    assert {split: len(part) for split, part in found.items()} == {
        "train": 435,
        "val": 157,
        "fit": 337,
        "tune": 84,
    }
    assert set(found["fit"]) | set(found["tune"]) < set(found["train"])
    assert not set(found["fit"]) & set(found["tune"])
    assert not set(found["train"]) & set(found["val"])
    assert found["tune"] == parts_of_aquarium()["tune"]


def test_boxes_and_what_is_wrong_with_some_are_told(made_up):
    data = aquarium(made_up.parent, "tune")
    assert data.classes == ANIMALS
    image, target = data[0]
    assert image.shape == (3, 48, 64)
    assert target["boxes"].tolist() == [[24, 12, 40, 36]]
    assert len(data.with_objects()) == len(data) - 1
    differs, left_out, empty = data.report
    assert differs == f"{made_up} differs from Aquarium's commit a54dbe6."
    assert left_out.startswith("Left out 1 box without width or height: annotation 2 in ")
    assert empty.startswith("1 picture without an object, evaluated but not trained on: ")


def test_the_fingerprint_sees_pictures_labels_and_the_split(made_up, tmp_path):
    folder = shutil.copytree(made_up, tmp_path / "copy")
    seen = {aquarium(folder, split).fingerprint for split in SPLITS}
    for kind in ("images", "labels"):
        file = min((folder / "valid" / kind).iterdir())
        file.write_bytes(file.read_bytes() + b"\n")
        seen.add(aquarium(folder, "fit").fingerprint)
    assert len(seen) == len(SPLITS) + 2


def test_what_is_missing_or_wrong_is_one_sentence(made_up, tmp_path):
    with pytest.raises(UserError, match="split 'test' is unknown; choose from train, val, fit, tu"):
        aquarium(made_up, "test")
    folder = shutil.copytree(made_up, tmp_path / "copy")
    with pytest.raises(UserError, match="has train/images/; it holds copy/; give the folder with"):
        aquarium(tmp_path, "tune")
    lost = parts_of_aquarium()["tune"][5]
    file = next(path for path in folder.glob("*/labels/*.txt") if short_name(path) == lost)
    file.write_text("9 0.5 0.5 0.5 0.5\n")
    with pytest.raises(
        UserError, match="has the class 9, and the names are those of classes 0 to 6"
    ):
        aquarium(folder, "tune")
    next(path for path in folder.glob("*/images/*.jpg") if short_name(path) == lost).unlink()
    with pytest.raises(
        UserError, match=rf"lacks 1 of 84 pictures of the split tune \({lost}\); gi"
    ):
        aquarium(folder, "tune")


# --- the real one ---------------------------------------------------------------------------------


def test_the_real_folder_is_what_the_repository_has(real_data):
    root = real_data("aquarium")
    assert content_of(root, AQUARIUM) == AQUARIUM.content
    train, val, fit, tune = (aquarium(root, split) for split in SPLITS)
    assert [len(split) for split in (train, val, fit, tune)] == [435, 157, 337, 84]
    assert [len(split.coco["annotations"]) for split in (train, val)] == [3084 - 2, 1435]
    assert len(train.with_objects()) == 434
    left_out, empty = train.report
    assert left_out.startswith("Left out 2 boxes without width or height: annotation ")
    assert empty.startswith("1 picture without an object, evaluated but not trained on: ")
    for split in (train, val, fit, tune):
        assert {a["category_id"] for a in split.coco["annotations"]} == set(range(len(ANIMALS)))


def test_real_boxes_are_those_in_the_files(real_data):
    root = real_data("aquarium")
    data = aquarium(root, "val")
    for image, target in data.subset(range(0, 157, 20)):
        entry = next(e for e in data.coco["images"] if e["id"] == target["image_id"])
        place = root / entry["file_name"].replace("images", "labels").replace(".jpg", ".txt")
        height, width = image.shape[1:]
        rows = [[float(x) for x in line.split()] for line in place.read_text().splitlines()]
        assert [label - 1 for label in target["labels"].tolist()] == [int(row[0]) for row in rows]
        for box, (_, x, y, w, h) in zip(target["boxes"].tolist(), rows, strict=True):
            assert box == pytest.approx(
                [
                    (x - w / 2) * width,
                    (y - h / 2) * height,
                    (x + w / 2) * width,
                    (y + h / 2) * height,
                ],
                abs=1e-3,
            )
