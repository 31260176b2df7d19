"""torchvision's region proposal network (RPN), its forward written out for the authors' options."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import (
    RegionProposalNetwork,
    RPNHead,
    concat_box_prediction_layers,
)

from augfpn.detectors.anchors import Anchors, OverlapMatcher, ReassigningMatcher, matches_of
from augfpn.detectors.boxes import Coder, borders, clipped, has_least_side, lies_inside, padded
from augfpn.detectors.sampling import draw
from augfpn.detectors.suppression import best_after_nms
from augfpn.detectors.targets import Targets
from augfpn.pyramid import Boxes, Levels, Losses

Size = tuple[int, int]  # height, width in pixels of the batch
BETA = 1 / 9  # of the smooth L1 loss: torchvision's and the authors'


class ProposalNetwork(RegionProposalNetwork):
    """torchvision's RPN for all pictures at once; it can exclude anchors that cross the border.

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
        self.box_coder = Coder(self.box_coder.weights)
        self.proposal_matcher = matcher
        self.border_anchors = border_anchors
        self.min_size = least_proposal

    def forward(
        self, batch: ImageList, p: Levels, targets: Targets | None = None
    ) -> tuple[Boxes, Losses]:
        maps = list(p.values())
        logits, deltas = self.predict(maps)  # (N, A), (N, A, 4)
        anchors = self.anchor_generator.by_level(batch, maps)
        boxes, best, counts = self.candidates(logits.detach(), deltas.detach(), anchors)
        proposals, _ = self.filter_proposals(boxes, best, batch.image_sizes, counts)
        if not self.training:
            return proposals, {}
        return proposals, self.losses(logits, deltas, torch.cat(anchors), targets, batch)

    def predict(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (N, A) and deltas (N, A, 4) of the anchors of all levels."""
        logits, deltas = concat_box_prediction_layers(*self.head(maps))  # (N A, 1), (N A, 4)
        # Boxes are decoded in this precision.
        return logits.float().view(len(maps[0]), -1), deltas.float().view(len(maps[0]), -1, 4)

    def candidates(
        self, logits: Tensor, deltas: Tensor, anchors: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[int]]:
        """The best of each level, level by level: boxes (N, K, 4), logits (N, K), numbers of each.

        Shapes: logits (N, A), deltas (N, A, 4), the anchors of each level.
        """
        places, start = [], 0
        for of_level in logits.split([a.shape[0] for a in anchors], dim=1):
            number = of_level.shape[1]
            count = torch.sym_min(self.pre_nms_top_n(), number)  # not min: export traces this line
            places.append(of_level.topk(count, dim=1).indices + start)
            start += number
        best = torch.cat(places, dim=1)  # (N, K)
        deltas = deltas.gather(1, best[:, :, None].expand(-1, -1, 4))  # as export can trace it
        boxes = self.box_coder.decode_single(
            deltas.flatten(0, 1), torch.cat(anchors)[best.flatten()]
        )
        counts = [each.shape[1] for each in places]
        return boxes.view_as(deltas), logits.gather(1, best), counts

    def filter_proposals(
        self, boxes: Tensor, logits: Tensor, sizes: Sequence[Size], counts: list[int]
    ) -> tuple[Boxes, list[Tensor]]:
        """The proposals of each picture and their scores: the best that suppression keeps.

        Shapes: candidates (N, K, 4) and (N, K), of which ``counts`` are of each level -> N x
        (R_i, 4) and N x (R_i,), best first; no box crosses its picture's border.
        """
        boxes = clipped(boxes, borders(sizes, boxes.device)[:, None])
        scores = logits.sigmoid()
        levels = [torch.full((n,), i, device=boxes.device) for i, n in enumerate(counts)]
        best, numbers = best_after_nms(
            boxes,
            scores,
            torch.cat(levels).expand_as(scores),
            has_least_side(boxes, self.min_size),
            iou=self.nms_thresh,
            most=self.post_nms_top_n(),
        )
        boxes, scores = (list(x.flatten(0, 1)[best].split(numbers)) for x in (boxes, scores))
        return boxes, scores

    def losses(
        self,
        logits: Tensor,
        deltas: Tensor,
        anchors: Tensor,
        targets: Targets,
        batch: ImageList,
    ) -> Losses:
        """torchvision's losses on a sample of the anchors; 0 if no anchor of the batch is used.

        Shapes: logits (N, A), deltas (N, A, 4), anchors (A, 4).
        """
        objects = [target["boxes"] for target in targets]
        match = self.match(objects, anchors, batch.image_sizes)
        drawn = draw(match + 1, self.fg_bg_sampler)
        positives = drawn.positives
        rows = torch.cat([positives, drawn.negatives])
        if not len(rows):
            return {"loss_objectness": logits.sum() * 0, "loss_rpn_box_reg": deltas.sum() * 0}
        picture, place = positives // len(anchors), positives % len(anchors)
        of_object = padded(objects, least=1)[picture, match.flatten()[positives]]
        wanted = self.box_coder.encode_single(of_object, anchors[place])
        found = deltas.flatten(0, 1)[positives]
        of_box = F.smooth_l1_loss(found, wanted, beta=BETA, reduction="sum") / len(rows)
        label = (match.flatten()[rows] >= 0).to(logits.dtype)
        of_class = F.binary_cross_entropy_with_logits(logits.flatten()[rows], label)
        return {"loss_objectness": of_class, "loss_rpn_box_reg": of_box}

    def match(self, objects: Boxes, anchors: Tensor, sizes: Sequence[Size]) -> Tensor:
        """The object of each anchor, N x (R_i, 4) and (A, 4) -> (N, A), or -1, -2."""
        if self.border_anchors:
            return matches_of(self.proposal_matcher, objects, anchors)
        usable = lies_inside(anchors, sizes)
        match = matches_of(self.proposal_matcher, objects, anchors, usable)
        return match.masked_fill(~usable, Matcher.BETWEEN_THRESHOLDS)
