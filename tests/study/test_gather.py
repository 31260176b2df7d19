"""Runs and measurements in processes of their own: what they leave behind, what is said."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.notebook import Asked
from augfpn.study import gather, grid, runtime, tables, truth
from augfpn.training import train


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> records.Record:
    """FPN on scenes at the smoke budget, as the grid has it."""
    run = grid.Run("fpn", "scenes", "smoke", 0)
    return train.train(run.experiment, tmp_path_factory.mktemp("records"))


def test_a_run_that_fails_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    lost = grid.Run("fpn", "bccd", "smoke", 0)
    fine = grid.Run("fpn", "scenes", "smoke", 0)
    said: list[str] = []
    nowhere = str(tmp_path / "nowhere")
    failed = gather.run_missing([lost, fine], tmp_path, 1, nowhere, said.append)
    assert failed == [lost]
    assert "FAILED, see" in said[0]
    assert "nowhere" in (tmp_path / "logs" / "bccd-fpn-seed0.txt").read_text()
    assert said[1] == "fpn on scenes, seed 0: done"


@pytest.mark.parametrize(("budget", "threads"), [("laptop", "1"), ("gpu", "4")])
def test_runs_on_a_cpu_have_one_thread_whatever_the_machine(
    budget: str, threads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that all add in the same order; those on a GPU share the cores."""
    given: list[dict[str, str]] = []

    def started(words: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess:
        given.append(env)
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(subprocess, "run", started)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    runs = [grid.Run(variant, "scenes", budget, 0) for variant in ("fpn", "cs")]
    assert gather.run_missing(runs, tmp_path, 2, None, lambda said: None) == []
    assert [[env[name] for name in gather.THREADS] for env in given] == [[threads, threads]] * 2


def test_what_cannot_be_measured_is_named(smoke: records.Record, tmp_path: Path) -> None:
    """Eight test pictures are too few to fit on some and judge on others: the log says so."""
    shutil.copytree(smoke.folder, tmp_path / smoke.folder.name)
    run, said = grid.Run("fpn", "scenes", "smoke", 0), []
    found = grid.collect([tmp_path])
    assert gather.measure_missing([run], found, tmp_path, 1, None, said.append) == [run]
    assert said[0] == "1 records have weights and are not measured."
    older = tmp_path / smoke.folder.name / records.DIAGNOSTICS
    older.write_text('{"version": 0}')  # what another version measured is measured again
    found = grid.collect([tmp_path])
    assert gather.measure_missing([run], found, tmp_path, 1, None, said.append) == [run]
    (log,) = (tmp_path / "logs").iterdir()
    assert "diagnostics need 10 or more" in log.read_text()
    (tmp_path / smoke.folder.name / "weights.pt").unlink()
    found = grid.collect([tmp_path])
    assert gather.measure_missing([run], found, tmp_path, 1, None, said.append) == []


def test_the_annotations_of_other_pictures_are_kept(
    smoke: records.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a run on pictures from a folder, a report needs that folder no more."""
    run = grid.Run("fpn", "bccd", "smoke", 0)
    data = replace(run.experiment.data, root="somewhere")
    record = replace(
        smoke,
        folder=tmp_path / "record",
        experiment=replace(run.experiment, data=data),
    )
    pictures = train.load_pictures(smoke.experiment.data, "test")
    monkeypatch.setattr(gather.predict, "test_pictures", lambda record, root: pictures)
    found = grid.Found({grid.key_of_run(run): record}, ())
    gather.keep_truths([run], found, "moved")
    assert truth.is_kept(record)
    assert len(truth.truth_of(record)["images"]) == len(pictures)


# --- run time -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def timing() -> dict:
    return runtime.measure("smoke", rounds=3, batch=1, device="cpu")


def test_both_are_timed_in_turns(timing: dict) -> None:
    for use in ("training", "testing"):
        assert {name: len(x) for name, x in timing["seconds"][use].items()} == {
            "fpn": 3,
            "augfpn": 3,
        }
        assert all(x > 0 for each in timing["seconds"][use].values() for x in each)
    assert timing["environment"]["device"] == "cpu"


def test_the_ratio_is_of_rounds(timing: dict) -> None:
    """Twice as long in each round, however slow the machine was in it."""
    seconds = {"fpn": [1.0, 2.0, 4.0], "augfpn": [2.0, 4.0, 8.0]}
    found = runtime.times_as_long({"seconds": {"testing": seconds}}, "testing")
    assert found[:4] == (2.0, 2.0, 2.0, 3)


def test_a_measurement_is_kept_and_never_overwritten(timing: dict, tmp_path: Path) -> None:
    runtime.write(timing, tmp_path)
    (found,) = runtime.read([tmp_path], "smoke")
    assert found["seconds"] == timing["seconds"]
    with pytest.raises(UserError, match="move it away"):
        runtime.write(timing, tmp_path)
    assert "| smoke | step, 1 pictures |" in tables.run_times([found])
    (tmp_path / runtime.FOLDER / "broken.json").write_text("{")
    with pytest.raises(UserError, match="is no whole measurement"):
        runtime.read([tmp_path], "smoke")


def test_the_question_of_run_time_is_checked(tmp_path: Path, capsys) -> None:
    with pytest.raises(UserError, match="budget = 'tiny': choose one of"):
        runtime.gather(Asked(budget="tiny"))
    assert main(["study", "time", "--rounds", "1"]) == 2
    assert "--rounds 1: give 2 or more." in capsys.readouterr().err
    assert main(["study", "time", "--budget", "auto", "--records", str(tmp_path)]) == 2
    assert "budget = 'auto': choose one of smoke, laptop" in capsys.readouterr().err
    (tmp_path / "afile").touch()
    assert main(["study", "time", "--records", str(tmp_path / "afile")]) == 2
    assert "afile is a file: give a folder." in capsys.readouterr().err
