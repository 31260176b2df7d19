"""One finished case: blood cells, and a small detector."""

import sys
from pathlib import Path

import torch
from torch.utils.data import Dataset
from torchvision.models import resnet18
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import (
    AnchorGenerator,
)
from torchvision.models.detection.backbone_utils import (
    BackboneWithFPN,
)
from torchvision.models.detection.faster_rcnn import (
    FastRCNNPredictor,
    TwoMLPHead,
)
from torchvision.ops import MultiScaleRoIAlign

from augfpn.data.load import load
from torchvision_continue import (
    continued,
    started,
    train,
)
from torchvision_found import ap
from torchvision_pairs import check, pairs

STAGES = {f"layer{k + 1}": str(k) for k in range(4)}
CHANNELS = 64


def build():
    """Without weights: statistics and all stages learn."""
    backbone = BackboneWithFPN(
        resnet18(weights=None),
        STAGES,
        [64, 128, 256, 512],
        CHANNELS,
    )
    sides = tuple((8 * 2**k,) for k in range(5))
    pool = MultiScaleRoIAlign(
        list(STAGES.values()), 7, 2, canonical_scale=56
    )
    return FasterRCNN(
        backbone,
        min_size=160,
        max_size=214,
        rpn_anchor_generator=AnchorGenerator(
            sides, ((0.5, 1.0, 2.0),) * 5
        ),
        rpn_pre_nms_top_n_train=500,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_train=200,
        rpn_post_nms_top_n_test=200,
        box_roi_pool=pool,
        box_head=TwoMLPHead(CHANNELS * 7 * 7, 256),
        box_predictor=FastRCNNPredictor(256, 4),
        box_batch_size_per_image=64,
    )


class Cells(Dataset):
    """Blood cells in torchvision's form."""

    def __init__(self, split, folder=None):
        self.photos = load("bccd", split, folder)

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, n):
        image, target = self.photos[n]
        return image / 255, target


def worked(folder=None):
    """All of it; without a folder BCCD is downloaded."""
    train_set, val_set, test_set = [
        Cells(split, folder)
        for split in ("train", "val", "test")
    ]
    if not Path("my_model.pth").exists():
        torch.manual_seed(0)
        first = train(build(), train_set, 600, 0, rate=1e-3)
        torch.save(first.state_dict(), "my_model.pth")
    own = build, "my_model.pth", train_set
    check(*own)
    first = started(*own[:2], seed=99, lam=0)
    print("checkpoint", ap(first, val_set))
    for rate in (3e-5, 1e-4, 3e-4):
        how = {"steps": 150, "rate": rate}
        control = continued(*own, seed=99, lam=0, **how)
        print("control", rate, ap(control, val_set))
    how = {"steps": 150, "rate": 1e-4}  # the best of them
    pairs(own, test_set, 3, seeds=range(3), **how)


if __name__ == "__main__":
    worked(*sys.argv[1:])
