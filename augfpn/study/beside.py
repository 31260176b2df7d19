"""Two settings beside each other: their runs by seed, and intervals for the difference."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from augfpn import config, records
from augfpn.data.annotations import count_by_size
from augfpn.data.files import some
from augfpn.errors import UserError
from augfpn.settings.components import label_of
from augfpn.settings.paper import AP_NAMES
from augfpn.settings.repeated import differing
from augfpn.study.evidence import paired
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import SIZE_OF, effect_text, percent
from augfpn.study.uncertainty.intervals import FEWEST_OBJECTS, FEWEST_SEEDS, Interval
from augfpn.study.uncertainty.kept_scores import scored_once
from augfpn.study.uncertainty.planning import (
    ONE_POINT,
    TWO_POINTS,
    images_for,
    seeds_for,
    shown_by,
    varying,
)
from augfpn.study.uncertainty.resampling import Draws
from augfpn.study.uncertainty.truth import has_kept_truth, truth_of
from augfpn.support.text import columns
from augfpn.training.reopen import open_record, recorded_pictures


class Beside(NamedTuple):
    """Two settings on the same test images: means over the seeds that both have, and differences.

    AP numbers are fractions; ``differences`` are the first minus the second. ``objects`` are those
    of the test images by size, without crowds.
    """

    labels: tuple[str, str]
    settings: dict[str, tuple[Any, Any]]  # those that differ, by name
    seeds: list[int]
    test_images: int
    objects: dict[str, int]
    means: tuple[dict[str, float], dict[str, float]]
    differences: dict[str, Interval]


def beside(places: Sequence[Path], data_root: str | None = None) -> Beside:
    """Compare two settings, each with runs of one or more seeds, paired by seed.

    ``places`` are records and folders of records; the setting of the first one is the first. Their
    recorded predictions are scored on draws of the test images, which all runs share.

    Raises: UserError unless the records have exactly two settings that share a seed and their test
    images.
    """
    first, second = two_settings(recorded_at(places))
    seeds = sorted(first.keys() & second.keys())
    one, other = first[min(first)], second[min(second)]
    if not seeds:
        raise UserError(
            f"{one.folder.name} and {other.folder.name} share no seed (seeds "
            f"{seeds_text(first)} and {seeds_text(second)}): train both with the same --seed."
        )
    same_test_images([*first.values(), *second.values()])
    coco = annotations_of(one, data_root)
    drawn = [
        {seed: scored_once(side[seed], coco).draws for seed in seeds} for side in (first, second)
    ]
    means = [mean_of([by_seed[seed] for seed in seeds]) for by_seed in drawn]
    return Beside(
        labels=(label_of(one.experiment.model), label_of(other.experiment.model)),
        settings=what_differs(one.experiment, other.experiment),
        seeds=seeds,
        test_images=len(coco["images"]),
        objects=count_by_size(coco["annotations"]),
        means=(means[0], means[1]),
        differences=intervals.single(list(paired(*drawn).values())),
    )


def recorded_at(places: Sequence[Path]) -> list[records.Record]:
    """The records that are given by themselves, or lie in a folder that is given; each once."""
    found: dict[Path, records.Record] = {}
    for place in places:
        if records.has_result(place) or not place.exists():
            there = [open_record(place)]
        else:
            there, damaged = records.read_all([place])
            if damaged:
                raise UserError(damaged[0])
        if not there:
            raise UserError(f"{place} holds no finished record: give a record, or their folder.")
        found.update({each.folder.resolve(): each for each in there})
    return list(found.values())


def two_settings(
    every: Sequence[records.Record],
) -> tuple[dict[int, records.Record], dict[int, records.Record]]:
    """The runs of each of two settings, by seed. Raises ``UserError`` for more, or only one."""
    groups: dict[str, dict[int, records.Record]] = {}
    for each in every:
        group = groups.setdefault(records.run_id(without_seed(each.experiment), {}), {})
        seed = each.experiment.seed
        if seed in group:
            raise UserError(
                f"{group[seed].folder} and {each.folder} have the same settings and seed {seed}: "
                "leave one of them out."
            )
        group[seed] = each
    if len(groups) != 2:
        names = some([next(iter(group.values())).folder.name for group in groups.values()], 3)
        raise UserError(
            f"there are {len(groups)} settings among the {len(every)} records ({names}), and two "
            "are compared: give the runs of two, with one or more seeds each."
            if len(groups) > 2
            else f"all records have one setting ({names}): give runs of a second one, too."
        )
    first, second = groups.values()
    return first, second


def without_seed(experiment: config.Experiment) -> config.Experiment:
    """The settings that runs with different seeds share."""
    data = dataclasses.replace(experiment.data, scene_seed=0)
    return dataclasses.replace(experiment, data=data, seed=0)


def same_test_images(every: Sequence[records.Record]) -> None:
    """Raise ``UserError`` if two runs were tested on different images."""
    one = every[0]
    for other in every:
        if other.fingerprints["test"] != one.fingerprints["test"]:
            raise UserError(
                f"{other.folder.name} was tested on other images than {one.folder.name}: only "
                "numbers of the same images can be compared."
            )


def annotations_of(record: records.Record, data_root: str | None) -> dict:
    """The annotations of a record's test images: kept beside it, drawn anew, or of its folder."""
    if record.experiment.data.name == "scenes" or has_kept_truth(record):
        return truth_of(record)
    return recorded_pictures(record, "test", data_root).coco


def mean_of(of: Sequence[Draws]) -> dict[str, float]:
    """The mean over seeds of each observed number."""
    return {name: sum(x.observed[name] for x in of) / len(of) for name in of[0].observed}


def what_differs(a: config.Experiment, b: config.Experiment) -> dict[str, tuple[Any, Any]]:
    """The settings of two runs that differ, by their names, as "model.lam"; not the seed."""
    one, other = (config.to_dict(without_seed(each)) for each in (a, b))
    return {name: (value_at(one, name), value_at(other, name)) for name in differing(one, other)}


def value_at(settings: dict, name: str) -> Any:
    """A nested setting by its name with dots; ``None`` where there is none."""
    for word in name.split("."):
        settings = settings.get(word) if isinstance(settings, dict) else None
    return settings


# --- as text --------------------------------------------------------------------------------------


def beside_text(of: Beside) -> str:
    """What is compared, a table, and what the intervals show: of AP, then of each size of objects.

    The numbers of masks have a table of their own: a phone shows some 45 letters of a line.
    """
    named = (f"{side}: {label}" for side, label in zip("AB", of.labels, strict=True))
    apart = [[name, str(a), str(b)] for name, (a, b) in of.settings.items()]
    seeds = f"{of.test_images} test images, seed{'s' * (len(of.seeds) > 1)} {seeds_text(of.seeds)}"
    kinds = ("", "mask ") if "mask AP" in of.differences else ("",)
    return "\n\n".join(
        [
            "\n".join(named),
            columns(["what differs", "A", "B"], apart),
            seeds,
            *(numbers_text(of, kind) for kind in kinds),
            "low, high: the 95 % interval of A - B",
            "\n".join([said_of_ap(of), *said_of_sizes(of)]),
        ]
    )


def numbers_text(of: Beside, kind: str) -> str:
    """A table of both means and their difference with its interval, of boxes or of masks.

    A size of which there are fewer than `FEWEST_OBJECTS` has dashes, as in the study's tables.
    """
    names = [f"{kind}{name}" for name in AP_NAMES if f"{kind}{name}" in of.differences]
    known = {name: enough_objects(of, name) for name in names}

    def row(label: str, numbers: dict[str, float], sign: bool) -> list[str]:
        cells = (percent(numbers[name] if known[name] else None, sign) for name in names)
        return [label, *cells]

    rows = [row(side, means, False) for side, means in zip("AB", of.means, strict=True)]
    for label, end in (("A - B", "mean"), (" low", "low"), (" high", "high")):
        rows.append(row(label, {n: getattr(x, end) for n, x in of.differences.items()}, True))
    return columns([kind.strip(), *(name.removeprefix(kind) for name in names)], rows)


def enough_objects(of: Beside, name: str) -> bool:
    """Whether a number is of all objects, or of a size of which the test images have enough."""
    size = SIZE_OF.get(name.removeprefix("mask "))
    return size is None or of.objects[size] >= FEWEST_OBJECTS


def as_values(of: Beside) -> dict[str, Any]:
    """The same as plain values for JSON; a number that does not exist is ``None``."""

    def known(value: float) -> float | None:
        return None if math.isnan(value) else value

    differences = {
        name: {"mean": known(x.mean), "low": known(x.low), "high": known(x.high)}
        for name, x in of.differences.items()
    }
    means = [{name: known(value) for name, value in side.items()} for side in of.means]
    return of._asdict() | {"means": means, "differences": differences}


def said_of_ap(of: Beside, more: str = "train both with more (--seed)") -> str:
    """What the difference in AP shows, and what would show more.

    ``more`` says how runs of further seeds are given.
    """
    ap = of.differences["AP"]
    said = f"AP of A minus B: {effect_text(ap).rstrip(' *')}"
    if ap.seeds < FEWEST_SEEDS:
        return (
            f"{said} over {ap.seeds} seed{'s' * (ap.seeds > 1)}: undecided, fewer than "
            f"{FEWEST_SEEDS} seeds say too little about others: {more}."
        )
    if (shown := decision(ap)) == "undecided":
        shown += ", the interval contains zero"
    return f"{said} over {ap.seeds} seeds: {shown}.\n{varying(ap)}\n{plan(of)}"


def said_of_sizes(of: Beside) -> list[str]:
    """A line for each size of objects with what the difference in its AP shows."""
    lines = []
    for kind in ("", "mask "):
        for number, size in SIZE_OF.items():
            found, objects = of.differences.get(f"{kind}{number}"), of.objects[size]
            if found is None:
                continue
            if objects < FEWEST_OBJECTS:
                said = f": only {objects} in the test images, no verdict"
            elif found.seeds < FEWEST_SEEDS:
                said = f" ({objects}): undecided, fewer than {FEWEST_SEEDS} seeds"
            else:
                said = f" ({objects}): {decision(found)}"
            lines.append(f"{size} objects{', masks' if kind else ''}{said}")
    return lines


def decision(of: Interval) -> str:
    """Whether A is better or worse than B, or undecided, by an interval of three seeds or more."""
    if of.low > 0:
        return "A is better than B"
    return "A is worse than B" if of.high < 0 else "undecided"


def plan(of: Beside) -> str:
    """How many pairs, or test images, would probably show a difference of 1 AP, and of 2 AP."""
    ap = of.differences["AP"]
    one, two = (seeds_for(ap, gain) for gain in (ONE_POINT, TWO_POINTS))
    if one is not None and two is not None:
        return shown_by(max(one, FEWEST_SEEDS), max(two, FEWEST_SEEDS), "pairs")
    needs = [images_for(ap, gain, of.test_images) for gain in (ONE_POINT, TWO_POINTS)]
    said = (
        f"No number of pairs shows a difference of 1 AP on {of.test_images} test images: it takes "
        f"more than {needs[0]}"
    )
    if two is None:
        return f"{said}, and more than {needs[1]} for 2 AP."
    return f"{said}. One of 2 AP would be shown by some {max(two, FEWEST_SEEDS)} pairs."


def seeds_text(seeds: Sequence[int] | dict[int, Any]) -> str:
    """Seeds as words, in their order."""
    return ", ".join(str(seed) for seed in sorted(seeds))
