"""AugFPN that a reader has put together from the parts, beside ours."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from augfpn.detectors.rebuildable import (
    LEVELS,
    RATIOS,
    Rebuildable,
    SupervisionOfPooled,
    our_augmentation,
    our_selection,
    same_numbers,
)
from augfpn.pyramid import FPN, Boxes, Levels, with_picture_index
from augfpn.speed.roi_align import torchvision_roi_align

JoinedOutputs = tuple[
    Levels, Tensor, Tensor
]  # P; RoI features (R, C, 7, 7); the supervision's loss


class JoinedAugFPN(nn.Module):
    """The pyramid with M6, Soft RoI Selection on P, and Consistent Supervision on M.

    Shapes: c[k] (N, C_k, H/2^k, W/2^k), boxes N x (R_i, 4), labels (R,), targets (R, 4) -> p[k]
    (N, C, H/2^k, W/2^k), RoI features (R, C, 7, 7), a loss (0-d).
    """

    def __init__(
        self, in_channels: dict[int, int], channels: int, classes: int, width: int
    ) -> None:
        super().__init__()
        augment = our_augmentation(in_channels[max(in_channels)], channels, RATIOS)
        self.pyramid = FPN(in_channels, channels, augment)
        self.select = our_selection(channels, tuple(in_channels))
        self.supervise = SupervisionOfPooled(channels, classes, width)

    def forward(
        self, c: Levels, boxes: Boxes, labels: Tensor, targets: Tensor, lam: float = 0.25
    ) -> JoinedOutputs:
        m, p = self.pyramid(c)
        rois = with_picture_index(boxes)
        pooled = [torchvision_roi_align(x, rois, 7, k) for k, x in m.items()]
        return p, self.select(p, boxes), self.supervise(pooled, labels, targets, lam)


def joined_parts() -> Rebuildable:
    """All of AugFPN behind a backbone, on two images of 128 x 160 pixels with three boxes."""
    in_channels = dict(zip(LEVELS, (5, 7, 9, 11), strict=True))
    sizes = {k: (n, 128 // 2**k, 160 // 2**k) for k, n in in_channels.items()}
    boxes = [[[20.0, 20, 90, 70], [40, 30, 60, 80]], [[64.0, 50, 120, 100]]]
    boxes = [torch.tensor(each, dtype=torch.float64) for each in boxes]
    c = {k: same_numbers(2, *size) for k, size in sizes.items()}
    return Rebuildable(
        ours=JoinedAugFPN,
        small=(in_channels, 6, 3, 24),
        large=lambda channels: ({2: 256, 3: 512, 4: 1024, 5: 2048}, channels, 81, 1024),
        inputs=((c, boxes, torch.tensor([1, 0, 2]), 2 * same_numbers(3, 4), 0.25),),
        probes=(),
        otherwise="they differ",
        xavier=None,
        named=named_outputs,
        of_output=WHERE,
    )


WHERE = {  # the first output that differs, and what it says
    "P5": "M6 is added to M5, before the 3x3 convolution",
    "P4": "what is handed down is the sum before its 3x3 convolution, by nearest neighbours",
    "RoI features": "Soft RoI Selection pools from P2 to P5",
    "loss": "the supervision pools from M2 to M5, before the sums and without M6",
}


def named_outputs(of: JoinedOutputs) -> Iterator[tuple[str, Tensor]]:
    """The outputs with their names: P5 to P2, the RoI features, the loss."""
    p, features, loss = of
    yield from ((f"P{k}", p[k]) for k in sorted(p, reverse=True))
    yield from (("RoI features", features), ("loss", loss))
