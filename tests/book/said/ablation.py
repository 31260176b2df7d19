"""The ablation: all combinations of the three parts."""

import itertools
from statistics import mean

from scipy import stats

from augfpn.settings import paper
from augfpn.study import factorial, tables
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid
from augfpn.study.spreads import own_effect, wider_effect, wider_text
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import SIZE_OF, effect_text
from augfpn.study.uncertainty.intervals import SMALL_EFFECT, Interval
from said.evidence import (
    at,
    compared,
    confirmation,
    effect,
    gain,
    main_effect,
    printed,
    undecided,
)
from said.table import says


def table2(pictures: str) -> dict[str, float]:
    """The pilot's mean effects of the rows of Table 2, in its order."""
    return {v: gain(pictures, v) for v in compared("table2", pictures)}


def confirmed(number: str = "AP") -> dict[str, Interval]:
    """The confirmed effects of the rows of Table 2, with the wider of two intervals."""
    rows = grid.part("table2").variants
    return {v: wider_effect(confirmation(), v, number=number) for v in rows if v != "fpn"}


def verdicts_of_rows(of: Evidence) -> dict[str, str]:
    """The verdicts on AP of the rows of Table 2, as its table has them."""
    rows = (tables.variant_row(v, of) for v in grid.part("table2").variants if v != "fpn")
    return {row.variant: "probably " * row.probable + row.verdict for row in rows}


def main_effects(of: Evidence, part: str) -> dict[str, Interval]:
    """The pilot's main effect of a part on AP and by the size of objects."""
    return {n: main_effect(part, n, of) for n in factorial.EFFECT_NUMBERS}


def both_verdicts(weights: dict[str, float], number: str = "AP") -> set[str]:
    """What the two intervals of a confirmed effect say, each alone."""
    both = (confirmation().contrast(weights, number, pooled) for pooled in (True, False))
    return {intervals.verdict(each, small=SMALL_EFFECT) for each in both}


@says("putting_it_together", "Most of their steps are a few tenths of a point of AP")
def steps_of_the_papers_tables() -> None:
    rows = [[row["AP"] for row in paper.tables()[f"table{n}"]] for n in (2, 3, 4, 5)]
    steps = [abs(b - a) for each in rows for a, b in itertools.pairwise(each)]
    assert mean(each < 0.5 for each in steps) > 0.5


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
    "became 0.0 [−1.3, +1.3], and the three points that Soft RoI Selection gave to large objects "
    "are not confirmed.",
)
def what_the_pilot_decided() -> None:
    decided = [v for v in table2("scenes") if not undecided(effect("scenes", v))]
    assert set(decided) == {"cs_srs", "rfa_srs", "augfpn"}
    assert effect_text(confirmed()["rfa_srs"]) == "0.0 [−1.3, +1.3]"
    before = main_effects(at("scenes"), "srs")["APl"]
    after = factorial.wider_main_effect(confirmation(), "srs", "APl")
    assert before.low > 0
    assert 3 < 100 * before.mean < 4
    assert undecided(after)


@says(
    "putting_it_together",
    "In {numref}`fig-table2` two intervals exclude zero: those of Consistent Supervision alone, "
    "and of it with Soft RoI Selection. AugFPN is *probably better than FPN*: its interval begins "
    "just below zero by its own nine differences, and above zero by the shared spread.",
)
@says("putting_it_together", "most bars cross the line at zero")
def two_intervals_exclude_zero() -> None:
    decided = {v for v, found in confirmed().items() if not undecided(found)}
    assert decided == {"cs", "cs_srs"}
    assert verdicts_of_rows(confirmation())["augfpn"] == "probably holds"
    alone = own_effect(confirmation(), "augfpn", "fpn")
    assert -0.001 < alone.low < 0 < confirmation().effects("augfpn", "fpn")["AP"].low
    assert sum(map(undecided, confirmed().values())) > 7 / 2


@says(
    "putting_it_together",
    "Every mean lies below the paper's.",
)
@says(
    "putting_it_together",
    "The other four gains have a limit. That of Soft RoI Selection alone is *within 1 AP of zero*, "
    "and with Residual Feature Augmentation it *probably* is. That of Residual Feature "
    "Augmentation, alone and with Consistent Supervision, is *below the paper's gain*.",
)
@says("putting_it_together", "Each square lies to the right of its dot")
def rows_of_the_confirmation() -> None:
    found = confirmed()
    assert all(100 * x.mean < printed(v) for v, x in found.items())
    assert verdicts_of_rows(confirmation()) == {
        "cs": "holds",
        "rfa": "below the paper's gain",
        "srs": "within 1 AP of zero",
        "cs_rfa": "below the paper's gain",
        "cs_srs": "holds",
        "rfa_srs": "probably within 1 AP of zero",
        "augfpn": "probably holds",
    }


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
    "AugFPN minus Consistent Supervision alone is +0.3 [−0.7, +1.3], *probably within 1 AP of "
    "zero*; on small objects −2.2 [−3.7, −0.8], on medium ones +2.3 [+1.2, +3.4].",
)
@says(
    "putting_it_together",
    "The others *probably* add less than 1 AP to it: Soft RoI Selection moves AP from small "
    "objects to medium ones.",
)
def consistent_supervision_alone() -> None:
    texts = [wider_text(confirmation(), "augfpn", "cs", n) for n in ("AP", "APs", "APm")]
    assert texts == ["+0.3 [−0.7, +1.3]", "−2.2 [−3.7, −0.8]", "+2.3 [+1.2, +3.4]"]
    said = both_verdicts({"augfpn": 1.0, "cs": -1.0})
    assert said == {"within 1 AP of zero", "undecided"}


@says(
    "putting_it_together",
    "On AP, {numref}`tab-factors` decides that of Consistent Supervision; the other two are "
    "*within 1 AP of zero*. Soft RoI Selection's is a trade: small objects lose some two points, "
    "medium ones gain almost three; for large ones the interval contains zero.",
)
def main_effects_that_are_confirmed() -> None:
    said = [both_verdicts(factorial.contrasts()[(part,)]) for part in factorial.FACTORS]
    assert said == [{"holds"}, {"within 1 AP of zero"}, {"within 1 AP of zero"}]
    small, medium, large = (
        factorial.wider_main_effect(confirmation(), "srs", number) for number in SIZE_OF
    )
    assert small.high < 0 < medium.low
    assert (round(100 * small.mean), round(100 * medium.mean)) == (-2, 3)
    assert 100 * medium.mean < 3
    assert undecided(large)


@says("putting_it_together", "Whether any two parts help or hinder each other is undecided.")
@says(
    "putting_it_together",
    "all interactions on AP lie within a quarter of a point, and are *within 1 AP of zero*.",
)
def components_do_not_interact() -> None:
    for parts, found in factorial.wider_factorial(confirmation()).items():
        if len(parts) > 1:
            assert abs(100 * found.mean) < 0.25
            assert undecided(found)
            assert both_verdicts(factorial.contrasts()[parts]) == {"within 1 AP of zero"}


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
    "no interval of {numref}`tab-table2-cells` excludes zero. But five of the seven gains have a "
    "limit, three of them *probably*.",
)
def blood_cells_limit_the_gains() -> None:
    said = verdicts_of_rows(at("bccd"))
    for number in factorial.EFFECT_NUMBERS:
        assert all(undecided(effect("bccd", v, number)) for v in said)
    limited = [word for word in said.values() if word.removeprefix("probably ") in intervals.LIMITS]
    probable = [word for word in limited if word.startswith("probably ")]
    assert (len(said), len(limited), len(probable)) == (7, 5, 3)


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
