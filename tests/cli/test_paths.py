"""Whole paths, small: each runs from training to the exported file by the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augfpn import records
from augfpn.cli.program import main

TINY = ["--steps", "1", "--device", "cpu", "--batch", "2", "--workers", "0"]
MANY = 12  # images
TO_MEASURE = 10  # images, at least: diagnostics fit probes on some and test them on others
SHORT = ["--short-side", "64", "--long-side", "96", "--weights", "scratch"]


def whole_path(words: list[str], folder: Path, picture: Path, images: int = 2) -> None:
    """Train, evaluate with figures, predict; measure and export, where there are more images.

    The same command does not repeat the run.
    """
    limit = ["--limit", str(images), "--records", str(folder / "runs")]
    train = ["train", *words, *TINY, *limit]
    assert main(train) == 0
    (record,) = records.records_in([folder / "runs"])
    assert (record.folder / "training.png").exists()
    plots = ["--plots", str(folder / "plots")]
    assert main(["evaluate", str(record.folder), "--device", "cpu", *plots]) == 0
    assert (folder / "plots/confusion.png").exists()
    out = folder / "found"
    words = [str(record.folder), str(picture), "--out", str(out), "--device", "cpu"]
    assert main(["predict", *words]) == 0
    assert len(list(out.iterdir())) == 2
    if images == MANY:
        refused = record.result["pictures"]["test"] < TO_MEASURE  # the smoke budget has 8
        assert main(["measure", str(record.folder), "--device", "cpu"]) == (2 if refused else 0)
        assert main(["export", str(record.folder), "--out", str(folder / "it.onnx")]) == 0
    before = record.result
    assert main(train) == 0
    (again,) = records.records_in([folder / "runs"])
    assert again.result == before


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("picture") / "one.png"
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def scenes_like(folder: Path, files: dict[str, tuple[str, str]]) -> Path:
    """Pictures with one box each: split -> (annotation file, folder of pictures)."""
    for split, (annotations, pictures) in files.items():
        (folder / pictures).mkdir(parents=True, exist_ok=True)
        (folder / annotations).parent.mkdir(parents=True, exist_ok=True)
        images, boxes = [], []
        for number in range(3):
            name = f"{split}{number}.jpg"
            pixels = np.full((64, 96, 3), 40 * number + len(split), np.uint8)
            pixels[10:50, 20:70] = 250 - 30 * number
            Image.fromarray(pixels).save(folder / pictures / name)
            images.append({"id": number, "file_name": name, "width": 96, "height": 64})
            box = {"id": number, "image_id": number, "category_id": 1 + number % 2}
            boxes.append(box | {"bbox": [20, 10, 50, 40], "area": 2000, "iscrowd": 0})
        categories = [{"id": 1, "name": "собака"}, {"id": 2, "name": "a \x1b[31mcat"}]
        whole = {"images": images, "annotations": boxes, "categories": categories}
        (folder / annotations).write_text(json.dumps(whole))
    return folder


LAYOUTS = {
    "coco": {
        "train": ("annotations/instances_train.json", "train"),
        "val": ("annotations/instances_val.json", "val"),
    },
    "roboflow": {
        "train": ("train/_annotations.coco.json", "train"),
        "valid": ("valid/_annotations.coco.json", "valid"),
    },
}
DAILY = [
    ["--budget", "smoke", "--detector", "fcos"],
    ["--budget", "smoke", "--detector", "mask_rcnn", "--dialect", "authors", "--lam", "0.5"],
]
SLOW = [
    *(["--budget", "smoke", "--detector", name] for name in ("faster_rcnn", "retinanet")),
    *(["--budget", "smoke", "--dialect", name] for name in ("authors", "torchvision", "ours")),
    *(["--budget", name, *SHORT] for name in ("laptop", "gpu")),
    ["--budget", "smoke", "--backbone", "timm/resnet18", "--weights", "scratch"],
    ["--budget", "smoke", "--backbone", "mobilenet_v2", "--weights", "scratch"],
]


@pytest.mark.parametrize("words", DAILY, ids=" ".join)
def test_a_path_runs_to_its_end(words: list[str], picture: Path, tmp_path: Path) -> None:
    whole_path(words, tmp_path, picture)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("words", SLOW, ids=" ".join)
def test_every_other_path_runs_to_its_end(words: list[str], picture, tmp_path: Path) -> None:
    whole_path(words, tmp_path, picture, MANY)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_of_ones_own_runs_to_its_end(layout: str, picture, tmp_path, capsys) -> None:
    root = scenes_like(tmp_path / "data", LAYOUTS[layout])
    words = ["--budget", "smoke", "--data", "coco", "--data-root", str(root)]
    whole_path(words, tmp_path, picture)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_bccd_runs_to_its_end(real_data, picture, tmp_path) -> None:
    words = ["--budget", "smoke", "--data", "bccd", "--data-root", str(real_data("bccd"))]
    whole_path(words, tmp_path, picture, MANY)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_paper_s_budget_runs_to_its_end(tmp_path, picture) -> None:
    root = scenes_like(tmp_path / "data", LAYOUTS["coco"])
    words = ["--budget", "paper", "--data", "coco", "--data-root", str(root), *SHORT]
    whole_path(words, tmp_path, picture)
