"""Scores beside the records: used instead of scoring, replaced when they are out of date."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.study.uncertainty import kept, kept_scores, published, scores
from augfpn.study.uncertainty.truth import truth_of

HERE = records.COMMITTED[1]


@pytest.fixture
def folder(smoke: records.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one record; the user's cache is empty."""
    monkeypatch.setattr(kept.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    without = shutil.ignore_patterns("weights*")
    shutil.copytree(smoke.folder, tmp_path / "runs" / smoke.folder.name, ignore=without)
    return tmp_path / "runs"


def test_a_published_score_is_used(
    folder: Path, smoke: records.Record, capsys: pytest.CaptureFixture
) -> None:
    assert main(["study", "score", "--records", str(folder)]) == 0
    assert capsys.readouterr().out == f"2 scores in {folder}\n"  # FPN's: also away from home
    (record,), _ = records.read_all([folder])
    for way in (scores.scored, scores.scored_away):
        found, expected = kept_scores.score_kept(record, way=way), way(smoke, truth_of(smoke))
        assert found.errors == expected.errors
        for name, value in expected.draws.observed.items():
            assert np.array_equal(found.draws.observed[name], value, equal_nan=True)
            assert np.array_equal(found.draws.drawn[name], expected.draws.drawn[name], True)


def test_scores_without_a_record_are_removed_and_the_others_stay(folder: Path) -> None:
    said: list[str] = []
    assert published.publish(folder, said.append) == 2
    older = folder / kept_scores.SCORES / "0123.json.gz"
    older.write_bytes(b"")
    times = {f: f.stat().st_mtime_ns for f in (folder / kept_scores.SCORES).iterdir() if f != older}
    assert published.publish(folder, said.append) == 2
    assert {f: f.stat().st_mtime_ns for f in (folder / kept_scores.SCORES).iterdir()} == times
    assert said[-1].startswith("0 of 2 scores are missing")


def test_a_record_that_cannot_be_scored_is_said(folder: Path) -> None:
    said: list[str] = []
    (predictions,) = folder.glob(f"*/{records.PREDICTIONS}")
    predictions.write_bytes(predictions.read_bytes()[:100])
    assert published.publish(folder, said.append) == 0
    assert any("are damaged" in each for each in said)
    predictions.unlink()
    assert published.publish(folder, said.append) == 0
    assert any("No such file" in each for each in said)


# --- the scores that come with the package --------------------------------------------------------


def test_all_committed_records_have_their_scores() -> None:
    """If this fails, scoring has changed: `augfpn study score --records experiments/records`."""
    assert set((HERE / kept_scores.SCORES).glob("*.json.gz")) == wanted_here().keys()


def wanted_here() -> dict[Path, tuple[records.Record, scores.Way]]:
    """The scores of all committed records but those on COCO, whose annotations are not here."""
    whole = [each for each in records.read_all([HERE])[0] if each.experiment.data.name != "coco"]
    return published.files_wanted(whole, pytest.fail)


def test_committed_scores_are_of_the_committed_results() -> None:
    for record in {record.id: record for record, _ in wanted_here().values()}.values():
        found = kept_scores.score_kept(record).draws
        assert found.observed["AP"] == pytest.approx(record.result["AP"], abs=1e-9), record.folder
        assert {len(drawn) for drawn in found.drawn.values()} == {400}


@pytest.mark.parametrize("place", [0, 0.4, 0.8])
def test_committed_scores_are_computed_again(place: float) -> None:
    there = sorted(wanted_here().items())
    file, (record, way) = there[int(place * len(there))]
    ours = way(record, truth_of(record)).draws
    theirs = kept_scores.score_kept(record, way=way).draws
    for computed, kept_ones in zip(ours, theirs, strict=True):
        assert computed.keys() == kept_ones.keys()
        for name, value in computed.items():
            assert np.allclose(value, kept_ones[name], atol=2e-6, equal_nan=True), (file, name)
