"""Two versions of RoIAlign, equal up to rounding: torchvision's operator and a sparse linear map.

RoIAlign is linear in the map it pools from: each bin is a weighted sum of 16 places (2 x 2 samples,
4 neighbours each). Forward, every bin adds up its places; backward, every place adds up the bins
that it went into. Both are sums over bags of rows, `embedding_bag`: the second with the same pairs
of bin and place, sorted by place. On a CPU torchvision's operator, above all its backward, takes a
large part of a training step; two bags take a tenth of its time. No sum depends on the order in
which threads finish, so that the backward gives the same each time on a GPU, unlike torchvision's.
"""

import math
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torchvision.ops import roi_align as torchvision_operator

SAMPLES = 2  # samples per bin and axis, as in the authors' configurations and in torchvision's
PLACES_OF_BIN = (2 * SAMPLES) ** 2  # that a bin is a sum of


def torchvision_roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """torchvision's operator: no half-pixel shift, 2 x 2 samples a bin. A `RoIAlign`."""
    return torchvision_operator(x, rois, size, 1.0 / 2**level, SAMPLES)


def sparse_roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """The same as `torchvision_roi_align` up to rounding, as one sparse product. A `RoIAlign`.

    The map is laid out channels-last here and nowhere else, because the backward of 3x3
    convolutions is slower in that layout on a CPU; so are the bins that come out. No gradient
    reaches the boxes, as in torchvision.
    """
    n, channels, h, w = x.shape
    table = x.permute(0, 2, 3, 1).reshape(n * h * w, channels)  # a row per place of the map
    # With one picture `reshape` copies nothing, and sums over rows that are no rows take long.
    bins = SumOfPlaces.apply(
        table.contiguous(), rois.detach(), size, level, (n, h, w)
    )  # (R S S, C)
    return bins.view(len(rois), size, size, channels).permute(0, 3, 1, 2)  # (R, C, S, S)


def roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """The quicker version for the device of ``x``: sparse on a CPU. A `RoIAlign`."""
    pool = torchvision_roi_align if x.is_cuda else sparse_roi_align
    return pool(x, rois, size, level)


class SumOfPlaces(torch.autograd.Function):
    """Rows of a map (N h w, C) to bins (R S S, C).

    Only the RoIs are kept for the backward: to compute places anew takes less than their memory is
    worth.
    """

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, rois: Tensor, size: int, level: int, shape: tuple[int, int, int]
    ) -> Tensor:
        ctx.save_for_backward(rois)
        ctx.where = size, level, shape
        places, weights = bags_of(rois, size, level, shape).by_bin
        return weighted_bags(table, places, weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        bins, weights, first = bags_of(*ctx.saved_tensors, *ctx.where).by_place
        return weighted_bags(gradient.contiguous(), bins, weights, first), None, None, None, None


def weighted_bags(
    rows: Tensor, index: Tensor, weights: Tensor, first: Tensor | None = None
) -> Tensor:
    """Weighted sums of some rows: of each line of ``index``, or of each run from ``first`` on."""
    return F.embedding_bag(
        index, rows, first, per_sample_weights=weights.to(rows.dtype), mode="sum"
    )


class Bags:
    """The pairs of bins and places, sorted by bin and, when that is asked for, by place.

    ``shape``: pictures, height and width of the map.
    """

    def __init__(self, rois: Tensor, size: int, level: int, shape: tuple[int, int, int]) -> None:
        self.rois = rois
        self.count = math.prod(shape)
        self.by_bin = places_of(rois, size, level, shape[1:])

    @cached_property
    def by_place(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of each pair the bin and the weight, and where the pairs of each place begin."""
        places, weights = self.by_bin
        place, pair = places.flatten().to(torch.int32).sort(stable=True)
        every = torch.arange(self.count, dtype=torch.int32, device=place.device)
        return pair // PLACES_OF_BIN, weights.flatten()[pair], torch.searchsorted(place, every)


RECENT: dict[tuple, Bags] = {}  # the last of each level: P and M are pooled with the same RoIs
REMEMBERED, LEVELS_REMEMBERED = 1024, 16  # RoIs, of which the bags take some 30 MB, and entries


def bags_of(rois: Tensor, size: int, level: int, shape: tuple[int, int, int]) -> Bags:
    """The bags of some RoIs on a map; those of a few RoIs are remembered until others come.

    On a GPU nothing is remembered: to compare RoIs, the host would have to wait.
    """
    if rois.device.type != "cpu" or len(rois) > REMEMBERED:
        return Bags(rois, size, level, shape)
    key = size, level, shape
    if key not in RECENT or not torch.equal(RECENT[key].rois, rois):
        if len(RECENT) >= LEVELS_REMEMBERED:
            RECENT.clear()
        RECENT[key] = Bags(rois, size, level, shape)
    return RECENT[key]


def places_of(rois: Tensor, size: int, level: int, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The places of a map (h, w) that each bin sums, and their weights: (R S S, 16) each."""
    (h, w), rois = shape, rois.float()
    columns, wx = axis_weights(rois[:, 1], rois[:, 3], size, level, w)  # (R, size, 4) each
    rows, wy = axis_weights(rois[:, 2], rois[:, 4], size, level, h)
    rows = rows + rois[:, 0].long()[:, None, None] * h
    places = rows[:, :, None, :, None] * w + columns[:, None, :, None, :]  # (R, S, S, 4, 4)
    weights = wy[:, :, None, :, None] * wx[:, None, :, None, :]
    return places.view(-1, PLACES_OF_BIN), weights.view(-1, PLACES_OF_BIN)


def axis_weights(
    start: Tensor, end: Tensor, size: int, level: int, length: int
) -> tuple[Tensor, Tensor]:
    """The places along one axis that each bin samples, and their weights.

    start, end (R,) pixels -> places (R, size, 4) in [0, length), weights (R, size, 4): for each of
    a bin's two samples its lower and upper neighbour; a bin averages its samples. A sample that is
    more than one place outside of the map counts as zero.
    """
    start, end = start / 2**level, end / 2**level
    extent = (end - start).clamp(min=1.0)  # a RoI is at least one place wide
    bin_extent = (extent / size)[:, None]
    sample = torch.arange(size * SAMPLES, device=start.device)
    at = (  # (R, 2 size), rounded in the order in which torchvision's operator does it
        start[:, None]
        + (sample // SAMPLES) * bin_extent
        + (sample % SAMPLES + 0.5) * bin_extent / SAMPLES
    )
    inside = (at >= -1) & (at <= length)
    at = at.clamp(0, length - 1)
    low = at.floor()
    high_weight = at - low
    low = low.long()
    high = (low + 1).clamp(max=length - 1)
    places = torch.stack([low, high], dim=-1)
    weights = torch.stack([1 - high_weight, high_weight], dim=-1) * (inside[..., None] / SAMPLES)
    return places.view(-1, size, 2 * SAMPLES), weights.view(-1, size, 2 * SAMPLES)
