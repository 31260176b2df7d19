"""Faster and Mask R-CNN: the forward written out over torchvision's parts.

The proposal network, matchers, sampler, box coders and heads are torchvision's, or subclasses that
take all images of a batch at once. torchvision's forward is not used, because it hides the sampled
RoIs that Consistent Supervision shares.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

from augfpn.detectors.masks import MaskBranch, MaskSupervision, mask_samples
from augfpn.detectors.targets import Detections, Targets, check_targets, sample_rois
from augfpn.detectors.transform import Transform
from augfpn.errors import UserError
from augfpn.pyramid import FPN, Boxes, ConsistentSupervision, Levels, Losses, Samples
from augfpn.speed.heads import head_of_rois

Criterion = Callable[..., tuple[Tensor, Tensor]]


class TwoStage(nn.Module):
    """Faster R-CNN, or Mask R-CNN if ``masks`` is given, on FPN or AugFPN.

    Source: paper Figure 2. It is called like torchvision's detectors.
    Shapes: pictures are a list of (3, H_i, W_i) in [0, 1], of any size; targets a list of dicts
    with ``boxes`` (R_i, 4) pixels of that picture, ``labels`` (R_i,) from 1 and, for masks,
    ``masks`` (R_i, H_i, W_i) of 0 and 1.
    In training mode it returns losses (0-d, already weighted: minimise their sum), in evaluation
    mode a dict per picture: ``boxes`` (D, 4), ``scores`` (D,), ``labels`` (D,) and, for masks,
    ``masks`` (D, 1, H_i, W_i) from 0 to 1.
    Raises ``UserError`` for targets that are missing or have a box without area.

    ``select`` turns P and boxes into RoI features; ``heads`` is torchvision's `RoIHeads`, used for
    sampling, head, predictor and post-processing, never for its forward. ``criterion`` is
    `roi_loss` with its beta fixed.
    """

    def __init__(
        self,
        *,
        transform: Transform,
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
            check_targets(targets, masks=self.masks is not None)
        batch, targets = self.transform(list(pictures), targets if self.training else None)
        m, p = self.fpn(self.backbone(batch.tensors))
        proposals, losses = self.rpn(batch, self.with_p6(p), targets)
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

    def with_p6(self, p: Levels) -> Levels:
        """The maps that the proposal network takes: see the function `with_p6`."""
        return with_p6(p)

    def sample(self, proposals: Boxes, targets: Targets) -> Samples:
        """Sample the RoIs of a training step from the proposals and the ground-truth boxes."""
        return sample_rois(self.heads, proposals, targets)

    def predict(self, p: Levels, boxes: Boxes) -> tuple[Tensor, Tensor]:
        """Class logits (R, classes + 1) and box deltas (R, 4 (classes + 1)) of all boxes."""
        hidden = head_of_rois(self.heads.box_head, self.select, p, boxes)
        logits, deltas = self.heads.box_predictor(hidden)
        return logits.float(), deltas.float()  # boxes are decoded in this precision

    def box_losses(self, p: Levels, samples: Samples) -> Losses:
        logits, deltas = self.predict(p, samples.boxes)
        of_class, of_box = self.criterion(
            logits, deltas, samples.labels, samples.deltas, objects=samples.objects
        )
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


def with_p6(p: Levels) -> Levels:
    """P2..P5 and P6, which is every second place of P5; only the proposal network takes P6."""
    return p | {6: F.max_pool2d(p[5], kernel_size=1, stride=2)}


def roi_loss(
    logits: Tensor,
    deltas: Tensor,
    labels: list[Tensor],
    wanted: list[Tensor],
    beta: float,
    objects: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Cross-entropy and smooth L1 losses, both divided by the number of all RoIs.

    Smooth L1 is summed over the positive RoIs only. Without any RoI both losses are 0.
    Shapes: logits (R, K + 1), deltas (R, 4 (K + 1)); labels, wanted and objects as in `Samples`;
    0-d each. ``objects`` are the positive RoIs; without them they are looked for.
    Differs: at ``beta`` smooth L1 changes from quadratic to linear. It is 1 in the authors' code
    and fixed at 1/9 in torchvision; at 1/9 our losses equal torchvision's bit for bit.
    """
    label, target = torch.cat(labels), torch.cat(wanted)
    if not len(label):
        return logits.sum() * 0, deltas.sum() * 0  # the mean over no RoI would be NaN
    if objects is None:
        objects = torch.where(label > 0)[0]
    own = deltas.reshape(len(label), -1, 4)[objects, label[objects]]  # (objects, 4)
    of_box = F.smooth_l1_loss(own, target[objects], beta=beta, reduction="sum") / label.numel()
    return F.cross_entropy(logits, label), of_box


def without_supervision(detector: nn.Module) -> nn.Module:
    """Remove the training-only heads of a detector of one or two stages, for deployment.

    The detector is changed in place and returned.
    """
    for name in ("supervision", "mask_supervision"):
        if hasattr(detector, name):
            setattr(detector, name, None)
    return detector


# --- initial weights in which torchvision and the authors' code differ ----------------------------


def draw_box_head_as_authors(head: nn.Module, predictor: FastRCNNPredictor) -> None:
    """Initialise the main box head as the authors' code does; biases are zero.

    torchvision keeps PyTorch's default for fully connected layers, with which classes are learned
    far more slowly. The head of Consistent Supervision keeps that default, as in the authors' code.
    """
    for layer in head.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    for layer, deviation in ((predictor.cls_score, 0.01), (predictor.bbox_pred, 0.001)):
        nn.init.normal_(layer.weight, std=deviation)
        nn.init.zeros_(layer.bias)


def check_neck(fpn: nn.Module, name: str, augment: nn.Module | None) -> None:
    """Check that a neck keeps what other code looks for in it.

    Without ``augment``, a run would be recorded as one with Residual Feature Augmentation and have
    none. Raises: UserError that names what is missing.
    """
    missing = [each for each in ("lateral", "output", "augment", "extra") if not hasattr(fpn, each)]
    if missing or fpn.augment is not augment:
        what = ", ".join(missing) or "the augment that it is given"
        raise UserError(
            f"the neck {name!r} ({type(fpn).__name__}) does not keep {what}: it needs lateral, "
            "output, augment and extra as `FPN` in augfpn/pyramid.py has them."
        )


def draw_pyramid_as_torchvision(fpn: FPN) -> None:
    """Initialise the pyramid's own convolutions as torchvision's FPN does: Kaiming uniform, a = 1.

    `ResidualFeatureAugmentation`, which AugFPN adds, keeps its own initialisation.
    """
    for part in (fpn.lateral, fpn.output, fpn.extra):
        for layer in part.modules() if part is not None else ():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight, a=1)
                nn.init.zeros_(layer.bias)
