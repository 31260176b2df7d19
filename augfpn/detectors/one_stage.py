"""RetinaNet and FCOS: the forward, and P6 and P7."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.detectors.anchors import Anchors
from augfpn.detectors.dense_detections import (
    Limits,
    Outputs,
    batched_detections,
    dense_detections,
)
from augfpn.detectors.targets import Detections, Targets, check_targets, sample_rois
from augfpn.pyramid import FPN, Boxes, ConsistentSupervision, Levels, Losses, xavier


class OneStage(nn.Module):
    """RetinaNet or FCOS on a feature pyramid, with or without AugFPN's parts.

    Source: paper 4.2, Table 1. It takes and returns the same as
    `augfpn.detectors.two_stage.TwoStage`; its levels are 3 to 7.
    Soft RoI Selection does not apply, because no RoIs are pooled to detect. Consistent Supervision
    does: its RoIs are the detector's own detections instead of proposals. They are pooled from
    M3..M5 for a head like Faster R-CNN's.

    ``dense`` is the head on all levels, a `augfpn.detectors.dense_detections.DenseHead`. ``limits``
    say which of its predictions are detections, ``supervision_limits`` which are RoIs; ``sampler``
    is torchvision's `RoIHeads`, used only to sample from these RoIs. The ground-truth boxes are
    always among the RoIs, so that a picture without detections can still be trained on.
    """

    def __init__(
        self,
        *,
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
            check_targets(targets)
        batch, targets = self.transform(list(pictures), targets if self.training else None)
        m, p = self.fpn(self.backbone(batch.tensors))
        maps = list(p.values())  # P3..P7
        outputs = self.dense(maps)
        anchors = self.anchors.by_level(batch, maps)
        if not self.training:
            found = self.detect(outputs, anchors, batch, self.limits)
            return self.transform.postprocess(found, batch.image_sizes, sizes)
        losses = self.dense.losses(outputs, anchors, targets)
        if self.supervision is not None:
            rois = self.own_boxes(outputs, anchors, batch)
            losses |= self.supervision(m, sample_rois(self.sampler, rois, targets))
        return losses

    def detect(
        self, outputs: Outputs, anchors: Boxes, batch: ImageList, limits: Limits
    ) -> Detections:
        """Detections in pixels of the batch, before they go back to the pictures' own sizes."""
        find = batched_detections if batch.tensors.is_cuda else dense_detections
        return find(self.dense, outputs, anchors, batch.image_sizes, limits)

    @torch.no_grad()
    def own_boxes(self, outputs: Outputs, anchors: Boxes, batch: ImageList) -> Boxes:
        """The detector's current detections, as RoIs of Consistent Supervision: N x (R_i, 4)."""
        found = self.detect(outputs, anchors, batch, self.supervision_limits)
        return [each["boxes"] for each in found]


class ExtraLevels(nn.Module):
    """P6 and P7, on which one-stage detectors detect large objects.

    Source: RetinaNet and FCOS; the paper does not mention them.
    Shapes: C5 (N, C5, h, w), P5 and M6 (N, C, h, w) -> {6: (N, C, h/2, w/2), 7: (N, C, h/4, w/4)},
    halves rounded up.
    Differs: P6 is a 3x3 convolution of stride 2 on C5 (the authors' RetinaNet) or on P5 (their
    FCOS, torchvision). P7 is such a convolution on P6, with or without a ReLU before it. With
    ``context``, and if there is an M6, its mean over all places is added to P6, as the authors do.
    """

    def __init__(
        self, *, in_channels: int, channels: int, on_c5: bool, relu: bool, context: bool
    ) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels if on_c5 else channels, channels, 3, stride=2, padding=1)
        self.p7 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        xavier(self)
        self.on_c5 = on_c5
        self.relu = relu
        self.context = context

    def forward(self, c5: Tensor, p5: Tensor, m6: Tensor | None) -> Levels:
        p6 = self.p6(c5 if self.on_c5 else p5)
        if self.context and m6 is not None:
            p6 = p6 + m6.mean(dim=(2, 3), keepdim=True)
        return {6: p6, 7: self.p7(p6.relu() if self.relu else p6)}
