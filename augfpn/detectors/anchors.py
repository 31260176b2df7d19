"""Where anchors lie, and which object each of them is matched to.

In both, torchvision and the authors' code differ; this module has both versions. Boxes are
x1 y1 x2 y2 in pixels of the batch; these are the edges of a box, not centres of pixels. Letters in
shapes: N pictures, A anchors of a picture, R objects of the picture that has most.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from augfpn.config import AnchorGrid, LowQuality
from augfpn.detectors.boxes import overlaps, padded
from augfpn.pyramid import Boxes

MOST_OVERLAPS = (
    2**24
)  # IoUs that are computed at once: 64 MiB, and as much again for each step of it


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

    def by_level(self, batch: ImageList, maps: Sequence[Tensor]) -> list[Tensor]:
        """The anchors of each map, (h w A, 4); they are the same for all pictures of a batch.

        They are in float32: maps may be in bfloat16, whose 8 bits would round them.
        """
        sizes = [tuple(x.shape[-2:]) for x in maps]
        self.set_cell_anchors(torch.float32, maps[0].device)
        if self.grid == "corner":
            height, width = batch.tensors.shape[-2:]
            return self.grid_anchors(sizes, [[height // h, width // w] for h, w in sizes])
        anchors = self.grid_anchors(sizes, [[2**k] * 2 for k in self.levels])
        return [a + 2**k / 2 for a, k in zip(anchors, self.levels, strict=True)]


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
        """IoU (..., R, A), R > 0 -> the object of each anchor (..., A), or -1, -2."""
        match = within(*quality.max(dim=-2), self.high, self.low)
        place = torch.arange(quality.shape[-2], dtype=torch.int32, device=quality.device)
        takes = torch.where(is_best(quality, self.least), place[:, None], -1).amax(dim=-2)
        return torch.where(takes >= 0, takes, match)  # the last of the objects that take it


class OverlapMatcher(Matcher):
    """torchvision's matcher for many pictures; an object that no anchor overlaps gets no anchor.

    Differs: for torchvision the best IoU of such an object is 0, and so it gets all anchors that do
    not overlap it.
    """

    def __call__(self, quality: Tensor) -> Tensor:
        """IoU (..., R, A), R > 0 -> the object of each anchor (..., A), or -1, -2."""
        best, closest = quality.max(dim=-2)
        match = within(best, closest, self.high_threshold, self.low_threshold)
        if not self.allow_low_quality_matches:
            return match
        return torch.where(is_best(quality).any(dim=-2), closest, match)


def within(best: Tensor, closest: Tensor, high: float, low: float) -> Tensor:
    """Each anchor's closest object if their IoU is ``high``, -1 if it is below ``low``, else -2."""
    match = closest.masked_fill(best < high, Matcher.BETWEEN_THRESHOLDS)
    return match.masked_fill_(best < low, Matcher.BELOW_LOW_THRESHOLD)


def is_best(quality: Tensor, least: float = 0.0) -> Tensor:
    """Whether no anchor overlaps the object more, for objects that one overlaps by ``least``.

    Shapes: (..., R, A) -> (..., R, A). Objects that no anchor overlaps have no best anchor.
    """
    best = quality.amax(dim=-1, keepdim=True)
    return quality == best.masked_fill((best <= 0) | (best < least), torch.inf)


def matches_of(
    matcher: "OverlapMatcher | ReassigningMatcher",
    objects: Boxes,
    anchors: Tensor,
    usable: Tensor | None = None,
) -> Tensor:
    """The object of each anchor in each picture (N, A), or -1 for background, -2 for neither.

    Shapes: objects N x (R_i, 4), anchors (A, 4) of all pictures or (N, A, 4). Anchors that are not
    ``usable`` (N, A) overlap nothing. As many pictures share a step as `MOST_OVERLAPS` allows.
    """
    boxes, each = padded(objects, least=1), anchors.expand(len(objects), -1, -1)
    matches = []
    step = max(1, MOST_OVERLAPS // (boxes.shape[1] * max(1, each.shape[1])))
    for start in range(0, len(objects), step):
        some = slice(start, start + step)
        quality = overlaps(boxes[some], each[some])  # (n, R, A)
        if usable is not None:
            quality.masked_fill_(~usable[some, None], 0.0)
        matches.append(matcher(quality))
    return torch.cat(matches)


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
