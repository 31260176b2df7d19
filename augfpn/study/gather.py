"""The study's missing runs and measurements, several at once, each a process of its own.

    augfpn train ...       -> a record with weights
    augfpn measure RECORD  -> its diagnostics.json

What is needed is in `augfpn.study.grid`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from augfpn import records
from augfpn.deploy import predict
from augfpn.study import truth
from augfpn.study.grid import DEVICES, Found, Run

Tell = Callable[[str], None]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # torch takes the latter where it is set


class Job(NamedTuple):
    """A command line for a run, with its log's name, what to call it and its threads."""

    run: Run
    words: list[str]
    log: str
    title: str
    threads: int


def run_missing(
    missing: Iterable[Run], folder: Path, jobs: int, data_root: str | None, tell: Tell
) -> list[Run]:
    """Train what is missing, some at once; returns what failed.

    Each run is a process of its own, ``augfpn train``; one that was cut off goes on from its
    checkpoint.
    """
    todo = [
        Job(
            run,
            command(run, folder, data_root),
            f"{run.pictures}-{run.variant.replace(':', '-')}-seed{run.seed}",
            str(run),
            threads_of(run, jobs),
        )
        for run in missing
    ]
    return in_processes(todo, folder, jobs, tell)


def measure_missing(
    runs: Iterable[Run],
    found: Found,
    folder: Path,
    jobs: int,
    data_root: str | None,
    tell: Tell,
) -> list[Run]:
    """Measure the three defects on all records of some runs that have weights and no diagnostics.

    Each is a process of its own, ``augfpn measure``; returns the runs that failed.
    """
    there = {run: found.record(run) for run in runs}
    todo = [
        Job(
            run,
            measure_command(record, data_root),
            f"measure-{record.folder.name}",
            f"measuring {run}",
            share_of_cores(jobs),
        )
        for run, record in there.items()
        if record is not None and record.diagnostics is None and record.weights.is_file()
    ]
    tell(f"{len(todo)} records have weights and are not measured.")
    return in_processes(todo, folder, jobs, tell) if todo else []


def in_processes(todo: Sequence[Job], folder: Path, jobs: int, tell: Tell) -> list[Run]:
    """Do some jobs at once, each with its output in a log in ``folder``; returns the runs of those
    that failed.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)

    def succeeds(job: Job) -> bool:
        log, threads = logs / f"{job.log}.txt", dict.fromkeys(THREADS, str(job.threads))
        settings = os.environ | threads | {"AUGFPN_PROGRESS": "lines"}
        with log.open("a") as out:
            done = subprocess.run(
                job.words, stdout=out, stderr=subprocess.STDOUT, env=settings, check=False
            )
        tell(f"{job.title}: " + ("done" if done.returncode == 0 else f"FAILED, see {log}"))
        return done.returncode == 0

    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(succeeds, todo)
        return [job.run for job, good in zip(todo, results, strict=True) if not good]


def threads_of(run: Run, jobs: int) -> int:
    """One on a CPU: with two, sums are taken in another order, and AP moves as with another seed.
    On a GPU a run's share of the cores.
    """
    return 1 if DEVICES[run.budget] == "cpu" else share_of_cores(jobs)


def share_of_cores(jobs: int) -> int:
    """The cores of each of some jobs at once."""
    return max(1, (os.cpu_count() or 1) // jobs)


def keep_truths(runs: Iterable[Run], found: Found, data_root: str | None) -> None:
    """Keep the annotations that the records of some runs were tested with beside them.

    So that a report needs no pictures. Those of scenes are made anew whenever they are needed.
    """
    for record in filter(None, map(found.record, runs)):
        pictures = record.experiment.data.name
        if pictures != "scenes" and not truth.is_kept(record):
            truth.keep(predict.test_pictures(record, data_root), record.folder.parent)


def command(run: Run, folder: Path, data_root: str | None) -> list[str]:
    """The command line that trains one run."""
    words = run.words | {"device": DEVICES[run.budget], "records": str(folder), "baseline": "none"}
    if data_root is not None and words["data"] != "scenes":
        words["data_root"] = data_root
    options = [
        f"--{name.replace('_', '-')}={' '.join(map(str, v)) if isinstance(v, tuple) else v}"
        for name, v in words.items()
    ]
    return [sys.executable, "-m", "augfpn.cli", "train", *options]


def measure_command(record: records.Record, data_root: str | None) -> list[str]:
    """The command line that measures one record."""
    words = [sys.executable, "-m", "augfpn.cli", "measure", str(record.folder)]
    moved = data_root is not None and record.experiment.data.name != "scenes"
    return [*words, "--data-root", data_root] if moved else words
