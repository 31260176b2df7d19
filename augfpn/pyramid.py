"""AugFPN, top to bottom as in Figure 2 of the paper (Guo et al., CVPR 2020, arXiv 1912.05384).

    c --lateral 1x1--> m --top-down sums, 3x3--> p --RoI selection--> box head
                       |        ^                        ^
        Consistent Supervision  |               Soft RoI Selection (3.3)
                    (3.1)       Residual Feature Augmentation (3.2)

A pyramid is a ``dict`` from level ``k`` to a map of stride ``2**k``: ``c[5]``, ``m[5]``, ``p[5]``
are the paper's C5, M5 and P5. Letters in shapes: N pictures, C channels, R boxes in all pictures,
S x S bins of a pooled RoI. Boxes are (x1, y1, x2, y2) in pixels of the batch, which holds the
pictures after resizing and padding.

Where the paper leaves something open, we follow the authors' released code; the docstring says so
under *Differs*. `augfpn.detectors.variants` has the alternatives that the paper compares with.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import boxes as box_ops

Levels = dict[int, Tensor]
Boxes = list[Tensor]
Losses = dict[str, Tensor]


class Pyramid(NamedTuple):
    """The output of every feature pyramid: maps M before the top-down sums, and P after them."""

    m: Levels
    p: Levels


class RoIAlign(Protocol):
    """``(x, rois, size, level)``: map (N, C, h, w), rois (R, 5) -> (R, C, size, size).

    ``rois``: the picture's index and x1, y1, x2, y2 in pixels; a map of level k has stride 2**k.
    Source: Mask R-CNN; `augfpn.speed.roi_align` has two implementations.
    """

    def __call__(self, x: Tensor, rois: Tensor, size: int, level: int) -> Tensor: ...


class Samples(NamedTuple):
    """The RoIs that are sampled for one training step; each list has an entry for each picture.

    Shapes: ``boxes`` (R_i, 4) pixels; ``labels`` (R_i,), 0 is background; ``deltas`` (R_i, 4), the
    bounding-box regression targets; ``matches`` (R_i,), the matched object's index in the target.
    ``objects`` (Q,), if known, are the positive RoIs: their indices among the RoIs of all pictures,
    of which each picture has so many as ``counts`` says.
    """

    boxes: Boxes
    labels: list[Tensor]
    deltas: list[Tensor]
    matches: list[Tensor]
    objects: Tensor | None = None
    counts: list[int] | None = None


class AdaptiveSpatialFusion(nn.Module):
    """Sum n maps, each weighted at every place by a gate that is computed from all n maps.

    Source: paper Figure 3(a); used by Residual Feature Augmentation and by Soft RoI Selection.
    Shapes: n maps (N, C, H, W) -> (N, C, H, W).
    Differs: the figure has no ReLU between the two convolutions; the authors' code has one, and we
    follow the code. In both, the gates are independent sigmoids: they do not sum to one.
    """

    def __init__(self, channels: int, n: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(n * channels, channels, 1)
        self.score = nn.Conv2d(channels, n, 3, padding=1)
        xavier(self)

    def weights(self, maps: Sequence[Tensor]) -> Tensor:
        """The gates in (0, 1) that `forward` multiplies with: (N, n, H, W)."""
        hidden = F.relu(self.reduce(torch.cat(list(maps), dim=1)))  # (N, nC, H, W) -> (N, C, H, W)
        return self.score(hidden).sigmoid()  # (N, n, H, W)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        gates = self.weights(maps).split(1, dim=1)  # n x (N, 1, H, W)
        return sum(gate * x for gate, x in zip(gates, maps, strict=True))


def ratio_invariant_pool(c5: Tensor, ratio: float) -> Tensor:
    """Average-pool C5 to a fraction of its own height and width, so that its shape is kept.

    Source: paper 3.2, ratio-invariant adaptive pooling.
    Shapes: (N, C, h, w) -> (N, C, max(1, int(ratio h)), max(1, int(ratio w))).
    Differs: the paper writes ratio x S; truncation and the minimum of 1 are from the authors' code.
    """
    h, w = c5.shape[-2:]
    return F.adaptive_avg_pool2d(c5, (max(1, int(h * ratio)), max(1, int(w * ratio))))


class ResidualFeatureAugmentation(nn.Module):
    """M6: context of the whole picture, from C5. `FPN` adds it to M5 before the top-down sums.

    Source: paper 3.2, Figure 2(2). Pool C5 at several scales, reduce each to C channels with its
    own 1x1 convolution, upsample all to C5's size, fuse.
    Shapes: C5 (N, C5, h, w) -> M6 (N, C, h, w).
    Differs: ``align_corners=True`` in the bilinear upsampling is from the authors' code.

    ``pools`` are functions from C5 to a smaller map, such as `ratio_invariant_pool` at one ratio;
    ``fusion`` takes the list of upsampled context maps.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        pools: Sequence[Callable[[Tensor], Tensor]],
        fusion: nn.Module,
    ) -> None:
        super().__init__()
        self.pools = tuple(pools)
        self.reduce = nn.ModuleList(nn.Conv2d(in_channels, channels, 1) for _ in self.pools)
        xavier(self.reduce)
        self.fusion = fusion

    def contexts(self, c5: Tensor) -> list[Tensor]:
        """The context maps before they are fused: one (N, C, h, w) for each pool."""
        size = c5.shape[-2:]
        return [
            F.interpolate(reduce(pool(c5)), size, mode="bilinear", align_corners=True)
            for pool, reduce in zip(self.pools, self.reduce, strict=True)
        ]

    def forward(self, c5: Tensor) -> Tensor:
        return self.fusion(self.contexts(c5))


class FPN(nn.Module):
    """Feature Pyramid Network; with ``augment``, the pyramid of AugFPN.

    Source: Lin et al., CVPR 2017; paper Figure 2. ``augment`` is Residual Feature Augmentation.
    ``extra`` adds P6 and P7 for one-stage detectors: `augfpn.detectors.one_stage.ExtraLevels`.
    Shapes: c[k] (N, C_k, H/2^k, W/2^k) -> m[k] and p[k] (N, C, H/2^k, W/2^k), for the k of
    ``in_channels``; other levels of c are ignored.
    The maps M, which Consistent Supervision pools, are taken before any sum and without M6.
    """

    def __init__(
        self,
        in_channels: dict[int, int],
        channels: int,
        augment: nn.Module | None = None,
        extra: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.levels = tuple(sorted(in_channels))
        self.lateral = nn.ModuleDict(
            {str(k): nn.Conv2d(n, channels, 1) for k, n in in_channels.items()}
        )
        self.output = nn.ModuleDict(
            {str(k): nn.Conv2d(channels, channels, 3, padding=1) for k in in_channels}
        )
        xavier(self)
        self.augment, self.extra = augment, extra

    def forward(self, c: Levels) -> Pyramid:
        m = {k: self.lateral[str(k)](c[k]) for k in self.levels}
        top = max(m)
        m6 = None if self.augment is None else self.augment(c[top])
        p = self.mixed(m if m6 is None else m | {top: m[top] + m6})
        if self.extra is not None:
            p |= self.extra(c[top], p[top], m6)
        return Pyramid(m, dict(sorted(p.items())))

    def mixed(self, m: Levels) -> Levels:
        """The maps P from the maps M, the top one with M6 added: summed from the top down."""
        top, *lower = sorted(m, reverse=True)
        inner = m[top]
        p = {top: self.output[str(top)](inner)}
        for k in lower:
            inner = m[k] + F.interpolate(inner, m[k].shape[-2:], mode="nearest")
            p[k] = self.output[str(k)](inner)
        return p


class HardRoISelection(nn.Module):
    """Pool each RoI from one level, which FPN's heuristic chooses by the size of the RoI.

    Source: FPN Eq. (1). The paper names this choice as FPN's third defect (Figure 1).
    Shapes: p[k] (N, C, H/2^k, W/2^k), boxes N x (R_i, 4) -> (R, C, S, S).
    With a single level it is plain RoIAlign from that level.
    """

    def __init__(
        self, levels: Sequence[int], size: int, roi_align: RoIAlign, canonical_size: float = 224.0
    ) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.size = size
        self.roi_align = roi_align
        self.canonical_size = canonical_size

    def level_of(self, boxes: Tensor) -> Tensor:
        """The level of each box, (R, 4) -> (R,): 4 at ``canonical_size``, 3 at half that side."""
        side = box_ops.box_area(boxes).sqrt()
        level = torch.floor(4 + torch.log2(side / self.canonical_size) + 1e-6)
        return level.clamp(min(self.levels), max(self.levels)).to(torch.int64)

    def forward(self, p: Levels, boxes: Boxes) -> Tensor:
        rois = with_picture_index(boxes)
        if len(self.levels) == 1:
            return self.roi_align(p[self.levels[0]], rois, self.size, self.levels[0])
        level = self.level_of(rois[:, 1:])
        order = level.argsort(stable=True)
        counts = torch.stack([(level == k).sum() for k in self.levels]).tolist()
        groups = rois[order].split(counts)  # the RoIs of each level
        chosen = zip(self.levels, groups, strict=True)
        pooled = torch.cat([self.roi_align(p[k], group, self.size, k) for k, group in chosen])
        return pooled[order.argsort()]


class SoftRoISelection(nn.Module):
    """Pool each RoI from every level and fuse the pooled features.

    Source: paper 3.3, Figure 2(3). The paper's ``fusion`` is `AdaptiveSpatialFusion`.
    Shapes: p[k] (N, C, H/2^k, W/2^k), boxes N x (R_i, 4) -> (R, C, S, S).
    """

    def __init__(
        self, levels: Sequence[int], size: int, roi_align: RoIAlign, fusion: nn.Module
    ) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.size = size
        self.roi_align = roi_align
        self.fusion = fusion

    def pool(self, p: Levels, boxes: Boxes) -> list[Tensor]:
        """Each RoI from each level: len(levels) x (R, C, S, S)."""
        rois = with_picture_index(boxes)
        return [self.roi_align(p[k], rois, self.size, k) for k in self.levels]

    def forward(self, p: Levels, boxes: Boxes) -> Tensor:
        return self.fusion(self.pool(p, boxes))


class ConsistentSupervision(nn.Module):
    """Classify RoIs and regress their boxes from every M level, with one head, in training only.

    Source: paper 3.1, Eq. (1), Figure 2(1). The RoIs of the main head are pooled from each of
    M2..M5. A second head, shared by all levels, is trained on the same labels and box targets.
    Shapes: m[k] (N, C, H/2^k, W/2^k), samples -> two losses (0-d), already weighted by lambda.
    Differs: Eq. (1) does not say how to combine the levels. As in the authors' code we sum their
    losses, so four levels at lambda = 0.25 weigh as much as the main head. As in their code, too,
    the second head keeps PyTorch's default initialisation.

    ``selections`` holds one `HardRoISelection` per loss term: one for each level, or a single one
    over all levels for the paper's *single level* rows (Table 3). ``criterion`` is the main head's
    loss: (logits, deltas, labels, target deltas) -> (classification, box regression).
    """

    def __init__(
        self,
        head: nn.Module,
        weight: float,
        selections: Sequence[HardRoISelection],
        criterion: Callable[..., tuple[Tensor, Tensor]],
    ) -> None:
        super().__init__()
        self.head = head
        self.weight = weight
        self.selections = nn.ModuleList(selections)
        self.criterion = criterion

    def forward(self, m: Levels, samples: Samples) -> Losses:
        predicted = [self.head(select(m, samples.boxes)) for select in self.selections]
        return self.losses(predicted, samples)

    def losses(self, predicted: Iterable[tuple[Tensor, Tensor]], samples: Samples) -> Losses:
        """From class logits (R, K + 1) and box deltas (R, 4 (K + 1)) for each term of the loss."""
        wanted = samples.labels, samples.deltas
        terms = [self.criterion(*each, *wanted, objects=samples.objects) for each in predicted]
        return {
            "loss_supervision_class": self.weight * sum(term[0] for term in terms),
            "loss_supervision_box": self.weight * sum(term[1] for term in terms),
        }


def with_picture_index(boxes: Boxes) -> Tensor:
    """Boxes of all pictures in one tensor, N x (R_i, 4) -> (R, 5): picture, x1, y1, x2, y2."""
    picture = torch.arange(len(boxes), dtype=boxes[0].dtype, device=boxes[0].device)
    index = [picture[i].expand(b.shape[0], 1) for i, b in enumerate(boxes)]
    return torch.cat([torch.cat(index), torch.cat(boxes)], dim=1)


def xavier(module: nn.Module) -> None:
    """Initialise all convolutions as the authors do: Xavier uniform weights, zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
