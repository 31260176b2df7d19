"""Should you use it, and which effects their own differences leave open."""

from augfpn.settings import paper, parameters
from augfpn.study import advice, beside, findings, gather, grid, intervals, spreads
from augfpn.study.evidence import shared_seeds
from augfpn.training import prepare
from said.evidence import BOTH, at, compared, confirmation, effect, undecided, verdict
from said.photographs import shares
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
@says("should_you_use_it", "It was not tuned by itself.")
def consistent_supervision_is_the_part_to_try() -> None:
    assert verdict("scenes", "#17") == "holds"
    assert "cs_tuned" not in grid.variants()


@says(
    "should_you_use_it",
    "on scenes it takes AP from them. On COCO the paper reports a gain for them.",
)
def small_objects_and_soft_selection() -> None:
    assert confirmation().effects("srs", "fpn")["APs"].high < 0
    rows = {(row["CS"], row["RFA"], row["SRS"]): row["APs"] for row in paper.tables()["table2"]}
    assert rows[False, False, True] > rows[False, False, False]


@says("should_you_use_it", "FPN on blood cells, pretrained:")
@says("should_you_use_it", "For AugFPN it is the wider one, which {numref}`tab-should-you` has.")
@says(
    "should_you_use_it",
    "To show one point in place of two takes two to five times the seeds. Consistent Supervision "
    "varies less than AugFPN, on blood cells as on scenes, and is decided sooner.",
)
@says(
    "should_you_use_it",
    "seven pairs of Consistent Supervision and FPN show a gain of one point in 80 of 100 cases. "
    "Eleven pairs of AugFPN and FPN show one of two points.",
)
def seeds_for_half_the_gain() -> None:
    of = gather.committed("bccd", "transfer")
    runs = [of.recorded(name) for name in ("augfpn", "fpn")]
    found = beside.beside([each.folder for by_seed in runs for each in by_seed.values()])
    assert found.seeds == shared_seeds({name: of.of(name) for name in ("augfpn", "fpn")})
    pooled, own = of.effects("augfpn", "fpn")["AP"], found.differences["AP"]
    assert own.high - own.low > pooled.high - pooled.low
    own = [
        each.combination([name], ["fpn"], "AP", pooled=False)
        for each in (of, confirmation())
        for name in ("augfpn", "cs")
    ]
    for all_parts, supervision in (own[:2], own[2:]):
        assert supervision.of_seeds < all_parts.of_seeds
        assert beside.seeds_for(supervision, 0.01) < beside.seeds_for(all_parts, 0.01)
    assert [beside.seeds_for(own[1], 0.01), beside.seeds_for(own[0], 0.02)] == [7, 11]
    more = [beside.seeds_for(each, 0.01) / beside.seeds_for(each, 0.02) for each in own]
    assert (round(min(more)), round(max(more))) == (2, 5)


@says(
    "all_effects",
    "Two rows have *probably*.",
)
def rows_that_their_own_differences_leave_open() -> None:
    asked = findings.judged_again(
        findings.answers({name: at(name) for name in (*BOTH, *grid.DIALS)}),
        {"scenes": confirmation()},
    )
    alone = findings.own_answers({name: at(name) for name in BOTH}, {"scenes": confirmation()})
    open_ = [key for key, found in asked.items() if intervals.is_probable(found, alone.get(key))]
    said = [(question.plus, question.number) for question, _ in open_]
    assert said == [(("augfpn",), "AP"), (("rfa",), "APm")]


@says("all_effects", "and its own differences leave it undecided, so we believe neither.")
def augmentation_and_medium_objects() -> None:
    (asked,) = [x for x in findings.of_table2() if (x.plus, x.number) == (("rfa",), "APm")]
    assert undecided(findings.own_interval(asked, confirmation()))


@says("should_you_use_it", "{numref}`tab-should-you` begins with COCO's weights")
def the_table_has_both_sets_of_photographs() -> None:
    text = advice.advice_table(confirmation(), gather.committed_sets(SETS, "transfer"))
    begins, first = text.splitlines()[2:4]
    assert "COCO's weights" in begins
    assert "blood cells, pretrained: " in first
    assert "aquarium, pretrained: " in first


@says(
    "should_you_use_it",
    "FPN's rule gives [86 % of the blood cells](photographs.ipynb) to one level, and 77 % of "
    "Aquarium's objects to another.",
)
@says(
    "should_you_use_it",
    "our runs with it have 300 steps on blood cells and 900 on Aquarium, and are not tuned for "
    "each detector.",
)
def what_the_photographs_are() -> None:
    photographs = gather.committed_sets(SETS, "transfer")
    cells, animals = shares(photographs["bccd"]), shares(photographs["aquarium"])
    assert [max(each, key=each.get) for each in (cells, animals)] == [3, 2]
    assert (round(cells[3]), round(animals[2])) == (86, 77)
    for name, of in photographs.items():
        for variant in ("fpn", "augfpn", "augfpn_even", "cs"):
            for record in of.recorded(variant).values():
                assert record.experiment.train.steps == (900 if name == "aquarium" else 300)


@says("all_effects", "For AugFPN {cite:p}`guo2020augfpn` trust the wider one")
def the_wider_interval_of_augfpn() -> None:
    pooled = confirmation().effects("augfpn", "fpn")["AP"]
    own = confirmation().combination(["augfpn"], ["fpn"], "AP", pooled=False)
    assert own.high - own.low > pooled.high - pooled.low
    assert own.low < 0 < pooled.low


@says(
    "should_you_use_it",
    "RetinaNet gained with them on scenes, at the beginning of its training; all else is undecided",
)
def one_stage() -> None:
    found = {(name, v): effect(name, v) for name in BOTH for v in compared("one_stage", name)}
    decided = [which for which, each in found.items() if not undecided(each)]
    assert decided == [("scenes", "retinanet:augfpn")]
    assert len(found) == 4


@says(
    "should_you_use_it",
    "because anchors grow along: the row has smaller ones, too.",
)
def larger_images_and_smaller_anchors() -> None:
    asked = {"data": "scenes", "budget": "transfer", "device": "cpu", "short_side": 640}
    smaller = advice.SMALL_OBJECTS.rpartition("`--settings ")[2].rstrip("`")
    plain, larger, both = (
        prepare.experiment_from(parameters.parse(words), "imagenet").model
        for words in (asked | {"short_side": 320}, asked, asked | {"settings": (smaller,)})
    )
    assert larger.anchor_sizes == tuple(2 * size for size in plain.anchor_sizes)
    assert all(a < b for a, b in zip(both.anchor_sizes, larger.anchor_sizes, strict=True))


@says(
    "should_you_use_it",
    "Where we measured, Consistent Supervision gained on drawn scenes, and nothing gained on "
    "photographs.",
)
def what_gained() -> None:
    assert spreads.wider_effect(confirmation(), "cs").low > 0
    for of in gather.committed_sets(SETS, "transfer").values():
        for variant in grid.part("table2").variants[1:]:
            found = spreads.wider_effect(of, variant)
            assert found is None or found.low < 0
