"""RetinaNet's head: its losses on four anchors and two pictures, its anchors, its matching."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from worked import TINY, with_option, worked

from augfpn.config import RetinaNet
from augfpn.detectors import build
from augfpn.detectors.anchors import matches_of
from augfpn.detectors.retinanet import RetinaNetHead

ANCHORS = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]])
NOTHING = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}


def head(**own: object) -> RetinaNetHead:
    """A head for four classes with these of RetinaNet's settings."""
    return build.retinanet(replace(TINY, retinanet=RetinaNet(**own)))[1]


def targets(*places: list[int]) -> list[dict[str, Tensor]]:
    """For each picture, an object of class 2 exactly at some of the anchors."""
    return [{"boxes": ANCHORS[i], "labels": torch.full((len(i),), 2)} for i in places]


def losses(
    of: RetinaNetHead, wanted: list[dict], boxes: Tensor | None = None, logits: Tensor | None = None
) -> dict[str, Tensor]:
    """Losses of predictions at the four anchors of each picture; by default all are 0."""
    pictures, channels = len(wanted), of.classification_head.num_classes
    outputs = {
        "logits": [torch.zeros(pictures, 4, channels) if logits is None else logits],
        "boxes": [torch.zeros(pictures, 4, 4) if boxes is None else boxes],
    }
    return of.losses(outputs, [ANCHORS], wanted)


@worked("RETINANET", "normaliser", torchvision=(0.8 + 0.2) / 2, authors=(0.8 + 0.6) / 4)
def test_whose_objects_a_loss_is_divided_by(value, expected) -> None:
    """L1 for one object that is 0.8 off, and in the other picture three that are 0.2 off each."""
    boxes = torch.zeros(2, 4, 4)
    boxes[0, 0, 1] = 0.8
    boxes[1, 1:, 2] = 0.2
    found = losses(head(normaliser=value), targets([0], [1, 2, 3]), boxes)
    assert found["loss_box_reg"].item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("normaliser", "of_picture", "of_batch"), [("picture", 2, 1), ("batch", 1, 4)]
)
def test_the_class_loss_is_divided_alike(normaliser: str, of_picture: int, of_batch: int) -> None:
    """Against the focal loss in loops, with one object in one picture and three in the other."""
    torch.manual_seed(0)
    of = head(normaliser=normaliser, background_logit=False)
    logits = torch.randn(2, 4, 4)
    wanted = np.zeros((2, 4, 4))
    wanted[0, 0, 1] = wanted[1, 1:, 1] = 1  # label 2 is channel 1
    first, second = (oracle.focal_loss(logits[i].numpy(), wanted[i]) for i in (0, 1))
    expected = {"picture": (first + second / 3) / 2, "batch": (first + second) / 4}[normaliser]
    found = losses(of, targets([0], [1, 2, 3]), logits=logits)
    assert found["loss_classifier"].item() == pytest.approx(expected, rel=1e-5)


@worked("RETINANET", "beta", torchvision=0.05 + 1, authors=0.5 * 0.05**2 / 0.11 + 1 - 0.055)
def test_offsets_of_005_and_1(value, expected) -> None:
    """L1 is linear at both; smooth L1 is quadratic at 0.05 and linear at 1."""
    boxes = torch.zeros(1, 4, 4)
    boxes[0, 2, 0], boxes[0, 2, 3] = -0.05, 1.0
    found = losses(head(beta=value), targets([2]), boxes)
    assert found["loss_box_reg"].item() == pytest.approx(expected)


@worked("RETINANET FCOS", "background_logit", torchvision=(5, 2), authors=(4, 1))
def test_the_channel_of_label_2(value, expected) -> None:
    """The number of channels, and the one whose logit an object of label 2 would increase."""
    of = head(background_logit=value)
    channels = of.classification_head.num_classes
    logits = torch.zeros(1, 4, channels, requires_grad=True)
    losses(of, targets([0]), logits=logits)["loss_classifier"].backward()
    assert (channels, logits.grad[0, 0].argmin().item()) == expected
    assert (logits.grad[0, 0] < 0).sum() == 1
    assert (logits.grad[0, 1:] > 0).all()


@worked("RETINANET", "whole_sizes", torchvision=[-28, -14, 28, 14], authors=[-29, -14, 29, 14])
def test_the_second_size_at_a_ratio_of_a_half(value, expected) -> None:
    """32 x 2^(1/3) = 40.3 px; times the root of 2 it is 57.0 wide, or 56.6 if truncated to 40."""
    model = with_option("RETINANET", "whole_sizes", value)
    model = replace(model, anchor_sizes=(32, 64, 128, 256, 512), anchor_ratios=(0.5, 1.0, 2.0))
    _, _, anchors = build.retinanet(model)
    assert anchors.cell_anchors[0][1].tolist() == expected
    assert [len(row) for row in anchors.cell_anchors] == [9] * 5
    sides = [(box[2] - box[0]).item() for box in anchors.cell_anchors[4][3:6]]
    # Half of 512 x 2^(1/3) = 645.1 is rounded, to 323; half of 645, to the even 322.
    assert sides == [512, 644 if value else 646, 812]


def test_anchors_between_the_thresholds_cost_nothing() -> None:
    """Boxes of 10 px, shifted by 3 and by 4 px, have an IoU of 7/13 = 0.54 and 6/14 = 0.43."""
    of = head()
    boxes = torch.tensor([[20.0, 0, 30, 10], [43, 0, 53, 10], [20, 4, 30, 14]])
    near = torch.cat([ANCHORS, torch.tensor([[24.0, 0, 34, 10]])])
    assert matches_of(of.matcher, [boxes], near).tolist() == [[-1, 0, 1, -1, -2]]
    logits = torch.zeros(1, 5, 4, requires_grad=True)
    wanted = [{"boxes": boxes, "labels": torch.tensor([1, 1, 1])}]
    outputs = {"logits": [logits], "boxes": [torch.zeros(1, 5, 4)]}
    of.losses(outputs, [near], wanted)["loss_classifier"].backward()
    assert logits.grad[0].any(dim=1).tolist() == [True, True, True, True, False]


@pytest.mark.parametrize("normaliser", ["picture", "batch"])
def test_pictures_without_objects_are_background(normaliser: str) -> None:
    """Two pictures of 4 x 4 logits at 0: 3/4 x 1/4 x log 2 each; the least divisor is 1."""
    of = head(normaliser=normaliser, background_logit=False)
    found = losses(of, [NOTHING, NOTHING])
    each = 0.75 * 0.25 * np.log(2) * 16
    expected = {"picture": each, "batch": 2 * each}[normaliser]
    assert found["loss_classifier"].item() == pytest.approx(expected, rel=1e-5)
    assert found["loss_box_reg"].item() == 0


def test_what_the_loss_wants_is_what_decoding_gives() -> None:
    """Decoding the encoded offsets of a box gives the box; for an anchor's own box they are 0."""
    of = head()
    boxes = torch.tensor([[2.0, 1, 12, 11], [18, -1, 31, 9]])
    wanted = of.coder.encode_single(boxes, ANCHORS[:2])
    torch.testing.assert_close(of.decode(wanted, ANCHORS[:2]), boxes)
    predicted = torch.zeros(1, 4, 4)
    predicted[0, :2] = wanted
    found = losses(of, [{"boxes": boxes, "labels": torch.tensor([1, 1])}], predicted)
    assert found["loss_box_reg"].item() == pytest.approx(0, abs=1e-6)


def test_a_prediction_belongs_to_its_anchor() -> None:
    """The head's rows and the anchors run through a map alike: place by place, then shapes."""
    model = replace(TINY, anchor_ratios=(0.5, 2.0))
    _, of, anchors = build.retinanet(model)
    with torch.no_grad():
        of.regression_head.bbox_reg.weight.zero_()
        of.regression_head.bbox_reg.bias[:] = torch.arange(24.0)  # 6 anchors, 4 numbers each
    maps = [torch.rand(1, 32, s, s + 1) for s in (12, 6, 3, 2, 1)]
    predicted = of(maps)["boxes"][0]
    assert predicted.shape == (1, 12 * 13 * 6, 4)
    assert predicted[0, 7].tolist() == [4, 5, 6, 7]  # the second place's second anchor
    first = anchors.by_level(ImageList(torch.zeros(1, 3, 96, 104), [(96, 104)]), maps)[0]
    assert torch.equal(first[7] - first[1], torch.tensor([8.0, 0, 8, 0]))


@pytest.mark.parametrize("normaliser", ["picture", "batch"])
@pytest.mark.parametrize("low_quality", ["always", "reassign"])
def test_a_batch_loses_what_its_pictures_lose_alone(normaliser: str, low_quality: str) -> None:
    """Random objects on 50 random anchors; the second picture has none."""
    torch.manual_seed(0)
    of = head(normaliser=normaliser, low_quality=low_quality, background_logit=False, beta=0.11)
    anchors, *boxes = (
        torch.cat([x, x + 20 + 5 * torch.rand_like(x)], dim=1)
        for x in (torch.rand(n, 2) * 60 for n in (50, 3, 0, 2))
    )
    wanted = [{"boxes": b, "labels": torch.arange(len(b)) + 1} for b in boxes]
    outputs = {"logits": torch.randn(3, 50, 4), "boxes": torch.randn(3, 50, 4)}
    found = of.losses(
        {k: list(x.split([30, 20], dim=1)) for k, x in outputs.items()},
        anchors.split([30, 20]),
        wanted,
    )
    alone = [
        of.losses({k: [x[i : i + 1]] for k, x in outputs.items()}, [anchors], [wanted[i]])
        for i in range(3)
    ]
    match = matches_of(of.matcher, boxes, anchors)
    assert (match == -2).any()
    share = (match >= 0).sum(dim=1).clamp(min=1) / (match >= 0).sum()
    weight = torch.full((3,), 1 / 3) if normaliser == "picture" else share
    for name, loss in found.items():
        each = torch.stack([one[name] for one in alone])
        torch.testing.assert_close(loss, (each * weight).sum())
