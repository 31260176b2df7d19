"""What AugFPN and each of its parts bring over FPN, alone, in each situation that was run."""

from collections.abc import Iterator, Mapping
from itertools import chain

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_situation import OF_FIXED, OF_LATER, OF_PAPER, OF_PILOT, by_situation_figure
from augfpn.study import grid
from augfpn.study.evidence import Evidence
from augfpn.study.intervals import FEWEST_SEEDS, Interval
from augfpn.study.side_by_side import images_called
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_row

TITLES_OF_PARTS = {
    "augfpn": "AugFPN, all three parts",
    "cs": "Consistent Supervision alone",
    "rfa": "Residual Feature Augmentation alone",
    "srs": "Soft RoI Selection alone",
}
COLUMNS_OF_EFFECTS = ("part", "situation", "mean", "low", "high", "seeds", "kind")
ON_SCENES = {  # a row's label: the end of the names of both variants
    "scenes": "",
    "scenes, both 4 × as long": "_4x_steps",
    "scenes, both tuned": "_tuned",
}


def situations_figure(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> Figure:
    """A panel for AugFPN and one for each part, with a row for each situation that was run.

    An interval is the wider of two (`augfpn.study.spreads.wider_effect`), of three seeds or more;
    what has fewer has no row. ``pilot`` has the evidence of the first seeds by set of images,
    ``later`` that of the seeds that confirm with the controls of the same seeds, ``photographs``
    that of runs from pretrained weights.
    """
    return by_situation_figure(situations(pilot, later, photographs))


def situations(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> pd.DataFrame:
    """The same as a frame: part, situation, mean, low, high (points of AP), seeds and kind."""
    rows = chain.from_iterable(
        situation_rows(variant, pilot["bccd"], later, photographs) for variant in TITLES_OF_PARTS
    )
    return pd.DataFrame(filter(None, rows), columns=COLUMNS_OF_EFFECTS)


def situation_rows(
    variant: str, cells: Evidence, later: Evidence, photographs: Mapping[str, Evidence]
) -> Iterator[tuple | None]:
    """The rows of a variant: the paper's, scenes, blood cells from scratch, then photographs."""
    part, printed = TITLES_OF_PARTS[variant], variant_row(variant, later).printed_effect
    yield papers_row(part, "COCO, the paper", printed)
    asked = [
        (name, later, f"{variant}{end}", f"fpn{end}", OF_LATER if end else OF_FIXED)
        for name, end in ON_SCENES.items()
    ]
    asked.append(("scenes, even gates", later, f"{variant}_even", "fpn", OF_LATER))
    if variant == "augfpn":
        asked.append(("scenes, only FPN 2 × as long", later, variant, "fpn_2x_steps", OF_LATER))
    asked.append((images_called("bccd"), cells, variant, "fpn", OF_PILOT))
    for pictures, of in photographs.items():
        asked.append((below_images(pictures), of, variant, "fpn", OF_LATER))
        asked.append(("the same, even gates", of, f"{variant}_even", "fpn", OF_LATER))
    there = grid.variants()
    for name, of, with_it, without, kind in asked:
        found = wider_effect(of, with_it, without) if with_it in there else None
        if found is not None and found.seeds >= FEWEST_SEEDS:
            yield effect_row(part, name, found, kind)


def effect_row(panel: str, situation: str, found: Interval | None, kind: str) -> tuple | None:
    """A row of the frame, in points; ``None`` without records."""
    if found is None:
        return None
    return panel, situation, *(100 * x for x in found[:3]), found.seeds, kind


def papers_row(panel: str, situation: str, effect: float | None) -> tuple | None:
    """A row of the frame for a number that the paper prints, which has no interval."""
    return None if effect is None else (panel, situation, effect, effect, effect, 1, OF_PAPER)


def below_images(pictures: str) -> str:
    """The same below the row of the images themselves: what else changes."""
    name, _, changes = pretrained(pictures).partition(", pretrained, ")
    return f"the same, {changes}" if changes else name


def pretrained(pictures: str) -> str:
    """A set of images whose runs start from ImageNet's weights, as pages call it."""
    name, comma, learns = images_called(pictures).partition(", ")
    return f"{name}, pretrained{comma}{learns}"
