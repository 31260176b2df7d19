"""The ablation: how far runs of one setting lie apart, and how many seeds would decide."""

import itertools
from statistics import mean

from augfpn.study import grid, tables
from augfpn.study.evidence import Evidence
from said.evidence import ap, at, confirmation
from said.table import says


@says(
    "putting_it_together",
    "The dots of one row lie up to three points apart, further than the rows' means lie from each "
    "other",
)
def runs_of_a_row_lie_far_apart() -> None:
    columns = [list(ap("scenes", v).values()) for v in grid.part("table2").variants]
    apart = max(max(each) - min(each) for each in columns)
    assert round(apart) == 3
    assert apart > max(map(mean, columns)) - min(map(mean, columns))


@says(
    "putting_it_together",
    "Had we run each combination once, almost any order of the rows could have come out.",
)
def almost_any_order() -> None:
    columns = [list(ap("scenes", v).values()) for v in grid.part("table2").variants]
    either = [min(a) < max(b) and min(b) < max(a) for a, b in itertools.combinations(columns, 2)]
    assert mean(either) > 0.8


def seeds_needed(of: Evidence) -> dict[str, list[str]]:
    """The rows of the table that plans seeds, by label."""
    rows = tables.variant_rows("table2", of)
    plan = tables.planning_table(rows, tables.median_seconds("table2", of)).splitlines()[2:]
    return {row[0]: row for row in ([c.strip() for c in x[1:-1].split("|")] for x in plan)}


@says(
    "putting_it_together",
    "Nine are enough for the pairs and for all three parts, and too few for a part alone. By the "
    "pilot, Soft RoI Selection needed some ninety: another hundred test scenes would change its "
    "effect by about 0.3 points (the *standard error over images*), which beside a gain of 0.8 "
    "leaves the seeds nearly no room. Ten times the images helped more.",
)
def seeds_that_would_decide() -> None:
    later, before = seeds_needed(confirmation()), seeds_needed(at("scenes"))["SRS"]
    assert {name for name, row in later.items() if int(row[4]) > 9} == {"CS", "RFA", "SRS"}
    assert before[1] == "+0.8"
    assert before[3] == "0.3"
    assert round(int(before[4]), -1) == 90
    assert int(later["SRS"][4]) < int(before[4]) / 3  # than three times the seeds
