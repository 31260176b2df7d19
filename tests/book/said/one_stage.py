"""One-stage detectors."""

from statistics import mean

from pycocotools import mask as masks

from augfpn.records import Record
from augfpn.settings import paper
from augfpn.study.ledger import claims
from augfpn.study.results import glance
from augfpn.study.uncertainty.cells import SIZE_OF
from said.evidence import (
    BOTH,
    ap,
    at,
    compared,
    confirmation,
    effect,
    printed,
    table_verdict,
    undecided,
    verdict,
)
from said.table import says

CELLS = ("WBC", "RBC", "Platelets")


@says(
    "one_stage_and_masks",
    "all fall but the supervision's box loss, which rises at first. Below: the sum of the main "
    "losses of FPN and AugFPN, falling together.",
)
def losses_of_retinanet() -> None:
    for variant in ("retinanet:fpn", "retinanet:augfpn"):
        curve = at("scenes").recorded(variant)[0].curve
        tenths = [curve[i : i + len(curve) // 10] for i in range(0, len(curve), len(curve) // 10)]
        for name in (key for key in curve[0] if key.startswith("loss_")):
            means = [mean(row[name] for row in part) for part in tenths]
            rises = name == "loss_supervision_box"
            assert (max(means[1:3]) > means[0]) if rises else (means[-1] < means[0])


@says(
    "one_stage_and_masks",
    "RetinaNet with supervision and context is better than without, with an interval well above "
    "zero and a mean above the paper's.",
)
@says("one_stage_and_masks", "RetinaNet's bar lies to the right of zero, FCOS's around it")
@says(
    "one_stage_and_masks",
    "**RetinaNet gains on scenes; all else is undecided** ({numref}`tab-one-stage`, "
    "{numref}`fig-one-stage`).",
)
@says(
    "one_stage_and_masks",
    "(8.3 and 10.7 differ by +2.3 in {numref}`tab-one-stage`, because each number is rounded by "
    "itself.) Six runs, three of each, estimate its spread; that leaves the interval two degrees "
    "of freedom.",
)
def the_only_effect_that_is_decided() -> None:
    found = effect("scenes", "retinanet:augfpn")
    assert found.low > 1
    assert found.mean > printed("retinanet:augfpn")
    assert undecided(effect("scenes", "fcos:augfpn"))
    of_table = [effect(name, v) for name in BOTH for v in compared("one_stage", name)]
    assert [each for each in of_table if not undecided(each)] == [found]
    pairs = at("scenes").effects("retinanet:augfpn", "retinanet:fpn")["AP"]
    assert (pairs.seeds, pairs.freedom) == (3, 2)
    means = [mean(ap("scenes", f"retinanet:{v}").values()) for v in ("fpn", "augfpn")]
    assert [f"{x:.1f}" for x in (*means, 100 * pairs.mean)] == ["8.3", "10.7", "2.3"]
    assert len(at("scenes").observations("retinanet:fpn", "AP")) == 6


@says(
    "one_stage_and_masks",
    "FCOS, on the same images and with the same parts, is undecided, at any size of objects",
)
def fcos_shows_nothing() -> None:
    found = at("scenes").effects("fcos:augfpn", "fcos:fpn")
    assert all(undecided(found[number]) for number in paper.AP_NAMES)


@says(
    "one_stage_and_masks",
    "And on blood cells RetinaNet's mean is *below* zero, by more than it is above on scenes. That "
    "may be chance: all that is known there is that its gain is *below the paper's gain*.",
)
def retinanet_on_blood_cells() -> None:
    found = effect("bccd", "retinanet:augfpn")
    assert table_verdict("bccd", "retinanet:augfpn") == "below the paper's gain"
    assert undecided(found)
    assert -found.mean > effect("scenes", "retinanet:augfpn").mean


@says(
    "one_stage_and_masks",
    "The classes that a size does not have are left out of its average, and a single large "
    "platelet, which no run finds, counts for a third of *large*.",
)
@says(
    "putting_it_together",
    "(A third of their AP is that of [a single platelet](one_stage_and_masks.ipynb).)",
)
@says(
    "one_stage_and_masks",
    "| white cells, all of them large | −16 | | red cells | +5 | | platelets | −1 |",
)
def classes_of_blood_cells() -> None:
    runs = {v: at("bccd").recorded(f"retinanet:{v}").values() for v in ("augfpn", "fpn")}
    with_parts, without = (
        {name: 100 * mean(run.result["by_class"][name] for run in each) for name in CELLS}
        for each in runs.values()
    )
    assert [round(with_parts[name] - without[name]) for name in CELLS] == [-16, 5, -1]
    every = [effect("bccd", "retinanet:augfpn", number).mean for number in paper.AP_NAMES]
    sizes = [effect("bccd", "retinanet:augfpn", number).mean for number in SIZE_OF]
    assert every[0] < min(sizes)
    truth = at("bccd").truth(next(iter(runs["fpn"])))
    names = {each["id"]: each["name"] for each in truth["categories"]}
    large = [names[x["category_id"]] for x in truth["annotations"] if x["area"] >= 96**2]
    white = [x for x in truth["annotations"] if names[x["category_id"]] == "WBC"]
    assert large.count("WBC") == len(white)
    assert large.count("Platelets") == 1
    for run in (*runs["fpn"], *runs["augfpn"]):
        assert platelet_is_missed(run, truth, names)


def platelet_is_missed(run: Record, truth: dict, names: dict[int, str]) -> bool:
    """Whether no platelet that a run found overlaps the large one by half."""
    (there,) = (
        x
        for x in truth["annotations"]
        if x["area"] >= 96**2 and names[x["category_id"]] == "Platelets"
    )
    found = [
        x["bbox"]
        for x in run.predictions
        if x["image_id"] == there["image_id"] and names[x["category_id"]] == "Platelets"
    ]
    return not found or masks.iou(found, [there["bbox"]], [0]).max() < 0.5


@says(
    "one_stage_and_masks",
    "in Mask R-CNN AugFPN's mean gains are above the paper's, in AP of boxes and of masks, but "
    "both intervals contain zero. Gains that exclude zero are those of boxes of medium and of "
    "large objects, and of masks of medium ones ({numref}`tab-masks`, three pairs of runs)",
)
def masks_on_scenes() -> None:
    gains = {n: effect("scenes", "mask_rcnn:augfpn", n) for n in ("AP", "mask AP")}
    (claim,) = [each for each in claims.claims() if each.id == "#10"]
    (test,) = claim.tests
    assert {found.seeds for found in gains.values()} == {3}
    for number, found in gains.items():
        assert found.mean > claims.printed(test, number) > 0
        assert undecided(found)
    sizes = ("APs", "APm", "APl", "mask APs", "mask APm", "mask APl")
    decided = [n for n in sizes if not undecided(effect("scenes", "mask_rcnn:augfpn", n))]
    assert decided == ["APm", "APl", "mask APm"]
    assert all(effect("scenes", "mask_rcnn:augfpn", number).low > 0 for number in decided)


@says("one_stage_and_masks", "four hundred steps from scratch are far too few")
@says("one_stage_and_masks", "Its AP is low, about 8 without the parts")
def retinanet_is_at_its_beginning() -> None:
    assert {run.result["steps"] for run in at("scenes").recorded("retinanet:fpn").values()} == {400}
    low = mean(ap("scenes", "retinanet:fpn").values())
    assert round(low) == 8
    assert low < mean(ap("scenes", "fpn").values()) / 3


@says("one_stage_and_masks", "AugFPN gets *further in as many steps*")
def further_in_as_many_steps() -> None:
    a, b = (at("scenes").recorded(f"retinanet:{v}") for v in ("augfpn", "fpn"))
    for seed, run in a.items():
        assert run.result["steps"] == b[seed].result["steps"]
        assert run.result["AP"] > b[seed].result["AP"]


@says("one_stage_and_masks", "Which of the two parts brings RetinaNet's gain was not measured.")
def parts_of_retinanet() -> None:
    there = {record.experiment.model for record in at("scenes").found.by_key.values()}
    of_retinanet = {(m.lam > 0, bool(m.ratios)) for m in there if m.detector == "retinanet"}
    assert of_retinanet == {(False, False), (True, True)}


@says(
    "one_stage_and_masks",
    "nine [confirming seeds](what_we_found.ipynb) have a main effect of +0.8 [+0.4, +1.2] for "
    "Consistent Supervision and of −0.2 [−0.9, +0.4] for Residual Feature Augmentation",
)
def what_faster_rcnn_confirms() -> None:
    said = [glance.main_effect(confirmation(), part, "AP") for part in ("cs", "rfa")]
    assert said == ["+0.8 [+0.4, +1.2]", "−0.2 [−0.9, +0.4]"]


@says(
    "one_stage_and_masks",
    "So it is not shown that what is left of AugFPN helps one-stage detectors in general, nor "
    "that it does not.",
)
def one_stage_in_general() -> None:
    verdicts = {verdict(pictures, name) for pictures in BOTH for name in ("#7", "#9")}
    assert len(verdicts) > 1 or "undecided" in verdicts
