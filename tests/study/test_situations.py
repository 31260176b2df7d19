"""What AugFPN and its parts bring in each situation, and the picture of it on the first page."""

from functools import cache
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from augfpn.figures.by_situation import OF_FIXED, OF_PAPER, by_situation_figure
from augfpn.study import gather, intervals, situations
from augfpn.study.cells import effect_text
from augfpn.study.evidence import Evidence

PICTURE = Path(__file__).parents[2] / "book" / "figures" / "situations.svg"
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


@cache
def later() -> Evidence:
    return gather.committed("scenes", phase="confirmation")


@cache
def frame() -> pd.DataFrame:
    pilot = gather.committed_sets(("scenes", "bccd"))
    return situations.situations(pilot, later(), gather.from_pretrained())


def row(part: str, situation: str) -> pd.Series:
    of = frame()
    (found,) = of[of["part"].str.startswith(part) & (of["situation"] == situation)].index
    return of.loc[found]


def test_the_committed_picture_has_the_records_numbers() -> None:
    """Else draw it again: python book/figures/situations.py."""
    text = ElementTree.parse(PICTURE).getroot().find(f".//{DESCRIPTION}").text
    pd.testing.assert_frame_equal(pd.read_csv(StringIO(text)), frame().round(2), atol=0.011)


def test_each_interval_is_the_wider_of_two() -> None:
    for part, variant in (("AugFPN", "augfpn"), ("Consistent", "cs")):
        pooled = later().effects(variant, "fpn")["AP"]
        alone = later().combination([variant], ["fpn"], "AP", pooled=False)
        widest = max(pooled.high - pooled.low, alone.high - alone.low)
        here = row(part, "scenes")
        assert here["high"] - here["low"] == pytest.approx(100 * widest)
        assert here["mean"] == pytest.approx(100 * pooled.mean)


def test_kinds_are_those_of_the_runs() -> None:
    of = frame()
    assert set(of.loc[of["kind"] == OF_FIXED, "situation"]) == {"scenes"}
    printed = of[of["kind"] == OF_PAPER]
    of_others = [1.6, 0.9, 2.0]  # RetinaNet, FCOS, Mask R-CNN
    assert [*printed["mean"].round(1)] == [2.4, *of_others, 0.9, 1.0, 0.8]
    assert (printed["low"] == printed["high"]).all()


def test_even_gates_stand_below_the_images_that_they_were_run_on() -> None:
    labels = [*frame().query("part.str.startswith('AugFPN')")["situation"]]
    even = labels.index("cells, pretrained, even gates")
    assert labels[even - 1] == "blood cells, pretrained"
    cells = gather.committed("bccd", "transfer")
    assert effect_text(cells.effects("augfpn_even", "fpn")["AP"]).startswith(
        f"−{-frame().loc[even, 'mean']:.1f} ["
    )


def test_the_figure_has_a_panel_for_each_part_and_a_row_for_each_situation() -> None:
    axes, (augfpn, *parts) = by_situation_figure(frame()).axes, situations.TITLES_OF_PARTS.values()
    assert [axis.get_title("left") for axis in axes] == [
        *(augfpn, situations.OTHER_DETECTORS, *parts)
    ]
    for axis in axes:
        rows = frame().query("part == @axis.get_title('left')")
        assert [text.get_text() for text in axis.get_yticklabels()] == [*rows["situation"]]


def test_an_effect_beyond_the_axis_has_an_arrow_and_its_number() -> None:
    (axis, *_) = by_situation_figure(frame()).axes
    beyond = frame().query("mean < -5")
    assert [*beyond["situation"]] == ["scenes, FPN 2 × as long"]
    said = [text.get_text() for text in axis.texts]
    assert f"−{-beyond['mean'].item():.1f}" in said
    assert str(beyond["seeds"].item()) in said
    assert axis.get_xlim()[0] == -5


def test_other_detectors_have_rows_where_three_seeds_measured_them() -> None:
    """RetinaNet gains where its FPN has hardly begun to learn: the figure says both."""
    others = frame().query("part == @situations.OTHER_DETECTORS and seeds > 1")
    assert [*others["situation"]] == [
        *("RetinaNet, scenes", "RetinaNet, blood cells"),
        *("FCOS, scenes", "FCOS, blood cells", "Mask R-CNN, scenes"),
    ]
    above = others[others["low"] > 0]
    assert [*above["situation"]] == ["RetinaNet, scenes"]
    assert round(above["fpn"].item(), 1) == 8.3
    panel = by_situation_figure(frame()).axes[1]
    assert {"8.3", "3"} < {text.get_text() for text in panel.texts}


def test_fpn_is_that_of_the_same_seeds() -> None:
    """On Aquarium AugFPN's seeds are of another processor than those of the parts."""
    aquarium = frame().query("situation == 'aquarium, pretrained'")
    assert [*aquarium["fpn"].round(1)] == [17.4, 18.7, 18.7, 18.7]


def test_what_has_fewer_than_three_seeds_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    two = intervals.Interval(0.01, 0.0, 0.02, 2, 0.001, 0.001)
    monkeypatch.setattr(situations, "wider_effect", lambda *_: two)
    of = situations.situations({"bccd": later(), "scenes": later()}, later(), {"aquarium": later()})
    assert set(of["kind"]) == {OF_PAPER}
