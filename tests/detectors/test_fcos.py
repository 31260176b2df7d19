"""FCOS: a worked example for each of its options, on a point or two."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import generalized_box_iou_loss as giou_loss
from worked import TINY, with_option, worked

from augfpn.detectors.build import build_detector
from augfpn.detectors.fcos import FCOSHead, centerness_of, generalised_iou
from augfpn.settings.dialects import in_dialect


def fcos(field: str, value: object) -> nn.Module:
    torch.manual_seed(0)
    return build_detector(with_option("FCOS", field, value)).dense


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
    """-2 and 2 at P3: after a ReLU, in strides; or e^-2 and e^2 pixels, at the first scale of 1."""
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
    """Whether its gradient reaches the class tower, and whether it reaches the box tower."""
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
    at = levels(points((30, 30), (50, 30), (70, 30)))
    match = fcos("centre_radius", value).match(at, [box])
    assert match[0, :3].tolist() == expected


@worked("FCOS", "closed_ranges", torchvision=[-1, -1], authors=[0, 0])
def test_a_furthest_edge_of_exactly_64(value, expected) -> None:
    """The middle of a box of 128 x 128, on P3 (up to 64 px) and on P4 (from 64 px)."""
    head = fcos("closed_ranges", value)
    anchors = levels(points((64, 64)))
    anchors[1] = points((64, 64), stride=16)
    match = head.match(anchors, [torch.tensor([[0.0, 0, 128, 128]])])
    assert match[0, :2].tolist() == expected


def fcos_losses(field: str, value: object, pictures: int = 2) -> dict[str, float]:
    """Losses at the centre of the only object, in the first picture, and at a background point."""
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
    """By the one positive point, or by this point and the two pictures."""
    losses = fcos_losses("normaliser", value)
    each = 0.25 * torch.tensor(2.0).log().item()
    total = 0.25 * each + 0.75 * each * (losses["places"] - 1)
    assert losses["loss_classifier"] == pytest.approx(total / expected, rel=1e-5)


@worked("FCOS", "box_loss", torchvision=1 - 0.25, authors=1.3863)
def test_a_box_of_half_the_side(value, expected) -> None:
    """The IoU is 1/4: the loss is 1 - 1/4, or -log 1/4, whose weight, centerness 1, cancels."""
    assert fcos_losses("box_loss", value)["loss_box_reg"] == pytest.approx(expected, rel=1e-4)


@worked("FCOS", "rank", torchvision=(0.4, 0.4), authors=(0.8, 0.16))
def test_what_is_held_against_the_threshold_and_what_ranks(value, expected) -> None:
    """A score of 0.8 with a centerness of 0.2."""
    outputs = {"logits": torch.tensor([[0.8]]), "centerness": torch.tensor([[0.2]])}
    logits = {name: x.logit() for name, x in outputs.items()}
    assert tuple(x.item() for x in fcos("rank", value).scores(logits)) == pytest.approx(expected)


def levels_of_128() -> list[torch.Tensor]:
    """The points of P3..P7 of a picture of 128 x 128 px."""
    found = []
    for k in range(3, 8):
        at = (torch.arange(128 // 2**k) + 0.5) * 2**k
        found.append(points(*[(x, y) for y in at.tolist() for x in at.tolist()], stride=2.0**k))
    return found


def three_targets() -> list[dict]:
    """Several objects, also of the same area, in the first and last of three pictures."""
    torch.manual_seed(0)
    targets = []
    for count in (6, 0, 3):
        corner, side = torch.rand(count, 2) * 60, 10 + torch.rand(count, 2) * 60
        boxes = torch.cat([corner, corner + side], dim=1)
        if count:
            boxes[1] = boxes[0] + 2
        targets.append({"boxes": boxes, "labels": torch.arange(count) % 4 + 1})
    return targets


@pytest.mark.parametrize("radius", [None, 1.5])
@pytest.mark.parametrize("at_once", [2**24, 1])
def test_points_of_a_batch_are_matched_as_those_of_each_picture(
    radius: float | None, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if so many objects are compared that the pictures are taken one by one."""
    head, anchors = fcos("centre_radius", radius), levels_of_128()
    objects = [target["boxes"] for target in three_targets()]
    alone = [head.match(anchors, [boxes])[0] for boxes in objects]
    monkeypatch.setattr("augfpn.detectors.fcos.MOST_OVERLAPS", at_once)
    assert torch.equal(head.match(anchors, objects), torch.stack(alone))
    assert [(match >= 0).any().item() for match in alone] == [True, False, True]


def divisors(head: FCOSHead, points: int, central: float, extra: int) -> dict[str, float]:
    """What a loss's sum is divided by, for some positive points and their summed centerness."""
    whole = {"giou": max(1, points), "iou": max(1e-6, central)}
    return {
        "loss_classifier": max(1, points + extra),
        "loss_box_reg": whole[head.box_loss],
        "loss_centerness": max(1, points),
    }


def positives(head: FCOSHead, anchors: list[Tensor], boxes: Tensor) -> tuple[int, float]:
    """How many points a picture's objects have, and the sum of these points' centerness."""
    match = head.match(anchors, [boxes])[0]
    own = match >= 0
    edges = head.coder.encode(torch.cat(anchors)[own], boxes[match[own]])
    return int(own.sum()), float(centerness_of(edges).sum())


@pytest.mark.parametrize("side", ["torchvision", "authors"])
def test_a_batch_loses_what_its_pictures_lose_alone(side: str) -> None:
    """Sums over all points, divided by what the batch is divided by."""
    torch.manual_seed(0)
    model = in_dialect(replace(TINY, detector="fcos"), side, sizes=False)
    head, anchors, targets = build_detector(model).dense, levels_of_128(), three_targets()
    shapes = {"logits": head.classification_head.num_classes, "boxes": 4, "centerness": 1}
    outputs = {name: [torch.randn(3, len(a), n) for a in anchors] for name, n in shapes.items()}
    outputs["boxes"] = [x.abs() for x in outputs["boxes"]]
    found = head.losses(outputs, anchors, targets)
    extra = int(head.normaliser == "points_and_pictures")
    sums, points, central = dict.fromkeys(found, 0.0), 0, 0.0
    for i, target in enumerate(targets):
        of_one = {name: [x[i : i + 1] for x in maps] for name, maps in outputs.items()}
        alone = head.losses(of_one, anchors, [target])
        own_points, own_central = positives(head, anchors, target["boxes"])
        points, central = points + own_points, central + own_central
        for name, divisor in divisors(head, own_points, own_central, extra).items():
            sums[name] += alone[name].item() * divisor
    for name, divisor in divisors(head, points, central, extra * len(targets)).items():
        assert found[name].item() == pytest.approx(sums[name] / divisor, rel=1e-4), name


def test_generalised_iou_is_torchvisions_with_its_gradient() -> None:
    """Boxes that overlap, touch, are apart, contain each other, and are equal."""
    b = torch.tensor([[0.0, 0, 10, 10]] * 5)
    a = torch.tensor(
        [[5.0, 5, 15, 15], [10, 0, 20, 10], [30, 40, 50, 60], [2, 2, 4, 4], [0, 0, 10, 10]]
    )
    losses, grads = [], []
    for loss_of in (lambda x: 1 - generalised_iou(x, b), lambda x: giou_loss(x, b)):
        x = a.clone().requires_grad_()
        losses.append(loss_of(x))
        losses[-1].sum().backward()
        grads.append(x.grad)
    assert torch.equal(*losses)
    torch.testing.assert_close(*grads)
