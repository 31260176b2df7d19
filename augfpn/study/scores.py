"""A record's predictions, scored with the ground truth of its test pictures."""

import hashlib
import json
from typing import Any, NamedTuple

import numpy as np

from augfpn import records
from augfpn.data.scenes.settings import LINED, PILLS
from augfpn.study import intervals
from augfpn.study.intervals import Draws
from augfpn.study.kept import hash_of_code, remembered
from augfpn.study.scoring import error_types, matches

ADDED = {"detail": LINED, "context": PILLS}  # classes that a dial adds
OF_DIAL = "AP of the dial's classes"
SCORING = ("intervals", "scores", "scoring")  # the modules that a score depends on
LIBRARIES = ("hotcoco", "numpy", "scipy")


class Scored(NamedTuple):
    """A record on its test pictures: AP on draws of them, and what each kind of error costs."""

    draws: Draws
    errors: dict[str, dict[str, float]]  # by size and kind: `augfpn.study.scoring.error_types`


def scored(record: records.Record, coco: dict, draws: int, pictures: str) -> Scored:
    """A record's predictions, scored with the ground truth of its test pictures.

    ``pictures`` is the name of their set.
    """
    found = intervals.draws_of_ap(matches(coco, record.predictions), draws)
    if "mask" in record.result:
        masks = intervals.draws_of_ap(matches(coco, record.predictions, "segm"), draws)
        found = intervals.joined(found, masks, "mask ")
    if pictures in ADDED:
        own = [f"AP of {name}" for name in ADDED[pictures]]
        found = intervals.with_mean(found, OF_DIAL, own)
    return Scored(found, error_types(coco, record.predictions))


def scored_once(record: records.Record, coco: dict, draws: int, pictures: str) -> Scored:
    """The same, read from the user's cache if it was computed before."""

    def compute() -> list[Any]:
        found = scored(record, coco, draws, pictures)
        drawn = {name: values.tolist() for name, values in found.draws.drawn.items()}
        return [found.draws.observed, drawn, found.errors]

    kinds = "boxes and masks" if "mask" in record.result else "boxes"
    predictions = hashlib.sha256(json.dumps(record.predictions).encode()).hexdigest()
    code = hash_of_code("augfpn.study", *SCORING, libraries=LIBRARIES)
    made_of = [predictions, record.fingerprints["test"], str(draws), pictures, kinds, code]
    observed, drawn, errors = remembered("scores", made_of, compute)
    return Scored(Draws(observed, {name: np.array(x) for name, x in drawn.items()}), errors)
