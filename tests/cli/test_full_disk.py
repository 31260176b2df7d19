"""What commands say where their results find no room: a real disk, a small one that is full."""

import os
from collections.abc import Iterator
from pathlib import Path

import disks
import pytest
from command_line import SMOKE
from PIL import Image

from augfpn import records
from augfpn.cli.program import main


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    with disks.mounted(tmp_path / "full", 1) as folder:
        disks.fill(folder)
        yield folder


def said(words: list[str], capsys: pytest.CaptureFixture) -> tuple[str, str]:
    """What a command that fails prints, and its one sentence."""
    assert main(words) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("augfpn: error: ")
    return printed.out, line


def test_predictions_without_room_leave_nothing(
    full: Path, record: records.Record, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    Image.new("RGB", (96, 64)).save(tmp_path / "a.png")
    words = ["predict", str(record.folder), str(tmp_path / "a.png"), "--device", "cpu"]
    _, sentence = said([*words, "--out", str(full / "found")], capsys)
    assert "No space left on device" in sentence
    assert [each.name for each in full.rglob("*") if each.is_file()] == [disks.FILLER]


def test_figures_without_room_are_refused_before_the_detector_runs(
    full: Path, record: records.Record, capsys: pytest.CaptureFixture
) -> None:
    words = ["evaluate", str(record.folder), "--device", "cpu", "--plots", str(full / "plots")]
    out, sentence = said(words, capsys)
    assert out == ""
    assert sentence.endswith("plots cannot be written to (No space left on device): give another "
                             "folder.")  # fmt: skip


def test_a_disk_that_fills_before_the_figures_does_not_hide_the_numbers(
    full: Path,
    record: records.Record,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("augfpn.cli.commands.check_writable", lambda folder: None)
    words = ["evaluate", str(record.folder), "--device", "cpu", "--plots", str(full / "plots")]
    out, sentence = said(words, capsys)
    assert "difference" in out
    assert "No space left on device" in sentence


@pytest.mark.parametrize("action", ["run table2 --jobs 2", "measure mechanisms", "time"])
def test_the_study_does_not_begin_without_room(
    action: str, full: Path, capsys: pytest.CaptureFixture
) -> None:
    words = ["study", *action.split(), "--budget", "smoke", "--records", str(full / "new")]
    out, sentence = said(words, capsys)
    assert out == ""
    assert sentence.endswith("new cannot be written to (No space left on device): give another "
                             "folder.")  # fmt: skip
    assert [each.name for each in full.iterdir()] == [disks.FILLER]


def test_an_export_without_room_does_not_begin(
    full: Path, record: records.Record, capsys: pytest.CaptureFixture
) -> None:
    os.truncate(full / disks.FILLER, disks.MB - 2**16)  # room, but for the file too little
    _, sentence = said(["export", str(record.folder), "--out", str(full / "new.onnx")], capsys)
    assert "the ONNX file needs 0." in sentence
    assert "free: make room, or give another folder." in sentence


def test_a_run_without_room_does_not_begin(full: Path, capsys: pytest.CaptureFixture) -> None:
    out, sentence = said(["train", *SMOKE, "--records", str(full / "records")], capsys)
    assert "No space left on device: the run has no folder to work in; give another" in sentence
    assert "training 1/" not in out
    assert [each.name for each in full.rglob("*") if each.is_file()] == [disks.FILLER]
