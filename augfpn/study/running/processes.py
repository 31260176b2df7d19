"""Jobs in processes of their own, several at once; they end when their parent does.

Each job is a command of `augfpn` with a log of its own. What became of it: done; busy, because
another process works on the same run; interrupted by a signal, so that it can go on; or failed.
"""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from augfpn.errors import BusyError, UserError
from augfpn.study.running.grid import Run
from augfpn.support.files import disk_faults_said
from augfpn.support.stopping import PARENT, SIGNALS, stopped_at_once

Say = Callable[[str], None]
FULL = "the disk is full"
# What a job that failed for its disk says, in the words of the system where it names the error.
DISK_FAULTS = (FULL, *map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS)))
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # torch takes the latter where it is set
GPUS = "CUDA_VISIBLE_DEVICES"
PROCESS_POLL = 0.1  # seconds
TIME_TO_SAVE = 60.0  # seconds that an interrupted job has for its checkpoint
CRASHES = [  # signals that a process sends to itself: the next try would end like this one
    getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV")
    if hasattr(signal, name)
]


class Job(NamedTuple):
    """A process for a run: its command line, the name of its log, its title and its threads.

    ``goes_on`` says what the same command does after the job was interrupted.
    """

    run: Run
    words: list[str]
    log: str
    title: str
    threads: int
    on_gpu: bool = False
    goes_on: str = "it goes on from its last checkpoint"


class Outcome(NamedTuple):
    """What became of a job."""

    job: Job
    kind: Literal["done", "busy", "interrupted", "failed"]
    why: str = ""

    def __str__(self) -> str:
        return f"{self.job.title}: {self.kind}{f' ({self.why})' if self.why else ''}"


def runs_of(outcomes: Sequence[Outcome], kind: str) -> list[Run]:
    """The runs of those outcomes that are of one kind."""
    return [each.job.run for each in outcomes if each.kind == kind]


@dataclass
class Started:
    """A job that runs."""

    job: Job
    process: subprocess.Popen
    log: Path
    begins: int  # where in the log, which may have the lines of earlier tries
    gpu: str | None


def in_processes(
    todo: Sequence[Job], folder: Path, jobs: int, say: Say, gpus: Sequence[str] = ()
) -> list[Outcome]:
    """Run ``jobs`` processes at once, each with its log in ``folder``.

    Each job on a GPU sees one of ``gpus``, the one with the fewest jobs. A signal to this process
    ends the jobs, which save their checkpoints first; then `Stopped` is raised. A second signal
    does not wait for the checkpoints. Raises ``UserError`` if the disk takes no files, no logs
    either: each further job would fail as the first does.
    """
    waiting, running, outcomes = list(todo), [], []
    with stopped_at_once():
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.append(start(waiting.pop(0), folder / "logs", running, gpus))
                for each in [one for one in running if one.process.poll() is not None]:
                    running.remove(each)
                    outcomes.append(outcome(each))
                    check_disk(outcomes[-1], len(running) + len(waiting))
                    say(str(outcomes[-1]))
                time.sleep(PROCESS_POLL)
        finally:  # a signal, or a disk that takes no log
            for each in end_all(running):
                say(str(each))
    return outcomes


def check_disk(ended: Outcome, others: int) -> None:
    """Raise ``UserError`` if a job has failed because the disk takes no files."""
    if ended.kind == "failed" and any(fault in ended.why for fault in DISK_FAULTS):
        raise UserError(
            f"{ended}: the other {others} jobs of this command would fail alike and are not run; "
            "make room or give another folder, and the same command goes on."
        )


def start(job: Job, logs: Path, running: Sequence[Started], gpus: Sequence[str]) -> Started:
    """Start a job. It is a group of its own, so that a terminal's Ctrl-C reaches it only once."""
    log = logs / f"{job.log}.txt"
    gpu = None
    settings = os.environ | dict.fromkeys(THREADS, str(job.threads))
    settings |= {"AUGFPN_PROGRESS": "lines", PARENT: str(os.getpid())}
    if job.on_gpu and gpus:
        used = Counter(each.gpu for each in running)
        gpu = min(gpus, key=lambda name: used[name])
        settings[GPUS] = gpu
    with opened_log(log) as out:
        begins = out.tell()  # before the job, which moves this place as it writes
        process = subprocess.Popen(
            job.words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=settings,
            start_new_session=True,
        )
        return Started(job, process, log, begins, gpu)


def opened_log(log: Path) -> BinaryIO:
    """A log to write at the end of. Raises ``UserError`` if the disk cannot take it."""
    with disk_faults_said(f"{log} cannot be written", "the same command goes on from there."):
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")


def outcome(ended: Started) -> Outcome:
    """What became of a job whose process has ended. A log gets a line if its job was killed."""
    return outcome_of(ended.job, ended.process.returncode, ended.log, ended.begins)


def outcome_of(job: Job, status: int, log: Path, begins: int) -> Outcome:
    """What became of a job, by its exit status (minus a signal's number if one killed it)."""
    if status == 0:
        return Outcome(job, "done")
    said = last_words(log, begins)
    if status == BusyError.exit_status:
        return Outcome(job, "busy", said)
    if status < 0 or status - 128 in SIGNALS:
        name = signal.Signals(-status if status < 0 else status - 128).name
        if status < 0:
            with contextlib.suppress(OSError), log.open("a") as out:
                out.write(f"augfpn: killed by {name}.\n")
        if -status not in CRASHES:
            return Outcome(job, "interrupted", f"{name}; {job.goes_on}")
        said = f"{name}, a crash; it said last: {said}"
    return Outcome(job, "failed", f"{said}; see {log}")


def last_words(log: Path, begins: int) -> str:
    """The last sentence of `augfpn` in a log from a place on, or else its last line."""
    try:
        with log.open("rb") as opened:
            opened.seek(begins)
            lines = opened.read().decode(errors="replace").splitlines()
        full = not shutil.disk_usage(log.parent).free
    except OSError as error:  # the folder was removed or unmounted
        return f"its log cannot be read, {error.strerror}"
    if not lines:
        return f"{FULL}, so it could say nothing" if full else "it said nothing"
    said = [line for line in lines if line.startswith("augfpn: ")]
    return (said or lines)[-1].removeprefix("augfpn: ").removeprefix("error: ").rstrip(".")


def end_all(running: list[Started]) -> list[Outcome]:
    """End the jobs that still run, and all that they started; empties the list."""
    for each in running:
        tell_group(each.process, signal.SIGTERM)
    until = time.monotonic() + TIME_TO_SAVE
    # Out of time, or a second signal: what is on the disk survives SIGKILL.
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        for each in running:
            each.process.wait(max(0.0, until - time.monotonic()))
    for each in running:
        tell_group(each.process, getattr(signal, "SIGKILL", signal.SIGTERM))
        each.process.wait()
    ended = [outcome(each) for each in running]
    running.clear()
    return ended


def tell_group(process: subprocess.Popen, number: int) -> None:
    """Send a signal to a process and to all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        elif process.poll() is None:
            os.killpg(process.pid, number)


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if GPUS in os.environ:
        return [name.strip() for name in os.environ[GPUS].split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
