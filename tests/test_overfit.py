"""Slow: the detector learns eight real COCO pictures, 80 classes and crowd regions, by heart."""

import json
from pathlib import Path

import pytest

from augfpn import train
from augfpn.parameters import experiment, parse

# Of coco-mini's training pictures with three objects and more, those whose smallest object is
# largest: two with crowd regions, six without.
EIGHT = (386912, 204805, 499716, 483330, 289393, 524291, 41888, 245760)
STEPS = 700


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
@pytest.mark.timeout(1800)
def test_eight_pictures_are_learned_by_heart(real_data, tmp_path: Path) -> None:
    root = eight_pictures(real_data("coco-mini"), tmp_path / "eight")
    asked = {"data": "coco", "data_root": str(root), "test_split": "train", "steps": STEPS}
    settings = experiment(parse({"budget": "laptop", "device": "cpu", **asked}))
    record = train.train(settings, tmp_path)
    assert record.result["pictures"] == {"train": 8, "test": 8}
    assert record.result["AP50"] > 0.9
