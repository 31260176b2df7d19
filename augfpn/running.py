"""The study's missing runs and measurements, several at once, each a process of its own.

augfpn train ...  -> a record with weights
augfpn measure RECORD  -> its diagnostics.json
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from augfpn import predict, records, truth
from augfpn.study import DEVICES, Found, Run

Tell = Callable[[str], None]


def run_missing(
    missing: Sequence[Run],
    folder: Path,
    jobs: int,
    data_root: str | None,
    tell: Tell,
) -> list[Run]:
    """Train what is missing, some at once; returns what failed.

    Each run is a process of its own, ``augfpn train``, with its share of the cores; its output goes
    to a log in ``folder``. A run that was cut off goes on from its checkpoint.
    """

    def one(run: Run) -> Run | None:
        name = f"{run.pictures}-{run.variant.replace(':', '-')}-seed{run.seed}"
        words = command(run, folder, data_root)
        return None if in_process(words, folder, name, jobs, str(run), tell) else run

    with ThreadPoolExecutor(jobs) as pool:
        return [run for run in pool.map(one, missing) if run is not None]


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
        (run, record)
        for run, record in there.items()
        if record is not None and record.diagnostics is None and record.weights.is_file()
    ]

    def one(chosen: tuple[Run, records.Record]) -> Run | None:
        run, record = chosen
        words = [sys.executable, "-m", "augfpn.cli", "measure", str(record.folder)]
        if data_root is not None and record.experiment.data.name != "scenes":
            words += ["--data-root", data_root]
        name = f"measure-{record.folder.name}"
        return None if in_process(words, folder, name, jobs, f"measuring {run}", tell) else run

    tell(f"{len(todo)} records have weights and are not measured.")
    with ThreadPoolExecutor(jobs) as pool:
        return [run for run in pool.map(one, todo) if run is not None]


def in_process(
    words: list[str],
    folder: Path,
    name: str,
    jobs: int,
    what: str,
    tell: Tell,
) -> bool:
    """Run a command with its share of the cores and its output in a log; whether it succeeded."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    log = folder / "logs" / f"{name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as out:
        done = subprocess.run(
            words,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": str(threads), "AUGFPN_PROGRESS": "lines"},
            check=False,
        )
    tell(f"{what}: " + ("done" if done.returncode == 0 else f"FAILED, see {log}"))
    return done.returncode == 0


def keep_truths(runs: Iterable[Run], found: Found, data_root: str | None) -> None:
    """Keep the annotations that the records of some runs were tested with beside them.

    So that a report needs no pictures. Those of scenes are made anew whenever they are needed.
    """
    for record in filter(None, map(found.record, runs)):
        pictures = record.experiment.data.name
        if pictures != "scenes" and not truth.is_kept(record):
            truth.keep(predict.test_pictures(record, data_root), record.folder.parent)


def command(run: Run, folder: Path, data_root: str | None) -> list[str]:
    """The command line of one run."""
    words = run.words | {"device": DEVICES[run.budget], "records": str(folder), "baseline": "none"}
    if data_root is not None and words["data"] != "scenes":
        words["data_root"] = data_root
    options = [
        f"--{name.replace('_', '-')}={' '.join(map(str, v)) if isinstance(v, tuple) else v}"
        for name, v in words.items()
    ]
    return [sys.executable, "-m", "augfpn.cli", "train", *options]
