"""Pictures to a batch and boxes back, against torchvision's transform, bit for bit."""

import re
from collections.abc import Sequence

import pytest
import torch
from small import filled
from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.detectors.transform import Transform
from augfpn.errors import UserError

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIZES = {  # of the pictures of a batch
    "one": [(90, 140)],
    "equal": [(100, 161)] * 3,
    "two of a size": [(100, 161), (161, 100), (100, 161)],
    "none to resize": [(128, 160), (128, 96)],
    "too long": [(60, 230), (75, 75)],
}


def both(short: int | tuple = 128, long: int = 208) -> tuple[Transform, GeneralizedRCNNTransform]:
    return Transform(short, long, MEAN, STD), GeneralizedRCNNTransform(short, long, MEAN, STD)


def drawn(sizes: Sequence[tuple[int, int]], last: bool) -> tuple[list[Tensor], list[dict]]:
    """Random pictures, colours in the last dimension in memory if asked, and targets with masks."""
    torch.manual_seed(0)
    images = [torch.rand(h, w, 3).permute(2, 0, 1) for h, w in sizes]
    targets = []
    for i, (h, w) in enumerate(sizes):
        boxes = torch.rand(i, 2, 2).sort(dim=1).values.flatten(1) * torch.tensor([w, h, w, h])
        targets.append({"boxes": boxes, "masks": filled(boxes, h, w), "labels": torch.arange(i)})
    return images if last else [image.contiguous() for image in images], targets


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_a_batch_is_torchvisions(sizes: list[tuple[int, int]], last: bool) -> None:
    images, targets = drawn(sizes, last)
    given = [dict(target) for target in targets]
    (ours, own), (theirs, their) = (transform(images, targets) for transform in both())
    assert torch.equal(ours.tensors, theirs.tensors)
    assert ours.image_sizes == theirs.image_sizes
    for a, b, before, target in zip(own, their, given, targets, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)
        assert all(before[k] is target[k] for k in before)  # the caller's targets stay as they are


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_detections_come_back_as_by_torchvision(sizes: list[tuple[int, int]]) -> None:
    images, targets = drawn(sizes, last=False)
    ours, theirs = (transform.eval() for transform in both())
    batch, found = ours(images, targets)
    for each in found:
        each["masks"] = torch.rand(len(each["boxes"]), 1, 28, 28)
    expected = theirs.postprocess([dict(x) for x in found], batch.image_sizes, sizes)
    own = ours.postprocess(found, batch.image_sizes, sizes)
    for a, b in zip(own, expected, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_one_of_several_short_sides_is_drawn_as_by_torchvision() -> None:
    images, seen = [torch.rand(3, 60, 80)] * 40, []
    for transform in both((64, 96, 128), 200):
        torch.manual_seed(3)
        batch, _ = transform(images)
        seen.append((batch.image_sizes, torch.rand(1).item()))
    assert seen[0] == seen[1]
    assert {h for h, _ in seen[0][0]} == {64, 96, 128}


@pytest.mark.parametrize(
    "wrong", [torch.zeros(3, 60, 80, dtype=torch.uint8), torch.zeros(1, 3, 60, 80)]
)
def test_what_is_not_a_picture_is_named(wrong: Tensor) -> None:
    shape = re.escape(str(tuple(wrong.shape)))
    with pytest.raises(UserError, match=rf"picture 1 is {wrong.dtype} of shape {shape}"):
        both()[0]([torch.zeros(3, 60, 80), wrong])


def test_no_weights_are_added() -> None:
    assert both()[0].state_dict() == {}
