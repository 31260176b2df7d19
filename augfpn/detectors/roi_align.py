"""Two versions of RoIAlign, equal up to rounding: torchvision's operator and a sparse linear map.

RoIAlign is linear in the map it pools from: each bin is a weighted sum of 16 places (2 x 2 samples,
4 neighbours each). Written as `embedding_bag` over the map's places, forward and backward are a few
large, well-tuned operations. On a CPU torchvision's operator, above all its backward, takes most of
the time of a training step; the sparse version is faster.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align as torchvision_operator

SAMPLES = 2  # samples per bin and axis, as in the authors' configurations and in torchvision's


def torchvision_roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """torchvision's operator: no half-pixel shift, 2 x 2 samples a bin. A `RoIAlign`."""
    return torchvision_operator(x, rois, size, 1.0 / 2**level, SAMPLES)


def sparse_roi_align(x: Tensor, rois: Tensor, size: int, level: int) -> Tensor:
    """The same as `torchvision_roi_align` up to rounding, as one sparse product. A `RoIAlign`.

    The map is laid out channels-last here and nowhere else, because the backward of 3x3
    convolutions is slower in that layout on a CPU. No gradient reaches the boxes, as in
    torchvision.
    """
    n, channels, h, w = x.shape
    with torch.no_grad():
        rois = rois.float()
        columns, wx = axis_weights(rois[:, 1], rois[:, 3], size, level, w)  # (R, size, 4) each
        rows, wy = axis_weights(rois[:, 2], rois[:, 4], size, level, h)
        rows = rows + rois[:, 0].long()[:, None, None] * h
        places = rows[:, :, None, :, None] * w + columns[:, None, :, None, :]  # (R, S, S, 4, 4)
        weights = wy[:, :, None, :, None] * wx[:, None, :, None, :]
    table = x.permute(0, 2, 3, 1).reshape(n * h * w, channels)  # a row per place of the map
    bins = F.embedding_bag(
        places.flatten(0, 2).flatten(1),  # (R S S, 16)
        table,
        per_sample_weights=weights.flatten(0, 2).flatten(1).to(table.dtype),
        mode="sum",
    )  # (R S S, C)
    return bins.view(len(rois), size, size, channels).permute(0, 3, 1, 2)  # (R, C, S, S)


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
