"""RetinaNet's head on a pyramid: towers, losses and decoding, from torchvision's parts.

Where the paper, the authors' code and torchvision differ, an argument chooses between them.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.retinanet import (
    RetinaNetClassificationHead,
    RetinaNetRegressionHead,
)
from torchvision.ops import sigmoid_focal_loss

from augfpn.detectors.anchors import OverlapMatcher, ReassigningMatcher, matches_of
from augfpn.detectors.boxes import Coder, padded
from augfpn.detectors.dense_detections import Outputs, one_hot
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
        self.coder = Coder((1.0, 1.0, 1.0, 1.0))

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
        """The losses of a batch. A GPU waits once, for two numbers of each picture."""
        logits, boxes = (torch.cat(outputs[name], dim=1) for name in ("logits", "boxes"))
        # (N, A, K'), (N, A, 4); A is the number of anchors of all levels
        whole = torch.cat(anchors)  # (A, 4)
        match = matches_of(self.matcher, [target["boxes"] for target in targets], whole)  # (N, A)
        kinds = torch.stack([match >= 0, match != Matcher.BETWEEN_THRESHOLDS])
        counts = kinds.sum(dim=2).tolist()  # for each picture: positive anchors, and used ones
        positive = torch.nonzero_static(kinds[0].flatten(), size=sum(counts[0]))[:, 0]  # (Q,)
        own = positive // len(whole), match.flatten()[positive]  # the picture, and its object
        labels, objects = (
            padded([target[name] for target in targets], least=1)[own]
            for name in ("labels", "boxes")
        )
        wanted = one_hot(logits, positive, labels - self.first_label)
        of_class = class_loss(logits, wanted, kinds[1], counts[1])
        of_box = self.box_loss(boxes.flatten(0, 1)[positive], whole[positive % len(whole)], objects)
        of_box = [x.sum() for x in of_box.split(counts[0])]
        return {
            "loss_classifier": self.normalised(of_class, counts[0]),
            "loss_box_reg": self.normalised(of_box, counts[0]),
        }

    def box_loss(self, predicted: Tensor, anchors: Tensor, objects: Tensor) -> Tensor:
        """L1 or smooth L1 loss of positive anchors: (Q, 4) each -> (Q, 4)."""
        wanted = self.coder.encode_single(objects, anchors)
        if self.beta == 0:
            return F.l1_loss(predicted, wanted, reduction="none")
        return F.smooth_l1_loss(predicted, wanted, beta=self.beta, reduction="none")

    def normalised(self, sums: list[Tensor], positives: list[int]) -> Tensor:
        """The loss of a batch (0-d) from the sums of its pictures, as ``normaliser`` says."""
        if self.normaliser == "batch":
            return sum(sums) / max(1, sum(positives))
        return sum(x / max(1, n) for x, n in zip(sums, positives, strict=True)) / len(sums)


def class_loss(logits: Tensor, wanted: Tensor, used: Tensor, counts: list[int]) -> list[Tensor]:
    """The focal loss of each picture, summed over its used anchors: N x 0-d.

    Shapes: logits and wanted (N, A, K'), used (N, A); ``counts`` are the numbers of used anchors.
    A GPU computes it for all pictures at once. On a CPU that would take twice as long as picture by
    picture, because it cannot use the memory of one picture again for the next.
    """
    at_once = len(logits) if logits.device.type == "cuda" else 1
    sums: list[Tensor] = []
    for a, b, mask in zip(*(x.split(at_once) for x in (logits, wanted, used)), strict=True):
        own = counts[len(sums) : len(sums) + at_once]
        rows = torch.nonzero_static(mask.flatten(), size=sum(own))[:, 0]
        loss = sigmoid_focal_loss(a, b).flatten(0, 1)[rows]  # (U, K')
        sums += [x.sum() for x in loss.split(own)]
    return sums
