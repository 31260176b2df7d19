"""Pyramids that came after FPN, to be set beside AugFPN: PANet's path and BiFPN.

Each takes what `augfpn.pyramid.FPN` takes and returns what it returns, so all of AugFPN's parts
combine with both. The maps M are FPN's, from the lateral convolutions: Consistent Supervision
learns from them. P6 and P7 of one-stage detectors are computed from the neck's P5.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augfpn.pyramid import FPN, Levels, xavier

REPEATS = 3  # of BiFPN's layers, as in EfficientDet-D0, which has 64 channels, too
ALMOST_ZERO = 1e-4  # keeps the sum of BiFPN's weights from zero, as its paper has it


class PAFPN(FPN):
    """FPN and a path back up: edges that fine levels see reach coarse ones in a few layers.

    Source: Liu et al., *Path Aggregation Network*, CVPR 2018, 3.1; the bottom-up path alone.
    Shapes: as `augfpn.pyramid.FPN`.
    """

    def __init__(
        self,
        in_channels: dict[int, int],
        channels: int,
        augment: nn.Module | None = None,
        extra: nn.Module | None = None,
    ) -> None:
        super().__init__(in_channels, channels, augment, extra)
        self.down, self.merge = (
            nn.ModuleDict({str(k): nn.Conv2d(channels, channels, 3, s, 1) for k in self.levels[1:]})
            for s in (2, 1)
        )
        xavier(self.down)
        xavier(self.merge)

    def back_up(self, p: Levels) -> Levels:
        """FPN's maps after the bottom-up path; the finest stays as it is."""
        out = {self.levels[0]: p[self.levels[0]]}
        for finer, k in pairwise(self.levels):
            halved = F.relu(self.down[str(k)](out[finer]))  # (N, C, 2h, 2w) -> (N, C, h, w)
            out[k] = F.relu(self.merge[str(k)](p[k] + halved))
        return out

    def mixed(self, m: Levels) -> Levels:
        return self.back_up(super().mixed(m))


class BiFPN(FPN):
    """Maps that are summed down and up again, several times, with a learned weight for each.

    Source: Tan et al., *EfficientDet*, CVPR 2020, 3.2 and 3.3: fast normalised fusion, separable
    convolutions, an edge from a level's input to its output.
    Shapes: as `augfpn.pyramid.FPN`.
    Differs: the levels are C2 to C5 as in FPN, not 3 to 7; group normalisation in place of batch
    normalisation, so that an image's maps do not depend on the others in its batch.
    """

    def __init__(
        self,
        in_channels: dict[int, int],
        channels: int,
        augment: nn.Module | None = None,
        extra: nn.Module | None = None,
    ) -> None:
        super().__init__(in_channels, channels, augment, extra)
        self.output = nn.ModuleDict()  # the last layer's convolutions take its place
        self.layers = nn.Sequential(*(BiFPNLayer(self.levels, channels) for _ in range(REPEATS)))

    def mixed(self, m: Levels) -> Levels:
        return self.layers(m)


class BiFPNLayer(nn.Module):
    """One round of `BiFPN`: from coarse to fine, then back. Maps (N, C, H/2^k, W/2^k) -> same."""

    def __init__(self, levels: Sequence[int], channels: int) -> None:
        super().__init__()
        self.levels = tuple(levels)
        *below_top, _ = self.levels
        _, *above_finest = self.levels
        self.on_the_way_down = nn.ModuleDict({str(k): WeightedSum(2, channels) for k in below_top})
        self.on_the_way_up = nn.ModuleDict(
            {str(k): WeightedSum(2 + (k in below_top), channels) for k in above_finest}
        )

    def forward(self, x: Levels) -> Levels:
        top, finest = max(self.levels), min(self.levels)
        down = {top: x[top]}
        for k in sorted(self.levels, reverse=True)[1:]:
            from_above = F.interpolate(down[k + 1], x[k].shape[-2:], mode="nearest")
            down[k] = self.on_the_way_down[str(k)]([x[k], from_above])
        out = {finest: down[finest]}
        for k in self.levels[1:]:
            from_below = F.max_pool2d(out[k - 1], 3, stride=2, padding=1)
            own = [x[k]] if k == top else [x[k], down[k]]
            out[k] = self.on_the_way_up[str(k)]([*own, from_below])
        return out


class WeightedSum(nn.Module):
    """A sum of n maps with learned weights that add up to one, then a separable convolution.

    Shapes: n maps (N, C, H, W) -> (N, C, H, W). Source: EfficientDet 3.3, Equations 2 to 5.
    """

    def __init__(self, n: int, channels: int) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.ones(n))
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.norm = nn.GroupNorm(math.gcd(32, channels), channels)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        shares = F.relu(self.shares)
        shares = shares / (shares.sum() + ALMOST_ZERO)
        merged = sum(share * x for share, x in zip(shares, maps, strict=True))
        return self.norm(self.pointwise(self.depthwise(F.silu(merged))))
