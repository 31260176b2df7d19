"""Arithmetic on boxes of many pictures, against torchvision's on the boxes of each, bit for bit."""

import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou, clip_boxes_to_image

from augfpn.detectors.boxes import (
    Coder,
    borders,
    clipped,
    has_least_side,
    lies_inside,
    overlaps,
    padded,
)


def some_boxes(*shape: int, seed: int = 0) -> Tensor:
    """Random boxes within 300 px: (..., 4)."""
    drawn = torch.rand(*shape, 2, 2, generator=torch.Generator().manual_seed(seed)) * 300
    return drawn.sort(dim=-2).values.flatten(-2)


def test_rows_are_filled_up_with_zeros() -> None:
    rows = [torch.ones(2, 3), torch.zeros(0, 3), torch.ones(1, 3)]
    assert padded(rows).sum(dim=2).tolist() == [[3, 3], [0, 0], [3, 0]]
    assert torch.equal(padded([rows[0], rows[0]]), torch.stack([rows[0], rows[0]]))
    assert [padded([rows[1]], least=n).shape for n in (0, 2)] == [(1, 0, 3), (1, 2, 3)]


def test_overlaps_are_torchvisions() -> None:
    objects, boxes = some_boxes(3, 5), some_boxes(3, 101, seed=1)
    objects[0, 0] = boxes[0, 0]
    for found, each, those in zip(overlaps(objects, boxes), objects, boxes, strict=True):
        assert torch.equal(found, box_iou(each, those))
    assert torch.equal(overlaps(objects, boxes[:1])[2], box_iou(objects[2], boxes[0]))


def test_a_row_of_padding_overlaps_nothing() -> None:
    objects = padded([some_boxes(2), some_boxes(0)])
    boxes = torch.cat([some_boxes(4), torch.zeros(1, 4)]).expand(2, -1, -1)
    assert torch.equal(overlaps(objects, boxes)[1], torch.zeros(2, 5))
    assert overlaps(objects, boxes)[0, :, 4].tolist() == [0, 0]


def test_boxes_are_encoded_and_decoded_as_by_torchvision() -> None:
    boxes, others = some_boxes(103), some_boxes(103, seed=1)
    deltas = torch.randn(103, 12, generator=torch.Generator().manual_seed(2)) * 3
    for weights in ((1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)):
        ours, theirs = Coder(weights), BoxCoder(weights)
        assert torch.equal(ours.encode_single(boxes, others), theirs.encode_single(boxes, others))
        for codes in (deltas[:, :4], deltas):
            assert torch.equal(ours.decode_single(codes, boxes), theirs.decode_single(codes, boxes))


def test_each_picture_has_its_own_borders() -> None:
    boxes, sizes = some_boxes(2, 20) - 20, [(100, 200), (250, 60)]
    own = borders(sizes, boxes.device)[:, None]
    for found, each, size in zip(clipped(boxes, own), boxes, sizes, strict=True):
        assert torch.equal(found, clip_boxes_to_image(each, size))


def test_both_sides_count() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 3], [0, 0, 2, 1], [0, 0, 1, 2], [0, 0, 2, 2]])
    assert has_least_side(boxes, 2).tolist() == [True, False, False, True]


def test_a_box_on_the_border_is_inside() -> None:
    boxes = torch.tensor(
        [[0, 0, 60, 40], [-1, 0, 9, 9], [0, -1, 9, 9], [50, 0, 61, 9], [0, 30, 9, 41], [1, 1, 2, 2]]
    )
    first, second = lies_inside(boxes.float(), [(40, 60), (50, 70)]).tolist()
    assert first == [True, False, False, False, False, True]
    assert second == [True, False, False, True, True, True]
