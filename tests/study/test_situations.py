"""What AugFPN and its parts bring in each situation, and the picture of it on the first page."""

import re
from functools import cache
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from augfpn.figures.by_situation import OF_FIXED, by_situation_figure
from augfpn.figures.colours import OF_PAPER
from augfpn.study import gather
from augfpn.study.evidence import Evidence
from augfpn.study.results import glance, situations
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import effect_text

PICTURE = Path(__file__).parents[2] / "book" / "figures" / "situations.svg"
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


@cache
def later() -> Evidence:
    return gather.committed("scenes", phase="confirmation")


@cache
def photographs() -> dict[str, Evidence]:
    return gather.from_pretrained()


@cache
def frame() -> pd.DataFrame:
    pilot = gather.committed_sets(("scenes", "bccd"))
    return situations.situations(pilot, later(), photographs())


def row(part: str, situation: str) -> pd.Series:
    of = frame()
    ours = (of["part"] == part) & (of["situation"] == situation) & (of["kind"] != OF_PAPER)
    (found,) = of[ours].index
    return of.loc[found]


def test_the_committed_picture_has_the_records_numbers() -> None:
    """Else draw it again: python book/figures/situations.py."""
    text = ElementTree.parse(PICTURE).getroot().find(f".//{DESCRIPTION}").text
    pd.testing.assert_frame_equal(pd.read_csv(StringIO(text)), frame().round(2), atol=0.011)


def test_each_interval_is_the_wider_of_two() -> None:
    consistent = (situations.ONE_PART, "Consistent Supervision", "cs")
    for panel, situation, variant in ((situations.ALL_PARTS, "scenes", "augfpn"), consistent):
        pooled = later().effects(variant, "fpn")["AP"]
        alone = later().combination([variant], ["fpn"], "AP", pooled=False)
        widest = max(pooled.high - pooled.low, alone.high - alone.low)
        here = row(panel, situation)
        assert here["high"] - here["low"] == pytest.approx(100 * widest)
        assert here["mean"] == pytest.approx(100 * pooled.mean)


def test_kinds_are_those_of_the_runs() -> None:
    of = frame()
    fixed, printed = (of[of["kind"] == kind] for kind in (OF_FIXED, OF_PAPER))
    assert [*fixed["situation"]] == [*printed["situation"]]  # one row of the figure each
    assert [*fixed["situation"]] == ["scenes", *situations.PARTS_IN_WORDS.values()]
    assert [*printed["mean"].round(1)] == [2.4, 0.9, 1.0, 0.8]
    assert (printed["low"] == printed["high"]).all()


def test_every_comparison_of_the_table_of_answers_is_drawn() -> None:
    """AugFPN minus FPN on all objects; main effects and single sizes are no rows here."""
    pilot, of_all = gather.committed("scenes"), re.compile(r"(?:^| )([+−]\d+\.\d \[[^]]+\])")
    asked = ["Is AugFPN better", "same training time", "longer", "both are tuned"]
    asked += ["On photographs, with", "On Aquarium, with", "On blood cells, with"]
    shown = glance.glance_table(pilot, later(), photographs()).replace("\u00a0", " ").splitlines()
    said = [
        each
        for line in shown
        if any(words in line for words in asked)
        for each in of_all.findall(line.split("|")[4])
    ]
    drawn = [
        intervals.Interval(*(x / 100 for x in (each.mean, each.low, each.high)), 9, 0, 0)
        for each in frame().query("kind != @OF_PAPER").itertuples()
    ]
    assert len(said) == 9
    assert set(said) <= {effect_text(each).replace("\u00a0", " ") for each in drawn}


def test_even_gates_stand_below_the_images_that_they_were_run_on() -> None:
    labels = [*frame()["situation"]]
    even = labels.index("blood cells, pretrained, even gates")
    assert labels[even - 1] == "blood cells, pretrained"
    cells = gather.committed("bccd", "transfer")
    assert effect_text(cells.effects("augfpn_even", "fpn")["AP"]).startswith(
        f"−{-frame().loc[even, 'mean']:.1f} ["
    )


def test_the_figure_has_a_panel_for_each_part_and_a_row_for_each_situation() -> None:
    axes = by_situation_figure(frame()).axes
    assert [axis.get_title("left") for axis in axes] == [
        *(situations.ALL_PARTS, situations.ONE_PART, situations.SELECTION)
    ]
    for axis in axes:
        rows = frame().query("part == @axis.get_title('left')")
        labels = [text.get_text().replace("\n", " ") for text in axis.get_yticklabels()]
        assert labels == [*rows["situation"].unique()]
        assert [*axis.get_yticks()] == sorted(set(axis.get_yticks()))


def test_an_effect_beyond_the_axis_has_an_arrow_and_its_number() -> None:
    (axis, *_) = by_situation_figure(frame()).axes
    beyond = frame().query("mean < -5")
    assert [*beyond["situation"]] == ["scenes, FPN 2 × as long"]
    said = [text.get_text() for text in axis.texts]
    assert f"−{-beyond['mean'].item():.1f}" in said
    assert str(beyond["seeds"].item()) in said
    assert axis.get_xlim()[0] == -5


def test_what_has_fewer_than_three_seeds_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    two = intervals.Interval(0.01, 0.0, 0.02, 2, 0.001, 0.001)
    monkeypatch.setattr(situations, "wider_effect", lambda *_: two)
    of = situations.situations({"bccd": later(), "scenes": later()}, later(), {"aquarium": later()})
    assert set(of["kind"]) == {OF_PAPER}
