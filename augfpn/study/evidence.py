"""The evidence on one picture set at one budget: AP on draws of pictures, and measured numbers.

    records --scoring--> AP of every draw of pictures --intervals--> effects with intervals

A draw of pictures is a bootstrap sample: as many pictures as the test set has, drawn from it with
replacement. An effect is a variant's number minus that of another, over the seeds that both have,
on the same pictures. Scoring needs the ground truth of the test pictures. Scenes are made anew from
a record's settings. For other data, `keep_truth` writes the annotations (not the pictures) into
``truth/`` beside the records: one file for each set of test pictures.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augfpn import records
from augfpn.data.load import load_pictures
from augfpn.data.scenes.settings import LINED, PILLS
from augfpn.diagnostics.numbers import diagnostic_numbers
from augfpn.errors import UserError
from augfpn.settings import recipes
from augfpn.study import grid, intervals, timed
from augfpn.study.bench.settings import Use
from augfpn.study.intervals import Draws, Interval, signed
from augfpn.study.recorded import Found
from augfpn.study.scoring import error_types, matches
from augfpn.support.files import packed, write_bytes

if TYPE_CHECKING:
    from augfpn.data.pictures import Pictures

Floats = NDArray[np.float64]
ADDED = {"detail": LINED, "context": PILLS}  # classes that a dial adds
OF_DIAL = "AP of the dial's classes"
TRUTH = "truth"  # folder beside records that holds annotations
IN_IMAGE = ("id", "width", "height")
IN_ANNOTATION = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")


class Scored(NamedTuple):
    """A record on its test pictures: AP on draws of them, and what each kind of error costs."""

    draws: Draws
    errors: dict[str, dict[str, float]]  # by size and kind: `augfpn.study.scoring.error_types`


@dataclass(frozen=True)
class Evidence:
    """The records on one picture set at one budget; a record is scored when it is needed."""

    pictures: str  # one of `grid.SETS`
    budget: str
    found: Found
    number_of_draws: int = intervals.DRAWS
    timings: Sequence[dict] = ()  # of `augfpn.study.timing`, at this budget
    scored: dict[str, Scored] = field(default_factory=dict)  # by record's id
    truths: dict[str, dict] = field(default_factory=dict)  # by the pictures' fingerprint

    def recorded(self, variant: str) -> dict[int, records.Record]:
        """The records of a variant by seed."""
        if self.budget != "paper" and variant in recipes.recipes():
            return {}  # a whole recipe is for COCO and has the paper's size
        seeds = self.found.seeds
        runs = (grid.Run(variant, self.pictures, self.budget, seed) for seed in seeds)
        there = {run.seed: self.found.record(run) for run in runs}
        return {seed: record for seed, record in there.items() if record is not None}

    def prepare(self, variants: Iterable[str], mapped: Callable[..., Iterable] = map) -> None:
        """Score all records of some variants; ``mapped`` is `map`, or a parallel form of it."""
        there = (record for name in variants for record in self.recorded(name).values())
        todo = list({r.id: r for r in there if r.id not in self.scored}.values())
        given = [(r, self.truth(r), self.number_of_draws, self.pictures) for r in todo]
        done = mapped(scored, *zip(*given, strict=True)) if given else ()
        self.scored.update({r.id: each for r, each in zip(todo, done, strict=True)})

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
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None:
        """The sum of a number over some variants minus that over others.

        ``None`` if there is no seed for which all of these variants are recorded.
        """
        of = {name: self.of(name) for name in (*plus, *minus)}
        sums = [
            intervals.signed_sum(
                [(sign, of[name][seed]) for name, sign in signed(plus, minus)], number
            )
            for seed in shared_seeds(of)
        ]
        return intervals.single(sums)[number] if sums else None

    def measured(self, plus: Sequence[str], minus: Sequence[str], number: str) -> Interval | None:
        """As `combination`, for a number that `augfpn.diagnostics` measured.

        The interval is Student's, for other seeds on the same pictures.
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
        return intervals.mean_interval(values) if values else None

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
        found = list(self.apart(a, b).values())
        return intervals.single(found) if found else {}


def scored(record: records.Record, coco: dict, draws: int, pictures: str) -> Scored:
    """A record's predictions, scored with the ground truth of its test pictures."""
    found = intervals.draws_of_ap(matches(coco, record.predictions), draws)
    if "mask" in record.result:
        masks = intervals.draws_of_ap(matches(coco, record.predictions, "segm"), draws)
        found = intervals.joined(found, masks, "mask ")
    if pictures in ADDED:
        own = [f"AP of {name}" for name in ADDED[pictures]]
        found = intervals.with_mean(found, OF_DIAL, own)
    return Scored(found, error_types(coco, record.predictions))


def paired(a: dict[int, Draws], b: dict[int, Draws]) -> dict[int, Draws]:
    """a - b by seed, for the seeds that both have."""
    return {seed: intervals.minus(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())}


def shared_seeds(of: dict[str, dict[int, Any]]) -> list[int]:
    """The seeds that all variants have."""
    return sorted(set.intersection(*(set(each) for each in of.values())))


# --- the ground truth of test pictures ------------------------------------------------------------


def truth_file(records_folder: Path, fingerprint: str) -> Path:
    """Where the annotations of some pictures are kept."""
    return records_folder / TRUTH / f"{fingerprint[:12]}.json.gz"


def has_kept_truth(record: records.Record) -> bool:
    """Whether the annotations of a record's test pictures lie beside it."""
    return truth_file(record.folder.parent, record.fingerprints["test"]).exists()


def keep_truth(pictures: "Pictures", records_folder: Path) -> Path:
    """Write the pictures' annotations beside records, if they are not there yet."""
    file = truth_file(records_folder, pictures.fingerprint)
    if not file.exists():
        fields = IN_ANNOTATION + (("segmentation",) if pictures.masks else ())
        coco = pictures.coco
        kept = {
            "images": [{name: entry[name] for name in IN_IMAGE} for entry in coco["images"]],
            "categories": coco["categories"],
            "annotations": [{name: each[name] for name in fields} for each in coco["annotations"]],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, packed({"fingerprint": pictures.fingerprint} | kept))
    return file


def truth_of(record: records.Record) -> dict:
    """The annotations of a record's test pictures, in COCO's format.

    Raises ``UserError`` if the record's settings give different scenes today, and, for other data,
    if the file of annotations is missing or damaged.
    """
    wanted = record.fingerprints["test"]
    if record.experiment.data.name == "scenes":
        pictures = load_pictures(record.experiment.data, "test")
        if pictures.fingerprint != wanted:
            raise UserError(f"{record.folder.name} has scenes of another version: run it again.")
        return pictures.coco
    file = truth_file(record.folder.parent, wanted)
    try:
        coco = json.loads(gzip.decompress(file.read_bytes()))
    except FileNotFoundError:
        raise UserError(
            f"the annotations that {record.folder.name} was tested with are not at {file}: "
            "`augfpn study run` keeps them there."
        ) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f"{file} is damaged ({error}): delete it, and `augfpn study run` writes it again."
        ) from None
    if coco.pop("fingerprint", None) != wanted:
        raise UserError(f"{file} is not for the pictures of {record.folder.name}: delete it.")
    return coco
