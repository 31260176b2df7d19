"""The study: which runs make each of the paper's tables, which are recorded, which are missing.

    part (table2) x picture set (scenes, bccd) x variant (fpn, cs, ..., augfpn) x seed -> one run

A run is a dict of parameters, as a notebook or a command line has them, so that each can be
repeated by hand. Nothing is computed from a run here: `augfpn.report` does that.
"""

import dataclasses
import difflib
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from augfpn import config, paper, parameters, recipes, records
from augfpn.errors import UserError
from augfpn.progress import duration

SETS: dict[str, dict[str, Any]] = {  # pictures, and for scenes the dial that is turned up
    "scenes": {"data": "scenes"},
    "detail": {"data": "scenes", "detail": 0.5},
    "context": {"data": "scenes", "context": 0.5},
    "scale": {"data": "scenes", "scale": 1.0},
    "bccd": {"data": "bccd"},
    "coco": {"data": "coco"},
}
DIALS = ("detail", "context", "scale")
DEVICES = {"smoke": "cpu", "laptop": "cpu", "gpu": "cuda", "paper": "cuda"}
SEEDS = {"smoke": 1, "laptop": 3, "gpu": 5, "paper": 3}
PARTS_OF_MODEL = (
    *("detector", "cs", "lam", "supervision", "rfa", "ratios", "context_pooling"),
    *("context_fusion", "roi_selection", "mask_supervision"),
)
OF_RECIPE = ("backbone", "epochs")


class Part(NamedTuple):
    """A table or figure: what is compared with what, on which pictures. FPN comes first."""

    title: str
    variants: tuple[str, ...]
    sets: tuple[str, ...]


def of_table(table: str) -> tuple[str, ...]:
    """The variants of one of the paper's Tables 2 to 5, in its order: FPN comes first."""
    found = (recipes.parts_of(each.model) for each in paper.results() if each.table == table)
    return tuple(dict.fromkeys(found))


@cache
def parts() -> dict[str, Part]:
    """All parts of the study by name, in the order in which they are run."""
    both = ("scenes", "bccd")
    one_stage = ("retinanet:fpn", "retinanet:augfpn", "fcos:fpn", "fcos:augfpn")
    return {
        "table2": Part("Table 2: the three components", of_table("Table 2"), both),
        "defects": Part(
            "Does each component mend its own defect?",
            ("fpn", "cs", "rfa", "srs", "augfpn"),
            ("scenes", *DIALS),
        ),
        "table3": Part("Table 3: Consistent Supervision", of_table("Table 3"), both),
        "table4": Part("Table 4: Residual Feature Augmentation", of_table("Table 4"), both),
        "table5": Part("Table 5: Soft RoI Selection", (*of_table("Table 5"), "panet"), both),
        "one_stage": Part("Table 1: one-stage detectors", one_stage, both),
        "masks": Part("Table 1: Mask R-CNN", ("mask_rcnn:fpn", "mask_rcnn:augfpn"), ("scenes",)),
    }


def part(name: str) -> Part:
    """A part by name. Raises ``UserError`` with the one that was meant."""
    if name not in parts():
        near = difflib.get_close_matches(name, parts(), 1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"the study has no part {name!r}: {meant}There are {', '.join(parts())}.")
    return parts()[name]


def words_of(variant: str) -> dict[str, Any]:
    """The parameters of a variant: "cs_rfa", with another detector "retinanet:augfpn", or those of
    a whole recipe, which only COCO is for.
    """
    if variant in recipes.recipes():
        words = recipes.named(variant).words
        return {key: words[key] for key in (*PARTS_OF_MODEL, *OF_RECIPE) if key in words}
    detector, _, name = variant.rpartition(":")
    words = recipes.named(f"{detector or 'faster_rcnn'}_r50_{name}_1x").words
    return {key: words[key] for key in PARTS_OF_MODEL if key in words}


def model_of(variant: str) -> config.Model:
    """A variant of the paper's own size, to compare with its rows."""
    return Run(variant, "coco", "paper", 0).experiment.model


def sets_of(part: Part, budget: str, sets: Iterable[str] | None) -> tuple[str, ...]:
    """The picture sets of a part: its own, or COCO at the paper's budget; those asked for."""
    own = ("coco",) if budget == "paper" else part.sets
    wanted = own if sets is None else [known_set(name) for name in sets]
    return tuple(name for name in own if name in wanted)


# --- runs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One run of the grid."""

    variant: str
    pictures: str  # one of SETS
    budget: str
    seed: int

    @property
    def words(self) -> dict[str, Any]:
        """All parameters but where the pictures lie."""
        of_set = SETS[self.pictures]
        return words_of(self.variant) | of_set | {"budget": self.budget, "seed": self.seed}

    @property
    def experiment(self) -> config.Experiment:
        """What is computed; on the budget's own kind of device, be it there or not."""
        words = self.words
        if words["data"] == "coco":
            words["data_root"] = "."
        chosen = parameters.parse(words)
        return parameters.experiment(chosen, device=DEVICES[self.budget])

    def __str__(self) -> str:
        return f"{self.variant} on {self.pictures}, seed {self.seed}"


def runs(
    names: Iterable[str], budget: str, sets: Iterable[str] | None = None, seeds: int | None = None
) -> list[Run]:
    """The runs that some parts need, each once; seed by seed, so that a part grows evenly.

    Raises: UserError for a part, a budget or a picture set that does not exist.
    """
    if budget not in SEEDS:
        raise UserError(f"budget = {budget!r}: choose one of {', '.join(SEEDS)}.")
    chosen = [part(name) for name in names]
    every = range(SEEDS[budget] if seeds is None else seeds)
    found = (
        Run(variant, pictures, budget, seed)
        for seed in every
        for each in chosen
        for pictures in sets_of(each, budget, sets)
        for variant in each.variants
    )
    return list(dict.fromkeys(found))


def known_set(name: str) -> str:
    """The name of a picture set. Raises ``UserError`` for another word."""
    if name not in SETS:
        raise UserError(f"there are no pictures {name!r}: choose from {', '.join(SETS)}.")
    return name


# --- records --------------------------------------------------------------------------------------


class Found(NamedTuple):
    """The records that are there, by what they are of, and what is wrong with others."""

    by_key: dict[str, records.Record]
    problems: tuple[str, ...]

    def record(self, run: Run) -> records.Record | None:
        """The run's record, or none."""
        return self.by_key.get(key_of_run(run))


def key_of(experiment: config.Experiment) -> str:
    """What two records of the same run share, and a run that has no pictures at hand knows.

    The classes are the pictures'; where these lie does not count.
    """
    model = dataclasses.replace(experiment.model, classes=1)
    pictures = dataclasses.replace(experiment.data, root=None)
    return records.run_id(dataclasses.replace(experiment, model=model, data=pictures), {})


@cache
def key_of_run(run: Run) -> str:
    """The key of a run of the grid."""
    return key_of(run.experiment)


def collect(folders: Sequence[Path]) -> Found:
    """All records of some folders. What is damaged or contradicts another is named, and left out.

    Of two records of the same run the first counts if both have the same numbers. If not, it counts
    too where the machines differ, which is reported; on the same machine neither does.
    """
    whole, problems = records.read_all(folders)
    by_key: dict[str, records.Record] = {}
    for record in whole:
        key = key_of(record.experiment)
        first = by_key.setdefault(key, record)
        if first.fingerprints != record.fingerprints:
            problems.append(f"{record.folder.name} is of other pictures than {first.folder.name}.")
        elif numbers_of(first) != numbers_of(record):
            problems.append(
                f"{record.folder.name} and {first.folder.name} are the same run and disagree: "
                f"AP {100 * record.result['AP']:.2f} and {100 * first.result['AP']:.2f}; "
                "the latter is used."
            )
    return Found(by_key, tuple(problems))


def numbers_of(record: records.Record) -> dict:
    """What two records of the same run should share."""
    return {k: v for k, v in record.result.items() if k not in ("seconds", "memory_mb")}


# --- what is done, what is missing ----------------------------------------------------------------


class Line(NamedTuple):
    """A part on one set of pictures: how far it is."""

    part: str
    pictures: str
    done: int
    runs: int
    seconds: float | None  # that the missing ones would take, one after the other


def status(
    names: Iterable[str], budget: str, sets: Iterable[str] | None, seeds: int | None, found: Found
) -> list[Line]:
    """How far some parts are at a budget, each set of pictures for itself; see `runs`."""
    lines = []
    for name in names:
        wanted = runs([name], budget, sets, seeds)
        for pictures in dict.fromkeys(run.pictures for run in wanted):
            here = [run for run in wanted if run.pictures == pictures]
            missing = [run for run in here if found.record(run) is None]
            seconds = expected_seconds(missing, budget, found)
            lines.append(Line(name, pictures, len(here) - len(missing), len(here), seconds))
    return lines


def expected_seconds(missing: Sequence[Run], budget: str, found: Found) -> float | None:
    """How long some runs would take: each as long as the same variant's median, or as any.

    ``None`` where nothing of the budget is recorded. Of the machines that made the records.
    """
    of_budget = [r for r in found.by_key.values() if r.experiment.budget == budget]
    if not of_budget:
        return None if missing else 0.0
    times: dict[config.Model, list[float]] = {}
    for record in of_budget:
        model = dataclasses.replace(record.experiment.model, classes=1)
        times.setdefault(model, []).append(record.result["seconds"])
    any_time = statistics.median(r.result["seconds"] for r in of_budget)
    models = (dataclasses.replace(run.experiment.model, classes=1) for run in missing)
    return sum(statistics.median(times.get(model, [any_time])) for model in models)


def status_text(lines: Sequence[Line], found: Found) -> str:
    """The status as a table for a terminal."""
    rows = [("part", "pictures", "done", "missing would take")]
    for line in lines:
        left = "-" if line.done == line.runs else "unknown"
        if line.seconds:
            left = duration(line.seconds)
        rows.append((line.part, line.pictures, f"{line.done}/{line.runs}", left))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = [
        "  ".join(x.ljust(w) for x, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    text += [f"note: {problem}" for problem in found.problems]
    return "\n".join(text)


# --- running --------------------------------------------------------------------------------------


def run_missing(
    missing: Sequence[Run],
    folder: Path,
    jobs: int,
    data_root: str | None,
    tell: Callable[[str], None],
) -> list[Run]:
    """Train what is missing, some at once; returns what failed.

    Each run is a process of its own, ``augfpn train``, with its share of the cores; its output goes
    to a log in ``folder``. A run that was cut off goes on from its checkpoint.
    """
    threads = max(1, (os.cpu_count() or 1) // jobs)
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)

    def one(run: Run) -> Run | None:
        log = logs / f"{run.pictures}-{run.variant.replace(':', '-')}-seed{run.seed}.txt"
        with log.open("a") as out:
            done = subprocess.run(
                command(run, folder, data_root),
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"OMP_NUM_THREADS": str(threads), "AUGFPN_PROGRESS": "lines"},
                check=False,
            )
        tell(f"{run}: " + ("done" if done.returncode == 0 else f"FAILED, see {log}"))
        return None if done.returncode == 0 else run

    with ThreadPoolExecutor(jobs) as pool:
        return [run for run in pool.map(one, missing) if run is not None]


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
