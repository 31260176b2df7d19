"""The hidden folder that a run works in until its record is complete.

It has the record's files as they are finished, and the checkpoints. One renaming makes it the
record: a process that is killed before finds all in the hidden folder, one that is killed after
finds the record.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import filelock
from torch import nn

from augfpn.errors import UserError
from augfpn.support.files import check_room, disk_faults_said, sync_folder
from augfpn.training.checkpoints import remove_checkpoints
from augfpn.training.distributed import ALONE, World

COPIES = 7  # of all weights on disk: the record's, and twice a checkpoint with AdamW's moments
BYTES_OF_A_DETECTION = 40  # compressed; with masks it is more


@contextlib.contextmanager
def working_folder(work: Path, here: World = ALONE) -> Iterator[Path]:
    """A locked folder for this run, which processes that train together share.

    Raises ``UserError`` if another run is working in it, and if it cannot be made.
    """
    if not here.first:  # rank 0 holds the lock for all
        yield work
        return
    with disk_faults_said("the run has no folder to work in", "give another folder of records."):
        work.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(work.with_name(work.name + ".lock"))
        lock_now(lock, work)
        for partial in work.glob("*.partial"):  # of a process that was killed
            partial.unlink()
    try:
        yield work
    finally:
        with contextlib.suppress(OSError):  # it is not empty, or is the record now
            work.rmdir()
        # While it is locked: whoever opened it before finds that the lock is gone, and tries again.
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()


def lock_now(lock: filelock.BaseFileLock, work: Path) -> None:
    """Take the lock, and write who has it. Raises ``UserError`` that says who has it already."""
    file = Path(lock.lock_file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(
            f"{work} is being worked on by another process ({written_in(file)}): wait for it."
        ) from None
    file.write_text(f"process {os.getpid()} on {socket.gethostname()}\n")


def written_in(lock_file: Path) -> str:
    """What the owner of a lock wrote into its file."""
    with contextlib.suppress(OSError):  # it ends just now, or it is Windows
        return lock_file.read_text(errors="replace").strip() or "that just began"
    return "unknown"


def check_room_for_run(
    work: Path, detector: nn.Module, detections: int, here: World = ALONE
) -> None:
    """Raise ``UserError`` if the disk lacks room for a run's checkpoints, weights, detections."""
    if not here.first:
        return
    weights = sum(value.nbytes for value in detector.state_dict().values())
    there = sum(file.stat().st_size for file in work.iterdir())
    check_room(work, COPIES * weights + BYTES_OF_A_DETECTION * detections - there, "this run")


def complete(work: Path, final: Path) -> Path:
    """Give the working folder, which holds a complete record, its final name.

    The checkpoints go last, so that nothing is lost before.
    """
    with disk_faults_said(
        f"{work} could not be renamed to {final.name}",
        "the run is complete in it, and the same command finishes it.",
    ):
        sync_folder(work)
        work.rename(final)
        sync_folder(final.parent)
        remove_checkpoints(final)
    return final
