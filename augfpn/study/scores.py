"""A record's predictions, scored with the ground truth of its test pictures.

Scoring a thousand pictures takes seconds. So a score is computed once: it is kept in the user's
cache, or in ``scores/`` beside the records, from where it is published with them.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from augfpn import records
from augfpn.data.scenes.settings import LINED, PILLS
from augfpn.study import resampling
from augfpn.study.away import away_truth
from augfpn.study.kept import hash_of_code, in_cache, read_kept, remembered
from augfpn.study.resampling import DRAWS, Draws
from augfpn.study.scoring import error_types, matches

SCORES = "scores"  # folder of the cache, and beside records, that holds scores
ADDED = {"detail": LINED, "context": PILLS}  # classes that a dial adds
OF_DIAL = "AP of the dial's classes"
AP_DIGITS = 6  # of an AP on a draw, as a fraction: draws differ by thousands of times more
SCORING = ("away", "resampling", "scores", "scoring")  # the modules that a score depends on


class Scored(NamedTuple):
    """A record on its test pictures: AP on draws of them, and what each kind of error costs."""

    draws: Draws
    errors: dict[str, dict[str, float]]  # by size and kind: `augfpn.study.scoring.error_types`


def scored(record: records.Record, coco: dict, draws: int = DRAWS) -> Scored:
    """A record's predictions, scored with the ground truth of its test pictures."""
    found = resampling.draws_of_ap(matches(coco, record.predictions), draws)
    if "mask" in record.result:
        masks = resampling.draws_of_ap(matches(coco, record.predictions, "segm"), draws)
        found = resampling.joined(found, masks, "mask ")
    for own in ADDED.values():
        if set(own) <= set(record.classes):
            found = resampling.with_mean(found, OF_DIAL, [f"AP of {name}" for name in own])
    return Scored(rounded_draws(found), error_types(coco, record.predictions))


def scored_away(record: records.Record, coco: dict, draws: int = DRAWS) -> Scored:
    """The same on the objects away from their class's home, without the kinds of errors."""
    found = matches(away_truth(record, coco), record.predictions)
    return Scored(rounded_draws(resampling.draws_of_ap(found, draws)), {})


def rounded_draws(of: Draws) -> Draws:
    """With as many digits on draws as a kept score has."""
    return Draws(of.observed, {name: x.round(AP_DIGITS) for name, x in of.drawn.items()})


Way = Callable[[records.Record, dict, int], Scored]  # `scored` or `scored_away`


def scored_once(
    record: records.Record, coco: dict, draws: int = DRAWS, way: Way = scored
) -> Scored:
    """The score, read if it was computed before."""
    return of_json(json_once(record, coco, draws, way))


def score_kept(record: records.Record, draws: int = DRAWS, way: Way = scored) -> Scored | None:
    """The score if it was computed before: the ground truth is not needed for it."""
    there = read_kept(SCORES, made_of(record, draws, way), published_folder(record))
    return None if there is None else of_json(there)


def is_scored(record: records.Record) -> bool:
    """Whether its score was computed before."""
    return score_kept(record) is not None


def published_folder(record: records.Record) -> Path:
    """The folder of published scores that lies beside a record."""
    return record.folder.parent / SCORES


def published_file(record: records.Record, draws: int = DRAWS, way: Way = scored) -> Path:
    """Where a score is published. Raises ``UserError`` if the predictions cannot be read."""
    return published_folder(record) / in_cache(SCORES, made_of(record, draws, way)).name


def made_of(record: records.Record, draws: int, way: Way) -> Iterable[str]:
    """All that a score depends on."""
    what = [record.fingerprints["test"], *record.classes, str("mask" in record.result)]
    code = hash_of_code("augfpn.study", *SCORING)
    return [hash_of_predictions(record), *what, str(draws), way.__name__, code]


def hash_of_predictions(record: records.Record) -> str:
    """The SHA-256 of the file with its predictions. Raises ``UserError`` if it cannot be read."""
    try:
        return hashlib.sha256((record.folder / records.PREDICTIONS).read_bytes()).hexdigest()
    except OSError as error:
        raise records.damaged_predictions(record.folder, error) from None


def json_once(record: records.Record, coco: dict, draws: int, way: Way) -> list[Any]:
    """The score as JSON has it, read if it was computed before."""
    compute = partial(computed_json, record, coco, draws, way)
    return remembered(SCORES, made_of(record, draws, way), compute, published_folder(record))


def computed_json(record: records.Record, coco: dict, draws: int, way: Way) -> list[Any]:
    """The score, computed, as JSON has it."""
    found = way(record, coco, draws)
    drawn = {name: values.tolist() for name, values in found.draws.drawn.items()}
    return [found.draws.observed, drawn, found.errors]


def of_json(there: list[Any]) -> Scored:
    """The score in its JSON."""
    observed, drawn, errors = there
    return Scored(Draws(observed, {name: np.array(x) for name, x in drawn.items()}), errors)
