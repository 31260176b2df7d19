"""What one part brings: alone, as a main effect and by the size of objects, beside the paper."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_situation import OF_FIXED, OF_LATER, OF_PILOT, by_situation_figure
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import wider_main_effect
from augfpn.study.results.reported import printed_main_effect
from augfpn.study.results.situations import COLUMNS_OF_EFFECTS, effect_row, papers_row
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_row
from augfpn.study.uncertainty.cells import SIZE_OF

OF_ALL_OBJECTS, MAIN_BY_SIZE = "all objects", "main effect on scenes, by size"


def part_figure(part: str, cells: Evidence, later: Evidence, pretrained: Evidence) -> Figure:
    """A part's effects on AP of all objects, and below them those by the size of objects.

    ``part`` is one of `augfpn.study.factorial.FACTORS`, ``cells`` the evidence of blood cells from
    scratch, ``later`` that of the seeds that confirm, on scenes, and ``pretrained`` that of blood
    cells from pretrained weights. Intervals are the wider of two.
    """
    return by_situation_figure(part_effects(part, cells, later, pretrained))


def part_effects(part: str, cells: Evidence, later: Evidence, pretrained: Evidence) -> pd.DataFrame:
    """The same as a frame: part, situation, mean, low, high (points of AP), seeds and kind.

    The column "part" has the panel. The paper's effect stands beside the same quantity of ours: of
    the part alone, or the main effect, which `printed_main_effect` computes from its rows.
    """
    asked = [*on_all_objects(part, cells, later, pretrained), *by_size(part, later)]
    return pd.DataFrame(filter(None, asked), columns=COLUMNS_OF_EFFECTS)


def on_all_objects(
    part: str, cells: Evidence, later: Evidence, pretrained: Evidence
) -> Iterator[tuple | None]:
    """The rows of the panel of all objects; the paper's share those of scenes."""
    printed, main = variant_row(part, later).printed_gain("AP"), wider_main_effect(later, part)
    alone, both = (f"{what}: scenes" for what in ("alone", "main effect"))
    yield effect_row(OF_ALL_OBJECTS, alone, wider_effect(later, part), OF_FIXED)
    yield papers_row(OF_ALL_OBJECTS, alone, printed)
    yield effect_row(OF_ALL_OBJECTS, "alone: blood cells", wider_effect(cells, part), OF_PILOT)
    name = "alone: blood cells, pretrained"
    yield effect_row(OF_ALL_OBJECTS, name, wider_effect(pretrained, part), OF_LATER)
    yield effect_row(OF_ALL_OBJECTS, both, main, OF_FIXED)
    yield papers_row(OF_ALL_OBJECTS, both, printed_main_effect(part))


def by_size(part: str, later: Evidence) -> Iterator[tuple | None]:
    """The rows of the panel by size; a row says how many such objects the test images have."""
    objects = later.objects()
    for number, size in SIZE_OF.items():
        row = f"{size} ({objects.get(size, 0)} objects)"
        yield effect_row(MAIN_BY_SIZE, row, wider_main_effect(later, part, number), OF_FIXED)
        yield papers_row(MAIN_BY_SIZE, row, printed_main_effect(part, number))
