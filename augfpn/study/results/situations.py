"""What AugFPN and each of its parts bring over FPN in each situation that was run."""

from collections.abc import Iterator, Mapping
from itertools import chain

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_situation import OF_FIXED, OF_LATER, OF_PILOT, by_situation_figure
from augfpn.figures.colours import OF_PAPER
from augfpn.study.evidence import Evidence
from augfpn.study.results.side_by_side import images_called
from augfpn.study.running import grid
from augfpn.study.running.sets import LEARNING
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_row
from augfpn.study.uncertainty.intervals import FEWEST_SEEDS, Interval

ALL_PARTS = "AugFPN minus FPN"  # the panels
ONE_PART, SELECTION = "one part alone minus FPN, scenes", "Soft RoI Selection alone minus FPN"
PARTS_IN_WORDS = {
    "cs": "Consistent Supervision",
    "rfa": "Residual Feature Augmentation",
    "srs": "Soft RoI Selection",
}
COLUMNS_OF_EFFECTS = ("part", "situation", "mean", "low", "high", "seeds", "kind")
ON_SCENES = {  # a row's label: the variants that are compared
    "scenes, even gates": ("augfpn_even", "fpn"),
    "scenes, both 4 × as long": ("augfpn_4x_steps", "fpn_4x_steps"),
    "scenes, both tuned": ("augfpn_tuned", "fpn_tuned"),
    "scenes, FPN 2 × as long": ("augfpn", "fpn_2x_steps"),
}


def situations_figure(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> Figure:
    """A panel for AugFPN and one for its parts: the comparisons of `glance`, on AP.

    An interval is the wider of two (`augfpn.study.spreads.wider_effect`), of three seeds or more;
    what has fewer has no row. ``pilot`` has the evidence of the first seeds by set of images,
    ``later`` that of the seeds that confirm with the controls of the same seeds, ``photographs``
    that of runs from pretrained weights.
    """
    return by_situation_figure(situations(pilot, later, photographs))


def situations(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> pd.DataFrame:
    """The same as a frame: part (the panel), situation, effects in points, seeds and kind.

    The paper's effect shares its situation with ours of the runs that were fixed beforehand.
    """
    parts = (beside_the_paper(ONE_PART, name, of, later) for of, name in PARTS_IN_WORDS.items())
    rows = chain(
        rows_of_augfpn(pilot["bccd"], later, photographs),
        *parts,
        on_photographs(SELECTION, "srs", photographs),
    )
    return pd.DataFrame(filter(None, rows), columns=COLUMNS_OF_EFFECTS)


def rows_of_augfpn(
    cells: Evidence, later: Evidence, photographs: Mapping[str, Evidence]
) -> Iterator[tuple | None]:
    """AugFPN minus FPN: on scenes, on blood cells from scratch, then on photographs."""
    yield from beside_the_paper(ALL_PARTS, "scenes", "augfpn", later)
    for situation, both in ON_SCENES.items():
        yield enough_row(ALL_PARTS, situation, later, *both, OF_LATER)
    yield enough_row(ALL_PARTS, images_called("bccd"), cells, "augfpn", "fpn", OF_PILOT)
    yield from on_photographs(ALL_PARTS, "augfpn", photographs)


def beside_the_paper(
    panel: str, situation: str, variant: str, later: Evidence
) -> Iterator[tuple | None]:
    """A variant minus FPN in the runs that were fixed beforehand, and in the paper."""
    yield enough_row(panel, situation, later, variant, "fpn", OF_FIXED)
    yield papers_row(panel, situation, variant_row(variant, later).printed_gain("AP"))


def on_photographs(
    panel: str, variant: str, photographs: Mapping[str, Evidence]
) -> Iterator[tuple | None]:
    """A variant minus FPN on each set of photographs, with random gates and with even ones."""
    for pictures, of in photographs.items():
        name = pretrained(pictures)
        yield enough_row(panel, name, of, variant, "fpn", OF_LATER)
        yield enough_row(panel, f"{name}, even gates", of, f"{variant}_even", "fpn", OF_LATER)


def enough_row(
    panel: str, situation: str, of: Evidence, with_it: str, without: str, kind: str
) -> tuple | None:
    """A row of the frame; ``None`` where fewer than three seeds measured it."""
    if with_it not in grid.variants():
        return None
    found = wider_effect(of, with_it, without)
    if found is None or found.seeds < FEWEST_SEEDS:
        return None
    return effect_row(panel, situation, found, kind)


def effect_row(panel: str, situation: str, found: Interval | None, kind: str) -> tuple | None:
    """A row of the frame, in points; ``None`` without records."""
    if found is None:
        return None
    return panel, situation, *(100 * x for x in found[:3]), found.seeds, kind


def papers_row(panel: str, situation: str, effect: float | None) -> tuple | None:
    """A row of the frame for a number that the paper prints, which has no interval."""
    return None if effect is None else (panel, situation, *3 * (effect,), 1, OF_PAPER)


def pretrained(pictures: str) -> str:
    """A set of images whose runs start from ImageNet's weights, as the figure calls it."""
    name, _, more = images_called(pictures).partition(", ")
    if pictures in LEARNING:
        more = "not frozen"
    return ", ".join(filter(None, (name, "pretrained", more)))
