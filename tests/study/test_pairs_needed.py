"""How many pairs of runs show a gain: two estimates, the smaller number first."""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from augfpn.settings.starts import STARTS
from augfpn.study import beside, gather, timed
from augfpn.study.evidence import Evidence
from augfpn.study.results import pairs_needed
from augfpn.study.results.pairs_needed import Paired
from augfpn.study.uncertainty import intervals


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


def test_the_chance_that_eight_pairs_show_a_gain_is_that_of_a_paired_t_test() -> None:
    """By the non-central t distribution, which knows no images."""
    differences = [-0.02, -0.01, 0.0, 0.01, 0.03]
    deviation, gain, freedom = np.std(differences, ddof=1), 0.02, pairs_needed.PAIRS - 1
    ap = intervals.mean_interval(differences)._replace(of_pictures=0.0)
    limit = stats.t.ppf(0.975, freedom)
    exact = stats.nct.sf(limit, freedom, gain / deviation * pairs_needed.PAIRS**0.5)
    assert pairs_needed.shown_in(ap, gain) == pytest.approx(exact, abs=0.01)


def test_the_two_tests_have_the_papers_gains_and_say_where_ours_are_shown() -> None:
    later = gather.committed("scenes", "laptop", "confirmation")
    animals = gather.committed("aquarium", "transfer")
    table = pairs_needed.two_tests_table(cells(), later, animals).replace("\u00a0", " ")
    (_, *header), _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    found = {name: own for name, *own in rows}
    assert header == [*pairs_needed.TESTS.values()]
    assert found["gain in the paper, one run"] == ["+0.9", "+2.4"]
    assert found["our runs on scenes"] == [
        *("+0.8 [+0.1, +1.6], confirmed", "+1.8 [+0.5, +3.0], found afterwards"),
    ]
    assert found["on blood cells, pretrained"][1] == "−0.3 [−1.6, +1.0], below the paper's gain"
    assert found["on Aquarium, pretrained"] == [
        *("−0.7 [−2.3, +0.9], below the paper's gain", "+1.8 [+0.4, +3.2], found afterwards"),
    ]
    needed = pairs_needed.pairs_for(cells(), "augfpn_even", 0.024)
    assert found["pairs that show it in 80 of 100 cases"][1] == pairs_needed.ends(needed)
    low, high = found["chance that 8 pairs show it"][1].removesuffix(" %").split(" to ")
    assert max(needed) < pairs_needed.PAIRS
    assert 80 < int(low) < int(high)
