"""Where AugFPN stands: what others published, and the necks that we measured."""

from dataclasses import asdict, replace

from augfpn.config import FPN
from augfpn.detectors import cost
from augfpn.settings import paper, recipes
from augfpn.study import gather, spreads
from augfpn.study.evidence import Evidence
from said.evidence import undecided, wide_text
from said.table import says

PAGE = "where_augfpn_stands"
NEWER_FPN = {12: 37.4, 24: 38.4}  # AP by epochs: mmdetection 2, configs/faster_rcnn/README.md


# Read in mmdetection's configs: faster_rcnn, pafpn, groie, libra_rcnn and nas_fpn, each README.md,
# and in README.md of lyuwenyu/RT-DETR. Nothing here could compute them.
@says(PAGE, "| Faster R-CNN | 12 and 24 epochs | 37.4 | 38.4 |")
@says(PAGE, "| PAFPN, PANet's path alone | Faster R-CNN | 12 epochs | 37.4 | 37.5 |")
@says(
    PAGE, "| Libra R-CNN, with its sampling and its loss | Faster R-CNN | 12 epochs | 37.4 | 38.3 |"
)
@says(PAGE, "| RetinaNet | 50 epochs, crops of 640 px | 37.9 | 40.5 |")
@says(PAGE, "RT-DETR has [53.1](https://github.com/lyuwenyu/RT-DETR) with ResNet-50, 72 epochs")
@says(PAGE, "| AugFPN, Table 2 of its paper | Faster R-CNN | 12 epochs | 36.3 | 38.7 |")
@says(
    PAGE,
    "mmdetection's FPN is 1.1 points above the paper's, and the paper's AugFPN with 12 epochs is "
    "only 0.3 above mmdetection's FPN with 24.",
)
@says(
    "fair_baselines",
    "with ResNet-50, the paper's AugFPN is only 0.3 points above "
    "[mmdetection's newer FPN](where_augfpn_stands.md) with 24 epochs.",
)
def published() -> None:
    rows = {
        tuple(row[x] for x in ("CS", "RFA", "SRS")): row["AP"] for row in paper.tables()["table2"]
    }
    assert (rows[False, False, False], rows[True, True, True]) == (36.3, 38.7)
    newer, newer_twice = NEWER_FPN.values()
    assert (newer, newer_twice) == (37.4, 38.4)  # the first row above
    assert round(newer - rows[False, False, False], 1) == 1.1
    assert round(rows[True, True, True] - newer_twice, 1) == 0.3


# Read in open-mmlab/mmdetection, configs/rtmdet/README.md; in README.md of lyuwenyu/RT-DETR; and
# in facebookresearch/detectron2, projects/ViTDet/README.md.
@says(PAGE, "It has 41.1 AP with 4.8 million parameters, at 640 px")
@says(PAGE, "With ResNet-50 it has 53.1 AP at 108 images a second on a T4")
@says(PAGE, "it has 2.2 AP more than DINO and is about 21 times as quick.")
@says(PAGE, "were trained on 64 GPUs")
@says(PAGE, "Our Faster R-CNN has 41.7 million.")
@says(PAGE, "| GRoIE {cite:p}`rossi2020groie` | Faster R-CNN | 12 epochs | 37.4 | 38.3 |")
@says(
    PAGE,
    "Twice the epochs brought 1.0 AP, PAFPN 0.1. GRoIE, the nearest relative of Soft RoI "
    "Selection, brought 0.9 without longer training",
)
def reasons_of_the_decision() -> None:
    ours = cost.at_inference(cost.part_costs(replace(FPN, classes=80)))[0]
    assert f"{ours / 1e6:.1f}" == "41.7"
    newer, newer_twice = NEWER_FPN.values()
    assert round(newer_twice - newer, 1) == 1.0
    assert round(37.5 - newer, 1) == 0.1  # PAFPN's row above
    assert round(38.3 - newer, 1) == 0.9  # GRoIE's row


def priced(recipe: str, neck: str = "fpn") -> str:
    """The last two cells of a row: million parameters, billion multiply-accumulates."""
    model = replace(recipes.named(recipe).model, neck=neck)
    parameters, macs = cost.at_inference(cost.part_costs(model))
    return f"{parameters / 1e6:.1f} | {macs / 1e9:.0f} |"


def minus_fpn(of: Evidence, variant: str) -> str:
    assert undecided(spreads.wider_effect(of, variant))
    return wide_text(of, variant)


@says(PAGE, "| FPN | – | – | 41.8 | 211 |")
@says(PAGE, "| PAFPN | +0.4 [−1.5, +2.4] | 3 | 45.3 | 235 |")
@says(PAGE, "| BiFPN, three layers | +0.3 [−2.6, +3.2] | 3 | 40.6 | 184 |")
@says(PAGE, "| AugFPN, even gates | −0.3 [−1.6, +1.0] | 8 | 43.8 | 238 |")
@says(PAGE, "| AugFPN, random gates | −1.2 [−2.9, +0.6] | 8 | 43.8 | 238 |")
@says(PAGE, "**None is shown to differ from FPN there**")
@says(PAGE, "an image of 800 × 1216 px and 2,000 proposals, at inference.")
def necks_in_one_detector() -> None:
    photographs = gather.from_pretrained()
    again, planned = photographs["bccd_again"], photographs["bccd"]
    assert minus_fpn(again, "pafpn") == "+0.4 [−1.5, +2.4]"
    assert minus_fpn(again, "bifpn") == "+0.3 [−2.6, +3.2]"
    assert minus_fpn(planned, "augfpn_even") == "−0.3 [−1.6, +1.0]"
    assert minus_fpn(planned, "augfpn") == "−1.2 [−2.9, +0.6]"
    pairs = [again.apart(v, "fpn") for v in ("pafpn", "bifpn")]
    pairs += [planned.apart(v, "fpn") for v in ("augfpn_even", "augfpn")]
    assert [len(each) for each in pairs] == [3, 3, 8, 8]
    plain, whole = "faster_rcnn_r50_fpn_1x", "faster_rcnn_r50_augfpn_1x"
    assert [priced(plain, neck) for neck in ("fpn", "pafpn", "bifpn")] == [
        "41.8 | 211 |",
        "45.3 | 235 |",
        "40.6 | 184 |",
    ]
    assert priced(whole) == "43.8 | 238 |"
    assert recipes.named(plain).model.proposals[1] == 2000


@says(
    "seminar",
    "With random first weights a softmax has APs of 28.0, 51.1 and 52.9, and sigmoids 50.9, 52.3 "
    "and 51.8; FPN has 53.8 to 54.3.",
)
@says(
    "seminar",
    "If both begin even, the softmax minus sigmoids is −0.6 [−2.8, +1.6], *undecided*.",
)
def a_softmax_of_levels() -> None:
    of = gather.from_pretrained()["bccd_again"]
    shown = {
        name: [f"{100 * of.recorded(name)[seed].result['AP']:.1f}" for seed in (8, 9, 10)]
        for name in ("srs_softmax", "srs", "fpn")
    }
    assert shown["srs_softmax"] == ["28.0", "51.1", "52.9"]
    assert shown["srs"] == ["50.9", "52.3", "51.8"]
    assert (min(shown["fpn"]), max(shown["fpn"])) == ("53.8", "54.3")
    assert undecided(spreads.wider_effect(of, "srs_softmax_even", "srs_even"))
    assert wide_text(of, "srs_softmax_even", "srs_even") == "−0.6 [−2.8, +1.6]"


@says("deviations", "| FPN | +0.2 [−1.4, +1.8] | 0.0 [−2.6, +2.5] |")
@says("deviations", "| AugFPN | +0.5 [−2.8, +3.8] | +1.8 [−3.7, +7.3] |")
@says(
    "deviations", "AugFPN minus FPN in the same dialect | −1.5 [−3.1, +0.1] | +0.1 [−3.0, +3.1] |"
)
@says(
    "deviations",
    "**All six numbers of {numref}`tab-dialects` are *undecided***, and so is AugFPN minus FPN in "
    "ours at these seeds, −1.8 [−6.0, +2.4].",
)
@says(
    "deviations",
    "its matching of anchors, and the least side of a proposal; torchvision's by the backbone's "
    "batch normalisation, which is frozen whole, the beta of smooth L1 and the first weights of "
    "the pyramid and the head.",
)
def whole_dialects() -> None:
    of = gather.from_pretrained()["bccd_again"]
    said = {
        ("fpn_authors", "fpn"): "+0.2 [−1.4, +1.8]",
        ("fpn_torchvision", "fpn"): "0.0 [−2.6, +2.5]",
        ("augfpn_authors", "augfpn"): "+0.5 [−2.8, +3.8]",
        ("augfpn_torchvision", "augfpn"): "+1.8 [−3.7, +7.3]",
        ("augfpn_authors", "fpn_authors"): "−1.5 [−3.1, +0.1]",
        ("augfpn_torchvision", "fpn_torchvision"): "+0.1 [−3.0, +3.1]",
        ("augfpn", "fpn"): "−1.8 [−6.0, +2.4]",
    }
    for pair, text in said.items():
        assert wide_text(of, *pair) == text
        assert undecided(spreads.wider_effect(of, *pair))
        assert len(of.apart(*pair)) == 3
    ours, *others = (
        asdict(of.recorded(name)[8].experiment.model)
        for name in ("augfpn", "augfpn_authors", "augfpn_torchvision")
    )
    assert [{name for name in ours if ours[name] != each[name]} for each in others] == [
        {"anchor_grid", "border_anchors", "low_quality", "low_quality_iou", "least_proposal"},
        {"norm", "box_beta", "initialisation"},
    ]
