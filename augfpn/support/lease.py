"""Who works in a folder: a lease, which ends with its process and which others can read.

    FOLDER.lock    locked by the operating system until the process ends
    FOLDER.lease   who it is, as JSON; its time of change is the last sign of life

The operating system's lock is certain on one machine. On a file system that several machines share
it may not reach the others; there the sign of life decides.
"""

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import filelock

from augfpn.errors import BusyError
from augfpn.support.files import write_json

LEASE_EVERY = 10.0  # seconds between two signs of life
ATTEMPTS = "attempts.json"
STALE = 180.0  # seconds without one, after which a lease of another machine counts for nothing


@dataclass(frozen=True)
class Owner:
    """A process that works in a folder."""

    host: str
    pid: int
    job: str | None  # SLURM's, with the task of an array

    def __str__(self) -> str:
        job = f", job {self.job}" if self.job else ""
        return f"{self.host}, process {self.pid}{job}"


def this_process() -> Owner:
    """The process that asks."""
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    job = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")
    return Owner(socket.gethostname(), os.getpid(), job)


def lease_of(folder: Path) -> Path:
    """The file that says who works in a folder."""
    return folder.with_name(folder.name + ".lease")


@contextmanager
def lease(folder: Path) -> Iterator[None]:
    """Hold the lease of a folder, whose parent exists; a sentence tells of one taken over.

    Raises `augfpn.errors.BusyError` that names the process that holds it.
    """
    lock, file = filelock.FileLock(f"{folder}.lock"), lease_of(folder)
    take(lock, file, folder)
    over = threading.Event()
    beat = threading.Thread(target=keep_alive, args=(file, over), daemon=True)
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()
        give_back(lock, file)


def give_back(lock: filelock.BaseFileLock, file: Path) -> None:
    """Remove the files of a lease that this process holds, and end it."""
    # While it is locked: whoever opened it before finds that it is gone, and tries again.
    for each in (file, Path(lock.lock_file)):
        with contextlib.suppress(OSError):
            each.unlink()
    lock.release()


def forget(folder: Path) -> None:
    """Remove the lease of a folder, if its process was killed."""
    lock, file = filelock.FileLock(f"{folder}.lock"), lease_of(folder)
    both = file, Path(lock.lock_file)
    if not any(each.exists() for each in both):
        return
    with contextlib.suppress(BusyError, OSError):
        take(lock, file, folder, tell=False)
        for each in both:
            each.unlink()
    lock.release()


def take(lock: filelock.BaseFileLock, file: Path, folder: Path, tell: bool = True) -> None:
    """Take a lease, or raise ``BusyError``."""
    own = this_process()
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        busy(folder, owner_in(file))
    before = owner_in(file)
    if before is not None:
        elsewhere = before.host != own.host and (own.job is None or before.job != own.job)
        silent = silence(file)
        if elsewhere and silent < STALE:
            lock.release()
            busy(folder, before)
        sentence = (
            f"augfpn: {folder.name} was left by {before} without an end, "
            f"{silent:.0f} s ago: this process takes it over.\n"
        )
        sys.stderr.write(sentence * tell)
    try:
        write_owner(file, own)
    except OSError:  # the disk is full, say
        give_back(lock, file)
        raise


def busy(folder: Path, owner: Owner | None) -> None:
    """Raise ``BusyError``."""
    who = "another process" if owner is None else str(owner)
    raise BusyError(f"{folder} is being worked on by another process ({who}): wait for it.")


def owner_in(file: Path) -> Owner | None:
    """Who a lease names; ``None`` if there is none, or if it cannot be read."""
    try:
        return Owner(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_owner(file: Path, owner: Owner) -> None:
    """Write a lease whole, so that nobody reads half of it."""
    partial = file.with_name(file.name + f".{owner.pid}")
    try:
        partial.write_text(json.dumps(asdict(owner)) + "\n")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def silence(file: Path) -> float:
    """Seconds since the last sign of life, by the clock of the machine that holds the files."""
    probe = file.with_name(file.name + f".{os.getpid()}.now")
    try:
        probe.touch()
        return max(0.0, probe.stat().st_mtime - file.stat().st_mtime)
    finally:
        probe.unlink(missing_ok=True)


def keep_alive(file: Path, over: threading.Event) -> None:
    """Show signs of life until the lease is given back.

    A process that was suspended, and whose lease another machine has taken over since, ends at
    once: two processes must not write into one folder.
    """
    own = this_process()
    while not over.wait(LEASE_EVERY):
        owner = owner_in(file)
        if owner is not None and owner != own:
            sys.stderr.write(
                f"augfpn: error: this run was taken over by {owner}, and goes on there.\n"
            )
            sys.stderr.flush()
            os._exit(BusyError.exit_status)
        with contextlib.suppress(OSError):  # the folder may be gone: the run itself will say so
            os.utime(file)


# --- attempts -------------------------------------------------------------------------------------


def note_attempt(folder: Path) -> None:
    """Write into a folder that this process begins, or goes on with, the work in it."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / ATTEMPTS, [*attempts_in(folder), asdict(this_process()) | {"began": began}])


def attempts_in(folder: Path) -> list[dict]:
    """The processes that have worked in a folder, in order: host, pid, job, when each began."""
    try:
        found = json.loads((folder / ATTEMPTS).read_text())
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []
