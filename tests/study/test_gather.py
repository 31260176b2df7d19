"""Runs and measurements in processes of their own: their files and their messages."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from augfpn import records
from augfpn.data import load
from augfpn.study import gather
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty import truth


def test_a_run_that_fails_is_named_and_the_others_go_on(
    smoke: records.Record, tmp_path: Path
) -> None:
    """The other is in the folder already: the command's words are those of its settings."""
    shutil.copytree(smoke.folder, tmp_path / smoke.folder.name)
    lost = grid.Run("fpn", "bccd", "smoke", 0)
    fine = grid.Run("fpn", "scenes", "smoke", 0)
    said: list[str] = []
    nowhere = str(tmp_path / "nowhere")
    ended = gather.run_missing([lost, fine], tmp_path, 1, nowhere, said.append)
    assert [(each.job.run, each.kind) for each in ended] == [(lost, "failed"), (fine, "done")]
    assert said[0].startswith("fpn on bccd, seed 0: failed (")
    assert "nowhere" in said[0]
    assert "nowhere" in (tmp_path / "logs" / "bccd-fpn-seed0.txt").read_text()
    assert said[1] == "fpn on scenes, seed 0: done"
    assert [record.id for record in records.records_in([tmp_path])] == [smoke.id]


@pytest.mark.parametrize(("budget", "threads"), [("laptop", 1), ("gpu", 4)])
def test_runs_on_a_cpu_have_one_thread_whatever_the_machine(
    budget: str, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that all runs add in the same order. Runs on a GPU share the cores."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    runs = [grid.Run(variant, "scenes", budget, 0) for variant in ("fpn", "cs")]
    assert [job.threads for job in gather.training_jobs(runs, tmp_path, 2, None)] == [threads] * 2


def test_what_cannot_be_measured_is_named(
    smoke: records.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight test pictures are too few to fit on some and judge on others: the log says so."""
    shutil.copytree(smoke.folder, tmp_path / smoke.folder.name)
    run, said = grid.Run("fpn", "scenes", "smoke", 0), []
    found = recorded.collect([tmp_path])
    (ended,) = gather.measure_missing([run], found, tmp_path, 1, None, said.append)
    assert (ended.kind, ended.job.run) == ("failed", run)
    assert said[0] == "1 records have weights and are not measured."
    (log,) = (tmp_path / "logs").iterdir()
    assert "diagnostics need 10 or more" in log.read_text()
    older = tmp_path / smoke.folder.name / records.DIAGNOSTICS
    older.write_text('{"version": 0}')  # what another version measured is measured again
    found = recorded.collect([tmp_path])
    monkeypatch.setattr(gather, "in_processes", lambda todo, *_: todo)
    (asked,) = gather.measure_missing([run], found, tmp_path, 1, None, said.append)
    assert asked.run == run
    (tmp_path / smoke.folder.name / records.WEIGHTS).unlink()
    found = recorded.collect([tmp_path])
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
    pictures = load.load_pictures(smoke.experiment.data, "test")
    monkeypatch.setattr(gather.reopen, "recorded_pictures", lambda *_: pictures)
    found = recorded.Found({grid.key_of_run(run): record}, ())
    gather.keep_truths([run], found, "moved")
    assert truth.has_kept_truth(record)
    assert len(truth.truth_of(record)["images"]) == len(pictures)
