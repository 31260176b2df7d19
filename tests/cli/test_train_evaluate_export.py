"""The commands train, evaluate and export: what is printed and written, and the exit status."""

import gzip
import json
import shutil

import pytest
from command_line import SMOKE, lines

from augfpn import records
from augfpn.cli.program import main
from augfpn.data import load
from augfpn.deploy import export
from augfpn.training import evaluate

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


# --- evaluate -------------------------------------------------------------------------------------


def test_evaluate_measures_the_same_again(record, capsys):
    assert main(["evaluate", str(record.folder), "--device", "cpu"]) == 0
    printed = lines(capsys.readouterr().out.split("\n\n")[1])
    wanted = [f"{100 * record.result[name]:.1f}" for name in ("AP", "AP50", "AP75")]
    assert printed["record"][:3] == printed["again"][:3] == wanted
    assert printed["difference"][:3] == ["+0.0"] * 3


def test_rescoring_takes_the_stored_predictions_and_no_weights(record, copy, capsys):
    truth = load.load_pictures(record.experiment.data, "test").coco["annotations"]
    perfect = [{k: a[k] for k in ("image_id", "category_id", "bbox")} | {"score": 1} for a in truth]
    (copy / "predictions.json.gz").write_bytes(gzip.compress(json.dumps(perfect).encode()))
    assert main(["evaluate", str(copy), "--rescore"]) == 0
    printed = lines(capsys.readouterr().out.split("\n\n")[1])
    assert printed["again"][:3] == ["100.0"] * 3

    assert main(["evaluate", str(copy)]) == 2
    assert "has no weights.safetensors" in capsys.readouterr().err


def test_pycocotools_can_be_the_judge(record, capsys, monkeypatch):
    asked, slow = [], evaluate.JUDGES["pycocotools"]
    watched = {"pycocotools": lambda *given: asked.append(given[2]) or slow(*given)}
    monkeypatch.setattr(evaluate, "JUDGES", watched)
    assert main(["evaluate", str(record.folder), "--rescore", "--judge", "pycocotools"]) == 0
    assert asked == ["bbox"]
    printed = lines(capsys.readouterr().out.split("\n\n")[1])
    assert printed["difference"][:3] == ["+0.0"] * 3


def test_other_pictures_than_those_recorded_are_refused(copy, capsys):
    settings = json.loads((copy / "settings.json").read_text())
    settings["fingerprints"]["test"] = "0" * 64
    (copy / "settings.json").write_text(json.dumps(settings))
    assert main(["evaluate", str(copy), "--rescore"]) == 2
    assert "was measured on 000000000000" in capsys.readouterr().err


def test_weights_of_another_detector_are_refused(copy, capsys):
    (copy / "weights.safetensors").write_bytes(b"no weights")
    assert main(["evaluate", str(copy)]) == 2
    assert "cannot be read as weights" in capsys.readouterr().err


# --- export ---------------------------------------------------------------------------------------


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
    assert "the file was written but not checked: " in said
    assert str(tmp_path / "away") in said
