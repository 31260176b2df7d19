"""Scores are computed once: kept in the user's cache, or in ``scores/`` beside the records.

Scoring a thousand pictures takes seconds. A score beside its record is published with it. Nothing
in this module changes a score, so that changing it leaves the kept ones as they are.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from augfpn import records
from augfpn.study.uncertainty.kept import hash_of_code, in_cache, read_kept, remembered
from augfpn.study.uncertainty.resampling import DRAWS, Draws
from augfpn.study.uncertainty.scores import Scored, Way, scored

SCORES = "scores"  # folder of the cache, and beside records, that holds scores
SCORING = ("away", "resampling", "scores", "scoring")  # the modules that a score depends on


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


def made_of(record: records.Record, draws: int, way: Way) -> list[str]:
    """All that a score depends on."""
    what = [record.fingerprints["test"], *record.classes, str("mask" in record.result)]
    code = hash_of_code("augfpn.study.uncertainty", *SCORING)
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
