"""How many pairs of runs show a gain, by two estimates of how much pairs vary from seed to seed."""

from collections.abc import Sequence
from typing import NamedTuple

from augfpn.settings.budgets import BUDGETS
from augfpn.study.beside import seeds_for
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid
from augfpn.study.running.controls import changed_by
from augfpn.study.spreads import wider_effect, wider_text
from augfpn.study.tables import variant_row
from augfpn.study.uncertainty.cells import page_table, percent
from augfpn.study.uncertainty.intervals import (
    LIMITS,
    SMALL_EFFECT,
    Interval,
    deviation_of,
    verdict,
)
from augfpn.study.uncertainty.planning import power_of

GAINS_TO_SHOW = (0.01, 0.02, 0.03)  # of AP, as fractions
PAIRS, TESTED_EPOCHS = 8, 12  # of the recommended test
FEW_IMAGES = 1000  # below this a training has the steps of the GPU's budget, and no epochs
TIMES_AS_LONG = 1.5  # as FPN's a training step of Consistent Supervision takes, on a CPU
IMAGES_TO_TRAIN_ON = (800, 2000, 5000)  # training images
TESTS = {"cs": "Consistent Supervision alone", "augfpn_even": "all three parts, even gates"}
IMAGES_A_SECOND = (5, 10, 20)  # that a GPU trains FPN on


class Paired(NamedTuple):
    """A variant and FPN with equal seeds, as a row of the table."""

    label: str
    of: Evidence
    variant: str


def pairs_for(of: Evidence, variant: str, gain: float) -> tuple[int | None, int | None]:
    """The pairs of runs that show a gain over FPN in 80 of 100 cases.

    First if pairs vary as this variant's own did, then if they vary as all variants did together.
    The interval is that of `augfpn.study.beside.beside`, which knows these pairs only; ``None`` if
    the test images are too few for any number.
    """
    own, together = both_estimates(of, variant)
    return seeds_for(own, gain), seeds_for(together, gain)


def both_estimates(of: Evidence, variant: str) -> tuple[Interval, Interval]:
    """A gain over FPN by how its own pairs vary, then by how all variants vary together."""
    own, together = (
        of.combination([variant], ["fpn"], "AP", pooled=pooled) for pooled in (False, True)
    )
    return own, together


def pairs_table(rows: Sequence[Paired]) -> str:
    """A row for each comparison: the fewest and the most pairs for gains of one to three points."""
    cells = [
        [each.label, *(ends(pairs_for(each.of, each.variant, gain)) for gain in GAINS_TO_SHOW)]
        for each in rows
    ]
    header = [f"{100 * gain:.0f} point{'s' * (gain > GAINS_TO_SHOW[0])}" for gain in GAINS_TO_SHOW]
    return page_table(["", *header], cells)


def ends(found: tuple[int | None, int | None]) -> str:
    """Both numbers, the smaller one first: "7 to 27"; one if they are equal."""
    if None in found:
        return "more images"
    return " to ".join(str(number) for number in dict.fromkeys(sorted(found)))


def chance_of(of: Evidence, variant: str, gain: float) -> tuple[float, float]:
    """The chance that the recommended pairs show a gain, by both estimates of `pairs_for`."""
    own, together = both_estimates(of, variant)
    return shown_in(own, gain), shown_in(together, gain)


def shown_in(ap: Interval, gain: float) -> float:
    """The chance that the recommended pairs show a gain, if differences vary as those of ``ap``."""
    return power_of(PAIRS, deviation_of(ap), gain, ap.of_pictures)


def two_tests_table(of: Evidence, later: Evidence, animals: Evidence) -> str:
    """What one may expect of each recommended test, by the variation of the pairs of ``of``.

    ``later`` is the evidence on scenes, ``animals`` that on Aquarium. The gain is the paper's.
    """
    gains = {name: variant_row(changed_by(name), of).printed_effect / 100 for name in TESTS}
    columns = [
        {
            "gain in the paper, one run": percent(gain, sign=True),
            f"chance that {PAIRS} pairs show it": chance_text(of, name, gain),
            f"chance that {PAIRS} pairs show half of it": chance_text(of, name, gain / 2),
            "pairs that show it in 80 of 100 cases": ends(pairs_for(of, name, gain)),
            "our runs on scenes": how_sure(later, name, gain),
            "on blood cells, pretrained": how_sure(of, name, gain),
            "on Aquarium, pretrained": how_sure(animals, name, gain),
        }
        for name, gain in gains.items()
    ]
    rows = [[row, *(each[row] for each in columns)] for row in columns[0]]
    return page_table(["", *TESTS.values()], rows)


def chance_text(of: Evidence, variant: str, gain: float) -> str:
    """The chance that the recommended pairs show a gain, from the lower to the higher estimate."""
    low, high = sorted(chance_of(of, variant, gain))
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def how_sure(of: Evidence, variant: str, papers: float) -> str:
    """An effect over FPN, in the words of *What we found*: only the runs of Table 2 confirm one.

    ``papers`` is the paper's gain, as a fraction.
    """
    found = wider_effect(of, variant)
    said = verdict(found, small=SMALL_EFFECT, papers=papers)
    if said not in (*LIMITS, "undecided"):
        asked_before = of.pictures == "scenes" and variant in grid.part("table2").variants
        said = "confirmed" if asked_before else "found afterwards"
    return f"{wider_text(of, variant)}, {said}"


def training_of(images: int) -> tuple[str, int]:
    """What one recommended training on so many images is, and how many images pass in it."""
    default = BUDGETS["gpu"].train
    if images < FEW_IMAGES:
        return f"{default.steps} steps of {default.batch}", default.steps * default.batch
    return f"{TESTED_EPOCHS} epochs", TESTED_EPOCHS * images


def image_passes(images: int) -> int:
    """Images of FPN's training that take as long as the recommended pairs of runs."""
    return round(PAIRS * (1 + TIMES_AS_LONG) * training_of(images)[1])


def hours_table() -> str:
    """A row for each number of training images: the hours that the recommended pairs take."""
    rows = []
    for images in IMAGES_TO_TRAIN_ON:
        hours = [image_passes(images) / speed / 3600 for speed in IMAGES_A_SECOND]
        rows.append([f"{images:,}", training_of(images)[0], *(f"{each:.0f}" for each in hours)])
    speeds = [f"hours at {each} images/s" for each in IMAGES_A_SECOND]
    return page_table(["training images", "one training", *speeds], rows)
