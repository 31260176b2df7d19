"""How many pairs of runs show a gain: two estimates, the smaller number first."""

from functools import cache

from augfpn.settings.starts import STARTS
from augfpn.study import beside, gather, pairs_needed, timed
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


def test_sixteen_trainings_count_as_twenty_of_fpn() -> None:
    (timing,) = gather.committed("scenes", "laptop").timings
    measured = timed.time_ratio(timing, "training", "cs").mean
    assert round(measured, 1) == pairs_needed.TIMES_AS_LONG
    assert pairs_needed.image_passes(5000) == 20 * 12 * 5000


def test_hundreds_of_images_have_the_steps_that_the_plan_gives_them() -> None:
    """Without epochs, so as many steps as a GPU makes of itself: the plan of "your images"."""
    steps, batch = STARTS[0].experiment.train.steps, STARTS[0].experiment.train.batch
    assert pairs_needed.training_of(800) == ("1000 steps of 16", steps * batch)
    assert pairs_needed.training_of(2000) == ("12 epochs", 12 * 2000)
    assert pairs_needed.image_passes(300) == pairs_needed.image_passes(800) == 20 * steps * batch


def test_hours_are_passes_by_speed() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in pairs_needed.hours_table().splitlines()[2:]
    ]
    assert rows == [
        ["800", "1000 steps of 16", "18", "9", "4"],
        ["2,000", "12 epochs", "27", "13", "7"],
        ["5,000", "12 epochs", "67", "33", "17"],
    ]
