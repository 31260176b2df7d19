"""Should you use it, and which effects their own differences leave open."""

from augfpn.settings import paper
from augfpn.study import advice, beside, findings, gather, grid, spreads
from augfpn.study.evidence import shared_seeds
from said.evidence import BOTH, at, confirmation, undecided, verdict
from said.table import says

SETS = ("bccd", "bccd_learning", "aquarium")


@says("should_you_use_it", "**Start with the plain pyramid.**")
@says(
    "should_you_use_it",
    "From pretrained weights no gain of AugFPN shows [on photographs](photographs.ipynb), whether "
    "the backbone learns or not.",
)
def no_gain_on_photographs() -> None:
    photographs = gather.committed_sets(SETS, "transfer")
    for of in photographs.values():
        assert of.effects("augfpn", "fpn")["AP"].low < 0
    frozen = {of.recorded("fpn")[0].experiment.model.frozen for of in photographs.values()}
    assert frozen == {5, 2}


@says("should_you_use_it", "**If training from scratch is short, train longer.**")
@says("should_you_use_it", "Twice the steps bring more than any part of a pyramid")
def steps_bring_more_than_parts() -> None:
    of = confirmation()
    low = of.effects("fpn_2x_steps", "fpn")["AP"].low
    others = set(grid.part("table2").variants) - {"fpn"}
    assert low > max(of.effects(name, "fpn")["AP"].high for name in others)


@says("should_you_use_it", "it costs nothing at inference, and on scenes it is the part that")
@says("should_you_use_it", "It was neither tuned nor trained longer by itself.")
def consistent_supervision_is_the_part_to_try() -> None:
    assert verdict("scenes", "C17") == "holds"
    assert not {"cs_tuned", "cs_2x_steps", "cs_4x_steps"} & set(grid.variants())


@says(
    "should_you_use_it",
    "on scenes it takes AP from them. On COCO the paper reports a gain for them.",
)
def small_objects_and_soft_selection() -> None:
    assert confirmation().effects("srs", "fpn")["APs"].high < 0
    rows = {(row["CS"], row["RFA"], row["SRS"]): row["APs"] for row in paper.tables()["table2"]}
    assert rows[False, False, True] > rows[False, False, False]


@says("should_you_use_it", "for our runs on blood cells")
@says("should_you_use_it", "The interval is wider than that of {numref}`tab-should-you`")
@says("should_you_use_it", "Half the gain needs up to five times the seeds.")
def seeds_for_half_the_gain() -> None:
    of = gather.committed("bccd", "transfer")
    runs = [of.recorded(name) for name in ("augfpn", "fpn")]
    found = beside.beside([each.folder for by_seed in runs for each in by_seed.values()])
    assert found.seeds == shared_seeds({name: of.of(name) for name in ("augfpn", "fpn")})
    pooled, own = of.effects("augfpn", "fpn")["AP"], found.differences["AP"]
    assert own.high - own.low > pooled.high - pooled.low
    own = [confirmation().combination([v], ["fpn"], "AP", pooled=False) for v in ("augfpn", "cs")]
    more = [
        beside.seeds_for(each, 0.01) / beside.seeds_for(each, 0.02)
        for each in (found.differences["AP"], *own)
    ]
    assert 1.5 < min(more) < 4.5 < max(more) < 5


@says(
    "what_we_found",
    "Two rows are decided only if all runs estimate the variance together; they say so.",
)
def rows_that_their_own_differences_leave_open() -> None:
    asked = findings.judged_again(
        findings.answers({name: at(name) for name in (*BOTH, *grid.DIALS)}),
        {"scenes": confirmation()},
    )
    alone = findings.own_answers({name: at(name) for name in BOTH}, {"scenes": confirmation()})
    open_ = [key for key, found in asked.items() if spreads.open_alone(found, alone.get(key))]
    said = [(question.plus, question.number) for question, _ in open_]
    assert said == [(("augfpn",), "AP"), (("rfa",), "APm")]


@says("what_we_found", "and its own differences leave it undecided, so we believe neither.")
def augmentation_and_medium_objects() -> None:
    (asked,) = [x for x in findings.of_table2() if (x.plus, x.number) == (("rfa",), "APm")]
    assert undecided(findings.own_interval(asked, confirmation()))


@says("should_you_use_it", "draws gains of AugFPN and of Consistent Supervision over FPN.")
@says("should_you_use_it", "{numref}`tab-should-you` begins with photographs")
def the_table_has_both_sets_of_photographs() -> None:
    text = advice.advice_table(confirmation(), gather.committed_sets(SETS, "transfer"))
    first = text.splitlines()[3]
    assert "blood cells" in first
    assert "aquarium" in first
