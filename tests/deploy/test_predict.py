"""A detector on a user's pictures: what is drawn, what is written, what is left out."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from predicting import IDS, predicted, save
from pycocotools.coco import COCO

from augfpn.data.load import load
from augfpn.data.pictures import Pictures
from augfpn.deploy import predict
from augfpn.errors import UserError
from augfpn.training import evaluate


@pytest.fixture(scope="module")
def scenes() -> Pictures:
    return load("scenes", "val", count=1)


def test_what_is_written_is_what_is_detected(detector, scenes, tmp_path: Path) -> None:
    """Boxes, scores and masks as in an evaluation; each mask with its own area."""
    picture = save(scenes.read(scenes.coco["images"][0]), tmp_path / "one.png")
    out = tmp_path / "out"
    where = predict.places([picture], out)
    categories = dict(zip(scenes.label_of, scenes.classes, strict=True))
    assert predict.draw_detections(detector, categories, where, out, 0.0) == []

    rows = json.loads((out / predict.RESULTS).read_text())["annotations"]
    expected = evaluate.predict(detector, scenes)
    assert expected
    for name in ("bbox", "score", "segmentation"):
        assert [each[name] for each in rows] == [each[name] for each in expected]
    api = COCO(str(out / predict.RESULTS))
    assert [each["area"] for each in rows] == [api.annToMask(each).sum() for each in rows]
    assert len({each["area"] for each in rows}) > 1
    assert Image.open(out / "one.png").size == (640, 512)  # enlarged, so that names can be read


def test_only_confident_detections_are_kept(detector, scenes) -> None:
    pixels = scenes.read(scenes.coco["images"][0])
    every = predict.confident_detections(detector, pixels, 0.0)
    middle = every["scores"].median().item()
    some = predict.confident_detections(detector, pixels, middle)
    assert 0 < len(some["scores"]) < len(every["scores"])
    assert some["scores"].min() >= middle


def test_a_picture_that_cannot_be_read_is_left_out(detector, scenes, tmp_path: Path) -> None:
    given = [
        save(np.full((64, 64, 3), 90, np.uint8), tmp_path / "in" / "good.png"),
        save(np.full((64, 64), 700, np.uint16), tmp_path / "in" / "deep.png"),
        tmp_path / "in" / "broken.jpg",
    ]
    given[2].write_bytes(b"no picture")
    out = tmp_path / "out"
    unread = predict.draw_detections(
        detector, IDS, predict.places([tmp_path / "in"], out), out, 0.99
    )
    assert [sentence.split()[0] for sentence in unread] == [str(given[2]), str(given[1])]
    assert "cannot be read as a picture" in unread[0]
    assert "more than 8 bits a channel" in unread[1]
    written = json.loads((out / predict.RESULTS).read_text())
    assert [entry["file_name"] for entry in written["images"]] == [str(given[0])]


def test_pictures_are_turned_as_their_tag_says(tmp_path: Path) -> None:
    tagged = Image.new("RGB", (40, 30))
    exif = tagged.getexif()
    exif[0x0112] = 6  # orientation: turned by a right angle
    tagged.save(tmp_path / "turned.jpg", exif=exif)
    assert predict.upright(tmp_path / "turned.jpg").shape == (40, 30, 3)


def test_each_picture_has_a_place_of_its_own(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    a, b = (save(pixels, tmp_path / name / "sub" / "x.png") for name in ("a", "b"))
    out = tmp_path / "out"
    assert predict.places([tmp_path / "a"], out) == {a: Path("sub/x.png")}
    assert predict.places([a], out) == {a: Path("x.png")}
    with pytest.raises(UserError, match="would both be drawn as"):
        predict.places([a, b], out)
    save(pixels, out / "x.png")
    with pytest.raises(UserError, match="nothing is overwritten"):
        predict.places([a], out)


def test_ids_of_categories_are_the_data_sets(detector, scenes, tmp_path: Path) -> None:
    picture = save(scenes.read(scenes.coco["images"][0]), tmp_path / "one.png")
    found, _ = predicted(detector, picture, tmp_path / "out", 0.0)
    assert {each["id"]: each["name"] for each in found["categories"]} == IDS
    expected = evaluate.predict(detector, scenes)
    label_of = dict(zip(IDS, range(1, 6), strict=True))
    labels = [label_of[each["category_id"]] for each in found["annotations"]]
    assert labels == [scenes.label_of[each["category_id"]] for each in expected]
    assert len(set(labels)) > 1


def test_every_format_that_is_opened_is_predicted(detector, tmp_path: Path) -> None:
    pixels = np.full((64, 64, 3), 90, np.uint8)
    names = ["a.png", "b.tif", "c.TIFF", "d.jfif", "e.gif", "f.JPG", "g.jp2", "h.ppm", "i.bmp"]
    for name in names:
        save(pixels, tmp_path / "in" / name)
    (tmp_path / "in" / "readme.txt").write_text("no picture")
    found, said = predicted(detector, tmp_path / "in", tmp_path / "out")
    assert said == []
    assert [Path(each["file_name"]).name for each in found["images"]] == names
    drawn = {path.name for path in (tmp_path / "out").iterdir()} - {predict.RESULTS}
    assert drawn == {
        *("a.png", "b.tif.png", "c.TIFF.png", "d.jfif", "e.gif.png", "f.JPG", "g.jp2.png"),
        *("h.ppm.png", "i.bmp"),
    }
    sentence = predict.left_out([tmp_path / "in"])
    assert sentence.startswith("1 of 10 files are left out, as they do not end in .jpg, ")
    assert "readme.txt" in sentence
    assert predict.left_out([tmp_path / "in" / "a.png"]) is None


def test_a_format_that_starts_a_program_is_not_opened(detector, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    found, (said,) = predicted(detector, tmp_path / "in", tmp_path / "out")
    assert found["images"] == []
    assert "a.png cannot be read as a picture (it is not JPEG, PNG" in said


def broken_tags() -> dict[str, bytes]:
    """EXIF orientations of a wrong type, count or value, behind which Pillow's plugins stumble."""
    head = b"Exif\0\0II*\0\x08\0\0\0\x01\0"
    entry = b"\x12\x01%c\0%c\0\0\0%c\xff\xff\xff"
    tags = {
        f"{kind}-{count}": head + entry % (kind, count, 9)
        for kind in (1, 2, 3, 5, 7, 9, 10, 12)
        for count in (0, 1, 200)
    }
    return tags | {"cut": head[:9], "none": b"Exif\0\0", "zero": head + bytes(12)}


def test_odd_pictures_do_not_end_a_batch(detector, scenes, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good = save(np.full((64, 64, 3), 90, np.uint8), folder / "z good.png")
    for name, exif in broken_tags().items():
        Image.new("RGB", (40, 30)).save(folder / f"tag {name}.jpg", exif=exif)
    for height, width in ((1, 1), (1, 3000), (3000, 1), (2, 700)):
        save(np.full((height, width, 3), 90, np.uint8), folder / f"thin {height}x{width}.png")
    whole = good.read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").touch()
    save(np.zeros((40, 40), bool), folder / "one bit.png")
    Image.new("LA", (40, 30)).save(folder / "grey.png")
    Image.new("CMYK", (40, 30)).save(folder / "ink.jpg")
    found, said = predicted(detector, folder, tmp_path / "out")
    assert len(found["images"]) + len(said) == len(list(folder.iterdir()))
    assert len(said) <= 8
    assert all("\n" not in sentence for sentence in said)
    assert str(good) in [each["file_name"] for each in found["images"]]


def test_a_picture_that_its_format_cannot_hold_is_left_out(detector, tmp_path, monkeypatch) -> None:
    """A WebP has at most 16383 pixels a side; Pillow's BMP and others have limits of their own."""
    save(np.full((8, 8, 3), 90, np.uint8), tmp_path / "in" / "a.webp")
    save(np.full((8, 8, 3), 90, np.uint8), tmp_path / "in" / "b.png")
    wide = np.zeros((2, 16400, 3), np.uint8)
    monkeypatch.setattr(predict, "draw_boxes", lambda *_: wide)
    found, (said,) = predicted(detector, tmp_path / "in", tmp_path / "out")
    assert [Path(each["file_name"]).name for each in found["images"]] == ["b.png"]
    assert "a.webp cannot be drawn as .webp" in said


def test_names_that_are_not_utf8_or_have_line_breaks(detector, tmp_path: Path) -> None:
    names = [b"latin \xe9.png", b"line\nbreak.png", "日本.png".encode(), b"escape \x1b[2J.png"]
    for name in names:
        save(np.full((32, 32, 3), 90, np.uint8), tmp_path / "in" / "a.png")
        (tmp_path / "in" / "a.png").rename(tmp_path / "in" / os.fsdecode(name))
    odd = {1: "line\nbreak", 2: "\x1b[2J", 3: "\udce9", 4: "日本", 5: ""}
    where = predict.places([tmp_path / "in"], tmp_path / "out")
    assert predict.draw_detections(detector, odd, where, tmp_path / "out", 0.3) == []
    found = json.loads((tmp_path / "out" / predict.RESULTS).read_bytes().decode())
    files = sorted(os.fsencode(each["file_name"]).rpartition(b"/")[2] for each in found["images"])
    assert files == sorted(names)
    assert {each["id"]: each["name"] for each in found["categories"]} == odd
    drawn = {os.fsencode(path.name) for path in (tmp_path / "out").iterdir()}
    assert drawn == {*files, b"detections.json"}


def test_results_stay_in_their_folder(tmp_path: Path) -> None:
    picture = save(np.zeros((8, 8, 3), np.uint8), tmp_path / "in" / "sub" / "x.png")
    out = tmp_path / "out"
    for given in (tmp_path / "in" / "sub" / "..", tmp_path / "in" / ".." / "in"):
        (place,) = predict.places([given], out).values()
        assert place == Path("sub/x.png")
    out.mkdir()
    (out / "sub").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"sub/x.png leads out of .*out, through a link"):
        predict.places([tmp_path / "in"], out)
    with pytest.raises(UserError, match="is a file: give a folder"):
        predict.places([picture], picture)
