"""Progress: which form is shown where, and that a full disk behind a log ends nothing."""

import errno
import io
import sys

import pytest

from augfpn.support import progress


class Full(io.StringIO):
    """A log on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class Gone(io.StringIO):
    """A pipe whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch) -> None:
    """Not in a notebook, and nothing asked for."""
    monkeypatch.delenv("AUGFPN_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "in_kernel", lambda: False)


def test_a_log_gets_lines_the_first_and_the_last_at_once(capsys) -> None:
    with progress.Progress(3, "training", "lines") as tell:
        for done in (1, 2, 3):
            tell(done, loss=0.51234)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("training 1/3, loss 0.512, ")
    assert last.startswith("training 3/3, loss 0.512, took ")


def test_a_full_disk_behind_the_log_ends_no_run(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    with progress.Progress(2, "training", "lines") as tell:
        tell(1)
        tell(2)
    assert tell.mode == "off"


def test_a_reader_who_is_gone_is_told_to_the_command(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    with progress.Progress(2, "training", "lines") as tell, pytest.raises(BrokenPipeError):
        tell(1)


def test_a_note_ends_no_run_either_but_for_a_reader_who_is_gone(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    progress.note("the warm-up is short")
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        progress.note("the warm-up is short")


@pytest.mark.parametrize(("watched", "mode"), [(True, "notebook"), (False, "lines")])
def test_a_notebook_that_nobody_looks_at_gets_lines(watched, mode, monkeypatch) -> None:
    monkeypatch.setattr(progress, "in_kernel", lambda: True)
    monkeypatch.setattr(progress, "is_watched", lambda: watched)
    assert progress.where_am_i() == mode
    monkeypatch.setenv("AUGFPN_PROGRESS", "off")
    assert progress.where_am_i() == "off"


def test_a_closed_stderr_is_no_terminal(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert progress.where_am_i() == "lines"
