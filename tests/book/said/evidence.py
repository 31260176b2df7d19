"""Numbers from the repository's records, for the checks of sentences; AP is in points."""

import math
from dataclasses import replace
from functools import cache
from statistics import mean

import torch

from augfpn.data.load import load_pictures
from augfpn.diagnostics.objects import Maps, maps
from augfpn.records import COMMITTED, Record
from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS
from augfpn.study import factorial, spreads, tables
from augfpn.study.evidence import Evidence
from augfpn.study.ledger import claims, freeze
from augfpn.study.running import grid, recorded
from augfpn.study.running.grid import baseline_of
from augfpn.study.running.tries import committed_rows
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.intervals import Interval
from augfpn.training import reopen

BOTH = ("scenes", "bccd")
NOISE = 0.3  # points of AP: the largest difference of two runs of one setting on COCO


@cache
def every() -> dict[str, Evidence]:
    """The evidence of the repository's records, by set of images."""
    found = recorded.collect(COMMITTED).among("pilot")
    timings = recorded.read_timings(COMMITTED, "laptop")
    return {name: Evidence(name, "laptop", found, timings=timings) for name in grid.SETS}


def wide_text(of: Evidence, variant: str, base: str = "fpn", number: str = "AP") -> str:
    """An effect with the wider of its two intervals, in plain spaces as the pages have it."""
    return spreads.wider_text(of, variant, base, number).replace("\u00a0", " ")


def on_scenes(variant: str, base: str = "fpn", number: str = "AP") -> str:
    """The same on scenes, in the seeds that confirm."""
    return wide_text(confirmation(), variant, base, number)


def tries() -> list[dict]:
    """What the pilot of pretrained weights gave with images of the budget's size."""
    size = BUDGETS["transfer"].model.short_side
    return [row for row in committed_rows("transfer") if row["short_side"] == size]


def at(pictures: str) -> Evidence:
    return every()[pictures]


@cache
def confirmation() -> Evidence:
    """The evidence of the seeds that confirm, on scenes."""
    found = recorded.collect(COMMITTED).among("confirmation")
    timings = recorded.read_timings(COMMITTED, "laptop")
    return Evidence("scenes", "laptop", found, timings=timings)


def runs() -> list[Record]:
    """All records."""
    return list(at("scenes").found.by_key.values())


def ap(pictures: str, variant: str, number: str = "AP") -> dict[int, float]:
    """A number of a variant's runs, in points, by seed."""
    there = at(pictures).recorded(variant)
    return {seed: 100 * record.result[number] for seed, record in there.items()}


def gain(pictures: str, variant: str, number: str = "AP", base: str | None = None) -> float:
    """A variant's mean difference to FPN, or to another, over the seeds that both have."""
    a, b = ap(pictures, variant, number), ap(pictures, base or baseline_of(variant), number)
    return mean(a[seed] - b[seed] for seed in a.keys() & b.keys())


def effect(pictures: str, variant: str, number: str = "AP") -> Interval:
    """The same difference with its interval, in points; needs three seeds or more."""
    found = at(pictures).effects(variant, baseline_of(variant))[number]
    assert found.seeds >= intervals.FEWEST_SEEDS
    return Interval(*(100 * x for x in found[:3]), found.seeds, math.nan, math.nan)


def main_effect(part: str, number: str = "AP", of: Evidence | None = None) -> Interval:
    """A part's main effect, by the seeds that confirm unless other evidence is given."""
    return factorial.factorial(of or confirmation(), number)[(part,)]


def compared(part: str, pictures: str) -> list[str]:
    """The variants of a part that are compared with FPN and have runs."""
    chosen = grid.part(part).variants
    return [v for v in chosen if v != baseline_of(v) and at(pictures).recorded(v)]


def undecided(of: Interval) -> bool:
    return intervals.verdict(of) == "undecided"


def table_verdict(pictures: str, variant: str) -> str:
    """The verdict on a variant's gain in the tables, which knows small gains, too."""
    return tables.variant_row(variant, at(pictures)).verdict


def printed(variant: str, number: str = "AP") -> float:
    """The paper's difference to FPN."""
    model = grid.model_of_variant(variant)
    return paper.row_of(model)[1][number] - paper.base_row(model)[number]


def measured(pictures: str, variant: str, number: str, less: str | None = None) -> Interval:
    """A diagnostic's number, or its difference to another variant's, times a hundred."""
    found = at(pictures).measured([variant], [] if less is None else [less], number)
    assert found.seeds >= intervals.FEWEST_SEEDS
    return Interval(*(100 * x for x in found[:3]), found.seeds, math.nan, math.nan)


@cache
def ledger(pictures: str) -> list[claims.Judgement]:
    """The verdicts on all claims; those of the seeds that confirm take precedence."""
    again = freeze.confirming_verdicts(confirmation()) if pictures == "scenes" else {}
    return freeze.with_precedence(claims.ledger(at(pictures)), again)


def verdict(pictures: str, name: str) -> str:
    """The verdict on one claim."""
    return {row.claim.id: row.verdict for row in ledger(pictures)}[name]


@cache
def looked_at(variant: str) -> tuple[torch.nn.Module, dict, Maps]:
    """A detector with committed weights, its detections in the book's scene, and its maps."""
    detector, record = reopen.load_detector(at("scenes").recorded(variant)[0].folder, "cpu")
    image, target = load_pictures(replace(record.experiment.data, test_scenes=5), "test")[4]
    with torch.no_grad():
        (found,) = detector([image / 255])
    return detector, found, maps(detector, image, target, "cpu")
