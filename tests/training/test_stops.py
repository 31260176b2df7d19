"""A run that a signal or the disk ends says so in one sentence, and goes on from its checkpoint."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed import PICTURES, STEPS, check, told

from augfpn.support.stopping import Stopped, asked_to_stop, stopped_at_once

IN_TRAINING = [
    ["call", "optimizer.step", 2, name] for name in ("SIGTERM", "SIGHUP", "SIGUSR2", "SIGINT")
]
IN_TESTING = [["call", "detections_in", 2, "SIGTERM"]]
FAULTS = [
    ["call", "torch.save", 3, "full"],  # in the third checkpoint
    ["call", "save_weights", 1, "full"],
    ["call", "torch.save", 3, "removed"],
]
ALL = [*IN_TRAINING, *IN_TESTING, *FAULTS]


@pytest.fixture(scope="module")
def each(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    folder = tmp_path_factory.mktemp("stopped")
    return folder, told(folder, ALL)


@pytest.mark.parametrize("kill", IN_TRAINING, ids=lambda kill: kill[-1])
def test_a_signal_saves_the_step_that_it_met(kill: list, each: tuple[Path, list[dict]]) -> None:
    number = ALL.index(kill)
    what = each[1][number]
    assert what["ended"][0] == 128 + signal.Signals[kill[-1]]
    assert (
        f"stopped by {kill[-1]} after step 2 of {STEPS}, which is saved: the same command goes on "
        "from the last checkpoint." in what["said"]
    )
    assert what["left"] == {"steps": 2, "tested": False, "done": False}
    check(each[0], number, ["after"], what)


def test_a_signal_in_testing_ends_it_at_once(each: tuple[Path, list[dict]]) -> None:
    number = ALL.index(IN_TESTING[0])
    what = each[1][number]
    assert what["ended"][0] == 128 + signal.SIGTERM
    assert what["said"].endswith("stopped by SIGTERM: the same command goes on from the last "
                                 "checkpoint.\n")  # fmt: skip
    assert what["left"] == {"steps": STEPS, "tested": False, "done": False}
    assert what["done"] == {"steps": 0, "pictures": PICTURES}
    check(each[0], number, ["after"], what)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (5, "File too large: the checkpoint of step 3 could not be written"),
        (6, "File too large: the record could not be written"),
        (7, "No such file or directory ({folder}"),
    ],
)
def test_a_fault_of_the_disk_is_one_sentence(
    number: int, said: str, each: tuple[Path, list[dict]]
) -> None:
    folder, all_told = each
    what = all_told[number]
    assert what["ended"][0] == 2
    last = what["said"].splitlines()[-1]
    assert last.startswith(said.format(folder=folder / str(number)))
    assert last.endswith(".")
    check(folder, number, ["after"], what)


# --- signals --------------------------------------------------------------------------------------


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, which a shell lets a process in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_is_noted_and_a_second_interrupt_interrupts() -> None:
    with asked_to_stop() as asked:
        assert not asked.number
        signal.raise_signal(signal.SIGTERM)
        assert asked.number == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_signal_ends_the_block_at_once() -> None:
    with pytest.raises(Stopped, match="stopped by SIGHUP: the same") as stopped, stopped_at_once():
        signal.raise_signal(signal.SIGHUP)
    assert stopped.value.exit_status == 129


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As SIGHUP after ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_at_once():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_sigterm_to_the_whole_group_of_the_command_saves_its_step(tmp_path: Path) -> None:
    """The processes that read pictures are of the group, and must not break the step."""
    words = "train --budget smoke --steps 400 --device cpu --baseline none --workers 2 --records"
    command = [sys.executable, "-m", "augfpn.cli", *words.split(), str(tmp_path)]
    run = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert any(line.startswith("training 1/") for line in run.stdout)
    os.killpg(run.pid, signal.SIGTERM)
    said = run.communicate(timeout=120)[1]
    assert run.returncode == 143
    assert said.startswith("augfpn: stopped by SIGTERM after step ")
    assert said.count("\n") == 1
    assert len(list(tmp_path.glob(".*.running/checkpoint.pt"))) == 1
