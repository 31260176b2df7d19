"""Small torchvision detectors with random weights, and pictures with targets for them."""

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN

CHANNELS = 32
SMALL = {
    "num_classes": 4,
    "min_size": 128,
    "max_size": 192,
    "rpn_pre_nms_top_n_train": 100,
    "rpn_post_nms_top_n_train": 60,
    "rpn_pre_nms_top_n_test": 100,
    "rpn_post_nms_top_n_test": 60,
    "box_batch_size_per_image": 32,
    "rpn_score_thresh": 0.0,
}
KINDS = pytest.mark.parametrize("kind", [FasterRCNN, MaskRCNN])


def theirs(kind: type) -> FasterRCNN:
    """torchvision's own detector, with random weights that detect something."""
    torch.manual_seed(0)
    stages = {f"layer{i}": str(i - 1) for i in (1, 2, 3, 4)}
    body = BackboneWithFPN(resnet18(weights=None), stages, [64, 128, 256, 512], CHANNELS)
    return talkative(kind(body, **SMALL))


def talkative(model: FasterRCNN) -> FasterRCNN:
    nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=0.5)
    return model


def pictures() -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    torch.manual_seed(1)
    images = [torch.rand(3, 120, 170), torch.rand(3, 150, 101)]
    boxes = [[[5.0, 9, 120, 110], [50, 60, 75, 91]], [[20.0, 30, 90, 140]]]
    targets = []
    for image, corners in zip(images, boxes, strict=True):
        masks = torch.zeros(len(corners), *image.shape[1:], dtype=torch.uint8)
        for mask, (x1, y1, x2, y2) in zip(masks, corners, strict=True):
            mask[int(y1) : int(y2), int(x1) : int(x2)] = 1
        labels = torch.arange(1, len(corners) + 1)
        targets.append({"boxes": torch.tensor(corners), "labels": labels, "masks": masks})
    return images, targets


def dataset_of_noise(count: int = 5) -> list[tuple[Tensor, dict]]:
    """A dataset in torchvision's form: images of noise, each with one box."""
    draw = torch.Generator().manual_seed(1)
    box = torch.tensor([[5.0, 5, 40, 40]])
    return [
        (
            torch.rand(3, 64, 80, generator=draw),
            {"boxes": box + n, "labels": torch.tensor([1 + n % 2]), "image_id": n},
        )
        for n in range(count)
    ]
