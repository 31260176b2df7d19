"""The two-stage detector: Faster R-CNN's forward, written out over torchvision's parts.

torchvision's proposal network, matcher, sampler, box coder, heads and losses are used as they are.
Its forward is not, because it hides the sampled RoIs that Consistent Supervision shares.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.errors import UserError
from augfpn.pyramid import FPN, Boxes, ConsistentSupervision, Levels, Losses, Samples

Targets = list[dict[str, Tensor]]
Detections = list[dict[str, Tensor]]
Criterion = Callable[..., tuple[Tensor, Tensor]]


class TwoStage(nn.Module):
    """Faster R-CNN on a feature pyramid; with AugFPN's parts given, AugFPN.

    Source: paper Figure 2. Called as torchvision's detectors are.
    Shapes: pictures are a list of (3, H_i, W_i) in [0, 1], of any size; targets a list of dicts
    with ``boxes`` (R_i, 4) pixels of that picture and ``labels`` (R_i,) from 1.
    In training mode it returns losses (0-d, already weighted: their sum is what to minimise), in
    evaluation mode a dict per picture: ``boxes`` (D, 4), ``scores`` (D,), ``labels`` (D,).
    Raises ``UserError`` for targets that are missing or hold a box without area.

    ``select`` turns P and boxes into RoI features; ``heads`` is torchvision's `RoIHeads`, used for
    sampling, head, predictor and post-processing, never for its forward. ``criterion`` is
    `roi_loss` at some beta.
    """

    def __init__(
        self,
        transform: GeneralizedRCNNTransform,
        backbone: nn.Module,
        fpn: FPN,
        rpn: RegionProposalNetwork,
        select: nn.Module,
        heads: RoIHeads,
        criterion: Criterion,
        supervision: ConsistentSupervision | None = None,
    ) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.fpn = fpn
        self.rpn = rpn
        self.select = select
        self.heads = heads
        self.criterion = criterion
        self.supervision = supervision

    def forward(
        self, pictures: Sequence[Tensor], targets: Targets | None = None
    ) -> Losses | Detections:
        sizes = [tuple(picture.shape[-2:]) for picture in pictures]
        batch, targets = self.transform(list(pictures), self.checked(targets))
        m, p = self.fpn(self.backbone(batch.tensors))
        proposals, losses = self.rpn(batch, with_p6(p), targets)
        if not self.training:
            found = self.detect(p, proposals, batch)
            return self.transform.postprocess(found, batch.image_sizes, sizes)
        samples = self.sample(proposals, targets)
        losses |= self.box_losses(p, samples)
        if self.supervision is not None:
            losses |= self.supervision(m, samples)
        return losses

    def checked(self, targets: Targets | None) -> Targets | None:
        """The targets, or a ``UserError`` before any work is done."""
        if not self.training:
            return None
        if targets is None:
            raise UserError("targets are missing: in training mode, pass a dict for each picture.")
        for place, target in enumerate(targets):
            flat = (target["boxes"][:, 2:] <= target["boxes"][:, :2]).any(dim=1)
            if flat.any():
                box = target["boxes"][flat][0].tolist()
                raise UserError(
                    f"target {place} holds the box {box} (x1, y1, x2, y2) without area: leave it "
                    "out, or give it x2 > x1 and y2 > y1."
                )
        return targets

    def sample(self, proposals: Boxes, targets: Targets) -> Samples:
        """Choose the RoIs to learn from: the objects' own boxes and some of the proposals."""
        boxes, matches, labels, deltas = self.heads.select_training_samples(proposals, targets)
        return Samples(boxes, labels, deltas, matches)

    def predict(self, p: Levels, boxes: Boxes) -> tuple[Tensor, Tensor]:
        """Class logits (R, classes + 1) and box offsets (R, 4 (classes + 1)) of all boxes."""
        return self.heads.box_predictor(self.heads.box_head(self.select(p, boxes)))

    def box_losses(self, p: Levels, samples: Samples) -> Losses:
        logits, deltas = self.predict(p, samples.boxes)
        of_class, of_box = self.criterion(logits, deltas, samples.labels, samples.deltas)
        return {"loss_classifier": of_class, "loss_box_reg": of_box}

    def detect(self, p: Levels, proposals: Boxes, batch: ImageList) -> Detections:
        """Detections in pixels of the batch, before they go back to the pictures' own sizes."""
        logits, deltas = self.predict(p, proposals)
        found = self.heads.postprocess_detections(logits, deltas, proposals, batch.image_sizes)
        return [
            {"boxes": boxes, "labels": labels, "scores": scores}
            for boxes, scores, labels in zip(*found, strict=True)
        ]


def roi_loss(
    logits: Tensor, deltas: Tensor, labels: list[Tensor], wanted: list[Tensor], beta: float
) -> tuple[Tensor, Tensor]:
    """Cross-entropy over the RoIs, and smooth L1 of the objects' offsets over the number of RoIs.

    Shapes: logits (R, K + 1), deltas (R, 4 (K + 1)); labels and wanted as in `Samples`; 0-d each.
    Differs: ``beta`` is where smooth L1 turns from square to line: 1 in the authors' code, fixed
    at 1/9 in torchvision, to whose loss this is then equal bit for bit.
    """
    label, target = torch.cat(labels), torch.cat(wanted)
    objects = torch.where(label > 0)[0]
    own = deltas.reshape(len(label), -1, 4)[objects, label[objects]]  # (objects, 4)
    of_box = F.smooth_l1_loss(own, target[objects], beta=beta, reduction="sum") / label.numel()
    return F.cross_entropy(logits, label), of_box


def with_p6(p: Levels) -> Levels:
    """P2..P5 and P6, every second place of P5: only the proposal network sees it."""
    return p | {6: F.max_pool2d(p[5], kernel_size=1, stride=2)}


def parameter_count(module: nn.Module) -> int:
    """How many parameters the module holds, frozen ones too."""
    return sum(q.numel() for q in module.parameters())


def without_supervision(detector: TwoStage) -> TwoStage:
    """The detector without its training-only head: what one deploys. Changes it in place."""
    detector.supervision = None
    return detector
