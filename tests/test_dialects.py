"""What each dialect claims, by a small example for every option, in both directions."""

from dataclasses import fields, replace

import pytest
import test_anchors  # noqa: F401  its examples count
import torch
from torch import nn
from worked import EXAMPLES, GROUPS, TINY, option, with_option, worked

from augfpn import dialects, train
from augfpn.build import build_detector
from augfpn.config import FCOS, FPN, Model, RetinaNet, Train
from augfpn.dense import Limits, candidates, detect
from augfpn.detectors import roi_loss
from augfpn.dialects import in_dialect

OWN = {"EVERY": Model, "PROPOSALS": Model, "RETINANET": RetinaNet, "FCOS": FCOS}


def built(group: str, field: str, value: object) -> nn.Module:
    torch.manual_seed(0)
    return build_detector(with_option(group, field, value))


# --- every detector -------------------------------------------------------------------------------


@worked("EVERY", "initialisation", torchvision=(True, False), authors=(False, True))
def test_first_weights(value, expected) -> None:
    """Biases of the box head are drawn, or zero; classes' weights are spread 0.01 in the latter."""
    head = built("EVERY", "initialisation", value).heads
    biased = bool(head.box_predictor.cls_score.bias.any())
    small = abs(head.box_predictor.cls_score.weight.std().item() - 0.01) < 0.002
    assert (biased, small) == expected


@worked("EVERY", "box_beta", torchvision=0.5 - 1 / 18, authors=0.125)
def test_where_smooth_l1_turns(value, expected) -> None:
    """One RoI, one coordinate off by 0.5: 0.5 - beta / 2, or 0.5 x 0.5^2 / beta."""
    deltas = torch.tensor([[0.0, 0, 0, 0, 0.5, 0, 0, 0]])
    _, loss = roi_loss(torch.zeros(1, 2), deltas, [torch.tensor([1])], [torch.zeros(1, 4)], value)
    assert loss.item() == pytest.approx(expected)


# --- proposals ------------------------------------------------------------------------------------


@worked("PROPOSALS", "border_anchors", torchvision=[1.0, 0.0], authors=[-1.0, 1.0])
def test_anchors_over_the_border(value, expected) -> None:
    """An object of 40 x 40 in the corner: its best anchor reaches over the border."""
    rpn = built("PROPOSALS", "border_anchors", value).rpn
    anchors = torch.tensor([[-2.0, 0, 40, 40], [0.0, 0, 20, 40]])
    target = {"boxes": torch.tensor([[0.0, 0, 40, 40]])}
    # 40/42 of the object, and a half: the second is the best of those that stay inside.
    (labels,), (boxes,) = rpn.assign([anchors], [target], [(96, 96)])
    assert labels.tolist() == ([1.0, -1.0] if value else expected)
    assert boxes[1].tolist() == [0, 0, 40, 40]


@worked("PROPOSALS", "least_proposal", torchvision=0, authors=1)
def test_a_proposal_without_width(value, expected) -> None:
    rpn = built("PROPOSALS", "least_proposal", value).rpn.eval()
    flat = torch.tensor([[[5.0, 5.0, 5.0, 20.0]]])
    boxes, _ = rpn.filter_proposals(flat, torch.ones(1, 1), [(96, 96)], [1])
    assert len(boxes[0]) == expected


@worked("PROPOSALS", "rpn_candidates", torchvision=(2000, 1000), authors=(2000, 2000))
def test_candidates_per_level(value, expected) -> None:
    rpn = built("PROPOSALS", "rpn_candidates", value).rpn
    assert (rpn.train().pre_nms_top_n(), rpn.eval().pre_nms_top_n()) == expected


@worked("PROPOSALS", "proposals", torchvision=(2000, 1000), authors=(2000, 2000))
def test_proposals_per_picture(value, expected) -> None:
    rpn = built("PROPOSALS", "proposals", value).rpn
    assert (rpn.train().post_nms_top_n(), rpn.eval().post_nms_top_n()) == expected


# --- P6 and P7 ------------------------------------------------------------------------------------


@worked("RETINANET", "p6_from", torchvision="p5", authors="c5")
def test_what_p6_is_computed_from(value, expected) -> None:
    extra = built("RETINANET", "p6_from", value).fpn.extra
    c5, p5 = torch.rand(1, 256, 6, 4), torch.rand(1, TINY.channels, 6, 4)
    source = {"c5": c5, "p5": p5}[expected]
    assert torch.equal(extra(c5, p5, None)[6], extra.p6(source))


@worked("RETINANET", "relu_before_p7", torchvision=True, authors=False)
def test_a_relu_before_p7(value, expected) -> None:
    extra = built("RETINANET", "relu_before_p7", value).fpn.extra
    p = extra(torch.rand(1, 256, 6, 4), torch.rand(1, TINY.channels, 6, 4), None)
    assert (p[6] < 0).any()
    assert torch.equal(p[7], extra.p7(p[6].relu() if expected else p[6]))


@worked("RETINANET FCOS", "context_at_p6", torchvision=0.0, authors=3.0)
def test_the_mean_of_m6_at_p6(value, expected) -> None:
    """M6 is 1 on the left half and 5 on the right: 3 is added to P6, and P7 sees it."""
    extra = built("RETINANET", "context_at_p6", value).fpn.extra
    p5, m6 = torch.rand(1, TINY.channels, 6, 4), torch.ones(1, TINY.channels, 6, 4)
    m6[..., 2:] = 5
    p = extra(torch.zeros(1, 256, 6, 4), p5, m6)
    torch.testing.assert_close(p[6], extra.p6(p5) + expected)
    torch.testing.assert_close(p[7], extra.p7(p[6].relu()))


# --- RetinaNet ------------------------------------------------------------------------------------


@worked("RETINANET FCOS", "background_logit", torchvision=(5, 0), authors=(4, 1))
def test_the_unused_class(value, expected) -> None:
    """Four classes: channel 0 is nobody's, or the first class's."""
    for group in ("RETINANET", "FCOS"):
        head = built(group, "background_logit", value).dense
        assert (head.classification_head.num_classes, head.first_label) == expected


@worked("RETINANET", "whole_sizes", torchvision=40.0, authors=40.3)
def test_sizes_of_anchors(value, expected) -> None:
    """32 x 2^(1/3) = 40.3; torchvision takes 40. Both are rounded once more as half sides."""
    seen = []
    model = with_option("RETINANET", "whole_sizes", value, replace(TINY, anchor_sizes=(32,) * 5))
    seen = build_detector(model).anchors.sizes[0][1]
    assert seen == pytest.approx(expected, abs=0.02)


def retina_losses(field: str, value: object, boxes: torch.Tensor) -> dict[str, float]:
    """Of two pictures: the first has one anchor that fits, the second three."""
    head = built("RETINANET", field, value).dense
    anchors = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]])
    targets = [
        {"boxes": anchors[:1], "labels": torch.tensor([1])},
        {"boxes": anchors[:3], "labels": torch.tensor([1, 1, 1])},
    ]
    outputs = {"logits": [torch.full((2, 4, 5), -30.0)], "boxes": [boxes]}
    return {k: v.item() for k, v in head.losses(outputs, [anchors], targets).items()}


@worked("RETINANET", "normaliser", torchvision=(4 + 1) / 2, authors=(4 + 3) / 4)
def test_whose_objects_a_loss_is_divided_by(value, expected) -> None:
    """Offsets of 4 in the first picture's object and 3 in one of the second's three (L1)."""
    boxes = torch.zeros(2, 4, 4)
    boxes[0, 0, 0], boxes[1, 0, 0] = 4, 3
    assert retina_losses("normaliser", value, boxes)["loss_box_reg"] == pytest.approx(expected)


@worked("RETINANET", "beta", torchvision=0.5 * 0.05, authors=0.5 * 0.5 * 0.05**2 / 0.11)
def test_l1_near_zero(value, expected) -> None:
    """An offset of 0.05 in the first picture; mean over the two pictures."""
    boxes = torch.zeros(2, 4, 4)
    boxes[0, 0, 0] = 0.05
    assert retina_losses("beta", value, boxes)["loss_box_reg"] == pytest.approx(expected, rel=1e-4)


@worked(
    "RETINANET FCOS",
    "candidates_are",
    torchvision=[(0, 0), (0, 1)],
    authors=[(0, 0), (0, 1), (1, 1)],
)
def test_what_the_best_two_are(value, expected) -> None:
    """Two places of three: all their pairs; or two pairs, here both of place 0."""
    head = built("RETINANET", "background_logit", False).dense
    scores = torch.tensor([[0.9, 0.8], [0.04, 0.7], [0.6, 0.5]])
    anchors = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]])
    outputs = {"logits": scores.logit(), "boxes": torch.zeros(3, 4)}
    boxes, _, labels = candidates(head, outputs, anchors, Limits(0.05, 2, value, 0.5, 10))
    place = (boxes[:, 0] / 20).long().tolist()
    assert sorted(zip(place, (labels - 1).tolist(), strict=True)) == expected


@worked("RETINANET", "detections", torchvision=300, authors=100)
def test_detections_per_picture(value, expected) -> None:
    detector = built("RETINANET", "detections", value)
    anchors = torch.arange(400.0)[:, None] * 10 + torch.tensor([0.0, 0, 5, 5])
    outputs = {"logits": [torch.full((1, 400, 5), 2.0)], "boxes": [torch.zeros(1, 400, 4)]}
    limits = detector.limits._replace(candidates=5000)
    (found,) = detect(detector.dense, outputs, [anchors], [(9, 4000)], limits)
    assert limits.keep == expected
    assert expected / 2 < len(found["boxes"]) <= expected  # without those of the unused class


@worked("RETINANET FCOS", "supervision_rois", torchvision=1, authors=2)
def test_rois_of_a_place(value, expected) -> None:
    """A place where two classes pass gives its box once, or twice."""
    head = built("RETINANET", "background_logit", False).dense
    outputs = {"logits": torch.tensor([[0.9, 0.8]]).logit(), "boxes": torch.zeros(1, 4)}
    limits = Limits(0.01, 2000, value, 0.7, 1000)
    boxes, _, _ = candidates(head, outputs, torch.tensor([[0.0, 0, 9, 9]]), limits)
    assert len(boxes) == expected


# --- FCOS -----------------------------------------------------------------------------------------


def fcos(field: str, value: object) -> nn.Module:
    return built("FCOS", field, value).dense


def points(*middles: tuple[float, float], stride: float = 8) -> torch.Tensor:
    return torch.tensor(
        [[x - stride / 2, y - stride / 2, x + stride / 2, y + stride / 2] for x, y in middles]
    )


def levels(first: torch.Tensor) -> list[torch.Tensor]:
    """The points on P3, and one far away on each other level."""
    return [first, *(points((9000, 9000), stride=2.0**k) for k in range(4, 8))]


@worked(
    "FCOS",
    "distances",
    torchvision=[0.0, 2.0],
    authors=[pytest.approx(0.1353 / 8, rel=1e-3), pytest.approx(7.389 / 8, rel=1e-3)],
)
def test_distances_of_what_is_predicted(value, expected) -> None:
    """-2 and 2 at P3: behind a ReLU in strides; e^-2 and e^2 pixels with the first scale of 1."""
    head = fcos("distances", value)
    assert head.distances(torch.tensor([-2.0, 2.0]), 0).tolist() == expected
    assert (head.scale is not None) == (value == "exp")


@worked("FCOS", "tower_bias", torchvision=8, authors=0)
def test_biases_before_the_normalisation(value, expected) -> None:
    head = fcos("tower_bias", value)
    towers = [*head.classification_head.conv, *head.regression_head.conv]
    assert sum(isinstance(x, nn.Conv2d) and x.bias is not None for x in towers) == expected


@worked("FCOS", "centerness_on", torchvision=(False, True), authors=(True, False))
def test_the_tower_that_centerness_is_read_from(value, expected) -> None:
    """Where its gradient goes: to the class tower, to the box tower."""
    head = fcos("centerness_on", value)
    outputs = head([torch.rand(1, TINY.channels, 4, 4)] * 5)
    sum(x.sum() for x in outputs["centerness"]).backward()
    reached = tuple(
        tower.conv[0].weight.grad is not None and bool(tower.conv[0].weight.grad.any())
        for tower in (head.classification_head, head.regression_head)
    )
    assert reached == expected


@worked("FCOS", "centre_radius", torchvision=[0, -1, -1], authors=[0, 0, -1])
def test_points_far_from_the_middle(value, expected) -> None:
    """A box of 60 x 60: its middle, a point 20 px off (1.5 strides are 12), a point outside."""
    box = torch.tensor([[0.0, 0, 60, 60]])
    match = fcos("centre_radius", value).match(levels(points((30, 30), (50, 30), (70, 30))), box)
    assert match[:3].tolist() == expected


@worked("FCOS", "closed_ranges", torchvision=[-1, -1], authors=[0, 0])
def test_a_furthest_edge_of_exactly_64(value, expected) -> None:
    """The middle of a box of 128 x 128, on P3 (up to 64 px) and on P4 (from 64 px)."""
    head = fcos("closed_ranges", value)
    anchors = levels(points((64, 64)))
    anchors[1] = points((64, 64), stride=16)
    assert head.match(anchors, torch.tensor([[0.0, 0, 128, 128]]))[:2].tolist() == expected


def fcos_losses(field: str, value: object, pictures: int = 2) -> dict[str, float]:
    """A point in the middle of the only object of the first picture, and one on its background."""
    head = fcos(field, value)
    anchors = levels(points((30, 30), (200, 200)))
    places = sum(map(len, anchors))
    boxes = torch.full((pictures, places, 4), 15 / 8)  # 15 px to each side, where 30 are right
    channels = head.classification_head.num_classes
    outputs = {
        "logits": [torch.zeros(pictures, places, channels)],
        "boxes": [boxes],
        "centerness": [torch.zeros(pictures, places, 1)],
    }
    targets = [{"boxes": torch.tensor([[0.0, 0, 60, 60]]), "labels": torch.tensor([1])}]
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    losses = head.losses(outputs, anchors, targets + [empty] * (pictures - 1))
    return {k: v.item() for k, v in losses.items()} | {"places": pictures * places * channels}


@worked("FCOS", "normaliser", torchvision=1, authors=3)
def test_what_the_focal_loss_is_divided_by(value, expected) -> None:
    """One point with an object and two pictures; a logit of 0 costs 1/16 log 2, or three times."""
    losses = fcos_losses("normaliser", value)
    each = 0.25 * torch.tensor(2.0).log().item()
    total = 0.25 * each + 0.75 * each * (losses["places"] - 1)
    assert losses["loss_classifier"] == pytest.approx(total / expected, rel=1e-5)


@worked("FCOS", "box_loss", torchvision=1 - 0.25, authors=1.3863)
def test_a_box_of_half_the_side(value, expected) -> None:
    """IoU 1/4, nothing outside: 1 - 1/4, or -log 1/4; its weight, centerness 1, cancels."""
    assert fcos_losses("box_loss", value)["loss_box_reg"] == pytest.approx(expected, rel=1e-4)


@worked("FCOS", "rank", torchvision=(0.4, 0.4), authors=(0.8, 0.16))
def test_what_is_held_against_the_threshold_and_what_ranks(value, expected) -> None:
    """A score of 0.8 with a centerness of 0.2."""
    outputs = {"logits": torch.tensor([[0.8]]), "centerness": torch.tensor([[0.2]])}
    logits = {name: x.logit() for name, x in outputs.items()}
    assert tuple(x.item() for x in fcos("rank", value).scores(logits)) == pytest.approx(expected)


@worked("FCOS", "score", torchvision=0.2, authors=0.05)
def test_the_least_score(value, expected) -> None:
    assert built("FCOS", "score", value).limits.score == expected


@worked("FCOS", "nms", torchvision=2, authors=1)
def test_when_the_weaker_of_two_is_dropped(value, expected) -> None:
    """Two boxes of one class with an IoU of 0.55."""
    limits = built("FCOS", "nms", value).limits
    head = built("RETINANET", "background_logit", False).dense
    anchors = torch.tensor([[0.0, 0, 100, 100], [0.0, 0, 55, 100]])
    outputs = {"logits": [torch.tensor([[[2.0], [1.0]]])], "boxes": [torch.zeros(1, 2, 4)]}
    (found,) = detect(head, outputs, [anchors], [(100, 100)], limits)
    assert len(found["boxes"]) == expected


# --- all of them ----------------------------------------------------------------------------------


def test_no_option_is_without_its_example() -> None:
    options = {(group, each.field) for group, them in GROUPS.items() for each in them}
    grids = {(group, "anchor_grid") for group in ("PROPOSALS", "RETINANET", "FCOS")}
    assert options - set(EXAMPLES) == set()
    assert grids <= set(EXAMPLES)


@pytest.mark.parametrize("group", GROUPS)
def test_an_option_is_a_setting_and_torchvisions_value_its_default(group: str) -> None:
    default = {field.name: field.default for field in fields(OWN[group])}
    for each in GROUPS[group]:
        if each.field != "initialisation":  # from scratch, torchvision's is no good default
            assert default[each.field] == each.torchvision, each.field
        assert each.torchvision != each.authors or each.ours != each.authors
        assert option(group, each.field) is each


@pytest.mark.parametrize("name", dialects.NAMES)
@pytest.mark.parametrize("detector", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_a_dialect_sets_what_its_detector_has_and_nothing_else(detector: str, name: str) -> None:
    model = in_dialect(replace(FPN, detector=detector), name)
    other = {"retinanet": "fcos", "fcos": "retinanet"}.get(detector, "fcos")
    assert getattr(model, other) == getattr(FPN, other)
    assert (model.proposals == (2000, 2000)) == (name == "authors" and "rcnn" in detector)


def test_small_budgets_keep_their_numbers_of_proposals() -> None:
    model = in_dialect(TINY, "authors", sizes=False)
    assert (model.proposals, model.rpn_candidates) == (TINY.proposals, TINY.rpn_candidates)


def test_schedules() -> None:
    authors = dialects.schedule(Train(), "fcos", "authors")
    assert (authors.lr, authors.clip, authors.bias_lr, authors.bias_decay) == (0.01, None, 2, False)
    rates = [train.learning_rate(authors, step, 12000) for step in (0, 499, 500)]
    assert rates == pytest.approx([0.01 / 3, 0.01 / 3, 0.01])  # constant, then the whole
    reference = dialects.schedule(Train(), "retinanet", "torchvision")
    assert (reference.epochs, reference.warmup_steps, reference.clip) == (26, 1000, None)
    assert [26 * drop for drop in reference.drops] == pytest.approx([16, 22])
    assert dialects.schedule(Train(), "mask_rcnn", "authors") == Train()


def test_biases_learn_twice_as_fast_without_decay() -> None:
    layer = nn.Linear(2, 1)
    settings = replace(Train(), bias_lr=2.0, bias_decay=False, weight_decay=0.1)
    weights, biases = train.make_optimizer(layer, settings).param_groups
    assert (weights["times"], weights["weight_decay"]) == (1, 0.1)
    assert (biases["times"], biases["weight_decay"]) == (2, 0.0)
    assert biases["params"][0] is layer.bias
    assert len(train.make_optimizer(layer, Train()).param_groups) == 1


def test_the_norm_of_pretrained_weights() -> None:
    assert dialects.norm_of_pretrained("faster_rcnn", "authors") == "frozen_statistics"
    assert dialects.norm_of_pretrained("fcos", "authors") == "frozen"
    assert dialects.norm_of_pretrained("faster_rcnn", "torchvision") == "frozen"
