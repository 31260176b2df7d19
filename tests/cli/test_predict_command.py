"""The command predict: what is drawn and written, and the exit status."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from augfpn.cli.program import main
from augfpn.deploy import predict
from augfpn.errors import UserError

# --- predict --------------------------------------------------------------------------------------


def test_predict_finds_what_the_record_has(record, scenes, tmp_path):
    for number, pixels in enumerate(scenes, start=1):
        (tmp_path / f"in/{number}").mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / f"in/{number}/scene{number}.PNG")
    out = tmp_path / "out"
    words = [str(tmp_path / "in"), "--out", str(out), "--threshold", "0", "--device", "cpu"]
    assert main(["predict", str(record.folder), *words]) == 0

    found = json.loads((out / "detections.json").read_text())
    assert [c["name"] for c in found["categories"]] == list(record.classes)
    assert [i["file_name"] for i in found["images"]] == [
        str(tmp_path / f"in/{n}/scene{n}.PNG") for n in (1, 2)
    ]
    stored = ("image_id", "category_id", "bbox", "score")
    assert [{k: row[k] for k in stored} for row in found["annotations"]] == record.predictions
    assert COCO(out / "detections.json").getAnnIds(imgIds=[1])
    for number in (1, 2):
        drawn = np.asarray(Image.open(out / f"{number}/scene{number}.PNG"))
        assert (drawn != scenes[number - 1].repeat(2, 0).repeat(2, 1)).any()


def test_pictures_are_turned_as_their_exif_tag_says(record, scenes, tmp_path):
    lying = Image.fromarray(scenes[0]).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a right angle, clockwise
    lying.save(tmp_path / "lying.png", exif=exif)
    out = tmp_path / "out"
    words = ["lying.png", "--out", "out", "--threshold", "0", "--device", "cpu"]
    words = [str(tmp_path / w) if w in ("lying.png", "out") else w for w in words]
    assert main(["predict", str(record.weights), *words]) == 0

    found = json.loads((out / "detections.json").read_text())
    assert (found["images"][0]["width"], found["images"][0]["height"]) == (320, 256)
    wanted = [row["bbox"] for row in record.predictions if row["image_id"] == 1]
    assert [row["bbox"] for row in found["annotations"]] == wanted


def test_an_unreadable_picture_is_named_and_the_others_go_on(record, scenes, tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    Image.fromarray(np.zeros((40, 40), np.uint16)).save(folder / "b deep.png")
    (folder / "notes.txt").write_text("no picture")
    Image.fromarray(scenes[0]).save(folder / "c.webp")
    words = [str(folder), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(["predict", str(record.folder), *words]) == 1

    first, second, third = capsys.readouterr().err.splitlines()
    assert "a broken.jpg cannot be read" in first
    assert "b deep.png has more than 8 bits" in second
    assert "1 of 4 files are left out, as they do not end in .jpg, " in third
    found = json.loads((tmp_path / "out/detections.json").read_text())
    assert [i["file_name"] for i in found["images"]] == [str(folder / "c.webp")]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["c.webp", "detections.json"]


def test_nothing_is_overwritten(record, scenes, tmp_path, capsys):
    Image.fromarray(scenes[0]).save(tmp_path / "one.png")
    before = (tmp_path / "one.png").read_bytes()
    words = ["predict", str(record.folder), str(tmp_path / "one.png"), "--out", str(tmp_path)]
    assert main(words) == 2
    assert "one.png exists, and nothing is overwritten" in capsys.readouterr().err
    assert (tmp_path / "one.png").read_bytes() == before
    assert not (tmp_path / "detections.json").exists()


def test_two_pictures_for_one_place_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    with pytest.raises(UserError, match="would both be drawn"):
        predict.places([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no picture"):
        predict.places([tmp_path], tmp_path / "out")
