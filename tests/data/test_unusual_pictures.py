"""Pictures of unusual kinds that are right: they are read."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from augfpn.data.load import load


@pytest.fixture
def root(small_coco, write_coco, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_coco(small_coco, tmp_path / "annotations/instances_train.json", tmp_path / "train")
    return tmp_path


def saved(mode: str = "RGB", **options):
    """The first picture is replaced, in whatever format ``options`` name."""
    options = {"format": "PNG"} | options
    return lambda root: Image.new(mode, (40, 30)).save(root / "train/seven.png", **options)


def renamed(name: str):
    """The first picture has this name, on the disk and in the annotations."""

    def make(root: Path) -> None:
        (root / "train/seven.png").rename(root / "train" / name)
        file = root / "annotations/instances_train.json"
        coco = json.loads(file.read_text())
        coco["images"][0]["file_name"] = name
        file.write_text(json.dumps(coco))

    return make


FILM = {"save_all": True, "append_images": [Image.new("RGB", (40, 30))]}
READ = {
    "grey": saved(mode="L"),
    "grey and clear": saved(mode="LA"),
    "palette": saved(mode="P"),
    "one bit": saved(mode="1"),
    "clear": saved(mode="RGBA"),
    "print colours": saved(mode="CMYK", format="TIFF"),
    "JPEG called png": saved(format="JPEG"),
    **{f"a film in {name}": saved(format=name, **FILM) for name in ("GIF", "WEBP", "PNG", "MPO")},
    "a space at its end": renamed("seven.png "),
    "surrogates": renamed(os.fsdecode(b"\xff.png")),
}


@pytest.mark.parametrize("kind", READ)
def test_unusual_and_right(root, kind) -> None:
    READ[kind](root)
    pictures = load("coco", "train", root)
    assert pictures[0][0].shape == (3, 30, 40)
    assert len(pictures) == 3
