"""Every picture is decoded once, in time, and remembered; which way up it is meant."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from augfpn.data.load import load
from augfpn.data.pixels import as_seen, decoded_file
from augfpn.errors import UserError


@pytest.fixture
def root(small_coco, write_coco, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_coco(small_coco, tmp_path / "annotations/instances_train.json", tmp_path / "train")
    return tmp_path


def picture_of(root: Path) -> Path:
    return root / "train" / "seven.png"


def test_a_broken_picture_is_found_before_training_and_again_when_it_changes(root, capfd) -> None:
    load("coco", "train", root)
    assert "checking pictures of coco train 3/3" in capfd.readouterr().out
    load("coco", "train", root)
    assert capfd.readouterr().out == ""  # nothing has changed
    raw = picture_of(root).read_bytes()
    picture_of(root).write_bytes(raw[:-900])
    with pytest.raises(UserError, match="cannot be read as a picture"):
        load("coco", "train", root)


def test_a_cache_that_cannot_be_written_only_costs_time(root, monkeypatch, tmp_path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(load("coco", "train", root)) == 3


def test_where_some_sizes_tell_all_turned_pictures_are_turned(root) -> None:
    """A camera's pictures: one on its side, which tells, and one upside down, which does not."""
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.new("RGB", (30, 40)).save(picture_of(root), exif=tags)
    pixels = np.zeros((50, 20, 3), np.uint8)
    pixels[:5] = 255
    tags[0x0112] = 3
    Image.fromarray(pixels).save(root / "train" / "three.png", exif=tags)
    pictures = load("coco", "train", root)
    assert "Turned 2 of 3 pictures as their EXIF tags say" in " ".join(pictures.report)
    assert (pictures[1][0][:, -5:] == 255).all()
    assert (pictures[1][0][:, :-5] == 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_agrees_with_pillow(tmp_path, orientation) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=tags)
    stored, found = decoded_file(tmp_path / "a.png")
    assert found == orientation
    with Image.open(tmp_path / "a.png") as picture:
        assert np.array_equal(as_seen(stored, found), np.asarray(ImageOps.exif_transpose(picture)))
