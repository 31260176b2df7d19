"""BCCD: its real folder, and a made-up one that is broken in every way."""

import re
from pathlib import Path

import pytest
from PIL import Image

from augfpn.data.bccd import BCCD, bccd
from augfpn.data.pinned import content_of
from augfpn.errors import UserError

OBJECT = """<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>
<ymax>{}</ymax></bndbox></object>"""
SIZE = "<size><width>64</width><height>48</height></size>"


@pytest.fixture
def made_up(tmp_path) -> Path:
    """Two pictures in BCCD's layout."""
    folder = tmp_path / "copy" / "BCCD"
    for part in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (folder / part).mkdir(parents=True)
    objects = OBJECT.format("WBC", 1, 2, 31, 42) + OBJECT.format("RBC", 30, 40, 64, 48)
    for name in ("BloodImage_00007", "BloodImage_00012"):
        Image.new("RGB", (64, 48)).save(folder / "JPEGImages" / f"{name}.jpg")
        xml = f"<annotation>{SIZE}{objects}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(xml)
    (folder / "ImageSets/Main/train.txt").write_text("BloodImage_00012\nBloodImage_00007\n")
    return folder


def message(root, split: str = "train") -> str:
    with pytest.raises(UserError) as caught:
        bccd(root, split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the real one ---------------------------------------------------------------------------------


def test_the_real_folder_is_what_the_repository_has(real_data):
    root = real_data("bccd")
    assert content_of(root / "BCCD", BCCD) == BCCD.content
    splits = [bccd(root, split) for split in ("train", "val", "test")]
    assert [len(split) for split in splits] == [205, 87, 72]
    assert len({entry["id"] for split in splits for entry in split.coco["images"]}) == 364
    kept = [annotation for split in splits for annotation in split.coco["annotations"]]
    assert len(kept) == 4888 - 2
    assert len({annotation["id"] for annotation in kept}) == len(kept)
    assert len({split.fingerprint for split in splits}) == 3
    assert splits[0].report == (
        "Left out 1 box without width or height: annotation 343004 in BloodImage_00343.jpg.",
    )
    assert splits[1].report == (
        "Left out 1 box without width or height: annotation 338013 in BloodImage_00338.jpg.",
    )
    assert splits[2].report == ()


def test_real_boxes_are_the_edges_in_the_files(real_data):
    root = real_data("bccd")
    data = bccd(root / "BCCD", "test")
    pattern = r"<name>(\w+)<.*?<xmin>(\d+)<.*?<ymin>(\d+)<.*?<xmax>(\d+)<.*?<ymax>(\d+)<"
    for image, target in data.subset(range(0, 72, 6)):
        name = f"BloodImage_{target['image_id']:05d}.xml"
        text = (root / "BCCD" / "Annotations" / name).read_text()
        found = re.findall(pattern, text, re.DOTALL)
        assert [data.classes[label - 1] for label in target["labels"]] == [row[0] for row in found]
        assert target["boxes"].tolist() == [[float(edge) for edge in row[1:]] for row in found]
        assert image.shape == (3, 480, 640)


# --- a made-up one --------------------------------------------------------------------------------


def test_root_may_be_bccd_or_hold_it(made_up):
    data = bccd(str(made_up), "train")
    assert bccd(made_up.parent, "train").fingerprint == data.fingerprint
    assert data.classes == ("RBC", "WBC", "Platelets")
    image, target = data[0]
    assert image.shape == (3, 48, 64)
    assert target["image_id"] == 12
    assert target["boxes"].tolist() == [[1, 2, 31, 42], [30, 40, 64, 48]]
    assert target["labels"].tolist() == [2, 1]
    assert data.report[0] == f"{made_up} differs from BCCD's commit d272fb1."


def test_the_fingerprint_sees_every_file(made_up):
    seen = {bccd(made_up, "train").fingerprint}
    for part in ("Annotations/BloodImage_00007.xml", "JPEGImages/BloodImage_00007.jpg"):
        file = made_up / part
        file.write_bytes(file.read_bytes() + b"\n")
        seen.add(bccd(made_up, "train").fingerprint)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("</size>", "", "BloodImage_00007.xml is broken XML (mismatched tag: line 3"),
        ("WBC", "Wbc", "class 'Wbc' is unknown; did you mean"),
        ("<name>WBC</name>", "", "class '' is unknown"),
        ("<width>64</width>", "", "has size/width ''; make it a whole number"),
        ("<xmin>1<", "<xmin>one<", "has bndbox/xmin 'one'; make it a number"),
        ("<xmin>1<", "<xmin>nan<", "has bbox [nan, "),
    ],
)
def test_broken_annotations_are_named(made_up, old, new, expected):
    file = made_up / "Annotations" / "BloodImage_00007.xml"
    file.write_text(file.read_text().replace(old, new))
    assert expected in message(made_up)


def test_missing_files_are_named(made_up):
    assert f"{made_up / 'ImageSets/Main/val.txt'} is missing" in message(made_up, "val")
    (made_up / "JPEGImages" / "BloodImage_00012.jpg").unlink()
    assert "JPEGImages lacks 1 of 2 files" in message(made_up)
    (made_up / "Annotations" / "BloodImage_00012.xml").unlink()
    (made_up / "JPEGImages" / "BloodImage_00012.jpg").touch()
    assert "Annotations lacks 1 of 2 files" in message(made_up)


def test_a_folder_that_is_not_bccd_is_told_apart(tmp_path, made_up):
    assert "has Annotations/; it holds copy/; give the folder" in message(tmp_path)
    assert "split 'training' is unknown; did you mean 'train'" in message(made_up, "training")


def test_a_name_without_a_number_is_refused(made_up):
    (made_up / "Annotations" / "cells.xml").write_text("<annotation/>")
    (made_up / "JPEGImages" / "cells.jpg").touch()
    (made_up / "ImageSets/Main/val.txt").write_text("cells\n")
    assert "cells.xml has no number after the last _" in message(made_up, "val")
