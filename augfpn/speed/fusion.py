"""Soft RoI Selection with its 1x1 convolution before RoIAlign, where that is less work.

The gates begin with a 1x1 convolution of the pooled features of all L levels, side by side. It is a
sum over levels, and a sum over channels at one place; RoIAlign is a sum over places in one channel.
Both are linear, so the order does not matter: reduce each map and pool what is left, or pool and
reduce. The first multiplies (places of all maps) x C x C times, the second R S S x L x C x C. On
320 x 416 px, 512 RoIs a picture at 7 x 7 bins are nine times as many bins as there are places.

What is left is two sums for each bin, each over all levels at once: that of the reduced maps, from
which the gates come, and that of the maps, in which a weight of RoIAlign is multiplied by its gate.
No pooled map of a single level is ever written.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from augfpn.pyramid import Boxes, Levels, SoftRoISelection, with_picture_index
from augfpn.speed.roi_align import (
    SumOfPlaces,
    as_rows,
    bags_of,
    from_rows,
    roi_align,
    shapes_of,
    sparse_roi_align,
)


class ReducedSoftRoISelection(SoftRoISelection):
    """`SoftRoISelection` with `AdaptiveSpatialFusion`, in the cheaper order."""

    def forward(self, p: Levels, boxes: Boxes) -> Tensor:
        maps = {k: p[k] for k in self.levels}
        if not self.pays(maps, boxes):
            return super().forward(p, boxes)
        bags = bags_of(with_picture_index(boxes).detach(), self.size, shapes_of(maps))
        table = torch.cat([x.permute(0, 2, 3, 1).flatten(0, 2) for x in maps.values()])
        weights = self.fusion.reduce.weight.flatten(1).to(table.dtype)
        weights = weights.chunk(len(maps), dim=1)  # L x (C, C)
        reduced, table = ProductByLevel.apply(table, bags.counts, *weights)  # (places, C) each
        hidden = SumOfPlaces.apply(reduced, None, bags) + self.fusion.reduce.bias  # (R S S, C)
        gates = self.fusion.score(from_rows(F.relu_(hidden), self.size)).sigmoid()  # (R, L, S, S)
        return from_rows(SumOfPlaces.apply(table, as_rows(gates), bags), self.size)

    def pays(self, maps: Levels, boxes: Boxes) -> bool:
        """Whether there are more bins than places, and RoIAlign is the one that is sums of rows."""
        if torch.compiler.is_compiling():  # or exporting, where sizes are not numbers
            return False
        places = sum(x.shape[0] * x.shape[2] * x.shape[3] for x in maps.values())
        return (
            self.roi_align in (roi_align, sparse_roi_align)
            and not next(iter(maps.values())).is_cuda
            and sum(map(len, boxes)) * self.size**2 * len(maps) >= places
        )


class ProductByLevel(torch.autograd.Function):
    """The rows of L levels (places, C), each with its level's weights L x (C', C): (places, C').

    It also gives the rows as they are: where both are used, their gradients are added up in place,
    without a further tensor of this size.
    """

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, counts: list[int], *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(table, *weights)
        ctx.counts = counts
        products = table.new_empty(len(table), len(weights[0]))
        by_level = zip(table.split(counts), weights, products.split(counts), strict=True)
        for x, weight, each in by_level:
            torch.mm(x, weight.t(), out=each)
        return products, table.view_as(table)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_products: Tensor, of_table: Tensor) -> tuple[Tensor | None, ...]:
        table, *weights = ctx.saved_tensors
        parts = (x.split(ctx.counts) for x in (of_products, table, of_table))
        of_weights = []
        for towards, x, of_x, weight in zip(*parts, weights, strict=True):
            of_weights.append(towards.t() @ x)
            of_x.addmm_(towards, weight)
        return of_table, None, *of_weights
