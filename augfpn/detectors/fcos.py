"""FCOS's head on a pyramid: towers, assignment, losses and decoding, from torchvision's parts.

Where the paper, the authors' code and torchvision differ, an argument chooses between them.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxLinearCoder
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSRegressionHead
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from augfpn.detectors.one_stage import Outputs
from augfpn.detectors.targets import Targets
from augfpn.pyramid import Losses

# A level's points match boxes whose furthest edge is between 4 and 8 strides away.
NEAREST, FURTHEST = 4, 8


class FCOSHead(nn.Module):
    """FCOS's head, shared by all levels.

    Source: Tian et al., ICCV 2019. `augfpn.config.FCOS` explains the options.
    Shapes: maps (N, C, h, w) -> ``logits`` (N, A, K'), ``boxes`` (N, A, 4), the distances from a
    point to a box's left, top, right and bottom edge in strides, and ``centerness`` (N, A, 1), a
    logit, for each level. A point is the middle of its anchor (A, 4), a square of one stride.
    """

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        levels: tuple[int, ...],
        background_logit: bool,
        distances: Literal["relu", "exp"],
        tower_bias: bool,
        centerness_on: Literal["box", "class"],
        centre_radius: float | None,
        closed_ranges: bool,
        normaliser: Literal["points", "points_and_pictures"],
        box_loss: Literal["giou", "iou"],
        rank: Literal["root", "product"],
    ) -> None:
        super().__init__()
        self.classification_head = FCOSClassificationHead(channels, 1, classes + background_logit)
        self.regression_head = FCOSRegressionHead(channels, 1)
        if not tower_bias:
            for tower in (self.classification_head.conv, self.regression_head.conv):
                without_bias(tower)
        self.scale = nn.Parameter(torch.ones(len(levels))) if distances == "exp" else None
        self.levels = levels
        self.first_label = 0 if background_logit else 1
        self.centerness_on = centerness_on
        self.centre_radius = centre_radius
        self.closed_ranges = closed_ranges
        self.normaliser = normaliser
        self.box_loss = box_loss
        self.rank = rank
        self.coder = BoxLinearCoder(normalize_by_size=True)

    def forward(self, maps: list[Tensor]) -> Outputs:
        outputs: Outputs = {"logits": [], "boxes": [], "centerness": []}
        for level, x in enumerate(maps):
            of_class = self.classification_head.conv(x)
            of_box = self.regression_head.conv(x)
            on = {"box": of_box, "class": of_class}[self.centerness_on]
            outputs["logits"].append(by_place(self.classification_head.cls_logits(of_class)))
            outputs["boxes"].append(
                self.distances(by_place(self.regression_head.bbox_reg(of_box)), level)
            )
            outputs["centerness"].append(by_place(self.regression_head.bbox_ctrness(on)))
        return outputs

    def distances(self, predicted: Tensor, level: int) -> Tensor:
        """The last convolution's output -> distances of at least 0, in strides."""
        if self.scale is None:
            return predicted.relu()
        return (self.scale[level] * predicted).exp() / 2 ** self.levels[level]

    def scores(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        of_class, centerness = (outputs[name].sigmoid() for name in ("logits", "centerness"))
        if self.rank == "root":
            root = (of_class * centerness).sqrt()
            return root, root
        return of_class, of_class * centerness

    def decode(self, predicted: Tensor, anchors: Tensor) -> Tensor:
        return self.coder.decode(predicted, anchors)

    def losses(self, outputs: Outputs, anchors: list[Tensor], targets: Targets) -> Losses:
        logits, predicted, centerness = (
            torch.cat(outputs[name], dim=1) for name in ("logits", "boxes", "centerness")
        )  # (N, A, K'), (N, A, 4), (N, A, 1), all levels concatenated
        match = torch.stack([self.match(anchors, target["boxes"]) for target in targets])
        objects = match >= 0  # (N, A)
        labels, boxes = (self.of_objects(targets, match, name) for name in ("labels", "boxes"))
        wanted = torch.zeros_like(logits)
        wanted[objects, labels - self.first_label] = 1.0
        of_class = sigmoid_focal_loss(logits, wanted, reduction="sum")
        whole = torch.cat(anchors).expand(len(targets), -1, 4)[objects]
        edges = self.coder.encode(whole, boxes)  # (objects, 4), in strides
        central = centerness_of(edges)
        count = int(objects.sum())
        pictures = len(targets) if self.normaliser == "points_and_pictures" else 0
        return {
            "loss_classifier": of_class / max(1, count + pictures),
            "loss_box_reg": self.of_boxes(predicted[objects], edges, whole, boxes, central),
            "loss_centerness": F.binary_cross_entropy_with_logits(
                centerness[objects].squeeze(1), central, reduction="sum"
            )
            / max(1, count),
        }

    @staticmethod
    def of_objects(targets: Targets, match: Tensor, name: str) -> Tensor:
        """The labels or boxes of the objects that points are matched to, one row per such point."""
        return torch.cat([t[name][m[m >= 0]] for t, m in zip(targets, match, strict=True)])

    def of_boxes(
        self, predicted: Tensor, edges: Tensor, anchors: Tensor, boxes: Tensor, central: Tensor
    ) -> Tensor:
        """Generalised IoU loss, the mean over points, or -log IoU weighted by centerness."""
        if self.box_loss == "giou":
            found = self.coder.decode(predicted, anchors)
            total = generalized_box_iou_loss(found, boxes, reduction="sum")
            return total / max(1, len(boxes))
        miss = -iou_of(predicted, edges).clamp(min=1e-6).log()
        return (miss * central).sum() / central.sum().clamp(min=1e-6)

    def match(self, anchors: list[Tensor], boxes: Tensor) -> Tensor:
        """The object of every point, or -1: anchors of each level, boxes (R, 4) -> (A,).

        A point belongs to the smallest box around it whose furthest edge is within the range of
        the point's level: 0 to 64 px at P3, 64 to 128 at P4, ..., 512 and more at P7.
        Differs: torchvision compares 1e8 - area in single precision, which cannot tell areas
        apart that differ by less than 8 px^2; here the areas themselves are compared.
        """
        whole = torch.cat(anchors)
        if not len(boxes):
            return torch.full((len(whole),), -1, device=whole.device)
        point = (whole[:, :2] + whole[:, 2:]) / 2  # (A, 2)
        stride = (whole[:, 2] - whole[:, 0])[:, None]  # (A, 1)
        to_edges = torch.cat(
            [point[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - point[:, None]], dim=2
        )  # (A, R, 4)
        furthest = to_edges.amax(dim=2)
        near, far = NEAREST * stride, FURTHEST * stride
        near[: len(anchors[0])] = 0
        far[-len(anchors[-1]) :] = torch.inf
        answers = (to_edges.amin(dim=2) > 0) & self.in_range(furthest, near, far)
        if self.centre_radius is not None:
            middle = (boxes[:, :2] + boxes[:, 2:]) / 2
            off = (point[:, None] - middle[None]).abs().amax(dim=2)
            answers &= off < self.centre_radius * stride
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        smallest, match = torch.where(answers, area, torch.inf).min(dim=1)
        return torch.where(smallest < torch.inf, match, -1)

    def in_range(self, furthest: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """Whether the furthest edge is within the level's range."""
        if self.closed_ranges:
            return (furthest >= near) & (furthest <= far)
        return (furthest > near) & (furthest < far)


def by_place(x: Tensor) -> Tensor:
    """(N, K, h, w) -> (N, h w, K), in single precision."""
    return x.flatten(2).transpose(1, 2).float()


def centerness_of(edges: Tensor) -> Tensor:
    """How central a point is: distances to left, top, right, bottom (Q, 4) -> (Q,) in [0, 1]."""
    across, down = edges[:, [0, 2]], edges[:, [1, 3]]
    ratio = across.amin(dim=1) / across.amax(dim=1) * (down.amin(dim=1) / down.amax(dim=1))
    return ratio.sqrt()


def iou_of(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes that are given as distances from the same points: (Q, 4), (Q, 4) -> (Q,)."""
    overlap = edge_area(torch.minimum(a, b))
    return overlap / (edge_area(a) + edge_area(b) - overlap)


def edge_area(edges: Tensor) -> Tensor:
    """The area of a box by its edges' distances from a point: (Q, 4) -> (Q,)."""
    return (edges[:, 0] + edges[:, 2]) * (edges[:, 1] + edges[:, 3])


def without_bias(tower: nn.Sequential) -> None:
    """Remove the biases of a tower's convolutions: the normalisation after them cancels a bias."""
    for layer in tower:
        if isinstance(layer, nn.Conv2d):
            layer.register_parameter("bias", None)
