"""Real runs of the grid: two commands on the same records at once, and a run that is killed."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from augfpn import records

pytestmark = pytest.mark.slow
PART = "study run figure4 --budget smoke --pictures scenes --seeds 1"  # SRS, AugFPN
FIRST = "srs on scenes, seed 0"
KILLED = "interrupted (SIGKILL; it goes on from its last checkpoint)"


def started(folder: Path, *more: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "augfpn.cli", *PART.split(), "--records", str(folder), *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def weights_of(folder: Path) -> dict[str, str]:
    """The SHA-256 of the weights of all records in a folder, by the record's name."""
    found = list(records.records_in([folder]))
    return {each.folder.name: hashlib.sha256(each.weights.read_bytes()).hexdigest()
            for each in found}  # fmt: skip


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The records that two commands at once have made, and what each said."""
    folder = tmp_path_factory.mktemp("together")
    both = [started(folder) for _ in range(2)]
    said = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    return folder, said


def test_of_two_commands_at_once_each_run_is_made_once(by_two: tuple[Path, list[str]]) -> None:
    folder, said = by_two
    assert len(weights_of(folder)) == 2
    assert not list(folder.glob("*.2"))
    logs = [log.read_text() for log in (folder / "logs").iterdir()]
    assert len(logs) == 2
    assert all(len(re.findall("^trained for", log, re.MULTILINE)) == 1 for log in logs), logs
    for text in said:
        kinds = re.findall(r"scenes, seed 0: (\w+)", text)
        assert len(kinds) == 2, said
        assert set(kinds) <= {"done", "busy"}
    assert sum(f"{FIRST}: busy" in text for text in said) <= 1, said


def child_of(parent: int, word: str) -> int:
    """The process that another has started and whose command line has a word."""
    for each in Path("/proc").glob("[0-9]*"):
        try:
            about = (each / "stat").read_text().rpartition(")")[2].split()
            words = (each / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if int(about[1]) == parent and word.encode() in words:
            return int(each.name)
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_run_is_said_and_goes_on_to_the_same_bits(
    by_two: tuple[Path, list[str]], tmp_path: Path
) -> None:
    grid, log = started(tmp_path, "--jobs", "2"), tmp_path / "logs/scenes-srs-seed0.txt"
    while not (log.exists() and "training 1/" in log.read_text()):
        assert grid.poll() is None
        time.sleep(0.05)
    os.kill(child_of(grid.pid, "--cs=False"), signal.SIGKILL)
    said = grid.communicate()[0]
    assert grid.returncode == 1
    assert f"{FIRST}: {KILLED}" in said
    assert "augfpn: 2 jobs: 1 interrupted, 1 done." in said
    assert "augfpn: killed by SIGKILL." in log.read_text()
    assert len(weights_of(tmp_path)) == 1
    again = started(tmp_path, "--jobs", "2")
    said = again.communicate()[0]
    assert again.returncode == 0
    assert "augfpn: 1 of 2 runs are missing." in said
    assert f"{FIRST}: done" in said
    assert weights_of(tmp_path) == weights_of(by_two[0])
