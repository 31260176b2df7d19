"""A record's predictions, scored with the ground truth of its test pictures."""

from collections.abc import Callable
from typing import NamedTuple

from augfpn import records
from augfpn.data.scenes.settings import LINED, PILLS
from augfpn.study.uncertainty import resampling
from augfpn.study.uncertainty.away import away_truth
from augfpn.study.uncertainty.resampling import DRAWS, Draws
from augfpn.study.uncertainty.scoring import error_types, matches

ADDED = {"detail": LINED, "context": PILLS}  # classes that a dial adds
OF_DIAL = "AP of the dial's classes"
AP_DIGITS = 6  # of an AP on a draw, as a fraction: draws differ by thousands of times more


class Scored(NamedTuple):
    """A record on its test pictures: AP on draws of them, and what each kind of error costs."""

    draws: Draws
    errors: dict[
        str, dict[str, float]
    ]  # by size and kind: `augfpn.study.uncertainty.scoring.error_types`


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
