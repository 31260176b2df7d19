"""RetinaNet's head on a pyramid: towers, losses and decoding, from torchvision's parts.

Where the paper, the authors' code and torchvision differ, an argument chooses between them.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.retinanet import (
    RetinaNetClassificationHead,
    RetinaNetRegressionHead,
)
from torchvision.ops import box_iou, sigmoid_focal_loss

from augfpn.detectors.anchors import OverlapMatcher, ReassigningMatcher
from augfpn.detectors.one_stage import Outputs
from augfpn.detectors.targets import Targets
from augfpn.pyramid import Losses


class RetinaNetHead(nn.Module):
    """RetinaNet's head, shared by all levels.

    Source: Lin et al., ICCV 2017. `augfpn.config.RetinaNet` explains the options.
    Shapes: maps (N, C, h, w) -> ``logits`` (N, A, K') and ``boxes`` (N, A, 4) of each level, the
    latter encoded against anchors (A, 4). The anchors of a place follow each other.

    ``normaliser``: "picture" divides each picture's loss by the number of its positive anchors and
    takes the mean over pictures; "batch" divides the sum by the number of positive anchors in the
    whole batch. ``beta`` is that of smooth L1; 0 is L1.
    """

    def __init__(
        self,
        *,
        channels: int,
        anchors: int,
        classes: int,
        background_logit: bool,
        matcher: OverlapMatcher | ReassigningMatcher,
        normaliser: Literal["picture", "batch"],
        beta: float,
    ) -> None:
        super().__init__()
        self.classification_head = RetinaNetClassificationHead(
            channels, anchors, classes + background_logit
        )
        self.regression_head = RetinaNetRegressionHead(channels, anchors)
        self.first_label = 0 if background_logit else 1
        self.matcher = matcher
        self.normaliser = normaliser
        self.beta = beta
        self.coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))

    def forward(self, maps: list[Tensor]) -> Outputs:
        return {
            "logits": [self.classification_head([x]).float() for x in maps],
            "boxes": [self.regression_head([x]).float() for x in maps],
        }

    def scores(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        scores = outputs["logits"].sigmoid()
        return scores, scores

    def decode(self, predicted: Tensor, anchors: Tensor) -> Tensor:
        return self.coder.decode_single(predicted, anchors)

    def losses(self, outputs: Outputs, anchors: list[Tensor], targets: Targets) -> Losses:
        logits, boxes = (torch.cat(outputs[name], dim=1) for name in ("logits", "boxes"))
        whole = torch.cat(anchors)
        matches = [self.match(whole, target["boxes"]) for target in targets]
        terms = [
            (
                self.class_loss(logits[i], match, target["labels"]),
                self.box_loss(boxes[i], whole, match, target["boxes"]),
            )
            for i, (match, target) in enumerate(zip(matches, targets, strict=True))
        ]
        objects = [max(1, int((match >= 0).sum())) for match in matches]
        if self.normaliser == "batch":
            total = max(1, sum(int((match >= 0).sum()) for match in matches))
            of_class, of_box = (sum(term) / total for term in zip(*terms, strict=True))
        else:
            of_class, of_box = (
                sum(x / n for x, n in zip(term, objects, strict=True)) / len(targets)
                for term in zip(*terms, strict=True)
            )
        return {"loss_classifier": of_class, "loss_box_reg": of_box}

    def match(self, anchors: Tensor, boxes: Tensor) -> Tensor:
        """Each anchor's object: boxes (R, 4) -> (A,); -1 for background, -2 for neither."""
        if not len(boxes):
            return torch.full((len(anchors),), -1, device=anchors.device)
        return self.matcher(box_iou(boxes, anchors))

    def class_loss(self, logits: Tensor, match: Tensor, labels: Tensor) -> Tensor:
        """Focal loss, summed over all anchors except those between the thresholds."""
        wanted = torch.zeros_like(logits)
        objects = match >= 0
        wanted[objects, labels[match[objects]] - self.first_label] = 1.0
        used = match != Matcher.BETWEEN_THRESHOLDS
        return sigmoid_focal_loss(logits[used], wanted[used], reduction="sum")

    def box_loss(self, predicted: Tensor, anchors: Tensor, match: Tensor, boxes: Tensor) -> Tensor:
        """L1 or smooth L1 loss, summed over the positive anchors."""
        objects = torch.where(match >= 0)[0]
        wanted = self.coder.encode_single(boxes[match[objects]], anchors[objects])
        if self.beta == 0:
            return F.l1_loss(predicted[objects], wanted, reduction="sum")
        return F.smooth_l1_loss(predicted[objects], wanted, beta=self.beta, reduction="sum")
