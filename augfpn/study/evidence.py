"""What is recorded for the study: records to AP on draws of pictures, and to measured numbers.

    records --matches--> AP of every draw of pictures --statistics--> effects with intervals

An effect is a variant's number less that of another, over the seeds that both have, on the same
pictures.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augfpn import records
from augfpn.data.scenes.settings import LINED, PILLS
from augfpn.diagnostics import measure
from augfpn.diagnostics.errors import error_types
from augfpn.notebook import Asked
from augfpn.settings import recipes
from augfpn.study import gather as running
from augfpn.study import grid, intervals, runtime, truth
from augfpn.study.claims import signed
from augfpn.study.gather import Tell
from augfpn.study.intervals import Draws, Interval
from augfpn.study.scoring import matches

Floats = NDArray[np.float64]
ADDED = {"detail": LINED, "context": PILLS}  # classes that a dial adds
OF_DIAL = "AP of the dial's classes"


class Scored(NamedTuple):
    """A record on its test pictures: AP on draws of them, and what each kind of error costs."""

    draws: Draws
    errors: dict[str, dict[str, float]]  # by size and kind: `augfpn.diagnostics.errors`


@dataclass(frozen=True)
class Evidence:
    """What is recorded on one set of pictures at one budget; scored once, as it is asked for."""

    pictures: str  # one of `study.SETS`
    budget: str
    found: grid.Found
    number_of_draws: int = intervals.DRAWS
    timings: Sequence[dict] = ()  # of `augfpn.study.runtime`, at this budget
    scored: dict[str, Scored] = field(default_factory=dict)  # by record's id
    truths: dict[str, dict] = field(default_factory=dict)  # by the pictures' fingerprint

    def recorded(self, variant: str) -> dict[int, records.Record]:
        """The records of a variant by seed."""
        if self.budget != "paper" and variant in recipes.recipes():
            return {}  # a whole recipe is of COCO and of the paper's size
        seeds = self.found.seeds
        runs = (grid.Run(variant, self.pictures, self.budget, seed) for seed in seeds)
        there = {run.seed: self.found.record(run) for run in runs}
        return {seed: record for seed, record in there.items() if record is not None}

    def prepare(self, variants: Iterable[str], mapped: Callable[..., Iterable] = map) -> None:
        """Score all records of some variants; ``mapped`` is `map`, or does as it does."""
        there = (record for name in variants for record in self.recorded(name).values())
        todo = list({r.id: r for r in there if r.id not in self.scored}.values())
        given = [(r, self.truth(r), self.number_of_draws, self.pictures) for r in todo]
        done = mapped(scored, *zip(*given, strict=True)) if given else ()
        self.scored.update({r.id: each for r, each in zip(todo, done, strict=True)})

    def truth(self, record: records.Record) -> dict:
        """The annotations of a record's test pictures, read or made once."""
        wanted = record.fingerprints["test"]
        if wanted not in self.truths:
            self.truths[wanted] = truth.truth_of(record)
        return self.truths[wanted]

    def of(self, variant: str) -> dict[int, Draws]:
        """AP on draws of pictures by seed; the draws are the same for every record."""
        self.prepare([variant])
        return {seed: self.scored[r.id].draws for seed, r in self.recorded(variant).items()}

    def errors(self, variant: str) -> dict[int, dict[str, dict[str, float]]]:
        """What each kind of error costs by seed, size and kind."""
        self.prepare([variant])
        return {seed: self.scored[r.id].errors for seed, r in self.recorded(variant).items()}

    def combination(
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None:
        """The sum of some variants' number less that of others; ``None`` where no seed has all."""
        of = {name: self.of(name) for name in (*plus, *minus)}
        sums = [
            intervals.signed_sum(
                [(sign, of[name][seed]) for name, sign in signed(plus, minus)], number
            )
            for seed in shared_seeds(of)
        ]
        return intervals.single(sums)[number] if sums else None

    def measured(self, plus: Sequence[str], minus: Sequence[str], number: str) -> Interval | None:
        """The same of a number that `augfpn.diagnostics` measured, with Student's interval.

        The interval is for other seeds on these same pictures.
        """
        of = {name: self.measurements(name) for name in (*plus, *minus)}
        terms = intervals.terms_of(number)
        wanted = {name for _, name in terms}
        seeds = [
            s for s in shared_seeds(of) if all(wanted <= each[s].keys() for each in of.values())
        ]
        values = [
            sum(
                sign * also * of[variant][seed][name]
                for variant, sign in signed(plus, minus)
                for also, name in terms
            )
            for seed in seeds
        ]
        return intervals.mean(values) if values else None

    def measurements(self, variant: str) -> dict[int, dict[str, float]]:
        """What was measured, by seed and name; only of records that were."""
        there = {seed: record.diagnostics for seed, record in self.recorded(variant).items()}
        return {seed: measure.numbers(x) for seed, x in there.items() if x is not None}

    def arrays(self, variant: str, *keys: str) -> Floats | None:
        """A measured array, the mean over seeds; nan where no seed has the number."""
        found = []
        for record in self.recorded(variant).values():
            value: Any = record.diagnostics
            for key in keys:
                value = None if value is None else value.get(key)
            if value is not None:
                found.append(np.array(value, float))  # None becomes nan
        if not found:
            return None
        there = ~np.isnan(found)
        total = np.where(there, found, 0).sum(axis=0)
        return np.divide(total, there.sum(axis=0), where=there.any(axis=0), out=total * np.nan)

    def times_as_long(self, use: str) -> Interval | None:
        """How many times as long as FPN AugFPN takes, on a GPU at the paper's budget."""
        for each in self.timings:
            if each["environment"]["device"] == "cuda" and each["budget"] == "paper":
                return runtime.times_as_long(each, use)
        return None

    def apart(self, a: str, b: str) -> dict[int, Draws]:
        """How much better a is than b, by seed."""
        return paired(self.of(a), self.of(b))

    def effects(self, a: str, b: str) -> dict[str, Interval]:
        """How much better a is than b, by number; empty where no seed has both."""
        found = list(self.apart(a, b).values())
        return intervals.single(found) if found else {}


def scored(record: records.Record, coco: dict, draws: int, pictures: str) -> Scored:
    """A record's predictions beside the truth of its test pictures."""
    found = intervals.drawn(matches(coco, record.predictions), draws)
    if "mask" in record.result:
        masks = intervals.drawn(matches(coco, record.predictions, "segm"), draws)
        found = intervals.joined(found, masks, "mask ")
    if pictures in ADDED:
        own = [f"AP of {name}" for name in ADDED[pictures]]
        found = intervals.with_mean(found, OF_DIAL, own)
    return Scored(found, error_types(coco, record.predictions))


def paired(a: dict[int, Draws], b: dict[int, Draws]) -> dict[int, Draws]:
    """How much better a is than b, by seed, for the seeds that both have."""
    return {seed: intervals.less(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())}


def shared_seeds(of: dict[str, dict[int, Any]]) -> list[int]:
    """The seeds that all variants have."""
    return sorted(set.intersection(*(set(each) for each in of.values())))


def collected(names: Sequence[str], sets: Sequence[str], asked: Asked, tell: Tell) -> grid.Found:
    """The records for some parts on some sets, after the missing runs if they are asked for."""
    wanted = grid.runs(names, asked.budget, sets)
    folders = [asked.records, *records.COMMITTED]
    found = grid.collect(folders)
    if asked.run:
        missing = [run for run in wanted if found.record(run) is None]
        running.run_missing(missing, asked.records, asked.jobs, asked.data_root, tell)
        found = grid.collect(folders)
        looked_into = grid.runs(set(names) & set(grid.MEASURED), asked.budget, sets)
        where = asked.records, asked.jobs, asked.data_root, tell
        if looked_into:
            running.measure_missing(looked_into, found, *where)
            found = grid.collect(folders)
        running.keep_truths(wanted, found, asked.data_root)
    tell(grid.status_text(grid.status(names, asked.budget, sets, None, found), found))
    return found


def recorded_on(pictures: str, found: grid.Found, asked: Asked) -> Evidence:
    """Records and timings on one set of pictures."""
    timings = runtime.read([asked.records, *records.COMMITTED], asked.budget)
    return Evidence(pictures, asked.budget, found, timings=timings)


def committed(pictures: str, budget: str = "laptop") -> Evidence:
    """What the repository's own records hold on a set of pictures: what the book shows.

    Raises ``UserError`` for pictures or a budget that do not exist.
    """
    grid.known_set(pictures)
    grid.known_budget(budget)
    found, timings = grid.collect(records.COMMITTED), runtime.read(records.COMMITTED, budget)
    return Evidence(pictures, budget, found, timings=timings)


def gather(name: str, asked: Asked, tell: Tell = print) -> Evidence:
    """What is recorded for a part, after its missing runs if they are asked for.

    Says what is there. Raises ``UserError`` for a part without such pictures.
    """
    grid.check_pictures([name], asked.budget, [asked.data])
    found = collected([name], [asked.data], asked, tell)
    return recorded_on(asked.data, found, asked)


def gather_all(names: Sequence[str], asked: Asked, tell: Tell = print) -> dict[str, Evidence]:
    """The same for those of some parts that have such pictures.

    Raises ``UserError`` where none has.
    """
    grid.check_pictures(names, asked.budget, [asked.data])
    there = [name for name in names if grid.runs([name], asked.budget, [asked.data])]
    evidence = recorded_on(asked.data, collected(there, [asked.data], asked, tell), asked)
    return dict.fromkeys(there, evidence)


def gather_by_dial(asked: Asked, tell: Tell = print) -> dict[str, Evidence]:
    """The same for the defect matrix, by set of pictures."""
    sets = grid.sets_of(grid.part("defects"), asked.budget, None)
    found = collected(["defects"], sets, asked, tell)
    return {name: recorded_on(name, found, asked) for name in sets}


def base_of(variant: str) -> str:
    """The variant that another is compared with: FPN with the same detector."""
    if variant in recipes.recipes():
        return recipes.base_recipe(variant)
    detector, colon, _ = variant.rpartition(":")
    return f"{detector}{colon}fpn"
