"""RoIAlign as a sparse linear map: sums over bags of rows.

RoIAlign is linear in the map it pools from: each bin is a weighted sum of 16 places (2 x 2 samples,
4 neighbours each). Forward, every bin adds up its places; backward, every place adds up the bins
that it went into. Both are sums over bags of rows, `embedding_bag`: the second with the same pairs
of bin and place, sorted by place. On a CPU torchvision's operator, above all its backward, takes a
large part of a training step; two bags take a tenth of its time. No sum depends on the order in
which threads finish, so that the backward gives the same each time on a GPU, unlike torchvision's.

The places of several maps can be numbered one map after the other. A bin of Soft RoI Selection is
then one sum over all levels, in which each weight is multiplied by the gate of the place's level.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torchvision.ops import roi_align as torchvision_operator

SAMPLES = 2  # samples per bin and axis, as in the authors' configurations and in torchvision's
PLACES_OF_BIN = (2 * SAMPLES) ** 2  # of a level, that a bin is a sum of
Shapes = tuple[tuple[int, int, int, int], ...]  # of maps: level, pictures, height, width


def torchvision_roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """torchvision's operator: no half-pixel shift, 2 x 2 samples a bin. A `RoIAlign`."""
    return torchvision_operator(x, rois, size, 1.0 / 2**level, SAMPLES)


def sparse_roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """The same as `torchvision_roi_align` up to rounding, as one sparse product. A `RoIAlign`.

    The map is laid out channels-last here and nowhere else, because the backward of 3x3
    convolutions is slower in that layout on a CPU; so are the bins that come out. No gradient
    reaches the boxes, as in torchvision.
    """
    bags = bags_of(rois.detach(), size, shapes_of({level: x}))
    return from_rows(SumOfPlaces.apply(as_rows(x), None, bags), size)


def roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """The quicker version for the device of ``x``: sparse on a CPU. A `RoIAlign`."""
    pool = torchvision_roi_align if x.is_cuda else sparse_roi_align
    return pool(x, rois, size, level)


def shapes_of(maps: dict[int, Tensor]) -> Shapes:
    """The sizes of maps (N, C, h, w) by level."""
    return tuple((k, len(x), *x.shape[2:]) for k, x in maps.items())


def as_rows(x: Tensor) -> Tensor:
    """A map (N, C, h, w) as one row for each place, (N h w, C)."""
    # With one picture `reshape` copies nothing, and sums over rows that are no rows take long.
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]).contiguous()


def from_rows(bins: Tensor, size: int) -> Tensor:
    """One row for each bin (R S S, C) as bins of RoIs, (R, C, S, S)."""
    return bins.view(-1, size, size, bins.shape[1]).permute(0, 3, 1, 2)


class SumOfPlaces(torch.autograd.Function):
    """Rows of maps (places, C) to bins (R S S, C); with gates (R S S, levels), a gated sum.

    Only the RoIs, and with gates also the rows, are kept for the backward: to compute places anew
    takes less than their memory is worth. The gradient of a gate is the sum over channels of the
    level's pooled map times the gradient of the sum.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, gates: Tensor | None, bags: "Bags") -> Tensor:
        ctx.save_for_backward(table if gates is not None else None, gates, bags.rois)
        ctx.where = bags.size, bags.shapes
        places, weights = bags.by_bin
        return weighted_bags(table, places, gated(weights, gates))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        table, gates, rois = ctx.saved_tensors
        bags, gradient = bags_of(rois, *ctx.where), gradient.contiguous()
        _, weights = bags.by_bin
        of_gates = None
        if gates is not None and ctx.needs_input_grad[1]:
            of_gates = torch.empty_like(gates)
            by_level = zip(*(x.split(PLACES_OF_BIN, dim=1) for x in bags.by_bin), strict=True)
            for n, each in enumerate(by_level):
                of_gates[:, n] = weighted_bags(table, *each).mul_(gradient).sum(dim=1)
        of_table = None
        if ctx.needs_input_grad[0]:
            bins, pairs, first = bags.by_place
            weights = gated(weights, gates).flatten().index_select(0, pairs)
            of_table = weighted_bags(gradient, bins, weights, first)
        return of_table, of_gates, None


def weighted_bags(
    rows: Tensor, index: Tensor, weights: Tensor, first: Tensor | None = None
) -> Tensor:
    """Weighted sums of some rows: of each line of ``index``, or of each run from ``first`` on."""
    return F.embedding_bag(
        index, rows, first, per_sample_weights=weights.to(rows.dtype), mode="sum"
    )


def gated(weights: Tensor, gates: Tensor | None) -> Tensor:
    """The weights (bins, levels 16), each times the gate (bins, levels) of its level."""
    if gates is None:
        return weights
    return (weights.unflatten(1, (-1, PLACES_OF_BIN)) * gates[:, :, None]).flatten(1)


class Bags:
    """The pairs of bins and places, sorted by bin and, when that is asked for, by place."""

    def __init__(self, rois: Tensor, size: int, shapes: Shapes) -> None:
        self.rois, self.size, self.shapes = rois, size, shapes
        self.counts = [prod(shape) for _, *shape in shapes]  # places of each map
        *starts, self.count = accumulate(self.counts, initial=0)
        each = [places_of(rois, size, level, side) for level, _, *side in shapes]
        places = [(x + start).int() for (x, _), start in zip(each, starts, strict=True)]
        self.by_bin = side_by_side(places), side_by_side([weights for _, weights in each])

    @property
    def pairs(self) -> int:
        """How many there are."""
        return self.by_bin[0].numel()

    @cached_property
    def by_place(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of each pair the bin and its place in `by_bin`, and where the pairs of a place begin."""
        places, _ = self.by_bin
        kind = torch.int16 if self.count <= 2**15 else torch.int32  # a short one is sorted sooner
        place, pair = places.flatten().to(kind).sort(stable=True)
        every, pair = torch.arange(self.count, dtype=kind, device=place.device), pair.int()
        first = torch.searchsorted(place, every, out_int32=True)
        return pair // places.shape[1], pair, first


def side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Columns of several tensors in one; a single one is not copied."""
    return torch.cat(list(parts), dim=1) if len(parts) > 1 else parts[0]


RECENT: dict[tuple, Bags] = {}  # the last of each size and shapes
REMEMBERED = 2**21  # pairs of all that is remembered; they take some 35 MB


def bags_of(rois: Tensor, size: int, shapes: Shapes) -> Bags:
    """The bags of some RoIs on maps; few are remembered: the backward pass needs them again.

    On a GPU nothing is remembered: to compare RoIs, the host would have to wait.
    """
    key = size, shapes
    if rois.device.type == "cpu" and key in RECENT and torch.equal(RECENT[key].rois, rois):
        return RECENT[key]
    bags = Bags(rois, size, shapes)
    if rois.device.type == "cpu" and 0 < bags.pairs <= REMEMBERED:
        RECENT.pop(key, None)
        if bags.pairs + sum(each.pairs for each in RECENT.values()) > REMEMBERED:
            RECENT.clear()
        RECENT[key] = bags
    return bags


def places_of(rois: Tensor, size: int, level: int, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
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
