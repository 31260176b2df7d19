"""Small detectors, and two pictures with targets that they can take a training step on."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from augfpn.config import ONE_STAGE, Model
from augfpn.detectors.build import build_detector
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.dialects import in_dialect

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


def augfpn_of(name: str, **changes: object) -> Model:
    """The settings of a small detector with all of AugFPN's parts that it can have."""
    selection = "hard" if name in ONE_STAGE else "soft"
    parts = {"lam": 0.25, "ratios": (0.1, 0.3), "roi_selection": selection}
    model = replace(SMALL, detector=name, **parts, **changes)
    return in_dialect(model, "ours", sizes=False)


def talkative(model: Model) -> nn.Module:
    """A detector with random weights that detects something."""
    torch.manual_seed(0)
    detector = build_detector(model).eval()
    last = (
        detector.dense.classification_head.cls_logits
        if model.detector in ONE_STAGE
        else detector.heads.box_predictor.cls_score
    )
    nn.init.normal_(last.weight, std=0.3)
    nn.init.zeros_(last.bias)
    return detector
