"""Should you use it, and which effects their own differences leave open."""

from torchvision.models.detection import fasterrcnn_resnet50_fpn

from augfpn.settings import parameters
from augfpn.settings.starts import STARTS
from augfpn.study import advice, findings, gather, grid, intervals, spreads
from augfpn.training import prepare
from said.evidence import BOTH, at, compared, confirmation, effect, undecided, verdict
from said.photographs import shares
from said.table import says

SETS = ("bccd", "bccd_learning", "aquarium")


@says(
    "should_you_use_it",
    "**From pretrained weights no gain of AugFPN is shown** [on photographs](photographs.ipynb), "
    "whether the backbone learns or not.",
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


@says("should_you_use_it", "on scenes it is the part that [brings the gain](what_we_found.ipynb).")
@says("should_you_use_it", "It was not tuned by itself.")
def consistent_supervision_is_the_part_to_try() -> None:
    assert verdict("scenes", "#17") == "holds"
    assert "cs_tuned" not in grid.variants()


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


@says(
    "all_effects", "the confirmation's own differences leave it undecided. So we believe neither."
)
def augmentation_and_medium_objects() -> None:
    (asked,) = [x for x in findings.of_table2() if (x.plus, x.number) == (("rfa",), "APm")]
    assert undecided(findings.own_interval(asked, confirmation()))


@says(
    "should_you_use_it",
    "{numref}`tab-should-you` is for images of your own and pretrained weights,",
)
def the_table_has_both_sets_of_photographs() -> None:
    text = advice.your_case_table(confirmation(), gather.committed_sets(SETS, "transfer"))
    begins, small, _, first = text.splitlines()[2:6]
    assert "COCO's weights" in begins
    assert "small objects" in small
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


@says("all_effects", "AugFPN {cite:p}`guo2020augfpn` needs the second one, because")
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
    "**`--short-side` alone does not help an object to an anchor**, because anchors grow along. So "
    "the row adds smaller anchors.",
)
def larger_images_and_smaller_anchors() -> None:
    asked = {"data": "scenes", "budget": "transfer", "device": "cpu", "short_side": 640}
    smaller = advice.SMALLER_ANCHORS.strip("`").split()[1]
    plain, larger, both = (
        prepare.experiment_from(parameters.parse(words), "imagenet").model
        for words in (asked | {"short_side": 320}, asked, asked | {"settings": (smaller,)})
    )
    assert larger.anchor_sizes == tuple(2 * size for size in plain.anchor_sizes)
    assert all(a < b for a, b in zip(both.anchor_sizes, larger.anchor_sizes, strict=True))


@says(
    "should_you_use_it",
    "Where we measured, Consistent Supervision gained AP on drawn scenes, and no gain is shown on "
    "photographs.",
)
def what_gained() -> None:
    assert spreads.wider_effect(confirmation(), "cs").low > 0
    for of in gather.committed_sets(SETS, "transfer").values():
        for variant in grid.part("table2").variants[1:]:
            found = spreads.wider_effect(of, variant)
            assert found is None or found.low < 0


@says(
    "your_pictures",
    "With hundreds of images leave `--epochs 12` out: 1000 steps are 32 passes over 500.",
)
def steps_on_a_gpu() -> None:
    """The short side is torchvision's own, as where COCO's weights were trained."""
    gpu = STARTS[0].experiment
    assert (gpu.train.steps, gpu.train.steps * gpu.train.batch / 500) == (1000, 32)
    plain = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    assert plain.transform.min_size == (gpu.model.short_side,)
