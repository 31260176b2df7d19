"""Soft RoI Selection with its 1x1 convolution before RoIAlign, where that is less work.

The gates begin with a 1x1 convolution of the pooled features of all L levels, side by side. It is a
sum over levels, and a sum over channels at one place; RoIAlign is a sum over places in one channel.
Both are linear, so the order does not matter: reduce each map and pool what is left, or pool and
reduce. The first multiplies (places of all maps) x C x C times, the second R S S x L x C x C. On
320 x 416 px, 512 RoIs a picture at 7 x 7 bins are nine times as many bins as there are places.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from augfpn.pyramid import (
    Boxes,
    Levels,
    SoftRoISelection,
    with_picture_index,
)
from augfpn.speed.memory import used_once

WORTH = 2  # pooling twice as many channels costs time too


class ReducedSoftRoISelection(SoftRoISelection):
    """`SoftRoISelection` with `AdaptiveSpatialFusion`, in the cheaper order."""

    def forward(self, p: Levels, boxes: Boxes) -> Tensor:
        if torch.compiler.is_compiling():  # or exporting, where sizes are not numbers
            return super().forward(p, boxes)
        maps = [p[k] for k in self.levels]
        places = sum(x.shape[0] * x.shape[2] * x.shape[3] for x in maps)
        bins = sum(map(len, boxes)) * self.size**2
        if maps[0].is_cuda or bins * len(maps) < WORTH * places:
            return super().forward(p, boxes)
        rois = with_picture_index(boxes)
        align = self.roi_align
        hidden = sum(
            align(F.conv2d(x, weight), rois, self.size, k)
            for x, weight, k in zip(maps, self.weights_by_level(), self.levels, strict=True)
        )  # (R, C, S, S)
        hidden = F.relu(hidden + self.fusion.reduce.bias[:, None, None])
        gates = self.fusion.score(hidden).sigmoid()  # (R, L, S, S)
        return gated_sum(gates, [partial(align, p[k], rois, self.size, k) for k in self.levels])

    def weights_by_level(self) -> tuple[Tensor, ...]:
        """The 1x1 convolution's weights (C, L C, 1, 1) for each level: L x (C, C, 1, 1)."""
        return self.fusion.reduce.weight.chunk(len(self.levels), dim=1)


def gated_sum(gates: Tensor, pools: Sequence[Callable[[], Tensor]]) -> Tensor:
    """The sum of n pooled maps (R, C, S, S), each times its gate in (R, n, S, S).

    Each is pooled when its turn has come, and not kept.
    """
    first, *others = zip(gates.split(1, dim=1), pools, strict=True)
    total = used_once(first[1], partial(torch.mul, first[0]))
    for gate, pool in others:
        total = used_once(pool, partial(torch.addcmul, total, gate))
    return total
