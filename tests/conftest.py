"""Fixtures: real data sets if present, a small folder in COCO's layout, the book's programs."""

import importlib.util
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from xdist.scheduler import LoadFileScheduling

# For torch, which tests import later, and for the programs that they start; see pyproject.toml.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where Python may not keep what it has compiled, each program that imports torch compiles it anew,
# which takes longer than what most of these programs do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Under nohup, and in a script's background, signals are ignored that tests send to programs.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
BESIDE = Path(__file__).parents[2] / "shared" / "data"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Share slow tests file by file: what a file makes for them is slow, and there is one book."""
    everyday = config.option.markexpr == "not slow"
    return None if everyday else LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def real_data():
    """A function from the name of a data set to its folder; skips the test if it is absent."""

    def folder(name: str) -> Path:
        found = Path(os.environ.get("AUGFPN_TEST_DATA", BESIDE)) / name
        if not found.is_dir():
            pytest.skip(
                f"no real pictures at {found}: set AUGFPN_TEST_DATA to the folder of {name}"
            )
        return found

    return folder


@pytest.fixture(scope="session")
def build() -> Iterator[ModuleType]:
    """book/build.py as a module."""
    book = Path(__file__).parents[1] / "book"
    sys.path.insert(0, str(book))
    spec = importlib.util.spec_from_file_location("book_build", book / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(book))


@pytest.fixture(scope="session")
def dependencies(build: ModuleType) -> ModuleType:
    """book/dependencies.py: what a chapter's outputs depend on."""
    return build.dependencies


@pytest.fixture
def small_coco() -> dict:
    """Three pictures, three classes: ids with gaps and out of order, a crowd, an empty picture."""
    square = [[2.0, 3.0, 12.0, 3.0, 12.0, 23.0, 2.0, 23.0]]
    crowd = {"size": [30, 40], "counts": [0, 90, 1110]}
    return {
        "images": [
            {"id": 7, "file_name": "seven.png", "width": 40, "height": 30},
            {"id": 3, "file_name": "three.png", "width": 20, "height": 50},
            {"id": 12, "file_name": "empty.png", "width": 16, "height": 16},
        ],
        "categories": [
            {"id": 5, "name": "cat"},
            {"id": 90, "name": "dog"},
            {"id": 2, "name": "bird"},
        ],
        "annotations": [
            annotation(11, 7, 90, [2.0, 3.0, 10.0, 20.0], area=200.0, segmentation=square),
            annotation(20, 3, 5, [0.5, 1.25, 19.5, 40.0], area=780.0, segmentation=[]),
            annotation(9, 7, 5, [0.0, 0.0, 3.0, 30.0], area=90.0, segmentation=crowd, iscrowd=1),
            annotation(4, 7, 2, [30.0, 20.0, 10.0, 10.0], area=100.0, segmentation=[]),
        ],
    }


def annotation(id: int, image: int, category: int, box: list[float], **more) -> dict:
    entry = {"id": id, "image_id": image, "category_id": category, "bbox": box}
    return entry | {"iscrowd": 0} | more


@pytest.fixture
def write_pictures():
    """A function that writes random pictures for the images of a COCO dict."""

    def write(coco: dict, folder: Path) -> None:
        for entry in coco["images"]:
            path = folder / entry["file_name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            shape = (entry["height"], entry["width"], 3)
            pixels = np.random.default_rng(entry["id"]).integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(path)

    return write


@pytest.fixture
def write_coco(write_pictures):
    """A function that writes a COCO dict and its pictures into a given folder."""

    def write(coco: dict, file: Path, pictures: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(coco))
        write_pictures(coco, pictures)

    return write
