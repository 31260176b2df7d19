"""What one part brings: alone, as a main effect and by the size of objects, beside the paper."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_situation import OF_FIXED, OF_LATER, OF_PAPER, OF_PILOT, by_situation_figure
from augfpn.study.cells import SIZE_OF
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import wider_main_effect
from augfpn.study.intervals import Interval
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_row

OF_ALL_OBJECTS, MAIN_BY_SIZE = "all objects", "scenes, main effect by size"


def part_figure(part: str, cells: Evidence, later: Evidence, pretrained: Evidence) -> Figure:
    """A part's effects on AP of all objects, and below them those by the size of objects.

    ``part`` is one of `augfpn.study.factorial.FACTORS`, ``cells`` the evidence of blood cells from
    scratch, ``later`` that of the seeds that confirm, on scenes, and ``pretrained`` that of blood
    cells from pretrained weights. Intervals are the wider of two.
    """
    return by_situation_figure(part_effects(part, cells, later, pretrained))


def part_effects(part: str, cells: Evidence, later: Evidence, pretrained: Evidence) -> pd.DataFrame:
    """The same as a frame: part, situation, mean, low, high (points of AP), seeds and kind.

    The column "part" has the panel. The paper's effects, of the part alone, share rows with ours.
    """
    asked = [*on_all_objects(part, cells, later, pretrained), *by_size(part, later)]
    names = ["part", "situation", "mean", "low", "high", "seeds", "kind"]
    found = [each for each in asked if each is not None]
    return pd.DataFrame(found, columns=names)


def on_all_objects(
    part: str, cells: Evidence, later: Evidence, pretrained: Evidence
) -> Iterator[tuple | None]:
    """The rows of the panel of all objects."""
    alone = "scenes, alone"
    yield effect_row(OF_ALL_OBJECTS, alone, wider_effect(later, part), OF_FIXED)
    yield papers_row(OF_ALL_OBJECTS, alone, papers_effect(part, later, "AP"))
    yield effect_row(
        OF_ALL_OBJECTS, "scenes, main effect", wider_main_effect(later, part), OF_FIXED
    )
    yield effect_row(OF_ALL_OBJECTS, "blood cells, alone", wider_effect(cells, part), OF_PILOT)
    yield effect_row(
        OF_ALL_OBJECTS, "… pretrained, alone", wider_effect(pretrained, part), OF_LATER
    )


def by_size(part: str, later: Evidence) -> Iterator[tuple | None]:
    """The rows of the panel by size; a row says how many such objects the test images have."""
    objects = later.objects()
    for number, size in SIZE_OF.items():
        row = f"{size} ({objects.get(size, 0)} objects)"
        yield effect_row(MAIN_BY_SIZE, row, wider_main_effect(later, part, number), OF_FIXED)
        yield papers_row(MAIN_BY_SIZE, row, papers_effect(part, later, number))


def effect_row(panel: str, situation: str, found: Interval | None, kind: str) -> tuple | None:
    """A row of the frame, in points; ``None`` without records."""
    if found is None:
        return None
    return panel, situation, *(100 * x for x in found[:3]), found.seeds, kind


def papers_row(panel: str, situation: str, effect: float | None) -> tuple | None:
    """A row of the frame for a number that the paper prints, which has no interval."""
    return None if effect is None else (panel, situation, effect, effect, effect, 1, OF_PAPER)


def papers_effect(part: str, of: Evidence, number: str) -> float | None:
    """What the paper's row of a part alone has above its row of FPN, in points."""
    row = variant_row(part, of)
    if row.printed is None or row.base is None:
        return None
    return row.printed[number] - row.base[number]
