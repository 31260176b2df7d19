"""The sentences that may be said, and those that may not, are what the committed records say."""

from collections.abc import Sequence
from functools import cache

import pytest

from augfpn.study import defence, factorial, gather, intervals, tables
from augfpn.study.cells import effect_text
from augfpn.study.evidence import Evidence
from augfpn.study.intervals import SMALL_EFFECT, Interval

PHOTOGRAPHS = ("bccd", "bccd_learning", "aquarium")
TOPICS = ("all parts", "cs", "why", "rfa", "srs", "photographs")


@cache
def pilot() -> Evidence:
    return gather.committed("scenes")


@cache
def later() -> Evidence:
    return gather.committed("scenes", "laptop", "confirmation")


@cache
def rows() -> dict[str, defence.Defended]:
    """The table's rows by what they are about."""
    photographs = gather.committed_sets(PHOTOGRAPHS, "transfer")
    shown = defence.defence_table(pilot(), later(), photographs).replace("\u00a0", " ")
    cells = [line.strip("|").split("|") for line in shown.splitlines()[2:]]
    read = [defence.Defended(*map(str.strip, row)) for row in cells]
    return dict(zip(TOPICS, read, strict=True))


def both(variant: str, base: str = "fpn") -> tuple[Interval, Interval]:
    """An effect on AP with the shared spread, and by its own differences."""
    own = later().combination([variant], [base], "AP", pooled=False)
    return later().effects(variant, base)["AP"], own


def main_effects(part: str, number: str) -> list[Interval]:
    """The same of a main effect."""
    weights = factorial.contrasts()[(part,)]
    return [later().contrast(weights, number, pooled=pooled) for pooled in (True, False)]


def wide(of: Sequence[Interval]) -> str:
    """The wider interval, as the table has it."""
    return effect_text(intervals.wider(*of))


def verdicts(found: tuple[Interval, ...]) -> list[str]:
    return [intervals.verdict(each, small=SMALL_EFFECT) for each in found]


def test_augfpn_is_probable_and_no_more() -> None:
    row, found = rows()["all parts"], both("augfpn")
    assert "AugFPN is probably better than FPN" in row.may
    assert wide(found) in row.may
    assert verdicts(found) == ["holds", "undecided"]
    assert found[0].seeds == 9
    assert row.may_not == "“AugFPN is better than FPN.”"
    assert verdicts(both("augfpn", "fpn_2x_steps")) == ["does not hold"] * 2
    assert wide(both("augfpn", "fpn_2x_steps")) in row.because
    assert "holds" not in verdicts(both("augfpn_tuned", "fpn_tuned"))


def test_supervision_is_better_and_the_others_are_not_shown_to_add() -> None:
    row, found = rows()["cs"], both("cs")
    assert wide(found) in row.may
    assert verdicts(found) == ["holds", "holds"]
    assert wide(both("augfpn", "cs")) in row.because
    assert "holds" not in verdicts(both("augfpn", "cs"))


def test_that_supervision_closes_the_gap_is_not_shown() -> None:
    row, found = rows()["why"], both("cs_single_lam1", "cs")
    assert wide(found) in row.may
    assert verdicts(found) == ["smaller than 1 AP"] * 2
    assert {each.seeds for each in found} == {6}
    gap = pilot().measured(["cs"], ["fpn"], "gap")
    assert gap.low < 0 < gap.high
    assert effect_text(gap) in row.because


def test_augmentation_changes_less_than_a_point_and_restores_nothing() -> None:
    row, found = rows()["rfa"], main_effects("rfa", "AP")
    assert wide(found) in row.may
    assert verdicts(found) == ["smaller than 1 AP"] * 2
    readout = pilot().measured(["rfa"], [], defence.READOUT)
    assert readout.low > 0
    assert effect_text(readout) in row.because


def test_soft_selection_is_a_trade() -> None:
    row = rows()["srs"]
    small, medium = (main_effects("srs", number) for number in ("APs", "APm"))
    assert wide(small) in row.may
    assert wide(medium) in row.may
    assert verdicts(small) == ["does not hold"] * 2
    assert verdicts(medium) == ["holds"] * 2
    printed = tables.variant_row("srs", later())
    assert f"{printed.printed['APs'] - printed.base['APs']:+.1f} is one run on COCO" in row.because


@pytest.mark.parametrize("pictures", PHOTOGRAPHS)
def test_neither_a_gain_nor_a_harm_is_shown_on_photographs(pictures: str) -> None:
    row, of = rows()["photographs"], gather.committed(pictures, "transfer")
    found = of.effects("augfpn", "fpn")["AP"]
    own = of.combination(["augfpn"], ["fpn"], "AP", pooled=False)
    assert wide((found, own)) in row.may
    assert intervals.verdict(found) != "holds"
    assert intervals.verdict(own) == "undecided"
    assert "Nobody here has trained on COCO" in row.because
