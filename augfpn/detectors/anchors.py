"""Where anchors lie, and which object each of them is matched to.

In both, torchvision and the authors' code differ; this module has both versions. Boxes are
x1 y1 x2 y2 in pixels of the batch; these are the edges of a box, not centres of pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from augfpn.config import AnchorGrid, LowQuality


class Anchors(AnchorGenerator):
    """torchvision's anchors, one entry of ``sizes`` for each level, on one of two grids.

    "corner", torchvision's: an anchor's centre is a corner of a map's cell. Cells are (picture's
    side) // (map's side) apart: 61 px for 13 cells on 800 px, where the stride is 64.
    "centre", the authors': an anchor's centre is the centre of a cell. Cells are 2^k apart at level
    k. The authors write the centre as (2^k - 1) / 2: the same point in their coordinates, in which
    a box 4 px wide goes from 0 to 3.
    """

    def __init__(
        self,
        *,
        sizes: Sequence[Sequence[float]],
        ratios: Sequence[float],
        levels: Sequence[int],
        grid: AnchorGrid = "corner",
    ) -> None:
        super().__init__(tuple(map(tuple, sizes)), (tuple(ratios),) * len(sizes))
        self.levels = tuple(levels)
        self.grid = grid

    def set_cell_anchors(self, dtype: torch.dtype, device: torch.device) -> None:
        """Keep anchors in float32: features may be in bfloat16, whose 8 bits would round them."""
        super().set_cell_anchors(torch.float32, device)

    def grid_anchors(
        self, grid_sizes: list[list[int]], strides: list[list[Tensor]]
    ) -> list[Tensor]:
        """All anchors of each level: sizes of the maps -> len(levels) x (h w A, 4)."""
        if self.grid == "corner":
            return super().grid_anchors(grid_sizes, strides)
        exact = [[torch.tensor(2**k)] * 2 for k in self.levels]
        anchors = super().grid_anchors(grid_sizes, exact)
        return [a + 2**k / 2 for a, k in zip(anchors, self.levels, strict=True)]

    def by_level(self, batch: ImageList, maps: Sequence[Tensor]) -> list[Tensor]:
        """The anchors of each map, (h w A, 4); they are the same for all pictures of a batch."""
        each = self.num_anchors_per_location()
        counts = [x.shape[-2] * x.shape[-1] * n for x, n in zip(maps, each, strict=True)]
        return list(self(batch, list(maps))[0].split(counts))


class ReassigningMatcher:
    """Give each anchor an object as the authors' code does (mmdetection's *max IoU* rule).

    An anchor belongs to the object that it overlaps most if their IoU is at least ``high``, to the
    background if it is below ``low``, and to neither in between. Then every object whose best IoU
    is at least ``least`` is matched to all anchors with that IoU, even if they had another object.
    Differs: torchvision's matcher does this last step for every object, however bad its best anchor
    is, and matches such an anchor to the object that the anchor overlaps most.
    """

    BELOW_LOW_THRESHOLD = Matcher.BELOW_LOW_THRESHOLD
    BETWEEN_THRESHOLDS = Matcher.BETWEEN_THRESHOLDS

    def __init__(self, high: float, low: float, least: float) -> None:
        self.high = high
        self.low = low
        self.least = least

    def __call__(self, quality: Tensor) -> Tensor:
        """IoU of objects and anchors (R, A), R > 0 -> the object of each anchor, or -1, -2 (A,)."""
        best, match = quality.max(dim=0)
        match[best < self.high] = self.BETWEEN_THRESHOLDS
        match[best < self.low] = self.BELOW_LOW_THRESHOLD
        of_object = quality.amax(dim=1)
        for i in torch.where((of_object >= self.least) & (of_object > 0))[0].tolist():
            match[quality[i] == of_object[i]] = i
        return match


class OverlapMatcher(Matcher):
    """torchvision's matcher, but an object that no anchor overlaps gets no anchor.

    Differs: for torchvision the best IoU of such an object is 0, and so it gets all anchors that do
    not overlap it.
    """

    def __call__(self, quality: Tensor) -> Tensor:
        """IoU of objects and anchors (R, A), R > 0 -> the object of each anchor, or -1, -2 (A,)."""
        reached = torch.where(quality.amax(dim=1) > 0)[0]
        if not len(reached):
            return torch.full_like(quality[0], self.BELOW_LOW_THRESHOLD, dtype=torch.int64)
        match = super().__call__(quality[reached])
        return torch.where(match >= 0, reached[match.clamp(min=0)], match)


def matcher(
    high: float, low: float, low_quality: LowQuality, least: float
) -> OverlapMatcher | ReassigningMatcher:
    """The matcher with a rule, "always" or "reassign", for objects whose best IoU is low."""
    if low_quality == "reassign":
        return ReassigningMatcher(high, low, least)
    return OverlapMatcher(high, low, allow_low_quality_matches=True)


def octave_sizes(sizes: Sequence[float], steps: int, whole: bool) -> list[list[float]]:
    """Each level's anchor sizes: its own size times 2^(i / steps), i < steps (RetinaNet).

    With ``whole`` they are truncated to whole pixels.
    """
    scales = [2 ** (i / steps) for i in range(steps)]
    found = [[size * scale for scale in scales] for size in sizes]
    return [[int(size) for size in row] for row in found] if whole else found


def lies_inside(anchors: Tensor, size: tuple[int, int]) -> Tensor:
    """Whether each anchor (A, 4) lies entirely inside a picture of ``size`` (height, width)."""
    height, width = size
    x1, y1, x2, y2 = anchors.unbind(dim=1)
    return (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height)
