"""What is recorded of the study's runs, and what is missing. Nothing here needs torch.

    folders of records -> Found -> status of each part

`augfpn.study.running.grid` says which runs there are, `augfpn.study.gather` makes those that are
missing.
"""

import dataclasses
import json
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from augfpn import config, records
from augfpn.errors import UserError
from augfpn.study.running import grid
from augfpn.study.running.sets import is_first
from augfpn.support import text
from augfpn.support.machine import commit, version
from augfpn.support.progress import duration

TIMINGS = "runtime"  # folder beside records that holds what `augfpn.study.timing` measured
Phase = Literal["pilot", "confirmation"]
IN_TIMING = ("budget", "batch", "seconds", "environment")
NOT_COMPUTED = ("seconds", "memory_mb")  # parts of a result that differ when a run is repeated


def phase_of(record: records.Record) -> Phase:
    """Whether a run was seen before the ledger was frozen (pilot), or confirms it.

    At budget transfer the seeds that were planned come first; later ones confirm. Where no seeds
    were set apart, all runs are of the first phase.
    """
    of = record.experiment
    return "pilot" if is_first(of.seed, of.budget) else "confirmation"


@dataclass(frozen=True)
class Found:
    """Readable records by `grid.key_of`, and a sentence for each record that is left out."""

    by_key: dict[str, records.Record]
    problems: tuple[str, ...]

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds that any record has, in order."""
        return tuple(sorted({record.experiment.seed for record in self.by_key.values()}))

    def of_seeds(self, seeds: Collection[int] | None) -> "Found":
        """Only the records of some seeds; all records if it is ``None``."""
        if seeds is None:
            return self
        kept = {k: r for k, r in self.by_key.items() if r.experiment.seed in seeds}
        return Found(kept, self.problems)

    def among(self, phase: Phase) -> "Found":
        """Only the records of the pilot, or only those that confirm."""
        kept = {k: r for k, r in self.by_key.items() if phase_of(r) == phase}
        return Found(kept, self.problems)

    def readable(self, known: Callable[[records.Record], bool] = lambda record: False) -> "Found":
        """Only the records whose predictions can be read; the others become problems.

        Those that are ``known`` to be readable are not read.
        """
        kept, problems = {}, list(self.problems)
        for key, record in self.by_key.items():
            try:
                if not known(record):
                    record.read_predictions()
                kept[key] = record
            except UserError as error:
                problems.append(str(error))
        return Found(kept, tuple(problems))

    def record(self, run: grid.Run) -> records.Record | None:
        """The run's record, if there is one."""
        return self.by_key.get(grid.key_of_run(run))


def collect(folders: Sequence[Path]) -> Found:
    """All records in some folders. A record that is damaged or contradicts another is left out.

    Of two equal records of the same run, the one with diagnostics counts. If two records of the
    same run differ, the first one counts. Raises ``UserError`` for a folder that is a file.
    """
    whole, problems = records.read_all(folders)
    alike, others = of_same_pictures([up_to_date(record) for record in whole])
    problems += others
    by_key: dict[str, records.Record] = {}
    for record in alike:
        key = grid.key_of(record.experiment)
        processes = record.experiment.train.processes
        if processes > 1 and record.experiment.budget != "paper":
            problems.append(
                f"{record.folder.name} was made by {processes} processes, and the study compares "
                "runs of one process: it does not count."
            )
            continue
        first = by_key.setdefault(key, record)
        if computed(first) != computed(record):
            problems.append(
                f"{record.folder.name} and {first.folder.name} are the same run and disagree: "
                f"AP {100 * record.result['AP']:.2f} and {100 * first.result['AP']:.2f}; "
                "the latter is used."
            )
        elif first.diagnostics is None and record.diagnostics is not None:
            by_key[key] = record
    return Found(by_key, tuple(problems))


def of_same_pictures(
    whole: Sequence[records.Record],
) -> tuple[list[records.Record], list[str]]:
    """Per data setting, keep the records made on its most common pictures: these are comparable.

    Returns the records that are kept, and a sentence for each record that is left out.
    """
    by_settings: dict[tuple[str, config.Data], list[records.Record]] = {}
    for record in whole:
        by_settings.setdefault(pictures_wanted(record), []).append(record)
    usual = {key: most_alike(group) for key, group in by_settings.items()}
    kept, problems = [], []
    for record in whole:
        first = usual[pictures_wanted(record)]
        if record.fingerprints == first.fingerprints:
            kept.append(record)
        else:
            problems.append(
                f"{record.folder.name} was made on other pictures than {first.folder.name}."
            )
    return kept, problems


def pictures_wanted(record: records.Record) -> tuple[str, config.Data]:
    """The budget, and the data settings without the folder: comparable records share both."""
    return record.experiment.budget, dataclasses.replace(record.experiment.data, root=None)


def most_alike(group: Sequence[records.Record]) -> records.Record:
    """The first record that was made on the most common pictures of a group of records."""
    pictures = [record.fingerprints for record in group]
    return group[pictures.index(max(pictures, key=pictures.count))]


def up_to_date(record: records.Record) -> records.Record:
    """The record; diagnostics of another version are dropped, so that it is measured again."""
    return record if record.is_measured else dataclasses.replace(record, diagnostics=None)


def computed(record: records.Record) -> dict:
    """The part of a result that is the same when the run is repeated."""
    return {k: v for k, v in record.result.items() if k not in NOT_COMPUTED}


def read_timings(folders: Iterable[Path], budget: str) -> list[dict]:
    """All timings at a budget that lie beside the records of some folders.

    Raises ``UserError`` for a damaged one, of any budget.
    """
    found = []
    for file in sorted(f for folder in folders for f in Path(folder).glob(f"{TIMINGS}/*.json")):
        try:
            one = json.loads(file.read_text())
            found.append({name: one[name] for name in IN_TIMING})
        except (ValueError, KeyError) as error:
            raise UserError(f"{file} is incomplete or damaged ({error!r}): delete it.") from None
    return [each for each in found if each["budget"] == budget]


# --- what is done, what is missing ----------------------------------------------------------------


class Status(NamedTuple):
    """How many runs of a part on one picture set are recorded."""

    part: str
    pictures: str
    done: int
    runs: int
    seconds: float | None  # the time that the missing runs would take, one after the other
    measured: int | None  # how many of those done have diagnostics; None if none are needed


def status(
    names: Iterable[str],
    budget: str,
    sets: Iterable[str] | None,
    seeds: Collection[int] | None,
    found: Found,
) -> list[Status]:
    """The status of some parts at a budget, a row for each picture set; see `grid.runs`."""
    rows = []
    for name in names:
        wanted = grid.runs([name], budget, sets, seeds)
        for pictures in dict.fromkeys(run.pictures for run in wanted):
            here = [run for run in wanted if run.pictures == pictures]
            missing = [run for run in here if found.record(run) is None]
            seconds = expected_seconds(missing, found)
            measured = count_measured(here, found) if grid.part(name).measured else None
            done = len(here) - len(missing)
            rows.append(Status(name, pictures, done, len(here), seconds, measured))
    return rows


def count_measured(runs: Iterable[grid.Run], found: Found) -> int:
    """How many of some runs have diagnostics."""
    there = (found.record(run) for run in runs)
    return sum(record is not None and record.diagnostics is not None for record in there)


class Cost(NamedTuple):
    """What decides how long a run takes: runs that are equal in it take about the same time."""

    budget: str
    unit: str  # of its length
    length: float
    model: config.Model


def cost_of(experiment: config.Experiment) -> Cost:
    """A run's detector, and its length in steps or in epochs."""
    train, model = experiment.train, dataclasses.replace(experiment.model, classes=1)
    unit, length = ("epochs", train.epochs) if train.steps is None else ("steps", train.steps)
    return Cost(experiment.budget, unit, float(length or 0), model)


def expected_seconds(missing: Sequence[grid.Run], found: Found) -> float | None:
    """How long some runs would take on the machines that made the records.

    A run takes the median time of the same variant's records of its length, or else of all records
    of its length; or else that of records of other lengths, in proportion. ``None`` if a run's
    budget has no record.
    """
    known = [(cost_of(r.experiment), r.result["seconds"]) for r in found.by_key.values()]
    total = 0.0
    for wanted, runs in Counter(cost_of(run.experiment) for run in missing).items():
        of_budget = [each for each in known if each[0][:2] == wanted[:2]]
        alike = [each for each in of_budget if each[0].length == wanted.length] or of_budget
        own = [each for each in alike if each[0].model == wanted.model] or alike
        if not own:
            return None
        total += runs * statistics.median(s * wanted.length / c.length for c, s in own)
    return total


def code_versions(found: Found, budget: str) -> str:
    """How many records at a budget each version of the code made, and which version this is."""
    there = (each for each in found.by_key.values() if each.experiment.budget == budget)
    made = Counter(code_of(each.environment) for each in there).most_common()
    here = code_of({"commit": commit(), "versions": {"augfpn": version("augfpn")}})
    by = ", ".join(f"{number} by {code}" for code, number in made) or "none"
    return f"code: of the records, {by}; this is {here} (a + marks changed files)"


def code_of(environment: dict) -> str:
    """The version of the code in a record's environment: git's commit, or else the package's."""
    return environment["commit"] or f"augfpn {environment['versions'].get('augfpn')} without git"


def status_text(rows: Sequence[Status], found: Found) -> str:
    """The status as a table for a terminal, with the problems below it."""
    header = ("part", "pictures", "done", "measured", "missing would take")
    cells = []
    for row in rows:
        left = "-" if row.done == row.runs else "unknown"
        measured = "" if row.measured is None else f"{row.measured}/{row.runs}"
        if row.seconds:
            left = duration(row.seconds)
        cells.append((row.part, row.pictures, f"{row.done}/{row.runs}", measured, left))
    table = text.columns(header, cells, left=range(len(header)))
    return "\n".join([table, *(f"note: {problem}" for problem in found.problems)])
