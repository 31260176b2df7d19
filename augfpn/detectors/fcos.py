"""FCOS's head on a pyramid: towers, assignment, losses and decoding, from torchvision's parts.

Where the paper, the authors' code and torchvision differ, an argument chooses between them.
"""

from functools import reduce
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxLinearCoder
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSRegressionHead
from torchvision.ops import box_area, sigmoid_focal_loss

from augfpn.detectors.anchors import MOST_OVERLAPS
from augfpn.detectors.boxes import padded
from augfpn.detectors.dense_detections import Outputs, one_hot
from augfpn.detectors.targets import Targets
from augfpn.pyramid import Boxes, Losses

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
        """The losses of a batch. A GPU waits once, for the number of positive points."""
        logits, predicted, centerness = (
            torch.cat(outputs[name], dim=1).flatten(0, 1)
            for name in ("logits", "boxes", "centerness")
        )  # (N A, K'), (N A, 4), (N A, 1); A is the number of points of all levels
        whole = torch.cat(anchors)  # (A, 4)
        match = self.match(anchors, [target["boxes"] for target in targets]).flatten()
        points = torch.where(match >= 0)[0]  # (Q,)
        own = points // len(whole), match[points]  # the picture, and its object
        labels, boxes = (
            padded([target[name] for target in targets], least=1)[own]
            for name in ("labels", "boxes")
        )
        of_class = sigmoid_focal_loss(
            logits, one_hot(logits, points, labels - self.first_label), reduction="sum"
        )
        whole = whole[points % len(whole)]  # (Q, 4)
        edges = self.coder.encode(whole, boxes)  # (Q, 4), in strides
        central = centerness_of(edges)
        pictures = len(targets) if self.normaliser == "points_and_pictures" else 0
        return {
            "loss_classifier": of_class / max(1, len(points) + pictures),
            "loss_box_reg": self.of_boxes(predicted[points], edges, whole, boxes, central),
            "loss_centerness": F.binary_cross_entropy_with_logits(
                centerness[points].squeeze(1), central, reduction="sum"
            )
            / max(1, len(points)),
        }

    def of_boxes(
        self, predicted: Tensor, edges: Tensor, anchors: Tensor, boxes: Tensor, central: Tensor
    ) -> Tensor:
        """Generalised IoU loss, the mean over points, or -log IoU weighted by centerness."""
        if self.box_loss == "giou":
            found = self.coder.decode(predicted, anchors)
            return (1 - generalised_iou(found, boxes)).sum() / max(1, len(boxes))
        miss = -iou_of(predicted, edges).clamp(min=1e-6).log()
        return (miss * central).sum() / central.sum().clamp(min=1e-6)

    def match(self, anchors: list[Tensor], objects: Boxes) -> Tensor:
        """The object of every point, or -1: anchors of each level, N x (R_i, 4) -> (N, A).

        A point belongs to the smallest box around it whose furthest edge is within the range of
        the point's level: 0 to 64 px at P3, 64 to 128 at P4, ..., 512 and more at P7.
        Differs: torchvision compares 1e8 - area in single precision, which cannot tell areas
        apart that differ by less than 8 px^2; here the areas themselves are compared.
        """
        boxes, whole = padded(objects), torch.cat(anchors)  # (N, R, 4), (A, 4)
        if not boxes.shape[1]:
            return torch.full((len(boxes), len(whole)), -1, device=whole.device)
        stride = (whole[:, 2] - whole[:, 0])[:, None]  # (A, 1)
        near, far = NEAREST * stride, FURTHEST * stride
        near[: len(anchors[0])] = 0
        far[-len(anchors[-1]) :] = torch.inf
        at_once = max(1, MOST_OVERLAPS // (boxes.shape[1] * len(whole)))
        return torch.cat([self.smallest(some, whole, near, far) for some in boxes.split(at_once)])

    def smallest(self, boxes: Tensor, anchors: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """The smallest box that answers for each point, or -1: (N, R, 4), (A, 4) -> (N, A)."""
        x, y = ((anchors[:, :2] + anchors[:, 2:]) / 2)[:, None].unbind(dim=2)  # (A, 1)
        x1, y1, x2, y2 = boxes[:, None].unbind(dim=3)  # (N, 1, R)
        edges = (x - x1, y - y1, x2 - x, y2 - y)  # (N, A, R) each
        furthest, nearest = reduce(torch.maximum, edges), reduce(torch.minimum, edges)
        answers = (nearest > 0) & self.in_range(furthest, near, far)
        if self.centre_radius is not None:
            off = torch.maximum((x - (x1 + x2) / 2).abs(), (y - (y1 + y2) / 2).abs())
            answers &= off < self.centre_radius * (anchors[:, 2] - anchors[:, 0])[:, None]
        area = (x2 - x1) * (y2 - y1)
        smallest, match = torch.where(answers, area, torch.inf).min(dim=2)
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
    across, down = edges[:, 0::2], edges[:, 1::2]
    ratio = across.amin(dim=1) / across.amax(dim=1) * (down.amin(dim=1) / down.amax(dim=1))
    return ratio.sqrt()


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of pairs of boxes, (Q, 4) and (Q, 4) -> (Q,).

    It is 1 minus torchvision's ``generalized_box_iou_loss``, bit for bit, whose boolean masks a GPU
    would wait for.
    """
    corner, end = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    overlap = torch.where(
        (end > corner).all(dim=1), (end - corner)[:, 0] * (end - corner)[:, 1], 0.0
    )
    union = box_area(a) + box_area(b) - overlap
    hull = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    hull = hull[:, 0] * hull[:, 1]
    return overlap / (union + 1e-7) - (hull - union) / (hull + 1e-7)


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
