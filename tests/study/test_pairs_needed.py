"""How many pairs of runs show a gain: two estimates, the smaller number first."""

from functools import cache

from augfpn.study import beside, gather, pairs_needed
from augfpn.study.evidence import Evidence
from augfpn.study.pairs_needed import Paired


@cache
def cells() -> Evidence:
    return gather.committed("bccd", "transfer")


def test_the_first_number_is_that_which_compare_would_say() -> None:
    runs = [cells().recorded(name) for name in ("cs", "fpn")]
    compared = beside.beside([each.folder for by_seed in runs for each in by_seed.values()])
    own, together = pairs_needed.pairs_for(cells(), "cs", beside.ONE_POINT)
    assert own == beside.seeds_for(compared.differences["AP"], beside.ONE_POINT)
    assert own < together


def test_eight_pairs_whose_interval_reaches_over_a_point_are_too_few_for_one_point() -> None:
    found = cells().effects("cs", "fpn")["AP"]
    assert found.seeds == 8
    assert (found.high - found.low) / 2 > beside.ONE_POINT
    assert pairs_needed.pairs_for(cells(), "cs", beside.ONE_POINT)[1] > found.seeds


def test_a_row_has_both_numbers_for_each_gain() -> None:
    table = pairs_needed.pairs_table([Paired("supervision", cells(), "cs")])
    header, _, row = table.splitlines()
    assert [each.strip() for each in header.split("|")[2:5]] == ["1 point", "2 points", "3 points"]
    assert row.split("|")[1].strip() == "supervision"
    assert [each.count(" to ") for each in row.split("|")[2:5]] == [1, 1, 1]


def test_ends_are_sorted_and_equal_ones_are_said_once() -> None:
    assert pairs_needed.ends((11, 9)) == "9 to 11"
    assert pairs_needed.ends((4, 4)) == "4"
    assert pairs_needed.ends((None, 5)) == "more images"
