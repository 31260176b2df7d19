"""What one part brings, beside the paper: the figure of the three chapters on the defects."""

from functools import cache

import pandas as pd
import pytest

from augfpn.figures.by_situation import OF_FIXED, OF_LATER, OF_PILOT, by_situation_figure
from augfpn.figures.colours import OF_PAPER
from augfpn.study import factorial, gather
from augfpn.study.results import of_part, reported, side_by_side
from augfpn.study.uncertainty import intervals

PRINTED_ALONE = {"cs": 0.9, "rfa": 1.0, "srs": 0.8}  # AP minus FPN in the paper's Table 2


@cache
def effects(part: str) -> pd.DataFrame:
    later = gather.committed("scenes", phase="confirmation")
    pretrained = gather.committed("bccd", "transfer")
    return of_part.part_effects(part, gather.committed("bccd"), later, pretrained)


@pytest.mark.parametrize("part", factorial.FACTORS)
def test_the_papers_effects_share_the_rows_of_the_same_quantity(part: str) -> None:
    of = effects(part)
    printed = of[of["kind"] == OF_PAPER]
    main = [reported.printed_main_effect(part, number) for number in factorial.EFFECT_NUMBERS]
    assert [*printed["mean"]] == pytest.approx([PRINTED_ALONE[part], *main])
    ours = of.loc[printed.index - 1]
    assert [*ours["situation"]] == [*printed["situation"]]
    assert set(ours["kind"]) == {OF_FIXED}
    (first, second) = by_situation_figure(of).axes
    assert [axis.get_title("left") for axis in (first, second)] == [
        of_part.OF_ALL_OBJECTS,
        of_part.MAIN_BY_SIZE,
    ]
    assert [text.get_text().replace("\n", " ") for text in first.get_yticklabels()] == [
        *("alone: scenes", "alone: blood cells", "alone: blood cells, pretrained"),
        "main effect: scenes",
    ]
    assert len(second.get_yticklabels()) == 3


@pytest.mark.parametrize("part", factorial.FACTORS)
def test_a_main_effect_has_the_wider_of_two_intervals(part: str) -> None:
    later = gather.committed("scenes", phase="confirmation")
    weights = factorial.contrasts()[(part,)]
    both = [later.contrast(weights, "AP", pooled=pooled) for pooled in (True, False)]
    shown = effects(part).query("situation == 'main effect: scenes'").iloc[0]
    widest = intervals.wider(*both)
    assert [shown["mean"], shown["low"], shown["high"]] == pytest.approx(
        [100 * x for x in widest[:3]]
    )


def test_kinds_and_seeds_are_those_of_the_runs() -> None:
    of = effects("cs").set_index("situation")
    assert of.loc["alone: blood cells", ["kind", "seeds"]].tolist() == [OF_PILOT, 3]
    pretrained = of.loc["alone: blood cells, pretrained"]
    assert pretrained[["kind", "seeds"]].tolist() == [OF_LATER, 8]
    assert set(of.loc[of["kind"] == OF_FIXED, "seeds"]) == {9}


def test_without_records_only_the_paper_is_left() -> None:
    cells = gather.committed("bccd", "gpu")
    assert not cells.recorded("cs")
    nothing = gather.committed("scenes", "gpu", "confirmation")
    of = of_part.part_effects("cs", cells, nothing, cells)
    assert set(of["kind"]) == {OF_PAPER}


@pytest.mark.parametrize(
    ("part", "table"), [("cs", "table3"), ("rfa", "table4"), ("srs", "table5")]
)
def test_the_table_on_a_parts_page_has_the_interval_of_its_figure(part: str, table: str) -> None:
    """A figure said -1.5 to +2.4, and the table below it -0.7 to +1.6, of the same three runs."""
    of = effects(part)
    (drawn,) = of[of["situation"] == "alone: blood cells"].itertuples()
    lines = side_by_side.effects_beside(table, {"bccd": gather.committed("bccd")}).splitlines()
    ((*_, effect, _, _, seeds),) = (
        cells for line in lines if (cells := line.strip("| ").split(" | "))[0] == part.upper()
    )
    ends = effect.replace("−", "-").translate(str.maketrans("[],", "   ")).split()
    assert [*map(float, ends)] == [round(x, 1) for x in (drawn.mean, drawn.low, drawn.high)]
    assert seeds == str(drawn.seeds)
