"""The doctor on a folder as the book's chapter on one's own pictures makes it."""

from pathlib import Path

import pytest
from PIL import Image

from augfpn.cli import doctor
from augfpn.cli.doctor import Finding
from augfpn.cli.program import main
from augfpn.data.scenes import scene
from augfpn.data.scenes.settings import SceneSettings
from augfpn.study import timing
from augfpn.support.files import write_json


def in_coco_format(root: Path, split: str) -> dict:
    """Two scenes and their annotations in a folder; returns the annotations."""
    made = scene.scenes(SceneSettings(classes=("disk", "star")), split, 2)
    (root / split).mkdir(parents=True)
    for entry, (image, _) in zip(made.coco["images"], made, strict=True):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(root / split / entry["file_name"])
    (root / "annotations").mkdir(exist_ok=True)
    write_json(root / "annotations" / f"instances_{split}.json", made.coco)
    return made.coco


def test_a_good_folder_gets_a_time_and_a_wrong_class_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(timing, "TRAINING_SECONDS", 0.0)
    monkeypatch.setattr(timing, "TEST_SECONDS", 0.0)
    monkeypatch.setattr(doctor, "installation", lambda: [Finding("ok", "torch", "works")])
    root = tmp_path / "pictures"
    _, coco = (in_coco_format(root, split) for split in ("train", "val"))
    words = ["--data-root", str(root), "--budget", "smoke", "--device", "cpu"]
    words += ["--records", str(tmp_path / "runs")]
    assert main(["doctor", *words]) == 0
    printed = capsys.readouterr().out
    assert "problem" not in printed
    assert "2 pictures, 2 classes (disk, star)" in printed
    assert "training steps of" in printed

    coco["annotations"][0]["category_id"] = 99
    write_json(root / "annotations/instances_val.json", coco)
    assert main(["doctor", *words]) == 1
    (line,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("problem")]
    assert "instances_val.json: annotation 1 has category_id 99, which is not in" in line
