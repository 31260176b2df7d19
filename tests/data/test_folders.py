"""Folders in COCO's, YOLO's and Pascal VOC's layouts: their boxes by hand, their splits, faults."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augfpn.data.folders import user_folder
from augfpn.data.load import load
from augfpn.errors import UserError
from augfpn.settings.parameters import parse

WIDTH, HEIGHT = 100, 60
# A white rectangle on black: columns 20 to 49 and rows 10 to 39, so its edges are 20 10 50 40.
EDGES = [20.0, 10.0, 50.0, 40.0]


def picture(path: Path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[10:40, 20:50] = 255
    Image.fromarray(pixels).save(path, **options)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def yolo_line(number: int = 0) -> str:
    """The rectangle: its centre is at 35 of 100 and 25 of 60, it is 30 wide and 30 high."""
    return f"{number} 0.35 {25 / 60:.6f} 0.3 0.5\n"


def xml(name: str = "cat", box: tuple = (21, 11, 50, 40), more: str = "") -> str:
    """The rectangle in Pascal VOC: its first column is the 21st, its last the 50th."""
    x1, y1, x2, y2 = box
    return (
        f"<annotation><filename>1.png</filename><size><width>{WIDTH}</width>"
        f"<height>{HEIGHT}</height></size><object><name>{name}</name>{more}<bndbox>"
        f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        "</annotation>"
    )


def yolo(root: Path, pattern: str = "{kind}/{split}", yaml: str | None = None) -> Path:
    for split in ("train", "val"):
        picture(root / pattern.format(kind="images", split=split) / "1.png")
        write(root / pattern.format(kind="labels", split=split) / "1.txt", yolo_line(1))
    write(root / "data.yaml", yaml or "names: [cat, dog]\ntrain: images/train\nval: images/val\n")
    return root


def voc(root: Path, split: str = "train", name: str = "1", **more) -> Path:
    write(root / "Annotations" / f"{name}.xml", xml(**more))
    picture(root / "JPEGImages" / f"{name}.png")
    listing = root / "ImageSets" / "Main" / f"{split}.txt"
    before = listing.read_text() if listing.exists() else ""
    write(listing, f"{before}{name}\n")
    return root


def rectangle(pictures, label: str) -> None:
    """The only box is where the white pixels are, and has its class's name."""
    image, target = pictures[0]
    (row,) = target["boxes"].tolist()
    assert row == pytest.approx(EDGES, abs=1e-3)
    rows, columns = np.nonzero(image[0].numpy() > 127)
    assert row == pytest.approx(
        [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], abs=1e-3
    )
    assert pictures.classes[target["labels"][0] - 1] == label


# --- layouts --------------------------------------------------------------------------------------

YAMLS = {
    "{kind}/{split}": "names: [cat, dog]\ntrain: images/train\nval: images/val\n",
    "{split}/{kind}": "train: ../train/images\nval: ../val/images\nnc: 2\nnames: ['cat', 'dog']\n",
    "{kind}/{split} ": "path: /somewhere/else\nnames:\n  0: cat\n  1: dog\n",
}


@pytest.mark.parametrize("pattern", YAMLS)
def test_yolo_s_boxes_lie_on_their_objects(tmp_path, pattern) -> None:
    yolo(tmp_path, pattern.strip(), YAMLS[pattern])
    for split in ("train", "val"):
        rectangle(user_folder(tmp_path, split), "dog")


def test_yolo_s_polygons_become_boxes_and_masks(tmp_path) -> None:
    yolo(tmp_path)
    corners = "0.2 0.166667 0.5 0.166667 0.5 0.666667 0.2 0.666667"
    write(tmp_path / "labels/train/1.txt", f"0 {corners}\n")
    pictures = user_folder(tmp_path, "train").with_masks()
    rectangle(pictures, "cat")
    mask = pictures.target(0)["masks"][0]
    assert mask.sum() == 30 * 30
    assert mask[10:40, 20:50].all()


def test_a_class_called_yes_is_no_truth_value_and_numbers_are_names(tmp_path) -> None:
    yolo(tmp_path, yaml="names: [yes, 007]\n")
    assert user_folder(tmp_path, "train").classes == ("yes", "007")


def test_yolo_without_a_yaml_takes_names_from_a_list_or_numbers(tmp_path) -> None:
    (yolo(tmp_path) / "data.yaml").unlink()
    assert user_folder(tmp_path, "train").classes == ("1",)
    write(tmp_path / "labels" / "classes.txt", "cat\ndog\n")
    assert user_folder(tmp_path, "train").classes == ("cat", "dog")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_yolo_s_labels_are_of_the_picture_as_it_is_seen(tmp_path, orientation) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    yolo(tmp_path)
    picture(tmp_path / "images/train/1.png")
    seen = Image.open(tmp_path / "images/train/1.png").convert("RGB")
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what undoes each turn: Pillow's numbers
    stored = seen.transpose(Image.Transpose(back[orientation])) if orientation > 1 else seen
    stored.save(tmp_path / "images/train/1.png", exif=exif)
    rectangle(load("folder", "train", tmp_path), "dog")


def test_voc_s_boxes_lie_on_their_objects(tmp_path) -> None:
    voc(tmp_path, "train")
    voc(tmp_path, "val", "2")
    rectangle(user_folder(tmp_path, "train"), "cat")
    rectangle(user_folder(tmp_path, "val"), "cat")
    assert "first and last pixels, counted from 1" in user_folder(tmp_path, "val").report[1]


def test_voc_with_a_box_from_0_has_edges(tmp_path) -> None:
    voc(tmp_path, "train", box=(20, 10, 50, 40))
    write(tmp_path / "Annotations" / "0.xml", xml(box=(0, 0, 9, 9)))
    picture(tmp_path / "JPEGImages" / "0.png")
    write(tmp_path / "ImageSets/Main/val.txt", "0\n")
    rectangle(user_folder(tmp_path, "train"), "cat")


def test_voc_as_roboflow_exports_it_and_difficult_objects(tmp_path) -> None:
    for split in ("train", "valid"):
        picture(tmp_path / split / "1.png")
        write(tmp_path / split / "1.xml", xml())
        picture(tmp_path / split / "2.png")
        write(tmp_path / split / "2.xml", xml(more="<difficult>1</difficult>"))
    for split in ("train", "val"):
        pictures = user_folder(tmp_path, split)
        rectangle(pictures, "cat")
        assert pictures.with_objects() == [0]
        assert "1 crowd region for the evaluation to ignore: 2." in pictures.report


@pytest.mark.parametrize("size", ["", "<size><width>0</width><height>0</height></size>"])
def test_voc_without_sizes_takes_the_picture_s(tmp_path, size) -> None:
    voc(tmp_path)
    voc(tmp_path, "val", "2")
    text = xml().replace(xml()[xml().index("<size>") : xml().index("</size>") + 7], size)
    write(tmp_path / "Annotations" / "1.xml", text)
    rectangle(user_folder(tmp_path, "train"), "cat")


@pytest.mark.parametrize("file", ["annotations/instances_default.json", "result.json"])
def test_coco_without_splits_is_found(small_coco, write_coco, tmp_path, file) -> None:
    write_coco(small_coco, tmp_path / file, tmp_path / "images")
    both = [user_folder(tmp_path, split) for split in ("train", "val")]
    ids = [[entry["id"] for entry in pictures.coco["images"]] for pictures in both]
    assert sorted(ids[0] + ids[1]) == [3, 7, 12]


# --- splits ---------------------------------------------------------------------------------------


def unsplit(root: Path, count: int) -> Path:
    for i in range(count):
        picture(root / "images" / f"{i}.png")
        write(root / "labels" / f"{i}.txt", yolo_line())
    write(root / "data.yaml", "names: [cat]\n")
    return root


def test_a_folder_without_splits_is_split_the_same_each_time(tmp_path) -> None:
    unsplit(tmp_path, 40)
    parts = {split: user_folder(tmp_path, split) for split in ("train", "val")}
    names = {s: {e["file_name"] for e in p.coco["images"]} for s, p in parts.items()}
    assert len(names["val"]) == 8
    assert len(names["train"] | names["val"]) == 40
    assert "8 of 40 pictures are kept for it" in parts["val"].report[-1]
    picture(tmp_path / "images" / "new.png")  # one picture more moves few of the others
    later = {e["file_name"] for e in user_folder(tmp_path, "val").coco["images"]}
    assert len(later - names["val"]) <= 1


def test_test_pictures_stand_in_for_val(tmp_path) -> None:
    voc(tmp_path, "train")
    voc(tmp_path, "test", "2")
    assert 'the split "test" is used.' in user_folder(tmp_path, "val").report[-1]
    assert len(user_folder(tmp_path, "train")) == 1


def test_a_folder_alone_is_enough(tmp_path) -> None:
    assert parse({"data_root": str(tmp_path)}).data == "folder"
    assert parse({"data_root": str(tmp_path), "data": "coco"}).data == "coco"
    with pytest.raises(UserError, match="does not go with data='scenes', which are drawn"):
        parse({"data_root": str(tmp_path), "data": "scenes"})


# --- faults ---------------------------------------------------------------------------------------


def label(text: str):
    return lambda root: write(yolo(root) / "labels/train/1.txt", text)


def voc_of(change):
    return lambda root: write(voc(root) / "Annotations/1.xml", change(xml()))


FAULTS = {
    "no layout": (lambda r: picture(r / "a/1.png"), "no annotations in a layout of COCO's"),
    "no such split": (lambda r: voc(r, "val"), "has no split 'train': it has val"),
    "one picture": (lambda r: unsplit(r, 1), "has one picture, which cannot be split"),
    "yaml broken": (lambda r: yolo(r, yaml="names: [cat"), "data.yaml is no YAML"),
    "yaml names": (lambda r: yolo(r, yaml="names: 3\n"), "has names '3': give a list of names"),
    "yaml names of names": (lambda r: yolo(r, yaml="names: {a: b}\n"), "give a list of names"),
    "list outside": (
        lambda r: [yolo(r, yaml="names: [c]\ntrain: l.txt\n"), write(r / "l.txt", "../x.png")],
        "l.txt lists ../x.png, which is not in",
    ),
    "yolo words": (label("cat 1 2 3 4"), "line 1 is 'cat 1 2 3 4': expected a class and four"),
    "yolo pixels": (label("0 35 25 30 30"), "expected fractions of the picture's sides"),
    "yolo nan": (label("0 nan .2 .1 .1"), "expected fractions of the picture's sides"),
    "yolo scores": (label("0 .5 .5 .2 .2 .9"), "expected a class and four numbers"),
    "yolo class": (label("7 .5 .5 .2 .2"), "has the class 7: the names have no such number"),
    "yolo half class": (label("0.5 .5 .5 .2 .2"), "expected a class that is a whole number"),
    "yolo empty": (label(""), "has no annotations"),
    "yolo bytes": (
        lambda r: (yolo(r) / "labels/train/1.txt").write_bytes(b"\xff\xfe0\x00"),
        "expected a class and four numbers",
    ),
    "voc no name": (voc_of(lambda x: x.replace("cat", " ")), "1.xml has an object without a name"),
    "voc words": (voc_of(lambda x: x.replace(">21<", ">x<")), "has bndbox/xmin 'x'; make it a"),
    "voc broken": (voc_of(lambda x: x[:-5]), "1.xml is broken XML"),
    "voc entities": (
        voc_of(lambda x: f'<!DOCTYPE a [<!ENTITY b "c">]>{x}'),
        "1.xml declares XML entities, which are not read",
    ),
    "voc no picture": (
        lambda r: (voc(r) / "JPEGImages/1.png").unlink(),
        "lacks the pictures of 1 of 1 XML files (1.xml)",
    ),
    "voc no xml": (
        lambda r: write(voc(r) / "ImageSets/Main/train.txt", "1\n2\n"),
        "lacks 1 of 2 files that",
    ),
    "voc outside": (
        lambda r: write(voc(r) / "ImageSets/Main/train.txt", "../1\n"),
        "names the file '../1', which may lie outside of the data folder",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_of_a_folder_is_one_sentence(tmp_path, kind) -> None:
    make, sentence = FAULTS[kind]
    make(tmp_path)
    with pytest.raises(UserError) as caught:
        user_folder(tmp_path, "train")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 400


def test_a_file_that_a_symbolic_link_of_the_user_leads_to_is_read(tmp_path) -> None:
    yolo(tmp_path / "real")
    (tmp_path / "mine").mkdir()
    for name in ("images", "labels", "data.yaml"):
        (tmp_path / "mine" / name).symlink_to(tmp_path / "real" / name)
    rectangle(user_folder(tmp_path / "mine", "train"), "dog")


def test_real_yolo_labels_agree_with_a_plain_reading(real_data) -> None:
    root = real_data("aquarium")
    pictures = user_folder(root, "test")
    assert pictures.classes[0] == "fish"
    for i in range(0, len(pictures), 9):
        entry, target = pictures.coco["images"][i], pictures.target(i)
        text = (root / entry["file_name"]).with_suffix(".txt").as_posix()
        rows = np.loadtxt(text.replace("/images/", "/labels/"), ndmin=2)
        rows = rows[(rows[:, 3:] > 0).all(axis=1)]
        sides = np.array([entry["width"], entry["height"]])
        first = (rows[:, 1:3] - rows[:, 3:5] / 2) * sides
        last = (rows[:, 1:3] + rows[:, 3:5] / 2) * sides
        expected = np.clip(np.hstack([first, last]), 0, [*sides, *sides])
        assert target["labels"].tolist() == (rows[:, 0] + 1).tolist()
        assert np.abs(target["boxes"].numpy() - expected).max() < 0.01
