"""A small detector, and two pictures with targets that it can take a training step on."""

from dataclasses import replace

import torch
from torch import Tensor

from augfpn.settings.budgets import BUDGETS

SMALL = replace(BUDGETS["smoke"].model, classes=4, short_side=128, long_side=192)


def pictures() -> tuple[list[Tensor], list[dict]]:
    torch.manual_seed(0)
    images = [torch.rand(3, 128, 160), torch.rand(3, 100, 192)]
    targets = [
        {
            "boxes": torch.tensor([[5.0, 9.0, 120.0, 100.0], [50.0, 60.0, 75.0, 91.0]]),
            "labels": torch.tensor([3, 4]),
        },
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    for image, target in zip(images, targets, strict=True):
        target["masks"] = filled(target["boxes"], *image.shape[1:])
    return images, targets


def filled(boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks that fill their boxes: (R, H, W)."""
    masks = torch.zeros(len(boxes), height, width, dtype=torch.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks
