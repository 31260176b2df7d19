"""The command line: what is printed, what is written, and the exit status."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from augfpn import records
from augfpn.cli.program import classes, main
from augfpn.deploy import export, predict
from augfpn.errors import UserError
from augfpn.settings import parameters
from augfpn.training import prepare, train

SMOKE = ["--budget", "smoke", "--steps", "2", "--limit", "2", "--device", "cpu"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """A folder of records, and the process that trained one into it."""
    folder = tmp_path_factory.mktemp("records")
    words = [sys.executable, "-m", "augfpn.cli", "train", *SMOKE, "--records", str(folder)]
    return folder, subprocess.run(words, capture_output=True, text=True)


@pytest.fixture(scope="module")
def record(trained) -> records.Record:
    (found,) = records.records_in([trained[0]])
    return found


@pytest.fixture(scope="module")
def scenes(record) -> list[np.ndarray]:
    """The record's test pictures."""
    test = train.load_pictures(record.experiment.data, "test")
    return [test[i][0].numpy().transpose(1, 2, 0) for i in range(len(test))]


@pytest.fixture
def copy(record, tmp_path) -> Path:
    """The record without its weights, to be changed."""
    return shutil.copytree(record.folder, tmp_path / "copy", ignore=lambda *_: ["weights.pt"])


def lines(text: str) -> dict[str, list[str]]:
    """The rows of printed tables, by their first word."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


# --- train ----------------------------------------------------------------------------------------


def test_train_records_a_run_and_prints_its_numbers(trained, record):
    _, process = trained
    assert process.returncode == 0, process.stderr
    printed = lines(process.stdout)
    assert printed["record:"] == [str(record.folder)]
    assert record.experiment.train.steps == record.result["steps"] == 2
    for name, ap in record.result["by_class"].items():
        assert printed.get(name) == (None if ap is None else [f"{100 * ap:.1f}"])


def test_a_run_that_is_recorded_is_shown_and_not_repeated(trained, capsys):
    folder, process = trained
    assert main(["train", *SMOKE, "--records", str(folder)]) == 0
    assert process.stdout.endswith(capsys.readouterr().out.partition("\n\n")[2])
    assert len(list(records.records_in([folder]))) == 1


def test_options_are_the_parameters_as_they_are_typed(monkeypatch, tmp_path):
    seen = []

    def stop(experiment, folder, again):
        seen.append((experiment, folder, again))
        raise UserError("enough")

    monkeypatch.setattr(train, "train", stop)
    typed = "--lam 0.5 --ratios 0.1 0.2 --rfa true --cs=yes --roi_selection acf --again --seed=7"
    main(["train", *typed.split(), "--data_root", "a_b", "--device", "cpu", "--records", "r_s"])
    wanted = {"lam": 0.5, "ratios": (0.1, 0.2), "roi_selection": "acf", "seed": 7}
    same = parameters.parse(wanted | {"data_root": "a_b", "device": "cpu"})
    assert seen == [(prepare.experiment_here(same), Path("r_s"), True)]


def test_help_has_every_parameter_with_its_default_and_choices(capsys):
    with pytest.raises(SystemExit) as done:
        main(["train", "--help"])
    assert done.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in parameters.NAMES:
        assert f"--{name.replace('_', '-')} " in text
        assert parameters.describe(name) in text
    assert "hard, soft, acf, sum, max, panet [soft]" in text
    assert "[0.1 0.2 0.3]" in text


@pytest.mark.parametrize(
    "given",
    [{"lam": "-1"}, {"lam": "much"}, {"roi_selection": "sfot"}, {"cs": "maybe"}, {"ratios": "1 2"}],
)
def test_a_wrong_value_gets_the_notebook_s_sentence(given, capsys):
    with pytest.raises(UserError) as same:
        parameters.parse(given)
    ((name, value),) = given.items()
    assert main(["train", f"--{name}", *value.split()]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"augfpn: error: {same.value}\n"
    assert printed.out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "--lambda", "1"], "did you mean 'lam'?"),
        (["train", "--data-rot=x"], "did you mean 'data_root'?"),
        (["train", "--lam"], "expected one argument"),
        (["train", "extra"], "'extra' is not understood"),
        (["trian"], "'trian'"),
        ([], "COMMAND"),
        (["evaluate", "nowhere"], "nowhere does not exist"),
        (["predict", "nowhere", "nothing", "--out", "x"], "nothing does not exist"),
        (["predict", "nowhere", "x", "--out", "x", "--threshold", "50"], "from 0 to 1"),
    ],
)
def test_wrong_use_gets_one_line_and_exit_status_2(words, sentence, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("augfpn: error: ")
    assert sentence in line


def test_control_c_says_that_the_run_goes_on(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train", interrupted)
    assert main(["train", *SMOKE]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert "last checkpoint" in line


def test_a_reader_who_has_enough_is_no_error():
    """As `augfpn recipes | head -1`, and where all that is said still waits at the end."""
    buffered = {name: x for name, x in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for words in (["recipes"], ["--help"]):
        command = [sys.executable, "-m", "augfpn.cli", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": buffered}
        with subprocess.Popen(command, **pipes) as process:
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


def test_version_is_told_without_torch():
    told = "import sys; from augfpn.cli.program import classes, main\ntry: main(['--version'])\nfinally: "
    code = told + "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("augfpn 0.")


def test_classes_that_no_test_picture_shows_are_left_out():
    empty, full = {"by_class": {"cat": None, "dog": None}}, {"by_class": {"cat": None, "dog": 0.25}}
    assert classes({"run": empty}) == ""
    assert lines(classes({"run": full, "FPN": empty})) == {"run": ["FPN"], "dog": ["25.0", "-"]}


# --- evaluate -------------------------------------------------------------------------------------


def test_evaluate_measures_the_same_again(record, capsys):
    assert main(["evaluate", str(record.folder), "--device", "cpu"]) == 0
    printed = lines(capsys.readouterr().out.split("\n\n")[1])
    wanted = [f"{100 * record.result[name]:.1f}" for name in ("AP", "AP50", "AP75")]
    assert printed["record"][:3] == printed["again"][:3] == wanted
    assert printed["difference"][:3] == ["+0.0"] * 3


def test_rescoring_takes_the_stored_predictions_and_no_weights(record, copy, capsys):
    truth = train.load_pictures(record.experiment.data, "test").coco["annotations"]
    perfect = [{k: a[k] for k in ("image_id", "category_id", "bbox")} | {"score": 1} for a in truth]
    (copy / "predictions.json.gz").write_bytes(gzip.compress(json.dumps(perfect).encode()))
    assert main(["evaluate", str(copy), "--rescore"]) == 0
    printed = lines(capsys.readouterr().out.split("\n\n")[1])
    assert printed["again"][:3] == ["100.0"] * 3

    assert main(["evaluate", str(copy)]) == 2
    assert "has no weights.pt" in capsys.readouterr().err


def test_other_pictures_than_those_recorded_are_refused(copy, capsys):
    settings = json.loads((copy / "settings.json").read_text())
    settings["fingerprints"]["test"] = "0" * 64
    (copy / "settings.json").write_text(json.dumps(settings))
    assert main(["evaluate", str(copy), "--rescore"]) == 2
    assert "was measured on 000000000000" in capsys.readouterr().err


def test_weights_of_another_detector_are_refused(copy, capsys):
    (copy / "weights.pt").write_bytes(b"no weights")
    assert main(["evaluate", str(copy)]) == 2
    assert "does not hold the weights" in capsys.readouterr().err


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

    first, second = capsys.readouterr().err.splitlines()
    assert "a broken.jpg cannot be read" in first
    assert "b deep.png has more than 8 bits" in second
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


def test_recipes_are_listed_with_the_papers_numbers(capsys):
    assert main(["recipes", "fcos_r50"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^fcos_r50_augfpn_1x +- +37.9 +34.02 +14.31 +194.5 +Table 1$", printed, re.M)
    assert "the authors' code for FCOS does not run" in printed


def test_a_detector_is_counted_part_by_part(capsys):
    given = ["cost", "--recipe", "faster_rcnn_r50_augfpn_1x", "--rois", "1000"]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^box RoI selection +271,620 +13.297 ", printed, re.M)
    assert re.search(r"^Consistent Supervision +14,310,805 +- +29.304$", printed, re.M)


def test_a_recipe_takes_a_data_root_and_the_users_words(capsys, monkeypatch):
    monkeypatch.setattr(train, "train", stopped)
    given = ["train", "--recipe", "faster_rcnn_r50_augfpn_1x", "--weights", "scratch"]
    assert main([*given, "--device", "cpu", "--lam", "0.5"]) == 2
    assert "data = 'coco' needs data_root" in capsys.readouterr().err
    assert main([*given, "--device", "cpu", "--lam", "0.5", "--data-root", "/data/coco"]) == 2
    printed, said = capsys.readouterr()
    assert "faster_rcnn, resnet50 (scratch)" in printed
    assert "lam 0.5" in printed
    assert "nothing is trained here" in said


def stopped(*_: object, **__: object) -> None:
    raise UserError("nothing is trained here.")


def test_a_recipe_that_is_none_gets_the_one_that_was_meant(capsys):
    assert main(["train", "--recipe", "mask_rcnn_r50_augfpn", "--data-root", "/x"]) == 2
    assert "did you mean 'mask_rcnn_r50_augfpn_1x'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_record_becomes_a_file_that_is_checked(record, tmp_path, capsys):
    file = tmp_path / "detector.onnx"
    assert main(["export", str(record.folder), "--out", str(file)]) == 0
    assert "0 that only one of the two has" in capsys.readouterr().out
    assert file.stat().st_size > 1e6


def test_a_file_that_cannot_be_checked_says_so(record, tmp_path, capsys, monkeypatch):
    written = tmp_path / "detector.onnx"
    monkeypatch.setattr(export, "export", lambda _, path, __: path.write_bytes(b"a graph"))
    record = shutil.copytree(record.folder, tmp_path / "moved")
    settings = json.loads((record / "settings.json").read_text())
    settings["experiment"]["data"] |= {"name": "coco", "root": str(tmp_path / "away")}
    (record / "settings.json").write_text(json.dumps(settings))
    assert main(["export", str(record), "--out", str(written)]) == 1
    printed, said = capsys.readouterr()
    assert printed.startswith(f"{written}: ")
    assert "the file is written and not checked: " in said
    assert str(tmp_path / "away") in said
