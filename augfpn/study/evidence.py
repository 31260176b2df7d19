"""The evidence on one picture set at one budget: AP on draws of pictures, and measured numbers.

    records --scoring--> AP of every draw of pictures --intervals--> effects with intervals

A draw of pictures is a bootstrap sample: as many pictures as the test set has, drawn from it with
replacement. An effect is a variant's number minus that of another, over the seeds that both have,
on the same pictures. Scoring needs the pictures' ground truth: `augfpn.study.uncertainty.truth`.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augfpn import records
from augfpn.data.annotations import count_by_size
from augfpn.diagnostics.numbers import SHARES, diagnostic_numbers
from augfpn.figures.phases import CONFIRMATION
from augfpn.settings import recipes
from augfpn.study import timed
from augfpn.study.bench.settings import Use
from augfpn.study.running import grid
from augfpn.study.running.controls import CONTROL_VARIANTS, is_settled
from augfpn.study.running.grid import baseline_of
from augfpn.study.running.recorded import Found, Phase, phase_of
from augfpn.study.uncertainty import intervals, pooling
from augfpn.study.uncertainty.cells import SIZE_OF
from augfpn.study.uncertainty.intervals import Interval, signed
from augfpn.study.uncertainty.kept_scores import score_kept, scored_once
from augfpn.study.uncertainty.pooling import Observation, PooledVariance, VariancePart
from augfpn.study.uncertainty.resampling import DRAWS, Draws
from augfpn.study.uncertainty.scores import ADDED, OF_DIAL, Scored, Way
from augfpn.study.uncertainty.truth import truth_of

Floats = NDArray[np.float64]
TITLE_ENDS = "", CONFIRMATION  # after the set in a report's title: pilot, confirming seeds


@dataclass(frozen=True)
class Evidence:
    """The records on one picture set at one budget; a record is scored when it is needed."""

    pictures: str  # one of `grid.SETS`
    budget: str
    found: Found
    number_of_draws: int = DRAWS
    timings: Sequence[dict] = ()  # of `augfpn.study.timing`, at this budget
    scored: dict[str, Scored] = field(default_factory=dict)  # by record's id
    truths: dict[str, dict] = field(default_factory=dict)  # by the pictures' fingerprint
    pools: dict[tuple[str, str], PooledVariance | None] = field(default_factory=dict, init=False)

    def recorded(self, variant: str) -> dict[int, records.Record]:
        """The records of a variant by seed."""
        if self.budget != "paper" and variant in recipes.recipes():
            return {}  # a whole recipe is for COCO and has the paper's size
        if not is_settled(variant, self.budget):
            return {}
        seeds = self.found.seeds
        runs = (grid.Run(variant, self.pictures, self.budget, seed) for seed in seeds)
        there = {run.seed: self.found.record(run) for run in runs}
        return {seed: record for seed, record in there.items() if record is not None}

    def prepare(self, variants: Iterable[str], mapped: Callable[..., Iterable] = map) -> None:
        """Score all records of some variants; ``mapped`` is `map`, or a parallel form of it."""
        there = (record for name in variants for record in self.recorded(name).values())
        new = {r.id: r for r in there if r.id not in self.scored}
        kept = {name: score_kept(r, self.number_of_draws) for name, r in new.items()}
        self.scored.update({name: each for name, each in kept.items() if each is not None})
        todo = [r for name, r in new.items() if kept[name] is None]
        given = [(r, self.truth(r), self.number_of_draws) for r in todo]
        done = mapped(scored_once, *zip(*given, strict=True)) if given else ()
        self.scored.update({r.id: each for r, each in zip(todo, done, strict=True)})

    def score(self, record: records.Record, way: Way) -> Scored:
        """A record's score of another kind than `scored`."""
        kept = score_kept(record, self.number_of_draws, way)
        return kept or scored_once(record, self.truth(record), self.number_of_draws, way)

    def truth(self, record: records.Record) -> dict:
        """The annotations of a record's test pictures, read or made once; see `truth_of`."""
        wanted = record.fingerprints["test"]
        if wanted not in self.truths:
            self.truths[wanted] = truth_of(record)
        return self.truths[wanted]

    def of(self, variant: str) -> dict[int, Draws]:
        """A variant's AP on draws of pictures by seed; all records share the draws."""
        self.prepare([variant])
        return {seed: self.scored[r.id].draws for seed, r in self.recorded(variant).items()}

    def errors(self, variant: str) -> dict[int, dict[str, dict[str, float]]]:
        """What each kind of error costs a variant, by seed, size and kind."""
        self.prepare([variant])
        return {seed: self.scored[r.id].errors for seed, r in self.recorded(variant).items()}

    def combination(
        self, plus: Sequence[str], minus: Sequence[str], number: str, pooled: bool = True
    ) -> Interval | None:
        """The sum of a number over some variants minus that over others; see `contrast`."""
        weights: Counter[str] = Counter()
        for name, sign in signed(plus, minus):
            weights[name] += sign
        return self.contrast(weights, number, pooled)

    def contrast(
        self, weights: Mapping[str, float], number: str, pooled: bool = True
    ) -> Interval | None:
        """A weighted sum of a number over variants, with the variance that all runs share.

        Unless ``pooled``, these seeds' own sums estimate it. ``None`` if no seed has all variants.
        """
        of = {name: self.of(name) for name in weights}
        seeds = shared_seeds(of)
        sums = [
            intervals.signed_sum([(w, of[name][seed]) for name, w in weights.items()], number)
            for seed in seeds
        ]
        if not sums:
            return None
        parts = self.parts(weights, number, seeds) if pooled else None
        alone = intervals.single(sums)[number]
        return alone if parts is None else pooling.with_parts(alone, parts)

    def parts(
        self, weights: Mapping[str, float], number: str, seeds: Sequence[int]
    ) -> list[VariancePart] | None:
        """The variance between seeds of a weighted sum of variants, in independent parts.

        ``None`` where effects of seeds do not cancel, because the weights of a detector's variants
        do not sum to zero, and where nothing can be pooled.
        """
        by_base: dict[str, dict[str, float]] = {}
        for name, weight in weights.items():
            by_base.setdefault(baseline_of(name), {})[name] = weight
        parts: list[VariancePart] = []
        for base, own in by_base.items():
            pool = self.pool(base, number)
            if pool is None or abs(sum(own.values())) > 1e-9:
                return None
            runs = {name: self.recorded(name) for name in own}
            weighted = {
                (name, seed, processor_of(runs[name][seed])): weight / len(seeds)
                for name, weight in own.items()
                for seed in seeds
            }
            parts += pooling.parts_of(pool, weighted)
        return parts

    def pool(self, base: str, number: str) -> PooledVariance | None:
        """The residual variance of a number over the runs of all variants of a baseline."""
        if (base, number) not in self.pools:
            self.pools[base, number] = pooling.pooled(self.observations(base, number))
        return self.pools[base, number]

    def observations(self, base: str, number: str) -> list[Observation]:
        """A number of all runs of the paper's variants that have the same baseline.

        Of the seeds that confirm only the runs of Table 2, which were fixed before they were made:
        what is run later must not move their intervals.
        """
        fixed = set(grid.part("table2").variants)
        return [
            Observation(name, seed, processor_of(record), record_number(record, number))
            for name in grid.variants()
            if baseline_of(name) == base and name not in CONTROL_VARIANTS
            for seed, record in self.recorded(name).items()
            if name in fixed or phase_of(record) == "pilot"
        ]

    def measured(self, plus: Sequence[str], minus: Sequence[str], number: str) -> Interval | None:
        """As `combination`, for a number that `augfpn.diagnostics` measured.

        The interval is Student's, for other seeds on the same pictures; a share's is on the logit
        scale.
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
        if not values:
            return None
        alone = len(plus) == 1 and not minus and number in SHARES
        return intervals.share_interval(values) if alone else intervals.mean_interval(values)

    def measurements(self, variant: str) -> dict[int, dict[str, float]]:
        """The measured numbers by seed and name; records without measurements are left out."""
        there = {seed: record.diagnostics for seed, record in self.recorded(variant).items()}
        return {seed: diagnostic_numbers(x) for seed, x in there.items() if x is not None}

    def arrays(self, variant: str, *keys: str) -> Floats | None:
        """The measured array under ``keys``, the mean over seeds; nan where no seed has a number.

        ``None`` if no record has such an array.
        """
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

    def times_as_long(self, use: Use) -> Interval | None:
        """AugFPN's time divided by FPN's, on a GPU at the paper's budget."""
        for each in self.timings:
            if each["environment"]["device"] == "cuda" and each["budget"] == "paper":
                return timed.time_ratio(each, use)
        return None

    def apart(self, a: str, b: str) -> dict[int, Draws]:
        """Variant a minus variant b, by seed."""
        return paired(self.of(a), self.of(b))

    def effects(self, a: str, b: str) -> dict[str, Interval]:
        """Variant a minus variant b, by number; empty if no seed has both."""
        apart = self.apart(a, b)
        found = intervals.single(list(apart.values())) if apart else {}
        for number, alone in found.items():
            parts = self.parts({a: 1.0, b: -1.0}, number, list(apart))
            found[number] = alone if parts is None else pooling.with_parts(alone, parts)
        return found

    def improvement(self, a: str, b: str, number: str = "AP") -> float | None:
        """How probable it is that a run of a has more of a number than a run of b."""
        values = [
            [record_number(each, number) for each in self.recorded(name).values()]
            for name in (a, b)
        ]
        return pooling.probability_of_improvement(*values) if all(values) else None

    def objects(self) -> dict[str, int]:
        """How many objects of each size the test pictures have; empty without a record."""
        for name in grid.variants():
            for record in self.recorded(name).values():
                return count_by_size(self.truth(record)["annotations"])
        return {}

    def fewest_objects(self, number: str) -> int | None:
        """How many objects of a number's size there are; of a difference, the fewer."""
        sizes = [SIZE_OF.get(name.removeprefix("mask ")) for _, name in intervals.terms_of(number)]
        return min((self.objects().get(size, 0) for size in sizes if size), default=None)

    def among(self, phase: Phase) -> "Evidence":
        """The evidence of the pilot's seeds only, or of those that confirm."""
        return replace(self, found=self.found.among(phase))


def of_phase(every: Mapping[str, Evidence], end: str) -> dict[str, Evidence]:
    """Of a report's evidence by title, that whose titles have this one of `TITLE_ENDS`, by set."""
    return {of.pictures: of for title, of in every.items() if title == of.pictures + end}


def processor_of(record: records.Record) -> str:
    """The processor or GPU that made a record; how many of its cores were free does not count."""
    return str(record.environment["device_name"]).split(", ")[0]


def record_number(record: records.Record, number: str) -> float:
    """A number of a record's result ("AP", "mask APs", "APm minus APs"); nan if there is none."""
    total = 0.0
    for sign, name in intervals.terms_of(number):
        if name == OF_DIAL:
            classes = next(x for x in ADDED.values() if set(x) <= set(record.result["by_class"]))
            total += sign * float(np.mean([record.result["by_class"][each] for each in classes]))
            continue
        own = name.removeprefix("mask ")
        result = record.result if own == name else record.result.get("mask", {})
        word = own.removeprefix("AP of ")
        value = (result if word == own else result.get("by_class", {})).get(word, -1.0)
        total += math.nan if value < 0 else sign * value  # COCO's word for no number is -1
    return total


def paired(a: dict[int, Draws], b: dict[int, Draws]) -> dict[int, Draws]:
    """a - b by seed, for the seeds that both have."""
    return {seed: intervals.minus(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())}


def shared_seeds(of: dict[str, dict[int, Any]]) -> list[int]:
    """The seeds that all variants have."""
    return sorted(set.intersection(*(set(each) for each in of.values())))
