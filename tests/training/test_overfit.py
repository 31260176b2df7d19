"""Slow: each detector learns eight real COCO pictures, 80 classes and crowd regions, by heart."""

import json
from pathlib import Path

import pytest

from augfpn.settings.parameters import parse
from augfpn.training import train
from augfpn.training.prepare import experiment_here as experiment

# Of coco-mini's training pictures with three objects and more, those whose smallest object is
# largest: two with crowd regions, six without.
EIGHT = (386912, 204805, 499716, 483330, 289393, 524291, 41888, 245760)
STEPS, LEARNED = 700, 0.85


def eight_pictures(source: Path, folder: Path) -> Path:
    """A COCO folder of the eight pictures, the pictures themselves linked."""
    coco = json.loads((source / "annotations" / "instances_train2017.json").read_text())
    coco["images"] = [entry for entry in coco["images"] if entry["id"] in EIGHT]
    coco["annotations"] = [entry for entry in coco["annotations"] if entry["image_id"] in EIGHT]
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "instances_train2017.json").write_text(json.dumps(coco))
    (folder / "train2017").mkdir()
    for entry in coco["images"]:
        name = Path("train2017") / entry["file_name"]
        (folder / name).symlink_to((source / name).resolve())
    return folder


@pytest.mark.slow
@pytest.mark.coco
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "detector",
    [
        {"detector": "faster_rcnn"},
        {"detector": "mask_rcnn", "mask_supervision": True},
        {"detector": "retinanet"},
        {"detector": "fcos"},
    ],
    ids=lambda asked: asked["detector"],
)
def test_eight_pictures_are_learned_by_heart(real_data, tmp_path: Path, detector: dict) -> None:
    root = eight_pictures(real_data("coco-mini"), tmp_path / "eight")
    asked = {"data": "coco", "data_root": str(root), "test_split": "train", "steps": STEPS}
    settings = experiment(parse({"budget": "laptop", "device": "cpu", **asked, **detector}))
    record = train.train(settings, tmp_path)
    assert record.result["pictures"] == {"train": 8, "test": 8}
    assert record.result["AP50"] > LEARNED
    assert ("mask" in record.result) == (detector["detector"] == "mask_rcnn")
    assert record.result.get("mask", {"AP50": 1})["AP50"] > LEARNED
