"""torchvision's region proposal network (RPN), its forward written out for the authors' options."""

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import (
    RegionProposalNetwork,
    RPNHead,
    concat_box_prediction_layers,
)

from augfpn.detectors.anchors import Anchors, OverlapMatcher, ReassigningMatcher, lies_inside
from augfpn.detectors.targets import Targets
from augfpn.pyramid import Boxes, Levels, Losses


class ProposalNetwork(RegionProposalNetwork):
    """torchvision's RPN, which can also exclude anchors that cross the border from training.

    Source: Faster R-CNN; paper Figure 2. The thresholds are those of torchvision and the authors.
    ``batch``: anchors per picture that the losses sample. ``candidates``: boxes per level before
    non-maximum suppression, and ``proposals``: boxes per picture after it, each a number for
    training and one for inference.
    ``border_anchors``: whether anchors that cross the picture's border are used in training.
    ``least_proposal``: the least width and height of a proposal in pixels.
    Shapes: p[k] (N, C, H/2^k, W/2^k) for P2..P6 -> N x (R_i, 4) pixels of the batch, two losses.
    Differs: `augfpn.settings.dialects` lists where the authors' code and torchvision differ.
    """

    def __init__(
        self,
        *,
        channels: int,
        anchors: Anchors,
        matcher: OverlapMatcher | ReassigningMatcher,
        batch: int,
        candidates: tuple[int, int],
        proposals: tuple[int, int],
        border_anchors: bool,
        least_proposal: float,
    ) -> None:
        super().__init__(
            anchors,
            RPNHead(channels, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=batch,
            positive_fraction=0.5,
            pre_nms_top_n={"training": candidates[0], "testing": candidates[1]},
            post_nms_top_n={"training": proposals[0], "testing": proposals[1]},
            nms_thresh=0.7,
        )
        self.proposal_matcher = matcher
        self.border_anchors = border_anchors
        self.min_size = least_proposal

    def forward(
        self, batch: ImageList, p: Levels, targets: Targets | None = None
    ) -> tuple[Boxes, Losses]:
        maps = list(p.values())
        logits, deltas = self.head(maps)
        counts = [x[0].numel() for x in logits]
        logits, deltas = concat_box_prediction_layers(logits, deltas)  # (N A, 1), (N A, 4)
        logits, deltas = logits.float(), deltas.float()  # boxes are decoded in this precision
        anchors = self.anchor_generator(batch, maps)
        boxes = self.box_coder.decode_single(deltas.detach(), torch.cat(anchors))
        boxes = boxes.view(len(anchors), -1, 4)
        proposals, _ = self.filter_proposals(boxes, logits, batch.image_sizes, counts)
        if not self.training:
            return proposals, {}
        labels, matched = self.assign(anchors, targets, batch.image_sizes)
        wanted = self.box_coder.encode(matched, anchors)
        of_class, of_box = self.compute_loss(logits, deltas, labels, wanted)
        return proposals, {"loss_objectness": of_class, "loss_rpn_box_reg": of_box}

    def compute_loss(
        self, logits: Tensor, deltas: Tensor, labels: list[Tensor], wanted: Boxes
    ) -> tuple[Tensor, Tensor]:
        """torchvision's losses, which are means; 0 if no anchor of the batch is used."""
        if self.border_anchors or any((label >= 0).any() for label in labels):
            return super().compute_loss(logits, deltas, labels, wanted)
        return logits.sum() * 0, deltas.sum() * 0

    def assign(
        self, anchors: Boxes, targets: Targets, sizes: list[tuple[int, int]]
    ) -> tuple[list[Tensor], Boxes]:
        """Each anchor's label (1 object, 0 background, -1 ignored) and its ground-truth box."""
        if self.border_anchors:
            return self.assign_targets_to_anchors(anchors, targets)
        usable = [lies_inside(a, size) for a, size in zip(anchors, sizes, strict=True)]
        # An anchor without area overlaps nothing, so that no object is matched to it.
        kept = [torch.where(u[:, None], a, 0.0) for a, u in zip(anchors, usable, strict=True)]
        labels, matched = self.assign_targets_to_anchors(kept, targets)
        for label, u in zip(labels, usable, strict=True):
            label[~u] = -1.0
        return labels, matched
