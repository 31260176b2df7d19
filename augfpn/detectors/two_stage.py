"""The two forwards, written out over torchvision's parts: `TwoStage` and `OneStage`.

torchvision's proposal network, matchers, sampler, box coders and heads are used as they are. Its
forwards are not, because they hide the sampled RoIs that Consistent Supervision shares.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.detectors.anchors import Anchors
from augfpn.detectors.dense import Limits, Outputs, detect
from augfpn.detectors.masks import MaskBranch, MaskSupervision, mask_samples
from augfpn.errors import UserError
from augfpn.pyramid import FPN, Boxes, ConsistentSupervision, Levels, Losses, Samples

Targets = list[dict[str, Tensor]]
Detections = list[dict[str, Tensor]]
Criterion = Callable[..., tuple[Tensor, Tensor]]


class TwoStage(nn.Module):
    """Faster R-CNN on a feature pyramid, Mask R-CNN with ``masks``; with AugFPN's parts, AugFPN.

    Source: paper Figure 2. Called as torchvision's detectors are.
    Shapes: pictures are a list of (3, H_i, W_i) in [0, 1], of any size; targets a list of dicts
    with ``boxes`` (R_i, 4) pixels of that picture, ``labels`` (R_i,) from 1 and, for masks,
    ``masks`` (R_i, H_i, W_i) of 0 and 1.
    In training mode it returns losses (0-d, already weighted: their sum is what to minimise), in
    evaluation mode a dict per picture: ``boxes`` (D, 4), ``scores`` (D,), ``labels`` (D,) and, for
    masks, ``masks`` (D, 1, H_i, W_i) from 0 to 1.
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
        masks: MaskBranch | None = None,
        mask_supervision: MaskSupervision | None = None,
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
        self.masks = masks
        self.mask_supervision = mask_supervision

    def forward(
        self, pictures: Sequence[Tensor], targets: Targets | None = None
    ) -> Losses | Detections:
        sizes = [tuple(picture.shape[-2:]) for picture in pictures]
        if self.training:
            check(targets, masks=self.masks is not None)
        batch, targets = self.transform(list(pictures), targets if self.training else None)
        m, p = self.fpn(self.backbone(batch.tensors))
        proposals, losses = self.rpn(batch, with_p6(p), targets)
        if not self.training:
            found = self.detect(p, proposals, batch)
            return self.transform.postprocess(found, batch.image_sizes, sizes)
        samples = self.sample(proposals, targets)
        losses |= self.box_losses(p, samples)
        if self.supervision is not None:
            losses |= self.supervision(m, samples)
        if self.masks is not None:
            objects = mask_samples(samples, targets)
            losses |= self.masks(p, objects)
            if self.mask_supervision is not None:
                losses |= self.mask_supervision(m, objects)
        return losses

    def sample(self, proposals: Boxes, targets: Targets) -> Samples:
        """Choose the RoIs to learn from: the objects' own boxes and some of the proposals."""
        return sampled(self.heads, proposals, targets)

    def predict(self, p: Levels, boxes: Boxes) -> tuple[Tensor, Tensor]:
        """Class logits (R, classes + 1) and box offsets (R, 4 (classes + 1)) of all boxes."""
        logits, deltas = self.heads.box_predictor(self.heads.box_head(self.select(p, boxes)))
        return logits.float(), deltas.float()  # boxes are decoded in their precision

    def box_losses(self, p: Levels, samples: Samples) -> Losses:
        logits, deltas = self.predict(p, samples.boxes)
        of_class, of_box = self.criterion(logits, deltas, samples.labels, samples.deltas)
        return {"loss_classifier": of_class, "loss_box_reg": of_box}

    def detect(self, p: Levels, proposals: Boxes, batch: ImageList) -> Detections:
        """Detections in pixels of the batch, before they go back to the pictures' own sizes."""
        logits, deltas = self.predict(p, proposals)
        found = self.heads.postprocess_detections(logits, deltas, proposals, batch.image_sizes)
        detections = [
            {"boxes": boxes, "labels": labels, "scores": scores}
            for boxes, scores, labels in zip(*found, strict=True)
        ]
        return detections if self.masks is None else self.masks.detect(p, detections)


class OneStage(nn.Module):
    """RetinaNet or FCOS on a feature pyramid; with AugFPN's parts given, AugFPN.

    Source: paper 4.2, Table 1. Called, and answers, as `TwoStage` does; levels 3 to 7.
    Soft RoI Selection has no place here. Consistent Supervision has: the detector's own boxes, in
    place of proposals, are pooled from M3..M5, and a head like Faster R-CNN's learns from them.

    ``dense`` is the head on all levels, see `augfpn.detectors.dense.DenseHead`. ``limits`` say which of its
    predictions are detections, ``supervision_limits`` which are RoIs; ``sampler`` is torchvision's
    `RoIHeads`, used only to choose among these. An object's own box is always a RoI, so a picture
    in which nothing is detected yet trains on.
    """

    def __init__(
        self,
        transform: GeneralizedRCNNTransform,
        backbone: nn.Module,
        fpn: FPN,
        anchors: Anchors,
        dense: nn.Module,
        limits: Limits,
        sampler: RoIHeads | None = None,
        supervision_limits: Limits | None = None,
        supervision: ConsistentSupervision | None = None,
    ) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.fpn = fpn
        self.anchors = anchors
        self.dense = dense
        self.limits = limits
        self.sampler = sampler
        self.supervision_limits = supervision_limits
        self.supervision = supervision

    def forward(
        self, pictures: Sequence[Tensor], targets: Targets | None = None
    ) -> Losses | Detections:
        sizes = [tuple(picture.shape[-2:]) for picture in pictures]
        if self.training:
            check(targets)
        batch, targets = self.transform(list(pictures), targets if self.training else None)
        m, p = self.fpn(self.backbone(batch.tensors))
        maps = list(p.values())  # P3..P7
        outputs = self.dense(maps)
        anchors = self.anchors.by_level(batch, maps)
        if not self.training:
            found = detect(self.dense, outputs, anchors, batch.image_sizes, self.limits)
            return self.transform.postprocess(found, batch.image_sizes, sizes)
        losses = self.dense.losses(outputs, anchors, targets)
        if self.supervision is not None:
            rois = self.own_boxes(outputs, anchors, batch)
            losses |= self.supervision(m, sampled(self.sampler, rois, targets))
        return losses

    @torch.no_grad()
    def own_boxes(self, outputs: Outputs, anchors: Boxes, batch: ImageList) -> Boxes:
        """What is detected now, for Consistent Supervision: N x (R_i, 4)."""
        found = detect(self.dense, outputs, anchors, batch.image_sizes, self.supervision_limits)
        return [each["boxes"] for each in found]


def check(targets: Targets | None, masks: bool = False) -> None:
    """Raise ``UserError`` for targets that nothing can be learned from."""
    if targets is None:
        raise UserError("targets are missing: in training mode, pass a dict for each picture.")
    for place, target in enumerate(targets):
        if masks and "masks" not in target:
            raise UserError(
                f"target {place} has no masks, which Mask R-CNN learns from: add masks (R, H, W) "
                "of 0 and 1 for its R boxes, or use a Faster R-CNN."
            )
        flat = (target["boxes"][:, 2:] <= target["boxes"][:, :2]).any(dim=1)
        if flat.any():
            box = target["boxes"][flat][0].tolist()
            raise UserError(
                f"target {place} holds the box {box} (x1, y1, x2, y2) without area: leave it "
                "out, or give it x2 > x1 and y2 > y1."
            )


def sampled(sampler: RoIHeads, proposals: Boxes, targets: Targets) -> Samples:
    """The RoIs to learn from, by torchvision's matcher and sampler."""
    boxes, matches, labels, deltas = sampler.select_training_samples(proposals, targets)
    return Samples(boxes, labels, deltas, matches)


def roi_loss(
    logits: Tensor, deltas: Tensor, labels: list[Tensor], wanted: list[Tensor], beta: float
) -> tuple[Tensor, Tensor]:
    """Cross-entropy over the RoIs, and smooth L1 of the objects' offsets over the number of RoIs.

    Shapes: logits (R, K + 1), deltas (R, 4 (K + 1)); labels and wanted as in `Samples`; 0-d each.
    Differs: ``beta`` is where smooth L1 turns from square to line: 1 in the authors' code, fixed
    at 1/9 in torchvision, to whose loss this is then equal bit for bit. Without any RoI both are 0.
    """
    label, target = torch.cat(labels), torch.cat(wanted)
    if not len(label):
        return logits.sum() * 0, deltas.sum() * 0  # a mean over nothing is no number
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


def without_supervision(detector: TwoStage | OneStage) -> TwoStage | OneStage:
    """The detector without its training-only heads: what one deploys. Changes it in place."""
    detector.supervision = None
    if isinstance(detector, TwoStage):
        detector.mask_supervision = None
    return detector
