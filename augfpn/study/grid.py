"""The study: which runs make each of the paper's tables, which are recorded, which are missing.

    part (table2) x picture set (scenes, bccd) x variant (fpn, cs, ..., augfpn) x seed -> one run

A run is a dict of parameters, as a notebook or a command line has them, so that each can be
repeated by hand. Nothing is computed from a run here: `augfpn.study.report` does that.
"""

import dataclasses
import difflib
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from augfpn import config, records
from augfpn.diagnostics import measure
from augfpn.errors import UserError
from augfpn.settings import paper, parameters, recipes
from augfpn.support.progress import duration

SETS: dict[str, dict[str, Any]] = {  # pictures, and for scenes the dial that is turned up
    "scenes": {"data": "scenes"},
    "detail": {"data": "scenes", "detail": 0.5},
    "context": {"data": "scenes", "context": 0.5},
    "scale": {"data": "scenes", "scale": 1.0},
    "bccd": {"data": "bccd"},
    "coco": {"data": "coco"},
}
DIALS = ("detail", "context", "scale")
OWN_DIAL = {"cs": "scale", "rfa": "context", "srs": "detail"}  # of a part: the defect it mends
DEVICES = {"smoke": "cpu", "laptop": "cpu", "gpu": "cuda", "paper": "cuda"}
NOTEBOOKS = {  # of experiments/ that are called otherwise than their part, and what is meant
    "semantic_gap": "'mechanisms'",
    "top_level": "'mechanisms'",
    "assignment": "'mechanisms'",
    "defect_matrix": "'defects'",
    "runtime": "`augfpn study time`",
}
MEASURED = ("figure4", "mechanisms")  # parts that rest on `augfpn.diagnostics`, too
SEEDS = {"smoke": 1, "laptop": 3, "gpu": 5, "paper": 3}
PARTS_OF_MODEL = (
    *("detector", "cs", "lam", "supervision", "rfa", "ratios", "context_pooling"),
    *("context_fusion", "roi_selection", "mask_supervision"),
)
OF_RECIPE = ("backbone", "epochs")


class Part(NamedTuple):
    """A table or figure: what is compared, on which pictures; FPN, if any, comes first."""

    title: str
    variants: tuple[str, ...]
    sets: tuple[str, ...]  # of all budgets but the paper's, whose pictures are COCO's


def of_table(table: str) -> tuple[str, ...]:
    """The variants of one of the paper's Tables 2 to 5, in its order: FPN comes first."""
    found = (recipes.parts_of(each.model) for each in paper.results() if each.table == table)
    return tuple(dict.fromkeys(found))


def whole_recipes() -> tuple[str, ...]:
    """The authors' own rows of Table 1, each a recipe of COCO."""
    own = (each for each in paper.results() if each.table == "Table 1")
    return tuple(recipes.name_of(each.model, each.schedule) for each in own)


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
        "mechanisms": Part(
            "The three defects, measured", ("fpn", "cs", "rfa", "srs", "augfpn"), both
        ),
        "figure4": Part("Figure 4: what RoIs take from each level", ("srs", "augfpn"), both),
        "table3": Part("Table 3: Consistent Supervision", of_table("Table 3"), both),
        "table4": Part("Table 4: Residual Feature Augmentation", of_table("Table 4"), both),
        "table5": Part("Table 5: Soft RoI Selection", (*of_table("Table 5"), "panet"), both),
        "one_stage": Part("Table 1: one-stage detectors", one_stage, both),
        "masks": Part("Table 1: Mask R-CNN", ("mask_rcnn:fpn", "mask_rcnn:augfpn"), ("scenes",)),
        "table1": Part("Table 1: all detectors, backbones and schedules", whole_recipes(), ()),
    }


def part(name: str) -> Part:
    """A part by name. Raises ``UserError`` with the one that was meant."""
    if name not in parts():
        close = map(repr, difflib.get_close_matches(name, parts(), 1))
        near = NOTEBOOKS.get(name) or next(close, None)
        meant = f"did you mean {near}? " if near else ""
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


@cache
def model_of(variant: str) -> config.Model:
    """A variant of the paper's own size, to compare with its rows."""
    return Run(variant, "coco", "paper", 0).experiment.model


def sets_of(part: Part, budget: str, sets: Iterable[str] | None) -> tuple[str, ...]:
    """The picture sets of a part: its own, or COCO at the paper's budget; those asked for."""
    own = ("coco",) if budget == "paper" else part.sets
    wanted = own if sets is None else [known_set(name) for name in sets]
    return tuple(name for name in own if name in wanted)


def check_pictures(names: Sequence[str], budget: str, sets: Sequence[str] | None) -> None:
    """Raise ``UserError``, which says what there is, where none of some parts has such pictures."""
    known_budget(budget)
    chosen = [part(name) for name in names]
    if any(sets_of(each, budget, sets) for each in chosen):
        return
    own = dict.fromkeys(name for each in chosen for name in sets_of(each, budget, None))
    there = ", ".join(own) or "coco at the paper budget"
    who = "the study" if len(names) == len(parts()) else " or ".join(names)
    wanted = " ".join(["pictures", *(sets or ())])
    raise UserError(f"{who} has no {wanted} at the {budget} budget: it has {there}.")


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
        weights = "imagenet" if self.budget == "paper" else "scratch"
        common = {"budget": self.budget, "seed": self.seed, "weights": weights}
        return words_of(self.variant) | SETS[self.pictures] | common

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

    A variant and a recipe can be the same run: the name that comes first counts. Raises: UserError
    for a part, a budget or a picture set that does not exist, and for less than one seed.
    """
    known_budget(budget)
    chosen = [part(name) for name in names]
    if seeds is not None and seeds < 1:
        raise UserError(f"seeds = {seeds}: give 1 or more.")
    found = (
        Run(variant, pictures, budget, seed)
        for seed in range(seeds or SEEDS[budget])
        for each in chosen
        for pictures in sets_of(each, budget, sets)
        for variant in each.variants
    )
    by_key: dict[str, Run] = {}
    for run in found:
        by_key.setdefault(key_of_run(run), run)
    return list(by_key.values())


def known_budget(name: str) -> str:
    """The name of a budget. Raises ``UserError`` for another word."""
    if name not in SEEDS:
        raise UserError(f"budget = {name!r}: choose one of {', '.join(SEEDS)}.")
    return name


def known_set(name: str) -> str:
    """The name of a picture set. Raises ``UserError`` for another word."""
    if name not in SETS:
        raise UserError(f"there are no pictures {name!r}: choose from {', '.join(SETS)}.")
    return name


# --- records --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """The records that are there, by what they are of, and what is wrong with others."""

    by_key: dict[str, records.Record]
    problems: tuple[str, ...]

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds that any record has, in order."""
        return tuple(sorted({record.experiment.seed for record in self.by_key.values()}))

    def of_seeds(self, seeds: int | None) -> "Found":
        """Only the records of so many seeds, as `runs` counts them; all if no number is given."""
        if seeds is None:
            return self
        kept = {k: r for k, r in self.by_key.items() if r.experiment.seed < seeds}
        return Found(kept, self.problems)

    def readable(self) -> "Found":
        """Only the records whose predictions can be read; the others are problems."""
        kept, problems = {}, list(self.problems)
        for key, record in self.by_key.items():
            try:
                record.read_predictions()
                kept[key] = record
            except UserError as error:
                problems.append(str(error))
        return Found(kept, tuple(problems))

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

    Of two records of the same run that agree the one counts that has diagnostics. Two that do not
    are reported, and the first counts.
    """
    whole, problems = records.read_all(folders)
    alike, others = records.of_same_pictures([up_to_date(record) for record in whole])
    problems += others
    by_key: dict[str, records.Record] = {}
    for record in alike:
        key = key_of(record.experiment)
        first = by_key.setdefault(key, record)
        if numbers_of(first) != numbers_of(record):
            problems.append(
                f"{record.folder.name} and {first.folder.name} are the same run and disagree: "
                f"AP {100 * record.result['AP']:.2f} and {100 * first.result['AP']:.2f}; "
                "the latter is used."
            )
        elif first.diagnostics is None and record.diagnostics is not None:
            by_key[key] = record
    return Found(by_key, tuple(problems))


def up_to_date(record: records.Record) -> records.Record:
    """The record; what another version of `augfpn.diagnostics` measured counts as not measured."""
    now = record.is_measured(measure.VERSION)
    return record if now else dataclasses.replace(record, diagnostics=None)


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
    measured: int | None  # of those done, how many have diagnostics; None where none are needed


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
            seconds = expected_seconds(missing, found)
            measured = count_measured(here, found) if name in MEASURED else None
            done = len(here) - len(missing)
            lines.append(Line(name, pictures, done, len(here), seconds, measured))
    return lines


def count_measured(runs: Iterable[Run], found: Found) -> int:
    """How many of some runs have diagnostics."""
    there = (found.record(run) for run in runs)
    return sum(record is not None and record.diagnostics is not None for record in there)


def length(experiment: config.Experiment) -> tuple[str, int | None, int | None]:
    """What runs that take about as long share."""
    return experiment.budget, experiment.train.steps, experiment.train.epochs


def expected_seconds(missing: Sequence[Run], found: Found) -> float | None:
    """How long some runs would take: each as long as the same variant's median, or as any.

    ``None`` where no run of their budget and number of steps is recorded. Of the machines that made
    the records.
    """
    lengths = {length(run.experiment) for run in missing}
    alike = [r for r in found.by_key.values() if length(r.experiment) in lengths]
    if not alike:
        return None if missing else 0.0
    times: dict[config.Model, list[float]] = {}
    for record in alike:
        model = dataclasses.replace(record.experiment.model, classes=1)
        times.setdefault(model, []).append(record.result["seconds"])
    any_time = statistics.median(r.result["seconds"] for r in alike)
    models = (dataclasses.replace(run.experiment.model, classes=1) for run in missing)
    return sum(statistics.median(times.get(model, [any_time])) for model in models)


def status_text(lines: Sequence[Line], found: Found) -> str:
    """The status as a table for a terminal."""
    rows = [("part", "pictures", "done", "measured", "missing would take")]
    for line in lines:
        left = "-" if line.done == line.runs else "unknown"
        measured = "" if line.measured is None else f"{line.measured}/{line.runs}"
        if line.seconds:
            left = duration(line.seconds)
        rows.append((line.part, line.pictures, f"{line.done}/{line.runs}", measured, left))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = [
        "  ".join(x.ljust(w) for x, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    text += [f"note: {problem}" for problem in found.problems]
    return "\n".join(text)
