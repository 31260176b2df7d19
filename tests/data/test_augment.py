"""Augmentation: a function of seed and draw, and boxes stay on what they enclose."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from augfpn.config import Augment
from augfpn.data.augment import augmented
from augfpn.data.batches import Augmented
from augfpn.data.load import load
from augfpn.data.pictures import Target

KINDS = [kind for kind in get_args(Augment) if kind != "flip"]
DRAWS = range(40)


def white_on_black() -> tuple[Tensor, Target]:
    """A picture with one white object, its box and its mask."""
    image = torch.zeros(3, 90, 120, dtype=torch.uint8)
    image[:, 30:60, 40:90] = 255
    target = {
        "boxes": torch.tensor([[40.0, 30, 90, 60]]),
        "labels": torch.tensor([3]),
        "masks": (image[:1] > 0).to(torch.uint8),
        "image_id": 7,
    }
    return image, target


@pytest.mark.parametrize("kind", ["scale_jitter", "crop"])
def test_the_box_is_where_the_object_is(kind: str) -> None:
    image, target = white_on_black()
    sizes = set()
    for draw in DRAWS:
        there, found = augmented(image, target, kind, 0, draw)
        rows, columns = (there[0] > 200).nonzero(as_tuple=True)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        torch.testing.assert_close(
            found["boxes"][0], torch.stack(seen).float(), atol=1.5, rtol=0, check_dtype=False
        )
        differs = (found["masks"][0].bool() != (there[0] > 127)).float().mean()
        assert differs < 0.02  # edges are rounded in two ways
        assert found["labels"].tolist() == [3]
        assert found["image_id"] == 7
        sizes.add(tuple(there.shape))
        if kind == "scale_jitter":
            assert there.shape == image.shape
    assert kind == "scale_jitter" or len(sizes) > 3


def test_colours_change_and_boxes_do_not() -> None:
    image, target = white_on_black()
    image = image // 2 + 30
    there = [augmented(image, target, "colour", 0, draw) for draw in DRAWS]
    assert sum(not torch.equal(other, image) for other, _ in there) > 20
    assert all(torch.equal(found["boxes"], target["boxes"]) for _, found in there)


@pytest.mark.parametrize("kind", KINDS)
def test_seed_and_draw_decide_and_no_other_random_number_is_drawn(kind: str) -> None:
    image, target = white_on_black()
    image = image // 2 + 30
    before = torch.get_rng_state()
    first = [augmented(image, target, kind, 0, draw)[0] for draw in DRAWS]
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    again = [augmented(image, target, kind, 0, draw)[0] for draw in DRAWS]
    assert all(torch.equal(x, y) for x, y in zip(first, again, strict=True))
    other = [augmented(image, target, kind, 1, draw)[0] for draw in DRAWS]
    assert not all(torch.equal(x, y) for x, y in zip(first, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_always_remains_inside(kind: str) -> None:
    image, target = white_on_black()
    target = target | {"boxes": torch.tensor([[0.0, 0, 3, 3]])}  # at the border: often cut off
    for draw in DRAWS:
        there, found = augmented(image, target, kind, 0, draw)
        boxes, (height, width) = found["boxes"], there.shape[-2:]
        assert len(boxes) == len(found["labels"]) == len(found["masks"]) > 0
        assert boxes.min() >= 0
        assert bool((boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all())


def test_a_tiny_picture_stays_and_the_flip_alone_is_the_default() -> None:
    image, target = white_on_black()
    small = image[:, :5, :5]
    assert torch.equal(augmented(small, target, "strong", 0, 0)[0], small)
    pictures = load("scenes", "train", count=2)
    plain, flip = Augmented(pictures, 0.0, 0), Augmented(pictures, 0.0, 0, "flip")
    assert torch.equal(plain[0, 0][0], flip[0, 0][0])
    assert torch.equal(plain[0, 0][0], pictures[0][0])
