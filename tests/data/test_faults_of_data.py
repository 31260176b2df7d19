"""Each kind of bad data with its sentence: refused before training, or repaired and reported.

Faults of YOLO's and Pascal VOC's folders are in test_folders, those of single fields of COCO's
format in test_annotations.
"""

import json
import os
import struct
from pathlib import Path

import pytest
from PIL import Image

from augfpn.data.load import load
from augfpn.errors import UserError

HEIC = b"\0\0\0\x20ftypheic" + bytes(200)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\nshowpage\n%%EOF\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def root(small_coco, write_coco, tmp_path) -> Path:
    write_coco(small_coco, tmp_path / "annotations/instances_train.json", tmp_path / "train")
    return tmp_path


def file_of(root: Path) -> Path:
    return root / "annotations/instances_train.json"


def picture_of(root: Path) -> Path:
    return root / "train" / "seven.png"


def edit(change):
    """A fault in the annotations: ``change`` gets the dict."""

    def make(root: Path) -> None:
        coco = json.loads(file_of(root).read_text())
        change(coco)
        file_of(root).write_text(json.dumps(coco))

    return make


def named(name: str, place: int = 0):
    """The first picture, or the one at another place, is called so in the annotations."""
    return edit(lambda coco: coco["images"][place].update(file_name=name))


def renamed(there: str, name: str):
    """The first picture's file is called ``there``, and ``name`` in the annotations."""

    def make(root: Path) -> None:
        picture_of(root).rename(root / "train" / there)
        named(name)(root)

    return make


def text(content: str | bytes):
    """The annotation file has this content."""
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda root: file_of(root).write_bytes(raw)


def content(raw: bytes):
    """The first picture's file has this content."""
    return lambda root: picture_of(root).write_bytes(raw)


def saved(size: tuple[int, int] = (40, 30), mode: str = "RGB", **options):
    """The first picture is replaced, in whatever format ``options`` name."""
    return lambda root: Image.new(mode, size).save(picture_of(root), **{"format": "PNG"} | options)


def cut(root: Path) -> None:
    picture_of(root).write_bytes(picture_of(root).read_bytes()[:-900])


def huge(root: Path) -> None:
    """A PNG whose header says 30,000 x 30,000."""
    raw = bytearray(picture_of(root).read_bytes())
    raw[16:24] = struct.pack(">II", 30_000, 30_000)
    from zlib import crc32

    raw[29:33] = struct.pack(">I", crc32(raw[12:29]))
    picture_of(root).write_bytes(bytes(raw))


BOXES = "four finite numbers"
REFUSED = {
    # the file
    "cut off": (text('{"images": [{"id": 1,'), "is no JSON: Expecting property name"),
    "empty file": (text(""), "is no JSON: Expecting value at line 1, column 1"),
    "a page instead": (text("<!DOCTYPE html><p>log in"), "is no JSON: Expecting value"),
    "another coding": (text(b'{"images": "\xff\xfe"}'), "is no JSON text"),
    "endless digits": (text('{"images": 1' + "0" * 5000 + "}"), "is no JSON text (Exceeds the lim"),
    "packed": (text(b"\x1f\x8b\x08 and so on"), "json is packed by gzip; unpack it"),
    "lists without end": (text("[" * 100_000), "has lists in lists without end"),
    "a list": (text("[]"), "holds a list, but COCO's format is a dict"),
    "nothing": (text("null"), "holds a NoneType, but COCO's format is a dict"),
    "detections": (text('[{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]'), "holds a list"),
    # ids
    "ids as texts": (edit(lambda c: c["images"][0].update(id="7")), "make it a whole number"),
    "ids with a point": (edit(lambda c: c["images"][0].update(id=7.0)), "make it a whole number"),
    "picture id twice": (edit(lambda c: c["images"][0].update(id=3)), "has the id of an earlier"),
    "ids below 0": (edit(lambda c: c["images"][0].update(id=-7)), "a whole number from 0"),
    "ids without room": (edit(lambda c: c["images"][0].update(id=10**30)), "a whole number from 0"),
    "unknown picture": (
        edit(lambda c: c["annotations"][0].update(image_id=99)),
        "annotation 11 has image_id 99, which is not in images",
    ),
    "unknown class": (
        edit(lambda c: c["annotations"][0].update(category_id=99)),
        "annotation 11 has category_id 99, which is not in categories",
    ),
    # tables
    "no classes": (edit(lambda c: c["categories"].clear()), "has no categories"),
    "no pictures": (edit(lambda c: c["images"].clear()), "has no images"),
    "no annotations": (edit(lambda c: c["annotations"].clear()), "has no annotations"),
    "two classes, one name": (
        edit(lambda c: c["categories"][0].update(name="dog")),
        "categories 5 and 90 are called 'dog' and 'dog': give each class a name of its own",
    ),
    "names that look alike": (
        edit(lambda c: [c["categories"][k].update(name=n) for k, n in ((0, "é"), (1, "e\u0301"))]),
        "give each class a name of its own, or merge the two",
    ),
    "a name with a letter that cannot be seen": (
        edit(lambda c: c["categories"][0].update(name="d\u200bog")),
        "give each class a name of its own, or merge the two",
    ),
    "a name that cannot be seen": (
        edit(lambda c: c["categories"][0].update(name="\u200b ")),
        "has name '\\u200b '; make it a text with a letter that can be seen",
    ),
    "only crowds": (
        edit(lambda c: [a.update(iscrowd=1) for a in c["annotations"]]),
        "has only crowd regions (all 4 annotations have iscrowd 1)",
    ),
    # boxes
    "box of NaN": (edit(lambda c: c["annotations"][0].update(bbox=[1, 2, 3, float("nan")])), BOXES),
    "box without end": (edit(lambda c: c["annotations"][0].update(bbox=[1, 2, 1e999, 3])), BOXES),
    "box of texts": (edit(lambda c: c["annotations"][0].update(bbox=["1", "2", "3", "4"])), BOXES),
    "box in a text": (edit(lambda c: c["annotations"][0].update(bbox="1 2 3 4")), BOXES),
    "box of lists": (edit(lambda c: c["annotations"][0].update(bbox=[[1, 2], [3, 4]])), BOXES),
    "fractions": (
        edit(lambda c: [a.update(bbox=[0.1, 0.2, 0.3, 0.4]) for a in c["annotations"]]),
        "has boxes in fractions: no number is above 1; give pixels",
    ),
    "corners": (
        edit(lambda c: [a.update(image_id=7, bbox=[15, 12, 39, 29]) for a in c["annotations"]]),
        "has boxes that seem to be the corners x1, y1, x2, y2",
    ),
    "area of NaN": (
        edit(lambda c: c["annotations"][0].update(area=float("nan"))),
        "has area nan; make it a finite number",
    ),
    # names of files
    "missing": (lambda root: picture_of(root).unlink(), "lacks 1 of 3 files that"),
    "absolute": (named("/etc/passwd"), "names the file '/etc/passwd', which may lie outside"),
    "drive": (named("C:\\a.png"), "which may lie outside of the data folder"),
    "above": (named("../train/seven.png"), "which may lie outside of the data folder"),
    "above, encoded": (named("%2e%2e%2fseven.png"), "which may lie outside of the data folder"),
    "above, backwards": (named("a\\..\\..\\seven.png"), "which may lie outside of the data folder"),
    "another ending": (
        lambda root: picture_of(root).rename(picture_of(root).with_suffix(".jpg")),
        "seven.png is called seven.jpg there: correct the names",
    ),
    "zero in a name": (named("a\0.png"), "lacks 1 of 3 files"),
    "a name too long": (named("a" * 5000 + ".png"), "lacks 1 of 3 files"),
    "a lone surrogate": (named("\ud800.png"), "lacks 1 of 3 files"),
    "a folder": (named("."), "lacks 1 of 3 files"),
    "one file, two spellings": (
        lambda root: [renamed("\u00e9.png", "\u00e9.png")(root), named("e\u0301.png", 1)(root)],
        "lacks 1 of 3 files",
    ),
    "one file, two cases": (
        lambda root: [renamed("A.png", "A.png")(root), named("a.png", 1)(root)],
        "lacks 1 of 3 files",
    ),
    "a link to itself": (
        lambda root: [picture_of(root).unlink(), picture_of(root).symlink_to("seven.png")],
        "lacks 1 of 3 files",
    ),
    "a pipe": (
        lambda root: [picture_of(root).unlink(), os.mkfifo(picture_of(root))],
        "lacks 1 of 3 files",
    ),
    # pictures
    "cut off picture": (cut, "seven.png cannot be read as a picture"),
    "empty picture": (content(b""), "seven.png cannot be read as a picture (it is not JPEG, PNG"),
    "a page as picture": (content(b"<html>no</html>"), "seven.png cannot be read as a picture"),
    "a program as picture": (content(EPS), "seven.png cannot be read as a picture (it is not JPEG"),
    "HEIC, named as PNG": (content(HEIC), "seven.png is HEIC, which is not read here: save each"),
    "HEIC": (
        lambda root: picture_of(root).rename(picture_of(root).with_suffix(".HEIC")),
        "seven.HEIC is HEIC, which is not read here: save each such file as JPEG,",
    ),
    "too large": (huge, "seven.png has too many pixels to be read: cut it into tiles"),
    "16 bits": (saved(mode="I;16"), "seven.png has more than 8 bits a channel; save it with 8"),
    "other size": (saved((41, 30)), "has 41x30 pixels, but its annotation (image 7) says 40x30"),
    "sides exchanged": (saved((30, 40)), "says 40x30; exchange width and height there"),
    "two broken": (
        lambda root: [f.write_bytes(b"") for f in (root / "train").iterdir()],
        "(3 of 3 pictures cannot be used)",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_in_one_sentence_before_anything_is_done(root, kind) -> None:
    make, sentence = REFUSED[kind]
    make(root)
    with pytest.raises(UserError) as caught:
        load("coco", "train", root)
    said = str(caught.value)
    assert sentence in said
    assert "\n" not in said
    assert said.endswith(".")
    assert len(said.replace(str(root), "")) < 400


def exif(orientation: int, size: tuple[int, int]):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return saved(size, exif=tags)


REPORTED = {
    "backslashes": (named("a\\seven.png"), "under another spelling: 'a\\\\seven.png' as"),
    "percent signs": (renamed("my cat.png", "my%20cat.png"), "'my%20cat.png' as 'my cat.png'"),
    "accents": (renamed("e\u0301.png", "\u00e9.png"), "under another spelling"),
    "accents, joined": (renamed("\u00e9.png", "e\u0301.png"), "under another spelling"),
    "another case": (renamed("Seven.PNG", "seven.png"), "'seven.png' as 'Seven.PNG'"),
    "spaces at its ends": (named(" seven.png "), "under another spelling"),
    "folder of another machine": (named("images/seven.png"), "'images/seven.png' as 'seven.png'"),
    "upside down": (exif(3, (40, 30)), "1 picture with an EXIF tag that turns or mirrors it"),
    "turned, sizes tell": (exif(6, (30, 40)), "Turned 1 of 3 pictures as their EXIF tags say"),
    "area below zero": (
        edit(lambda c: c["annotations"][3].update(area=-1)),
        "Computed the area of 1 box anew, because the given one cannot be right: annotation 4",
    ),
    "area too large": (edit(lambda c: c["annotations"][3].update(area=1e6)), "Computed the area"),
    "area in fractions": (edit(lambda c: c["annotations"][3].update(area=0.08)), "Computed the"),
    "sticking out": (
        edit(lambda c: c["annotations"][3].update(bbox=[30, 20, 15, 10])),
        "Clipped 1 box sticking out of the picture: annotation 4 in seven.png",
    ),
    "outside": (edit(lambda c: c["annotations"][3].update(bbox=[99, 9, 9, 9])), "Left out 1 box"),
    "no width": (edit(lambda c: c["annotations"][3].update(bbox=[9, 9, 0, 9])), "Left out 1 box"),
    "thinner than a pixel": (
        edit(lambda c: c["annotations"][3].update(bbox=[3, 4, 0.5, 9], area=4.5)),
        "1 box thinner than a pixel: 4.",
    ),
    "an object twice": (
        edit(lambda c: c["annotations"].append(c["annotations"][3] | {"id": 77})),
        "1 object annotated twice, with the same box and class: 77.",
    ),
    "a picture that is not listed": (
        lambda root: Image.new("RGB", (9, 9)).save(root / "train" / "new.JPG", format="JPEG"),
        "Left out 1 picture that instances_train.json does not list: new.JPG.",
    ),
    "a class without objects": (
        edit(lambda c: c["categories"].append({"id": 7, "name": "x\x1b[2J\n"})),
        r"1 class without an object: x\x1b[2J\n",
    ),
}


@pytest.mark.parametrize("kind", REPORTED)
def test_repaired_or_doubtful_and_reported(root, kind) -> None:
    make, sentence = REPORTED[kind]
    make(root)
    pictures = load("coco", "train", root)
    report = " ".join(pictures.report)
    assert sentence in report
    assert all(line.isprintable() for line in pictures.report)
    for i in range(len(pictures)):
        assert pictures[i][0].dtype.itemsize == 1
