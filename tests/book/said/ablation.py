"""The ablation: all combinations of the three parts."""

import itertools
from statistics import mean

from scipy import stats

from augfpn.settings import paper
from augfpn.study import grid, tables
from augfpn.study.scores import ADDED, OF_DIAL
from said.evidence import ap, at, compared, effect, gain, printed, table_verdict, undecided
from said.table import says


def table2(pictures: str) -> dict[str, float]:
    """The mean effects of the rows of Table 2, in its order."""
    return {v: gain(pictures, v) for v in compared("table2", pictures)}


@says("putting_it_together", "Most of their steps are a few tenths of a point of AP")
def steps_of_the_papers_tables() -> None:
    rows = [[row["AP"] for row in paper.tables()[f"table{n}"]] for n in (2, 3, 4, 5)]
    steps = [abs(b - a) for each in rows for a, b in itertools.pairwise(each)]
    assert mean(each < 0.5 for each in steps) > 0.5


@says("putting_it_together", "It reads some ninety records")
def records_that_the_ablation_reads() -> None:
    dials = ("scenes", *grid.DIALS)
    parts = [("table2", "scenes"), ("table2", "bccd"), *(("defects", name) for name in dials)]
    read = {
        record.id
        for part, pictures in parts
        for variant in grid.part(part).variants
        for record in at(pictures).recorded(variant).values()
    }
    assert round(len(read), -1) == 90


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


@says(
    "putting_it_together",
    "On scenes every mean is above zero and the order is much like the paper's: pairs above "
    "single parts, all three at the top.",
)
@says("putting_it_together", "The dots grow from top to bottom as the circles do")
def order_of_the_means_on_scenes() -> None:
    means = table2("scenes")
    assert min(means.values()) > 0
    assert list(means.values()) == sorted(means.values())
    groups = [[x for v, x in means.items() if len(parts_of(v)) == n] for n in (1, 2, 3)]
    assert max(groups[0]) < min(groups[1])
    assert max(groups[1]) < min(groups[2])
    assert stats.spearmanr(list(means.values()), [printed(v) for v in means])[0] > 0.8


def parts_of(variant: str) -> list[str]:
    """The parts of AugFPN that a variant of Table 2 has."""
    return ["cs", "rfa", "srs"] if variant == "augfpn" else variant.split("_")


@says(
    "putting_it_together",
    "Three intervals exclude zero: those of all three parts together and of Soft RoI Selection "
    "with each of the others.",
    scored=True,
)
@says("putting_it_together", "most bars cross the line at zero", True)
@says("putting_it_together", "they also agree with several of these effects being nothing", True)
def three_intervals_exclude_zero() -> None:
    decided = [v for v in table2("scenes") if not undecided(effect("scenes", v))]
    assert set(decided) == {"cs_srs", "rfa_srs", "augfpn"}


@says("putting_it_together", "So the data agree with the paper", True)
def intervals_hold_the_papers_effects() -> None:
    """The paper prints tenths, so a difference of two of its numbers is off by at most a tenth."""
    for variant in table2("scenes"):
        found = effect("scenes", variant)
        assert found.low - 0.1 <= printed(variant) <= found.high + 0.1


@says(
    "putting_it_together",
    "On blood cells the combinations of parts bring less, one mean is below zero",
)
def blood_cells_bring_less() -> None:
    here, there = table2("bccd"), table2("scenes")
    assert all(here[v] < there[v] for v in here if len(parts_of(v)) > 1)
    assert sum(x < 0 for x in here.values()) == 1


@says(
    "putting_it_together",
    "one mean is below zero, and no interval excludes zero. But these intervals are narrow enough "
    "to say more: four of the seven gains are *smaller than the paper's*, and that of Soft RoI "
    "Selection alone is *smaller than 1 AP*.",
    scored=True,
)
def blood_cells_limit_the_gains() -> None:
    said = {v: table_verdict("bccd", v) for v in table2("bccd")}
    assert all(undecided(effect("bccd", v)) for v in said)
    assert len(said) == 7
    assert [*said.values()].count("smaller than the paper's") == 4
    assert [v for v, word in said.items() if word == "smaller than 1 AP"] == ["srs"]


@says(
    "putting_it_together",
    "Soft RoI Selection needs some ninety seeds and Residual Feature Augmentation about nine: "
    "other test images would change Soft RoI Selection's effect by about 0.3 points",
    scored=True,
)
@says("putting_it_together", "Beside a gain of 0.8 points it leaves the seeds nearly no room", True)
def seeds_that_would_decide() -> None:
    of = at("scenes")
    rows = tables.variant_rows("table2", of)
    plan = tables.planning_table(rows, tables.median_seconds("table2", of)).splitlines()[2:]
    needed = {row[0]: row for row in ([c.strip() for c in x[1:-1].split("|")] for x in plan)}
    assert round(int(needed["SRS"][4]), -1) == 90
    assert needed["SRS"][1] == "+0.8"
    assert needed["SRS"][3] == "0.3"
    assert needed["RFA"][4] == "9"
    assert len({row[2] for row in needed.values()}) == 1
    assert max(int(row[4]) for row in needed.values()) == int(needed["SRS"][4])


@says(
    "putting_it_together",
    "Consistent Supervision gains more on *scale*, and more still on *detail* and *context*, where "
    "nobody would have looked for it.",
)
def supervision_on_all_dials() -> None:
    assert gain("scale", "cs") > gain("scenes", "cs")
    assert min(gain("detail", "cs"), gain("context", "cs")) > gain("scale", "cs")


@says(
    "putting_it_together",
    "On the two classes that *context* adds, Residual Feature Augmentation has the best mean of "
    "its row, and the interval still contains zero.",
    scored=True,
)
def context_on_the_classes_of_its_dial() -> None:
    best = effect("context", "rfa", OF_DIAL)
    others = [effect(pictures, "rfa").mean for pictures in ("scenes", *grid.DIALS)]
    assert best.mean > max(*others, effect("detail", "rfa", OF_DIAL).mean)
    assert undecided(best)


@says(
    "putting_it_together",
    "Soft RoI Selection has its lowest mean exactly where large objects need fine maps.",
)
def soft_selection_on_its_own_dial() -> None:
    means = {pictures: gain(pictures, "srs") for pictures in ("scenes", *grid.DIALS)}
    assert min(means, key=means.get) == "detail"
    assert "detail" in ADDED
