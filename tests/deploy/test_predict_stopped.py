"""A predict that is stopped, killed, run twice at once or out of room leaves nothing half done."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from predicting import IDS, predicted, save

from augfpn.deploy import predict
from augfpn.errors import BusyError, UserError
from augfpn.support.lease import lease


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_what_was_stopped_leaves_nothing_and_can_be_repeated(
    detector, tmp_path: Path, monkeypatch, error: type[BaseException]
) -> None:
    for name in "abc":
        save(np.full((32, 32, 3), 90, np.uint8), tmp_path / "in" / f"{name}.png")
    out, seen = tmp_path / "out", []

    def stop(*given: object) -> dict:
        seen.append(1)
        if len(seen) == 2:
            assert not list(out.glob("[!.]*"))  # nothing is in place that looks finished
            raise error
        return once(*given)

    once = predict.confident_detections
    monkeypatch.setattr(predict, "confident_detections", stop)
    with pytest.raises(error):
        predicted(detector, tmp_path / "in", out)
    assert not out.exists()
    found, said = predicted(detector, tmp_path / "in", out)
    assert (len(found["images"]), said) == (3, [])
    assert len(list(out.iterdir())) == 4


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from augfpn.deploy import predict

class FindsNothing(torch.nn.Module):
    def forward(self, images):
        empty = {"boxes": torch.zeros(0, 4), "scores": torch.zeros(0)}
        return [empty | {"labels": torch.zeros(0, dtype=torch.int64)}]

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

predict.instances = killed
given, out = map(Path, sys.argv[1:])
predict.draw_detections(FindsNothing(), {1: "a"}, predict.places([given], out), out, 0.5)
"""


def test_what_was_killed_is_removed_by_the_next_run(detector, tmp_path: Path) -> None:
    """No process can clean up after SIGKILL; what it has drawn is no picture to be predicted."""
    folder = tmp_path / "in"
    for name in "ab":
        save(np.full((32, 32, 3), 90, np.uint8), folder / f"{name}.png")
    out = folder / "out"
    # A process of its own: a fork would share the threads and the pipes of the tests' process.
    victim = subprocess.run([sys.executable, "-c", KILLED, folder, out], check=False)
    assert victim.returncode == -signal.SIGKILL
    assert {path.name for path in out.rglob("*.png")} == {"a.png", "b.png"}
    found, said = predicted(detector, folder, out)
    assert (len(found["images"]), said) == (2, [])
    assert {path.name for path in out.iterdir()} == {"a.png", "b.png", predict.RESULTS}


def test_two_runs_into_one_folder_lose_nothing(detector, tmp_path: Path) -> None:
    save(np.zeros((32, 32, 3), np.uint8), tmp_path / "in" / "a.png")
    (out := tmp_path / "out").mkdir()
    where = predict.places([tmp_path / "in"], out)
    with lease(out / predict.UNFINISHED), pytest.raises(BusyError, match="wait for it"):
        predict.draw_detections(detector, IDS, where, out, 0.5)
    (out / predict.RESULTS).write_text("another run was quicker")
    with pytest.raises(UserError, match=r"detections.json exists, and nothing is overwritten"):
        predict.draw_detections(detector, IDS, where, out, 0.5)
    assert [path.read_text() for path in out.iterdir()] == ["another run was quicker"]


def test_a_full_disk_is_one_sentence(detector, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    save(np.full((32, 32, 3), 90, np.uint8), tmp_path / "in" / "a.png")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\): give an"):
        predicted(detector, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()
