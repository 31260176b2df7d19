"""A folder's lease: who holds it, when it is taken over, and what a suspended owner does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import disks
import pytest

from augfpn.errors import BusyError
from augfpn.support import lease
from augfpn.support.lease import Owner, this_process

HOLD = """
import sys, time
from pathlib import Path
from augfpn.support import lease
lease.LEASE_EVERY = 0.1
with lease.lease(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the lease of tmp_path/run."""
    words = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def left_by(owner: Owner, folder: Path, seconds_ago: float) -> None:
    file = folder.with_name(folder.name + ".lease")
    lease.write_owner(file, owner)
    then = time.time() - seconds_ago
    os.utime(file, (then, then))


def test_a_lease_names_its_process_and_leaves_nothing(tmp_path: Path) -> None:
    with lease.lease(tmp_path / "run"):
        assert lease.owner_in(tmp_path / "run.lease") == this_process()
    assert list(tmp_path.iterdir()) == []


def test_a_busy_folder_names_host_and_process(holder: subprocess.Popen, tmp_path: Path) -> None:
    host = this_process().host
    with (
        pytest.raises(BusyError, match=rf"worked on by another process \({host}, process "),
        lease.lease(tmp_path / "run"),
    ):
        pass
    assert holder.poll() is None


def test_the_lease_of_a_killed_process_is_taken_over_at_once(
    holder: subprocess.Popen, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with lease.lease(tmp_path / "run"):
        said = capsys.readouterr().err
    assert f"was left by {this_process().host}, process {holder.pid} without an end" in said
    assert list(tmp_path.iterdir()) == []


def test_a_lease_of_another_machine_counts_while_it_shows_signs_of_life(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = tmp_path / "run"
    left_by(Owner("elsewhere", 7, "12_3"), run, lease.STALE - 60)
    with pytest.raises(BusyError, match=r"elsewhere, process 7, job 12_3"), lease.lease(run):
        pass
    left_by(Owner("elsewhere", 7, "12_3"), run, lease.STALE + 60)
    with lease.lease(run):
        assert "was left by elsewhere, process 7, job 12_3" in capsys.readouterr().err


def test_a_job_that_slurm_has_moved_takes_its_own_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    left_by(Owner("elsewhere", 7, "12"), tmp_path / "run", 1)
    with lease.lease(tmp_path / "run"):
        assert lease.owner_in(tmp_path / "run.lease") == this_process()


def test_a_damaged_lease_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "run.lease").write_text("{")
    with lease.lease(tmp_path / "run"):
        assert lease.owner_in(tmp_path / "run.lease") == this_process()


def test_a_process_whose_lease_was_taken_over_ends(
    holder: subprocess.Popen, tmp_path: Path
) -> None:
    """As one that was suspended for long, and goes on."""
    lease.write_owner(tmp_path / "run.lease", Owner("elsewhere", 7, None))
    assert holder.wait(240) == BusyError.exit_status
    assert "taken over by elsewhere, process 7" in holder.stderr.read()


def test_a_living_process_shows_it(holder: subprocess.Popen, tmp_path: Path) -> None:
    file = tmp_path / "run.lease"
    before = file.stat().st_mtime_ns
    until = time.monotonic() + 240
    while file.stat().st_mtime_ns == before and time.monotonic() < until:
        time.sleep(0.05)
    assert file.stat().st_mtime_ns > before
    assert lease.silence(file) < lease.STALE


def test_attempts_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lease.attempts_in(tmp_path) == []
    lease.note_attempt(tmp_path)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    lease.note_attempt(tmp_path)
    first, second = lease.attempts_in(tmp_path)
    assert (first["pid"], second["job"]) == (os.getpid(), "12_3")
    assert json.loads((tmp_path / lease.ATTEMPTS).read_text()) == [first, second]


def test_a_full_disk_takes_no_lease_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    with disks.mounted(tmp_path / "full", 1) as folder:
        disks.fill(folder)
        with pytest.raises(OSError, match="No space left"), lease.lease(folder / "run"):
            pass
        assert [each.name for each in folder.iterdir()] == [disks.FILLER]
