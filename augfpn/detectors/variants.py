"""The alternatives that the paper's tables compare its own choices with.

Table 3 has Consistent Supervision at a single level per RoI: pass one `HardRoISelection` over all
levels to `ConsistentSupervision`. The other ways to pool contexts of Table 4, and to fuse maps of
Tables 4 and 5, are here. The authors released code for none of them. Where the paper leaves
something open, the docstrings say what we chose.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augfpn.pyramid import AdaptiveSpatialFusion, Boxes, Levels, RoIAlign, SoftRoISelection

Pool = Callable[[Tensor], Tensor]


def fixed_pool(c5: Tensor, side: int) -> Tensor:
    """Average-pool C5 to side x side, whatever its shape: a level of pyramid scene pooling (PSP).

    Source: paper Table 4, rows GAP (side 1) and PSP (sides 1, 2, 3).
    Shapes: (N, C, h, w) -> (N, C, side, side).
    """
    return F.adaptive_avg_pool2d(c5, side)


def global_max_pool(c5: Tensor) -> Tensor:
    """The largest value of each channel of C5: (N, C, h, w) -> (N, C, 1, 1). Paper Table 4, GMP."""
    return F.adaptive_max_pool2d(c5, 1)


class Sum(nn.Module):
    """Add n maps (N, C, H, W) without weights. Source: paper Tables 4 and 5, *sum*."""

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return sum(maps)


class Max(nn.Module):
    """The largest of n maps (N, C, H, W) at every place. Source: paper Table 5, *max*."""

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(maps)).amax(dim=0)


class SoftmaxFusion(AdaptiveSpatialFusion):
    """Adaptive Spatial Fusion whose weights add up to one at every place, as a softmax has them.

    Source: none; the paper has sigmoids and does not say why. Shapes: as those of its base.
    """

    def weights(self, maps: Sequence[Tensor]) -> Tensor:
        hidden = F.relu(self.reduce(torch.cat(list(maps), dim=1)))  # (N, nC, H, W) -> (N, C, H, W)
        return self.score(hidden).softmax(dim=1)  # (N, n, H, W)


class AdaptiveChannelFusion(nn.Module):
    """Sum n maps, each channel weighted by a gate computed from all channels' maxima (ACF).

    Source: paper Figure 3(b), Table 5; modelled on squeeze-and-excitation, reduction 16.
    Shapes: n maps (N, C, H, W) -> (N, C, H, W).
    Differs: the figure has no non-linearity between its two 1x1 convolutions. We put a ReLU
    there, as the authors' code does for the spatial fusion that is drawn in the same way, and
    give both convolutions biases.
    """

    def __init__(self, channels: int, n: int, reduction: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(n * channels, n * channels // reduction, 1)
        self.expand = nn.Conv2d(n * channels // reduction, n * channels, 1)
        for layer in (self.reduce, self.expand):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.pool: Pool = global_max_pool

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        largest = self.pool(torch.cat(list(maps), dim=1))  # (N, nC, 1, 1)
        gates = self.expand(F.relu(self.reduce(largest))).sigmoid().chunk(len(maps), dim=1)
        return sum(gate * x for gate, x in zip(gates, maps, strict=True))


class PANetPooling(nn.Module):
    """Pool every RoI from every level, apply one fully connected layer per level, take the maximum.

    Source: PANet's adaptive feature pooling; the paper compares its size with that of Soft RoI
    Selection (3.3). The authors have a configuration for it, but removed its code.
    Shapes: p[k] (N, C, H/2^k, W/2^k), boxes N x (R_i, 4) -> (R, width).
    """

    def __init__(
        self, *, levels: Sequence[int], size: int, roi_align: RoIAlign, channels: int, width: int
    ) -> None:
        super().__init__()
        self.pool = SoftRoISelection(levels, size, roi_align, Max())
        self.layers = nn.ModuleList(nn.Linear(channels * size**2, width) for _ in levels)
        for layer in self.layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, p: Levels, boxes: Boxes) -> Tensor:
        pooled = self.pool.pool(p, boxes)  # 4 x (R, C, S, S)
        answers = [
            F.relu(layer(x.flatten(1))) for layer, x in zip(self.layers, pooled, strict=True)
        ]
        return self.pool.fusion(answers)  # (R, width)


class OneLayerHead(nn.Sequential):
    """The box head after `PANetPooling`, which includes its first layer: (R, width) -> same."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width), nn.ReLU())
