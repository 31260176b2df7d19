"""Even gates and the loss of Soft RoI Selection on blood cells: three later seeds."""

from functools import cache

from augfpn import records
from augfpn.study import gather, spreads
from augfpn.study.evidence import Evidence, processor_of
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty.cells import effect_text
from said.evidence import undecided, wide_text
from said.table import says

EVEN_MINUS_RANDOM = "+3.1 [+0.6, +5.6]"
MINUS_FPN, MINUS_RANDOM = "+1.8 [+0.4, +3.2]", "+2.9 [+0.5, +5.3]"  # AugFPN, Aquarium
FIRST_ALONE, LATER_ALONE = "+2.3 [−0.7, +5.4]", "+1.3 [−2.0, +4.7]"


@cache
def again() -> Evidence:
    return gather.from_pretrained()["bccd_again"]


@says("photographs", "Even minus random is +3.1 [+0.6, +5.6].")
@says("photographs", "Soft RoI Selection alone lost again, by 1.5 to 3.4 points in each pair.")
@says("photographs", "with them it lost in no pair.")
@says("photographs", "Gates that begin even took the loss of Soft RoI Selection away")
@says("seminar", "the part alone, even minus random gates: +3.1 [+0.6, +5.6] in 3 pairs")
@says(
    "open_questions",
    "Soft RoI Selection alone is better with even gates by "
    "[+3.1 [+0.6, +5.6]](photographs.ipynb#a-lottery-of-gates) on blood cells",
)
@says(
    "should_you_use_it",
    "SRS alone is [better so](photographs.ipynb#a-lottery-of-gates) on blood cells",
)
def even_gates_take_the_loss_away() -> None:
    both = (
        again().effects("srs_even", "srs")["AP"],
        spreads.own_effect(again(), "srs_even", "srs"),
    )
    assert all(each.low > 0 for each in both)
    assert effect_text(spreads.wider_effect(again(), "srs_even", "srs")) == EVEN_MINUS_RANDOM
    random, even = (
        [100 * each.observed["AP"] for each in again().apart(variant, "fpn").values()]
        for variant in ("srs", "srs_even")
    )
    assert [len(random), len(even)] == [3, 3]
    assert [f"{-x:.1f}" for x in (max(random), min(random))] == ["1.5", "3.4"]
    assert min(even) > 0
    assert undecided(spreads.wider_effect(again(), "srs_even"))


@says(
    "photographs",
    "**On Aquarium**, even gates are better, by +1.9 [+0.5, +3.3]: asked before the runs, "
    "seeds 4 to 6. On both sets both intervals exclude zero. Both results are *found afterwards*: "
    "the runs with random gates were known.",
)
@says("should_you_use_it", "on blood cells and on Aquarium; with all three parts")
@says("seminar", "aquarium +1.9 [+0.5, +3.3] in 3 pairs")
@says("open_questions", "by +1.9 [+0.5, +3.3] on Aquarium, in three pairs each")
def even_gates_are_better_on_aquarium() -> None:
    of = gather.committed("aquarium", "transfer")
    shown = spreads.wider_effect(of, "srs_even", "srs")
    assert effect_text(shown) == "+1.9 [+0.5, +3.3]"
    assert spreads.own_effect(of, "srs_even", "srs").low > 0
    assert list(of.apart("srs_even", "srs")) == [4, 5, 6]
    assert undecided(spreads.wider_effect(of, "srs_even"))


@says(
    "photographs",
    f"**With even gates all of AugFPN beats FPN on Aquarium**, by {MINUS_FPN} in six "
    "pairs, and is ahead in five. Three pairs were asked before their runs; their FPN ran on "
    "another processor. Alone they are undecided, "
    f"{FIRST_ALONE}. Then three more, seeds 4 to 6 on one processor, and no others: they "
    f"have {LATER_ALONE}. So this gain is *found afterwards*. Large objects gain; of small ones "
    f"nothing is shown. It is ahead of AugFPN with random gates by {MINUS_RANDOM}, in three pairs. "
    "This is the one gain over FPN on our photographs.",
)
@says("photographs", f"- With even gates it beats FPN on Aquarium, by {MINUS_FPN}, and not on")
@says("intro", f"*even*, AugFPN beats FPN on one of two sets, by {MINUS_FPN}, *found")
@says(
    "seminar",
    f"| aquarium {MINUS_FPN} in 6 pairs; minus AugFPN with random gates {MINUS_RANDOM} in",
)
@says("seminar", "on blood cells, minus FPN, −0.3 [−1.6, +1.0] in 8 |")
@says("open_questions", f"For all of AugFPN it is {MINUS_RANDOM} on Aquarium, in three pairs")
@says("should_you_use_it", "AugFPN gained on scenes and [on one of two sets of photographs]")
@says("should_you_use_it", "with all three parts AugFPN is better so on Aquarium,")
@says("README", "From pretrained weights it gains on one of two small sets of photographs,")
@says("talk/slides", "AugFPN gains on one of two sets, if gates begin even.")
def augfpn_with_even_gates_beats_fpn_on_aquarium_alone() -> None:
    of = gather.committed("aquarium", "transfer")
    assert wide_text(of, "augfpn_even", "fpn") == MINUS_FPN
    assert wide_text(of, "augfpn_even", "augfpn") == MINUS_RANDOM
    assert spreads.own_effect(of, "augfpn_even", "fpn").low > 0
    apart = of.apart("augfpn_even", "fpn")
    assert list(apart) == [0, 1, 2, 4, 5, 6]
    assert sum(each.observed["AP"] > 0 for each in apart.values()) == 5
    assert spreads.wider_effect(of, "augfpn_even", number="APl").low > 0
    assert undecided(spreads.wider_effect(of, "augfpn_even", number="APs"))
    fpn, even = of.recorded("fpn"), of.recorded("augfpn_even")
    other = [seed for seed in apart if processor_of(fpn[seed]) != processor_of(even[seed])]
    assert other == [0, 1, 2]
    cells = gather.committed("bccd", "transfer")
    assert spreads.wider_text(cells, "augfpn_even") == "−0.3 [−1.6, +1.0]"
    for seeds, said in (({0, 1, 2}, FIRST_ALONE), ({4, 5, 6}, LATER_ALONE)):
        some = recorded.collect(records.COMMITTED).of_seeds(seeds)
        alone = Evidence("aquarium", "transfer", some, timings=[])
        assert wide_text(alone, "augfpn_even", "fpn") == said


@says("photographs", "Nor is a loss shown of other ways to select that have no such gates.")
def other_ways_are_not_shown_to_lose() -> None:
    others = set(grid.part("table5").variants) - {"fpn", "srs"}
    for variant in others:
        assert undecided(spreads.wider_effect(again(), variant))


@says("photographs", "In three later seeds, 8 to 10, on another processor")
def later_seeds_of_another_processor() -> None:
    runs = {name: again().recorded(name) for name in ("fpn", "srs", "srs_even")}
    assert all(list(of) == [8, 9, 10] for of in runs.values())
    machines = {x.environment["device_name"] for of in runs.values() for x in of.values()}
    first = gather.committed("bccd", "transfer").recorded("fpn")
    assert machines.isdisjoint(x.environment["device_name"] for x in first.values())


@says("photographs", "at most a quarter, and below 0.05 where $g$ lies within 0.05 of 0 or 1.")
def slopes_of_a_gate() -> None:
    """g (1 - g), which falls on both sides of one half."""
    slope = {g: g * (1 - g) for g in (0.05, 0.5, 0.95)}
    assert slope[0.5] == 0.25
    assert max(slope[0.05], slope[0.95]) < 0.05
