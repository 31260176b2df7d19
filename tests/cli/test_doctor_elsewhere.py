"""The doctor on systems that lack what Linux has, and what it says in a narrow terminal."""

import contextlib
import io
import os
import sys
from pathlib import Path

import pytest

from augfpn.cli import doctor
from augfpn.cli.doctor import Finding
from augfpn.cli.program import main
from augfpn.study import timing


@pytest.fixture
def windows(monkeypatch, tmp_path) -> None:
    """What Windows does not have is gone."""
    for name in ("sched_getaffinity", "getloadavg", "sysconf", "getuid", "fork"):
        monkeypatch.delattr(os, name, raising=False)
    for name in ("resource", "fcntl", "pwd", "grp", "termios"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(doctor, "MEMORY_OF_LINUX", tmp_path / "nothing")
    monkeypatch.setattr(timing, "TRAINING_SECONDS", 0.0)
    monkeypatch.setattr(timing, "TEST_SECONDS", 0.0)
    monkeypatch.setattr(doctor, "installation", lambda: [Finding("ok", "torch", "works")])


def test_a_system_without_linux_s_calls_gets_findings_too(windows, tmp_path, capsys) -> None:
    words = ["--budget", "smoke", "--limit", "2", "--device", "cpu", "--batch", "2"]
    assert main(["doctor", *words, "--records", str(tmp_path / "runs")]) == 0
    printed = capsys.readouterr().out
    assert "this system does not say how much there is" in printed
    for subject in ("cpu", "memory", "gpu", "weights", "records", "recorded", "time"):
        assert f"  {subject} " in printed


def test_a_check_that_breaks_does_not_end_the_others(
    windows, monkeypatch, tmp_path, capsys
) -> None:
    def broken() -> Finding:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(doctor, "memory", broken)
    words = ["--budget", "smoke", "--limit", "2", "--device", "cpu"]
    assert main(["doctor", *words, "--records", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "problem  memory" in printed
    assert "ZeroDivisionError: by zero" in printed
    assert "  time " in printed


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_narrow_terminal_gets_short_lines_and_a_log_one_for_each_finding(monkeypatch) -> None:
    found = [Finding("note", "records", "word " * 60), Finding("ok", "\x1bx", "fine")]
    assert len(doctor.findings_text(found).splitlines()) == 2
    with contextlib.redirect_stdout(None):  # as for every rank of torchrun but 0
        assert len(doctor.findings_text(found).splitlines()) == 2
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", Terminal())
    lines = doctor.findings_text(found).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80


def test_a_missing_folder_of_temporary_files_is_no_traceback(monkeypatch, capsys) -> None:
    from augfpn.support import faults

    monkeypatch.setattr(faults.tempfile, "tempdir", str(Path("/nowhere/at/all")))
    monkeypatch.setattr(doctor, "examine", lambda _: {}["a bug"])
    assert main(["doctor"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "augfpn: error: KeyError: 'a bug'."
