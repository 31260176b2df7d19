"""What AugFPN and each of its parts bring over FPN in each situation that was run."""

from collections.abc import Iterator, Mapping
from itertools import chain
from statistics import mean

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_situation import OF_FIXED, OF_LATER, OF_PAPER, OF_PILOT, by_situation_figure
from augfpn.study import grid
from augfpn.study.evidence import Evidence
from augfpn.study.intervals import FEWEST_SEEDS, Interval
from augfpn.study.sets import LEARNING
from augfpn.study.side_by_side import images_called
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import DETECTORS, variant_row

TITLES_OF_PARTS = {
    "augfpn": "AugFPN, all three parts",
    "cs": "Consistent Supervision alone",
    "rfa": "Residual Feature Augmentation alone",
    "srs": "Soft RoI Selection alone",
}
OTHER_DETECTORS = "AugFPN in other detectors"
COLUMNS_OF_EFFECTS = ("part", "situation", "mean", "low", "high", "seeds", "kind", "fpn")
ON_SCENES = {  # a row's label: the end of the names of both variants
    "scenes": "",
    "scenes, both 4 × as long": "_4x_steps",
    "scenes, both tuned": "_tuned",
}


def situations_figure(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> Figure:
    """A panel for AugFPN, for other detectors and for each part; a row for each situation.

    An interval is the wider of two (`augfpn.study.spreads.wider_effect`), of three seeds or more;
    what has fewer has no row. ``pilot`` has the evidence of the first seeds by set of images,
    ``later`` that of the seeds that confirm with the controls of the same seeds, ``photographs``
    that of runs from pretrained weights.
    """
    return by_situation_figure(situations(pilot, later, photographs))


def situations(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> pd.DataFrame:
    """The same as a frame: part, situation, mean, low, high (points of AP), seeds, kind and fpn.

    The last is the AP, in percent, of the FPN that a row compares with, over the same seeds.
    """
    augfpn, *parts = (
        situation_rows(variant, pilot["bccd"], later, photographs) for variant in TITLES_OF_PARTS
    )
    rows = chain(augfpn, rows_of_others(pilot), *parts)
    return pd.DataFrame(filter(None, rows), columns=COLUMNS_OF_EFFECTS)


def situation_rows(
    variant: str, cells: Evidence, later: Evidence, photographs: Mapping[str, Evidence]
) -> Iterator[tuple | None]:
    """The rows of a variant: the paper's, scenes, blood cells from scratch, then photographs."""
    part, row = TITLES_OF_PARTS[variant], variant_row(variant, later)
    yield papers_row(part, "COCO, the paper", row.printed_effect, row.base["AP"])
    asked = [
        (name, later, f"{variant}{end}", f"fpn{end}", OF_LATER if end else OF_FIXED)
        for name, end in ON_SCENES.items()
    ]
    asked.append(("scenes, even gates", later, f"{variant}_even", "fpn", OF_LATER))
    if variant == "augfpn":
        asked.append(("scenes, FPN 2 × as long", later, variant, "fpn_2x_steps", OF_LATER))
    asked.append((images_called("bccd"), cells, variant, "fpn", OF_PILOT))
    for pictures, of in photographs.items():
        name = pretrained(pictures)
        asked.append((name, of, variant, "fpn", OF_LATER))
        asked.append((f"{shorter(name)}, even gates", of, f"{variant}_even", "fpn", OF_LATER))
    there = grid.variants()
    for name, of, with_it, without, kind in asked:
        if with_it in there:
            yield enough_row(part, name, of, with_it, without, kind)


def rows_of_others(pilot: Mapping[str, Evidence]) -> Iterator[tuple | None]:
    """The rows of AugFPN in detectors other than Faster R-CNN: the paper's, then each set's."""
    for detector, name in DETECTORS.items():
        with_it, without = f"{detector}:augfpn", f"{detector}:fpn"
        row = variant_row(with_it, pilot["scenes"])
        yield papers_row(OTHER_DETECTORS, f"{name}, the paper", row.printed_effect, row.base["AP"])
        for pictures in ("scenes", "bccd"):
            label = f"{name}, {images_called(pictures)}"
            of = pilot[pictures]
            yield enough_row(OTHER_DETECTORS, label, of, with_it, without, OF_PILOT)


def enough_row(
    panel: str, situation: str, of: Evidence, with_it: str, without: str, kind: str
) -> tuple | None:
    """A row of the frame; ``None`` where fewer than three seeds measured it."""
    found = wider_effect(of, with_it, without)
    if found is None or found.seeds < FEWEST_SEEDS:
        return None
    runs = of.of(without)
    fpn = mean(runs[seed].observed["AP"] for seed in of.apart(with_it, without))
    return effect_row(panel, situation, found, kind, 100 * fpn)


def effect_row(
    panel: str, situation: str, found: Interval | None, kind: str, fpn: float = float("nan")
) -> tuple | None:
    """A row of the frame, in points; ``None`` without records."""
    if found is None:
        return None
    return panel, situation, *(100 * x for x in found[:3]), found.seeds, kind, fpn


def papers_row(
    panel: str, situation: str, effect: float | None, fpn: float = float("nan")
) -> tuple | None:
    """A row of the frame for a number that the paper prints, which has no interval."""
    return None if effect is None else (panel, situation, *3 * (effect,), 1, OF_PAPER, fpn)


def pretrained(pictures: str) -> str:
    """A set of images whose runs start from ImageNet's weights, as the figure calls it."""
    name, _, more = images_called(pictures).partition(", ")
    if pictures in LEARNING:
        return f"{shorter(name)}, pretrained, not frozen"
    return f"{shorter(name)}, {more}" if more else f"{name}, pretrained"


def shorter(name: str) -> str:
    """The same where a row's label has little room: "cells" for "blood cells"."""
    return name.removeprefix("blood ")
