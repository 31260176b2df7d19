"""Soft RoI Selection with its 1x1 convolution before RoIAlign, where that is less work.

The gates begin with a 1x1 convolution of the pooled features of all L levels, side by side. It is a
sum over levels, and a sum over channels at one place; RoIAlign is a sum over places in one channel.
Both are linear, so the order does not matter: reduce each map and pool what is left, or pool and
reduce. The first multiplies (places of all maps) x C x C times, the second R S S x L x C x C. On
320 x 416 px, 512 RoIs a picture at 7 x 7 bins are nine times as many bins as there are places.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from augfpn.pyramid import (
    Boxes,
    Levels,
    SoftRoISelection,
    with_picture_index,
)

MOST_KEPT = 2**24  # bytes of a pooled map that is kept for the backward pass
WORTH = 2  # pooling twice as many channels costs time too
Pool = Callable[[Tensor], Tensor]  # RoIAlign of one level, with its RoIs


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
        pools = [partial(align, rois=rois, size=self.size, level=k) for k in self.levels]
        return gated_sum(gates, maps, pools)

    def weights_by_level(self) -> tuple[Tensor, ...]:
        """The 1x1 convolution's weights (C, L C, 1, 1) for each level: L x (C, C, 1, 1)."""
        return self.fusion.reduce.weight.chunk(len(self.levels), dim=1)


def gated_sum(gates: Tensor, maps: Sequence[Tensor], pools: Sequence[Pool]) -> Tensor:
    """The sum of n pooled maps (R, C, S, S), each times its gate in (R, n, S, S).

    Each is pooled when its turn has come. Large ones are not kept.
    """
    if gates[:, 0].nbytes * maps[0].shape[1] > MOST_KEPT:
        return GatedSum.apply(pools, gates, *maps)
    first, *others = (pool(x) for pool, x in zip(pools, maps, strict=True))
    gate, *other_gates = gates.split(1, dim=1)
    total = gate * first
    for gate, pooled in zip(other_gates, others, strict=True):
        total = torch.addcmul(total, gate, pooled)
    return total


class GatedSum(torch.autograd.Function):
    """`gated_sum`, of which the backward pass pools each map again, and needs it once.

    The gradient of a gate is the sum over channels of the pooled map times the gradient of the sum.
    """

    @staticmethod
    def forward(ctx: Any, pools: Sequence[Pool], gates: Tensor, *maps: Tensor) -> Tensor:
        ctx.save_for_backward(gates, *maps)
        ctx.pools = pools
        total = 0.0
        for gate, pool, x in zip(gates.split(1, dim=1), pools, maps, strict=True):
            total = pool(x).mul_(gate).add_(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gates, *maps = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)  # as bins are pooled
        of_gates, of_maps = torch.empty_like(gates), []
        for n, (pool, x) in enumerate(zip(ctx.pools, maps, strict=True)):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                pooled = pool(x)
            values = pooled.detach()  # of no more use below: RoIAlign's gradient needs none
            of_gates[:, n] = values.mul_(gradient).sum(dim=1)
            torch.mul(gradient, gates[:, n : n + 1], out=values)
            of_maps += torch.autograd.grad(pooled, x, values)
        return None, of_gates, *of_maps
