"""Each fault of a folder in YOLO's or Pascal VOC's layout with its sentence, before training."""

from pathlib import Path

import pytest
from small_folders import WIDTH, picture, unsplit, voc, write, xml, yolo

from augfpn.data.folders import user_folder
from augfpn.errors import UserError


def label(text: str):
    return lambda root: write(yolo(root) / "labels/train/1.txt", text)


def voc_of(change):
    return lambda root: write(voc(root) / "Annotations/1.xml", change(xml()))


NESTED = "[x, x, x, x, x, x, x, x, x], " * 40


def two_yamls(root: Path) -> None:
    (yolo(root) / "data.yaml").unlink()
    write(root / "a.yaml", "names: [cat, dog]\n")
    write(root / "b.yaml", "names: [dog, cat]\n")


FAULTS = {
    "no layout": (lambda r: picture(r / "a/1.png"), "no annotations in a layout of COCO's"),
    "HEIC": (
        lambda r: [file.rename(file.with_suffix(".heic")) for file in yolo(r).rglob("*.png")],
        ") in HEIC, which is not read here: save each such file as JPEG",
    ),
    "no such split": (
        lambda r: voc(r, "val"),
        "has no split 'train' in Pascal VOC's layout: it has val; add its annotations, unpacked",
    ),
    "one picture": (lambda r: unsplit(r, 1), "has one picture, which cannot be split"),
    "yaml broken": (lambda r: yolo(r, yaml="names: [cat"), "data.yaml is no YAML"),
    "yaml names": (lambda r: yolo(r, yaml="names: 3\n"), "has names '3': give a list of names"),
    "yaml names of names": (lambda r: yolo(r, yaml="names: {a: b}\n"), "give a list of names"),
    "yaml of many names": (lambda r: yolo(r, yaml=f"names: [{NESTED}]\n"), "give a list of names"),
    "yaml number of names": (
        lambda r: yolo(r, yaml="nc: 3\nnames: [cat, dog]\n"),
        "has nc '3' (the number of classes), but 2 names: correct one of the two",
    ),
    "yaml key twice": (
        lambda r: yolo(r, yaml="names:\n  0: cat\n  0: dog\n"),
        "has the key '0' twice",
    ),
    "yaml number twice": (
        lambda r: yolo(r, yaml="names:\n  0: cat\n  00: dog\n"),
        "gives two classes one number",
    ),
    "yaml latin": (
        lambda r: (yolo(r) / "data.yaml").write_bytes("names: [caf\xe9]".encode("latin-1")),
        "data.yaml is no text in UTF-8 (byte 11 is not); save it as UTF-8",
    ),
    "two yamls": (
        two_yamls,
        "has a.yaml and b.yaml, which name different classes: call the one to be used data.yaml",
    ),
    "list outside": (
        lambda r: [yolo(r, yaml="names: [c]\ntrain: l.txt\n"), write(r / "l.txt", "../x.png")],
        "l.txt names the file '../x.png', which may lie outside of the data folder",
    ),
    "list absolute": (
        lambda r: [yolo(r, yaml="names: [c]\ntrain: l.txt\n"), write(r / "l.txt", "/x.png")],
        "give a name relative to the folder",
    ),
    "list lost": (
        lambda r: [yolo(r, yaml="names: [c]\ntrain: l.txt\n"), write(r / "l.txt", "x.png\n")],
        "l.txt lists 1 of 1 files that are not in",
    ),
    "list latin": (
        lambda r: [
            yolo(r, yaml="names: [c]\ntrain: l.txt\n"),
            (r / "l.txt").write_bytes(b"\xe9.png"),
        ],
        "l.txt is no text in UTF-8",
    ),
    "yolo words": (label("cat 1 2 3 4"), "line 1 is 'cat 1 2 3 4': expected a class and four"),
    "yolo pixels": (label("0 35 25 30 30"), "expected fractions of the picture's sides"),
    "yolo nan": (label("0 nan .2 .1 .1"), "expected fractions of the picture's sides"),
    "yolo scores": (label("0 .5 .5 .2 .2 .9"), "expected a class and four numbers"),
    "yolo class": (
        label("7 .5 .5 .2 .2"),
        "has the class 7, and the names are those of classes 0 to 1: add its name, or correct",
    ),
    "yolo class between": (
        lambda r: yolo(r, yaml="names: {0: cat, 2: dog}\n"),
        "has the class 1, and the names are those of classes 0, 2: add its name, or correct",
    ),
    "yolo commas": (label("0 0,5 0,5 0,2 0,2"), "expected a class and four numbers, as 0 0.5 0.5"),
    "yolo half class": (label("0.5 .5 .5 .2 .2"), "expected a class that is a whole number"),
    "yolo empty": (
        label(""),
        "has no label for any of 1 pictures",
    ),
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
    "voc of another kind": (
        voc_of(lambda x: f"<annotations>{x}</annotations>"),
        "1.xml begins with <annotations>, but Pascal VOC's files begin with <annotation>",
    ),
    "voc half a pixel": (
        voc_of(lambda x: x.replace(f"<width>{WIDTH}<", "<width>99.5<")),
        "has size/width '99.5'; make it a whole number",
    ),
    "voc latin": (
        lambda r: (voc(r) / "ImageSets/Main/train.txt").write_bytes(b"1\n\xe9\n"),
        "train.txt is no text in UTF-8",
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
