"""A detector on a user's pictures: what is drawn, what is written, what is left out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO

from augfpn.data.load import load
from augfpn.data.pictures import Pictures
from augfpn.deploy import predict
from augfpn.detectors.build import build_detector
from augfpn.detectors.two_stage import TwoStage
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS
from augfpn.training import evaluate


@pytest.fixture(scope="module")
def scenes() -> Pictures:
    return load("scenes", "val", count=1)


@pytest.fixture(scope="module")
def detector() -> TwoStage:
    """Mask R-CNN that was never trained: it finds something everywhere."""
    torch.manual_seed(0)
    small = BUDGETS["smoke"].model
    return build_detector(replace(small, detector="mask_rcnn", norm="batch", classes=5)).eval()


def save(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_what_is_written_is_what_is_detected(detector, scenes, tmp_path: Path) -> None:
    """Boxes, scores and masks as in an evaluation; each mask with its own area."""
    picture = save(scenes.read(scenes.coco["images"][0]), tmp_path / "one.png")
    out = tmp_path / "out"
    where = predict.places([picture], out)
    assert predict.draw_detections(detector, scenes.classes, where, out, 0.0) == []

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
        detector, scenes.classes, predict.places([tmp_path / "in"], out), out, 0.99
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
