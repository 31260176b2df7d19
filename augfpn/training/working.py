"""The hidden folder that a run works in until its record is complete."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from augfpn.errors import UserError
from augfpn.training.distributed import ALONE, World


@contextlib.contextmanager
def working_folder(work: Path, here: World = ALONE) -> Iterator[Path]:
    """A locked folder for this run, which processes that train together share.

    Raises ``UserError`` if another run is working in it.
    """
    if not here.first:  # rank 0 holds the lock for all
        yield work
        return
    work.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(work.with_name(work.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(f"{work} is being worked on by another process: wait for it.") from None
    try:
        yield work
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)
