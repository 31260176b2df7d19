"""A part that somebody adds to a detector: its forward uses it, nothing else knows of it."""

import torch
from torch import Tensor, nn

from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.pyramid import Boxes, Levels


class Refined(TwoStage):
    """A detector of two stages with a layer more on its class logits."""

    def predict(self, p: Levels, boxes: Boxes) -> tuple[Tensor, Tensor]:
        logits, deltas = super().predict(p, boxes)
        return self.refine(logits), deltas


class Smoothed(OneStage):
    """A detector of one stage with a convolution more before its dense head."""

    def forward(self, pictures: list[Tensor], targets: list[dict] | None = None):
        handle = self.dense.register_forward_pre_hook(
            lambda _, given: ([self.refine(x) for x in given[0]],)
        )
        try:
            return super().forward(pictures, targets)
        finally:
            handle.remove()


def with_new_part(detector: TwoStage | OneStage) -> TwoStage | OneStage:
    """The detector with a new part, which changes what it detects."""
    torch.manual_seed(7)
    if isinstance(detector, TwoStage):
        channels = detector.heads.box_predictor.cls_score.out_features
        detector.__class__, detector.refine = Refined, nn.Linear(channels, channels)
    else:
        channels = detector.fpn.output["3"].out_channels
        detector.__class__, detector.refine = Smoothed, nn.Conv2d(channels, channels, 1)
    return detector
