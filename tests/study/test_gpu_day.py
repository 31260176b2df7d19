"""`augfpn study gpu-day`: in time, resumable, and one file that is a folder of records again."""

import json
import sys
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.study import gpu_day
from augfpn.study.gpu_day import Step
from augfpn.study.running import recorded


def end_of(words: str, seconds: float, place: Path) -> str:
    """What became of a step that is a line of Python, not a command of augfpn."""
    step = Step("step", (words,), seconds, "said.txt")
    return gpu_day.end_of(step, seconds, place)


@pytest.fixture
def plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are lines of Python."""
    started = gpu_day.subprocess.Popen

    def start(words: list[str], **others):
        return started([sys.executable, "-c", words[-1]], **others)

    monkeypatch.setattr(gpu_day.subprocess, "Popen", start)


def test_a_step_ends_by_itself_or_with_its_time(plain_python: None, tmp_path: Path) -> None:
    assert end_of("print('fine')", 60, tmp_path) == "done"
    assert (tmp_path / "said.txt").read_text() == "fine\n"
    assert end_of("raise SystemExit(1)", 60, tmp_path) == "failed"
    begun = time.monotonic()
    assert end_of("import time; time.sleep(60)", 1, tmp_path) == "out of time"
    assert time.monotonic() - begun < 30
    assert end_of("print('not begun')", 0, tmp_path) == "out of time"


def test_a_training_that_runs_out_of_time_is_asked_to_save(
    plain_python: None, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    words = (
        "import signal, sys, time, pathlib\n"
        f"def save(*_): pathlib.Path({str(kept)!r}).touch(); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "time.sleep(60)"
    )
    assert end_of(words, 5, tmp_path) == "out of time"
    assert kept.exists()


def test_the_file_is_a_folder_of_records_without_weights(
    smoke: records.Record, tmp_path: Path
) -> None:
    assert smoke.weights.exists()
    (tmp_path / "checks.txt").write_text("fine")
    (tmp_path / "older.zip").write_bytes(b"")
    file = gpu_day.pack([smoke], tmp_path, "NVIDIA H200 (80 GB)")
    assert file.name.startswith("nvidia-h200-80-gb-")
    with ZipFile(file) as packed:
        assert not [name for name in packed.namelist() if "weights" in name or ".zip" in name]
        packed.extractall(tmp_path / "received")
    found = recorded.collect([tmp_path / "received"])
    (one,) = found.by_key.values()
    assert (one.id, one.result) == (smoke.id, smoke.result)
    assert not found.problems
    assert (tmp_path / "received" / "gpu_day" / "checks.txt").read_text() == "fine"


def test_without_a_gpu_a_rehearsal_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UserError, match="--budget smoke"):
        gpu_day.gpu_day("gpu", 1, tmp_path / "runs", print)
    assert not (tmp_path / "runs").exists()
    assert main(["study", "gpu-day", "table3", "--records", str(tmp_path)]) == 2
    assert "leave out parts" in capsys.readouterr().err


def test_nothing_is_run_after_a_check_that_failed(
    plain_python: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Step("checks", ("raise SystemExit(1)",), 60, "checks.txt")
    after = Step("runs", (f"open({str(tmp_path / 'ran')!r}, 'w')",), 60)
    monkeypatch.setattr(gpu_day, "steps", lambda *_: [wrong, after])
    with pytest.raises(UserError, match=r"checks\.txt says what is wrong"):
        gpu_day.gpu_day("smoke", 1, tmp_path, print)
    assert not (tmp_path / "ran").exists()


def test_checks_that_passed_here_are_not_made_again(
    plain_python: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = f"open({str(tmp_path / 'count')!r}, 'a').write('.')"
    step = Step("checks", (counted,), 60, "checks.txt")
    monkeypatch.setattr(gpu_day, "steps", lambda *_: [step])
    for _ in range(2):
        gpu_day.gpu_day("smoke", 1, tmp_path, print)
    assert (tmp_path / "count").read_text() == "."
    monkeypatch.setattr(gpu_day, "environment", lambda device: {"device_name": "another"})
    gpu_day.gpu_day("smoke", 1, tmp_path, print)
    assert (tmp_path / "count").read_text() == ".."


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_rehearsal_goes_on_where_it_ran_out_of_time(tmp_path: Path) -> None:
    """Two minutes at the smoke budget, twice: the second makes runs that the first did not."""
    command = ["study", "gpu-day", "--minutes", "2", "--budget", "smoke"]
    counts = []
    for _ in range(2):
        begun = time.monotonic()
        assert main([*command, "--records", str(tmp_path)]) == 0
        assert time.monotonic() - begun < 120 + gpu_day.TIME_TO_SAVE + 60
        about = json.loads((tmp_path / "gpu_day" / "about.json").read_text())
        counts.append(about["runs"])
        file = max((tmp_path / "gpu_day").glob("*.zip"))
        with ZipFile(file) as packed:
            names = packed.namelist()
        assert sum(name.endswith("/result.json") for name in names) == counts[-1]
        assert {"gpu_day/about.json", "gpu_day/checks.txt"} <= set(names)
    assert counts[1] > 0
    assert counts[0] <= counts[1]
    assert about["steps"]["checks"] == "done before"
    measured = list((tmp_path / "gpu_day" / "bench").glob("*.json"))
    assert bool(measured) == (about["steps"]["bench"] != "out of time")  # as on a busy machine
