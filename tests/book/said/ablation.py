"""The ablation: all combinations of the three parts."""

import itertools
from statistics import mean

from scipy import stats

from augfpn.settings import paper
from augfpn.study import factorial, grid, intervals, tables
from augfpn.study.cells import SIZE_OF, effect_text
from augfpn.study.evidence import Evidence
from augfpn.study.intervals import SMALL_EFFECT, Interval
from said.evidence import (
    at,
    compared,
    confirmation,
    effect,
    gain,
    main_effect,
    printed,
    table_verdict,
    undecided,
)
from said.table import says


def table2(pictures: str) -> dict[str, float]:
    """The pilot's mean effects of the rows of Table 2, in its order."""
    return {v: gain(pictures, v) for v in compared("table2", pictures)}


def confirmed(number: str = "AP") -> dict[str, Interval]:
    """The confirmed effects of the rows of Table 2."""
    rows = grid.part("table2").variants
    return {v: confirmation().effects(v, "fpn")[number] for v in rows if v != "fpn"}


def main_effects(of: Evidence, part: str) -> dict[str, Interval]:
    """The main effect of a part on AP and by the size of objects."""
    return {n: main_effect(part, n, of) for n in factorial.EFFECT_NUMBERS}


@says("putting_it_together", "Most of their steps are a few tenths of a point of AP")
def steps_of_the_papers_tables() -> None:
    rows = [[row["AP"] for row in paper.tables()[f"table{n}"]] for n in (2, 3, 4, 5)]
    steps = [abs(b - a) for each in rows for a, b in itertools.pairwise(each)]
    assert mean(each < 0.5 for each in steps) > 0.5


@says("putting_it_together", "It reads some hundred and sixty records")
def records_that_the_ablation_reads() -> None:
    dials = ("scenes", *grid.DIALS)
    parts = [("table2", "scenes"), ("table2", "bccd"), *(("defects", name) for name in dials)]
    read = {
        record.id
        for part, pictures in parts
        for variant in grid.part(part).variants
        for record in at(pictures).recorded(variant).values()
    }
    later = [confirmation().recorded(variant) for variant in grid.part("table2").variants]
    assert round(len(read) + sum(map(len, later)), -1) == 160


@says(
    "putting_it_together",
    "The *confirmation* are nine further seeds of the paper's Table 2, tested on a thousand scenes",
)
@says(
    "putting_it_together", "The *pilot* are the seeds 0 to 2 of every variant, tested on a hundred"
)
def two_sets_of_runs() -> None:
    for of, seeds, scenes in ((at("scenes"), range(3), 100), (confirmation(), range(3, 12), 1000)):
        runs = of.recorded("fpn")
        assert [*runs] == [*seeds]
        assert {each.result["pictures"]["test"] for each in runs.values()} == {scenes}


@says(
    "putting_it_together",
    "looked more like the paper: every mean above zero, pairs above single parts, all three at the "
    "top.",
)
def order_of_the_pilots_means() -> None:
    means = table2("scenes")
    assert min(means.values()) > 0
    groups = [[x for v, x in means.items() if len(parts_of(v)) == n] for n in (1, 2, 3)]
    assert max(groups[0]) < min(groups[1])
    assert max(groups[1]) < min(groups[2])
    orders = [
        stats.spearmanr(each, [printed(v) for v in means])[0]
        for each in ([*means.values()], [confirmed()[v].mean for v in means])
    ]
    assert orders[0] > orders[1]


def parts_of(variant: str) -> list[str]:
    """The parts of AugFPN that a variant of Table 2 has."""
    return ["cs", "rfa", "srs"] if variant == "augfpn" else variant.split("_")


@says(
    "putting_it_together",
    "Three of its intervals excluded zero: those of all three parts together and of Soft RoI "
    "Selection with each of the others. The last of these, with Residual Feature Augmentation, "
    "became 0.0 [−0.8, +0.7], and the three points that Soft RoI Selection gave to large objects "
    "are not confirmed.",
)
def what_the_pilot_decided() -> None:
    decided = [v for v in table2("scenes") if not undecided(effect("scenes", v))]
    assert set(decided) == {"cs_srs", "rfa_srs", "augfpn"}
    assert effect_text(confirmed()["rfa_srs"]) == "0.0 [−0.8, +0.7]"
    before, after = (main_effects(of, "srs")["APl"] for of in (at("scenes"), confirmation()))
    assert before.low > 0
    assert 3 < 100 * before.mean < 4
    assert undecided(after)


@says(
    "putting_it_together",
    "three intervals exclude zero: those of Consistent Supervision alone, of it with Soft RoI "
    "Selection, and of all three parts.",
)
@says("putting_it_together", "by its own nine differences, AugFPN's is undecided.")
@says("putting_it_together", "most bars cross the line at zero")
def three_intervals_exclude_zero() -> None:
    decided = {v for v, found in confirmed().items() if found.low > 0}
    assert decided == {"cs", "cs_srs", "augfpn"}
    alone = {v: intervals.single([*confirmation().apart(v, "fpn").values()])["AP"] for v in decided}
    assert {v for v, found in alone.items() if undecided(found)} == {"augfpn"}
    assert sum(map(undecided, confirmed().values())) > 7 / 2


@says(
    "putting_it_together",
    "Every row with Consistent Supervision lies above every row without it, and every mean below "
    "the paper's. Of the other four gains, two are *within 1 AP of zero* and two *below the "
    "paper's gain*.",
)
@says("putting_it_together", "Each circle lies to the right of its dot")
def rows_of_the_confirmation() -> None:
    found = confirmed()
    with_cs, without = (
        [x.mean for v, x in found.items() if ("cs" in parts_of(v)) == there]
        for there in (True, False)
    )
    assert min(with_cs) > max(0, *without)
    assert all(100 * x.mean < printed(v) for v, x in found.items())
    said = [tables.variant_row(v, confirmation()).verdict for v in found]
    assert [said.count(limit) for limit in intervals.LIMITS] == [2, 2]
    assert said.count("holds") == 3


@says(
    "putting_it_together",
    "By size, each row with Soft RoI Selection costs small objects two to three points and gives "
    "medium ones two to four.",
)
def rows_by_size() -> None:
    for number, low, high in (("APs", -3, -2), ("APm", 2, 4)):
        rows = [x for v, x in confirmed(number).items() if "srs" in parts_of(v)]
        assert not any(map(undecided, rows))
        assert all(low <= round(100 * x.mean) <= high for x in rows)


@says(
    "putting_it_together",
    "AugFPN minus Consistent Supervision alone is +0.3 [−0.5, +1.0], *within 1 AP of zero*; on "
    "small objects −2.2 [−3.4, −1.1], on medium ones +2.3 [+1.6, +3.1].",
)
@says(
    "putting_it_together",
    "The others add to it less than 1 AP: Soft RoI Selection moves AP from small "
    "objects to medium ones.",
)
def consistent_supervision_alone() -> None:
    found = confirmation().effects("augfpn", "cs")
    texts = [effect_text(found[number]) for number in ("AP", "APs", "APm")]
    assert texts == ["+0.3 [−0.5, +1.0]", "−2.2 [−3.4, −1.1]", "+2.3 [+1.6, +3.1]"]
    assert intervals.verdict(found["AP"], small=SMALL_EFFECT) == "within 1 AP of zero"


@says(
    "putting_it_together",
    "On AP, {numref}`tab-factors` decides that of Consistent Supervision; the other two are "
    "*within 1 AP of zero*. Soft RoI Selection's is a trade: small objects lose some two points, "
    "medium ones gain almost three; for large ones the interval contains zero.",
)
def main_effects_that_are_confirmed() -> None:
    on_ap = [main_effects(confirmation(), part)["AP"] for part in factorial.FACTORS]
    said = [intervals.verdict(each, small=SMALL_EFFECT) for each in on_ap]
    assert said == ["holds", "within 1 AP of zero", "within 1 AP of zero"]
    small, medium, large = (main_effects(confirmation(), "srs")[number] for number in SIZE_OF)
    assert small.high < 0 < medium.low
    assert (round(100 * small.mean), round(100 * medium.mean)) == (-2, 3)
    assert 100 * medium.mean < 3
    assert undecided(large)


@says("putting_it_together", "No two parts can be said to help or hinder each other")
@says(
    "putting_it_together",
    "all interactions on AP lie within a quarter of a point, and their intervals contain zero and "
    "end within 0.6 points of it.",
)
def components_do_not_interact() -> None:
    for parts, found in factorial.factorial(confirmation()).items():
        if len(parts) > 1:
            assert abs(100 * found.mean) < 0.25
            assert undecided(found)
            assert 100 * max(found.high, -found.low) < 0.6


@says(
    "putting_it_together",
    "The combinations of parts bring less than on scenes, one mean is below zero",
)
def blood_cells_bring_less() -> None:
    here, there = table2("bccd"), confirmed()
    assert all(here[v] < 100 * there[v].mean for v in here if len(parts_of(v)) > 1)
    assert sum(x < 0 for x in here.values()) == 1


@says(
    "putting_it_together",
    "no interval of {numref}`tab-table2-cells` excludes zero. But four of the seven gains are "
    "*below the paper's gain*, and that of Soft RoI Selection alone is *within 1 AP of zero*.",
)
def blood_cells_limit_the_gains() -> None:
    said = {v: table_verdict("bccd", v) for v in table2("bccd")}
    for number in factorial.EFFECT_NUMBERS:
        assert all(undecided(effect("bccd", v, number)) for v in said)
    assert len(said) == 7
    assert [*said.values()].count("below the paper's gain") == 4
    assert [v for v, word in said.items() if word == "within 1 AP of zero"] == ["srs"]


@says(
    "putting_it_together",
    "Of the main effects, only that of Consistent Supervision on large objects excludes zero: "
    "+0.6 [+0.1, +1.0].",
)
def main_effects_on_blood_cells() -> None:
    found = {
        (part, number): each
        for part in factorial.FACTORS
        for number, each in main_effects(at("bccd"), part).items()
    }
    assert [key for key, each in found.items() if not undecided(each)] == [("cs", "APl")]
    assert effect_text(found["cs", "APl"]) == "+0.6 [+0.1, +1.0]"


@says("putting_it_together", "no combination's interval on AP excludes zero.")
def no_combination_is_decided_on_blood_cells() -> None:
    assert all(undecided(effect("bccd", v)) for v in compared("table2", "bccd"))
