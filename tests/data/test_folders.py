"""Folders in COCO's, YOLO's and Pascal VOC's layouts: their boxes by hand, their splits, faults."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_folders import EDGES, HEIGHT, WIDTH, picture, unsplit, voc, write, xml, yolo, yolo_line

from augfpn.data.folders import user_folder
from augfpn.data.load import load
from augfpn.data.overlap import shared_files, telling_shared
from augfpn.errors import UserError
from augfpn.settings.parameters import parse


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
    found = user_folder(tmp_path, "train")
    assert found.classes == ("1",)
    assert "No file names the classes (1): data.yaml can." in found.report
    write(tmp_path / "labels" / "classes.txt", "cat\ndog\n")
    found = user_folder(tmp_path, "train")
    assert found.classes == ("cat", "dog")
    assert "No file names" not in " ".join(found.report)


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


# --- what is left out, or read in place of what is named, is said ---------------------------------


def report_of(root: Path) -> str:
    return " ".join(user_folder(root, "train").report)


def test_labels_without_a_picture_are_counted(tmp_path) -> None:
    yolo(tmp_path)
    assert "label file" not in report_of(tmp_path)
    write(tmp_path / "labels/train/2.txt", yolo_line())
    write(tmp_path / "labels/train/3.TXT", yolo_line())
    picture(tmp_path / "images/train/3.avif", format="AVIF")  # not among the formats that are read
    write(tmp_path / "labels/train/classes.txt", "cat\ndog\n")
    assert "2 label files without a picture that can be read: 2.txt, 3.TXT." in report_of(tmp_path)


def test_a_place_that_the_yaml_file_names_and_that_is_not_there_is_said(tmp_path) -> None:
    yolo(tmp_path, yaml="names: [cat, dog]\ntrain: images/trian\nval: images/val\n")
    rectangle(user_folder(tmp_path, "train"), "dog")
    assert "data.yaml names images/trian for 'train', where" in report_of(tmp_path)
    assert "names images" not in " ".join(user_folder(tmp_path, "val").report)


def test_data_yaml_comes_before_others(tmp_path) -> None:
    write(yolo(tmp_path) / "another.yaml", "names: [x, y]\n")
    (tmp_path / "folder.yaml").mkdir()
    assert user_folder(tmp_path, "train").classes == ("cat", "dog")


def test_hidden_files_are_no_pictures_and_no_annotations(tmp_path) -> None:
    yolo(tmp_path / "yolo")
    write(tmp_path / "yolo/images/train/._1.png", "macOS")
    voc(tmp_path / "voc")
    write(tmp_path / "voc/Annotations/._1.xml", "macOS")
    (tmp_path / "voc/ImageSets/Main/train.txt").unlink()
    voc(tmp_path / "voc", "val", "2")
    (tmp_path / "voc/ImageSets/Main/val.txt").unlink()
    os.mkfifo(tmp_path / "voc/Annotations/3.xml")
    assert len(user_folder(tmp_path / "yolo", "train")) == 1
    assert sum(len(user_folder(tmp_path / "voc", split)) for split in ("train", "val")) == 2


def test_voc_s_lists_with_a_mark_spaces_and_flags(tmp_path) -> None:
    voc(tmp_path, name="my cat")
    voc(tmp_path, name="2")
    voc(tmp_path, "val", "3")
    (tmp_path / "ImageSets/Main/train.txt").write_bytes(b"\xef\xbb\xbfmy cat\r\n2  -1\r\n")
    names = [entry["file_name"] for entry in user_folder(tmp_path, "train").coco["images"]]
    assert names == ["JPEGImages/my cat.png", "JPEGImages/2.png"]


def test_voc_s_pictures_without_an_xml_file_are_counted(tmp_path) -> None:
    voc(tmp_path)
    voc(tmp_path, "val", "2")
    assert "without an XML file" not in report_of(tmp_path)
    picture(tmp_path / "JPEGImages/5.png")
    assert "Left out 1 picture without an XML file: 5.png." in report_of(tmp_path)


def test_pictures_of_two_splits_are_named(tmp_path) -> None:
    yolo(tmp_path, yaml="names: [cat, dog]\ntrain: images/train\nval: images/train\n")
    parts = {split: user_folder(tmp_path, split) for split in ("train", "val")}
    told = telling_shared(parts["val"], parts["train"])
    assert "1 picture also used for training: 1.png; AP on such pictures" in told.report[-1]
    assert "is too high" in told.report[-1]


def test_a_copy_under_the_same_name_is_in_both_splits_and_another_picture_is_not(tmp_path) -> None:
    yolo(tmp_path)
    train, val = (user_folder(tmp_path, split) for split in ("train", "val"))
    assert shared_files(val, train) == ["1.png"]
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "images/val/1.png")
    assert telling_shared(val, train) is val


@pytest.mark.coco
def test_coco_mini_has_one_picture_in_both_splits(real_data) -> None:
    train, val = (load("coco", split, real_data("coco-mini")) for split in ("train", "val"))
    assert shared_files(val, train) == ["000000184321.jpg"]


# --- splits ---------------------------------------------------------------------------------------


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
