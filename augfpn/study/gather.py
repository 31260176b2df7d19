"""Evidence for a part of the study. Missing runs are made first, if that is asked for.

    augfpn train ...       -> a record with weights
    augfpn measure RECORD  -> its diagnostics.json

Each run and each measurement is a process of its own; several run at once.
`augfpn.study.running.grid` says which runs a part needs, `augfpn.study.running.recorded` which of
them are recorded.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from augfpn import records
from augfpn.settings.asked import Asked
from augfpn.study import gates, timing
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid, recorded
from augfpn.study.running.cluster import on_cluster
from augfpn.study.running.grid import DEVICES, Run
from augfpn.study.running.processes import Job, Outcome, Say, in_processes, visible_gpus
from augfpn.study.running.recorded import Found, Phase
from augfpn.study.uncertainty import truth
from augfpn.training import prepare, reopen

# --- evidence -------------------------------------------------------------------------------------


def evidence_for(name: str, asked: Asked, say: Say = print) -> Evidence:
    """The evidence for a part, after its missing runs if they are asked for.

    ``say`` gets the status. Raises ``UserError`` for an unknown part, and for one that is not run
    on these pictures.
    """
    grid.check_pictures([name], asked.budget, [asked.data])
    found = found_for([name], [asked.data], asked, say)
    return evidence_on(asked.data, found, asked)


def evidence_for_parts(names: Sequence[str], asked: Asked, say: Say = print) -> dict[str, Evidence]:
    """The evidence for each part that is run on these pictures, by part.

    Raises ``UserError`` for an unknown part, and if no part is run on these pictures.
    """
    grid.check_pictures(names, asked.budget, [asked.data])
    there = [name for name in names if grid.runs([name], asked.budget, [asked.data])]
    found = found_for(there, [asked.data], asked, say)
    return dict.fromkeys(there, evidence_on(asked.data, found, asked))


def evidence_by_dial(asked: Asked, say: Say = print) -> dict[str, Evidence]:
    """The evidence for the defect matrix, by picture set."""
    sets = grid.sets_of(grid.part("defects"), asked.budget, None)
    found = found_for(["defects"], sets, asked, say)
    return {name: evidence_on(name, found, asked) for name in sets}


def committed(pictures: str, budget: str = "laptop", phase: Phase = "pilot") -> Evidence:
    """The evidence from the repository's own records on a picture set, which the book shows.

    The pilot's seeds and those that confirm are not mixed: they have other test pictures.
    Raises ``UserError`` for a picture set or a budget that does not exist.
    """
    return committed_sets([pictures], budget, phase)[pictures]


def committed_sets(
    names: Iterable[str], budget: str = "laptop", phase: Phase = "pilot"
) -> dict[str, Evidence]:
    """The same on several picture sets; the records are read once."""
    for name in names:
        grid.known_set(name)
    grid.known_budget(budget)
    return evidence_by_set(names, budget, recorded.collect(records.COMMITTED).among(phase))


def evidence_by_set(names: Iterable[str], budget: str, found: Found) -> dict[str, Evidence]:
    """The evidence from some records on each of some picture sets, with the committed timings."""
    timings = recorded.read_timings(records.COMMITTED, budget)
    return {name: Evidence(name, budget, found, timings=timings) for name in names}


def from_pretrained() -> dict[str, Evidence]:
    """The committed evidence from pretrained weights, by set of images.

    "bccd_again" has the seeds of blood cells after those that were planned.
    """
    found = recorded.collect(records.COMMITTED)
    sets = ("bccd", "bccd_learning", "aquarium")
    planned = evidence_by_set(sets, "transfer", found.among("pilot"))
    later = evidence_by_set(("bccd",), "transfer", found.among("confirmation"))
    return planned | {"bccd_again": later["bccd"]}


def timings_for(asked: Asked, say: Say = print) -> list[dict]:
    """The timings at a budget, after a new one on this machine if it is asked for.

    Raises ``UserError`` for a budget that does not exist.
    """
    grid.known_budget(asked.budget)
    if asked.run:
        device = prepare.the_device("auto")
        found = timing.time_in_turns(asked.budget, asked.rounds, asked.batch, device)
        say(f"recorded: {timing.write_timing(found, asked.records)}")
    return recorded.read_timings(records.with_committed(asked.records), asked.budget)


def found_for(names: Sequence[str], sets: Sequence[str], asked: Asked, say: Say) -> Found:
    """The records for parts on picture sets, after the missing runs if they are asked for."""
    wanted = grid.runs(names, asked.budget, sets)
    folders = records.with_committed(asked.records)
    found = recorded.collect(folders)
    if asked.run:
        where = asked.records, asked.jobs, asked.data_root, say
        missing = [run for run in wanted if found.record(run) is None]
        run_missing(gates.allowed(missing, found, named=False, say=say), *where)
        found = recorded.collect(folders)
        measured = [name for name in names if grid.part(name).measured]
        if measured:
            measure_missing(grid.runs(measured, asked.budget, sets), found, *where)
            found = recorded.collect(folders)
        keep_truths(wanted, found, asked.data_root)
    say(recorded.status_text(recorded.status(names, asked.budget, sets, None, found), found))
    return found


def evidence_on(pictures: str, found: Found, asked: Asked) -> Evidence:
    """The evidence on one picture set: its records, and the timings."""
    timings = recorded.read_timings(records.with_committed(asked.records), asked.budget)
    return Evidence(pictures, asked.budget, found, timings=timings)


# --- jobs -----------------------------------------------------------------------------------------


def run_missing(
    missing: Iterable[Run],
    folder: Path,
    jobs: int | None,
    data_root: str | None,
    say: Say,
    cluster: str | None = None,
    options: Mapping[str, object] | None = None,
) -> list[Outcome]:
    """Train missing runs, ``jobs`` of them at once; returns what became of each.

    Each run is a process of its own, ``augfpn train``; a run that was stopped goes on from its
    checkpoint. Runs on a GPU are spread over the GPUs that there are. Raises `Stopped` if a signal
    ended them. With a ``cluster`` they are jobs of it, see `augfpn.study.running.cluster`.
    """
    todo = training_jobs(missing, folder, jobs or 1, data_root)
    return run_jobs(todo, folder, jobs, say, cluster, options)


def run_jobs(
    todo: Sequence[Job],
    folder: Path,
    jobs: int | None,
    say: Say,
    cluster: str | None,
    options: Mapping[str, object] | None,
) -> list[Outcome]:
    """Run jobs as processes, or as jobs of a cluster; returns what became of each."""
    gpus = visible_gpus() if any(job.on_gpu for job in todo) else []
    if cluster is not None:
        return on_cluster(todo, folder, jobs, say, cluster, options or {}, gpus)
    return in_processes(todo, folder, jobs or 1, say, gpus)


def training_jobs(
    missing: Iterable[Run], folder: Path, jobs: int, data_root: str | None
) -> list[Job]:
    """The jobs that train some runs, of which ``jobs`` share a machine."""
    return [
        Job(
            run,
            train_command(run, folder, data_root),
            f"{run.pictures}-{run.variant.replace(':', '-')}-seed{run.seed}",
            str(run),
            threads_of(run, jobs),
            on_gpu=DEVICES[run.budget] == "cuda",
        )
        for run in missing
    ]


def measure_missing(
    runs: Iterable[Run],
    found: Found,
    folder: Path,
    jobs: int | None,
    data_root: str | None,
    say: Say,
    cluster: str | None = None,
    options: Mapping[str, object] | None = None,
) -> list[Outcome]:
    """Measure the three defects on the records of some runs; returns what became of each.

    Records without weights, or with measurements, are left out. Each measurement is a process of
    its own, ``augfpn measure``. On this machine each gets a GPU, if there is one; in SLURM, only
    that of a run that was trained on one. For the rest see `run_missing`.
    """
    there = {run: found.record(run) for run in runs}
    todo = [
        Job(
            run,
            measure_command(record, data_root),
            f"measure-{record.folder.name}",
            f"measuring {run}",
            share_of_cores(jobs or 1),
            on_gpu=cluster != "slurm" or DEVICES[run.budget] == "cuda",
            goes_on="it starts anew",
        )
        for run, record in there.items()
        if record is not None and record.diagnostics is None and record.weights.is_file()
    ]
    say(f"{len(todo)} records have weights and are not measured.")
    return run_jobs(todo, folder, jobs, say, cluster, options)


def threads_of(run: Run, jobs: int) -> int:
    """The CPU threads of a run: one if it trains on a CPU, its share of the cores if on a GPU.

    Two threads would add numbers in another order, which changes AP as much as another seed does.
    """
    return 1 if DEVICES[run.budget] == "cpu" else share_of_cores(jobs)


def share_of_cores(jobs: int) -> int:
    """The cores that each of ``jobs`` processes gets."""
    return max(1, (os.cpu_count() or 1) // jobs)


def keep_truths(runs: Iterable[Run], found: Found, data_root: str | None) -> None:
    """Keep the annotations of the test pictures beside the records of some runs.

    Then a report needs no pictures. The annotations of scenes are made anew when they are needed.
    """
    for record in filter(None, map(found.record, runs)):
        pictures = record.experiment.data.name
        if pictures != "scenes" and not truth.has_kept_truth(record):
            test = reopen.recorded_pictures(record, "test", data_root)
            truth.keep_truth(test, record.folder.parent)


def train_command(run: Run, folder: Path, data_root: str | None) -> list[str]:
    """The command line that trains a run."""
    words = run.words | {"device": DEVICES[run.budget], "records": str(folder), "baseline": "none"}
    if data_root is not None and words["data"] != "scenes":
        words["data_root"] = data_root
    options = [
        f"--{name.replace('_', '-')}={' '.join(map(str, v)) if isinstance(v, tuple) else v}"
        for name, v in words.items()
    ]
    return [sys.executable, "-m", "augfpn.cli", "train", *options]


def measure_command(record: records.Record, data_root: str | None) -> list[str]:
    """The command line that measures a record."""
    words = [sys.executable, "-m", "augfpn.cli", "measure", str(record.folder)]
    moved = data_root is not None and record.experiment.data.name != "scenes"
    return [*words, "--data-root", data_root] if moved else words
