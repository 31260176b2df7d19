"""Should you use it, and which effects their own differences leave open."""

from torchvision.models.detection import fasterrcnn_resnet50_fpn

from augfpn.config import DIALS
from augfpn.settings.starts import STARTS
from augfpn.study import gather, spreads
from augfpn.study.ledger import claims, freeze
from augfpn.study.results import findings
from augfpn.study.running import grid
from augfpn.study.uncertainty import intervals
from said.evidence import BOTH, at, compared, confirmation, effect, undecided, verdict
from said.photographs import shares
from said.table import says

SETS = ("bccd", "bccd_learning", "aquarium")


@says(
    "should_you_use_it",
    "**A gain** of all parts with even gates on [one of two small sets of "
    "photographs](photographs.ipynb), *found afterwards*. If gates begin at random, a gain as "
    "large as the paper's is excluded on both, and SRS alone loses on one.",
)
@says("your_pictures", "AugFPN gains on one set of two.")
def a_gain_on_photographs_with_even_gates_only() -> None:
    photographs = gather.committed_sets(SETS, "transfer")
    assert spreads.wider_effect(photographs["aquarium"], "augfpn_even").low > 0
    assert undecided(spreads.wider_effect(photographs["bccd"], "augfpn_even"))
    for of in photographs.values():
        for variant in grid.part("table2").variants[1:]:
            found = spreads.wider_effect(of, variant)
            assert found is None or found.low < 0
    frozen = {of.recorded("fpn")[0].experiment.model.frozen for of in photographs.values()}
    assert frozen == {5, 2}


@says(
    "should_you_use_it",
    "its gain is [*confirmed*](what_we_found.ipynb#how-to-read-it), as that of no other part.",
)
def consistent_supervision_is_the_part_to_try() -> None:
    assert verdict("scenes", "#17") == "holds"
    assert not {verdict("scenes", claim) for claim in ("#18", "#19")} & {"holds", "probably holds"}


@says("should_you_use_it", "with settings that were not tuned for each part.")
def parts_were_not_tuned() -> None:
    assert "cs_tuned" not in grid.variants()


@says(
    "all_effects",
    "Two rows have *probably*.",
)
def rows_that_their_own_differences_leave_open() -> None:
    asked = findings.judged_again(
        findings.answers({name: at(name) for name in (*BOTH, *DIALS)}),
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


@says("should_you_use_it", "and SRS alone loses on one.")
def soft_selection_loses_on_one_set() -> None:
    cells, animals = (
        spreads.wider_effect(gather.committed(name, "transfer"), "srs")
        for name in ("bccd", "aquarium")
    )
    assert cells.high < 0
    assert undecided(animals)


@says(
    "should_you_use_it",
    "**A gain of CS** on scenes, after 400 steps, *confirmed*. After [four times as "
    "many](fair_baselines.ipynb) it is *undecided*.",
)
def gains_of_supervision_on_scenes() -> None:
    short, longer = (
        spreads.wider_effect(confirmation(), *pair)
        for pair in (("cs", "fpn"), ("cs_4x_steps", "fpn_4x_steps"))
    )
    assert short.low > 0
    assert undecided(longer)


@says(
    "should_you_use_it",
    "**AP by size of objects is weaker evidence.** Few of these questions [were asked "
    "before](what_we_found.ipynb#what-was-fixed) the runs.",
)
def sizes_were_no_question_beforehand() -> None:
    """The seeds were fixed, but of the fixed tests none is of a part that the page has by size."""
    every = {each.id: each for each in claims.claims()}
    tests = [
        test for name in freeze.decided_by_table2(every.values()) for test in every[name].tests
    ]
    alone = [test for test in tests if test.minus == ("fpn",) and test.numbers == ("APs",)]
    assert [test.plus for test in alone] == [("rfa",)]


@says(
    "should_you_use_it",
    "most objects of a set [lie on one level](photographs.ipynb).",
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
    "RetinaNet gained on scenes, at the beginning of its training; all else is "
    "[undecided](one_stage_and_masks.ipynb).",
)
def one_stage() -> None:
    found = {(name, v): effect(name, v) for name in BOTH for v in compared("one_stage", name)}
    decided = [which for which, each in found.items() if not undecided(each)]
    assert decided == [("scenes", "retinanet:augfpn")]
    assert len(found) == 4


@says(
    "your_pictures",
    "1000 steps are 32 passes over 500",
)
def steps_on_a_gpu() -> None:
    """The short side is torchvision's own, as where COCO's weights were trained."""
    gpu = STARTS[0].experiment
    assert (gpu.train.steps, gpu.train.steps * gpu.train.batch / 500) == (1000, 32)
    plain = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    assert plain.transform.min_size == (gpu.model.short_side,)
