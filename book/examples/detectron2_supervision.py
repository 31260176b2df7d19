"""Consistent Supervision alone, beside detectron2's FPN."""

from collections import defaultdict
from functools import partial

from detectron2.config import configurable
from detectron2.modeling import (
    BACKBONE_REGISTRY,
    FPN,
    ROI_HEADS_REGISTRY,
    StandardROIHeads,
    build_resnet_backbone,
)
from detectron2.modeling.backbone.fpn import LastLevelMaxPool
from detectron2.modeling.poolers import ROIPooler
from torch import nn

LEVELS = 2, 3, 4, 5


class FPNWithM(FPN):
    """P2..P6, and M2..M5: what the laterals give."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.m = {}
        for k in LEVELS:
            lateral = getattr(self, f"fpn_lateral{k}")
            keep = partial(self.keep, k)
            lateral.register_forward_hook(keep)

    def keep(self, k, lateral, inputs, output):
        self.m[f"m{k}"] = output

    def forward(self, x):
        p = super().forward(x)
        m, self.m = self.m, {}
        return {**p, **m}

    def output_shape(self):
        p = super().output_shape()
        return {**p, **{f"m{k}": p[f"p{k}"] for k in LEVELS}}


def fpn_arguments(cfg, input_shape):
    """The arguments of detectron2's FPN."""
    fpn = cfg.MODEL.FPN
    return {
        "bottom_up": build_resnet_backbone(cfg, input_shape),
        "in_features": fpn.IN_FEATURES,
        "out_channels": fpn.OUT_CHANNELS,
        "norm": fpn.NORM,
        "top_block": LastLevelMaxPool(),
        "fuse_type": fpn.FUSE_TYPE,
    }


@BACKBONE_REGISTRY.register()
def build_fpn_with_m_backbone(cfg, input_shape):
    return FPNWithM(**fpn_arguments(cfg, input_shape))


@ROI_HEADS_REGISTRY.register()
class SupervisedROIHeads(StandardROIHeads):
    """One more box head learns from all of M, in training."""

    @configurable
    def __init__(
        self, *, m_poolers, m_head, m_predictor, lam=0.25, **own
    ):
        super().__init__(**own)
        self.m_poolers = nn.ModuleList(m_poolers)
        self.m_head, self.m_predictor = m_head, m_predictor
        self.lam = lam

    @classmethod
    def from_config(cls, cfg, input_shape):
        own = super().from_config(cfg, input_shape)
        second = cls._init_box_head(cfg, input_shape)
        box = cfg.MODEL.ROI_BOX_HEAD
        how = box.POOLER_SAMPLING_RATIO, box.POOLER_TYPE
        own["m_poolers"] = [
            ROIPooler(box.POOLER_RESOLUTION, [1 / 2**k], *how)
            for k in LEVELS
        ]
        own["m_head"] = second["box_head"]
        own["m_predictor"] = second["box_predictor"]
        return own

    def _forward_box(self, features, proposals):
        if not self.training or not self.lam:
            return super()._forward_box(features, proposals)
        # first: the library's method may move boxes
        learnt = self.supervise(features, proposals)
        own = super()._forward_box(features, proposals)
        return {**own, **learnt}

    def supervise(self, features, proposals):
        boxes = [each.proposal_boxes for each in proposals]
        learnt = defaultdict(float)
        for k, pool in zip(LEVELS, self.m_poolers):
            pooled = pool([features[f"m{k}"]], boxes)
            found = self.m_predictor(self.m_head(pooled))
            term = self.m_predictor.losses(found, proposals)
            for name, loss in term.items():
                learnt[f"{name}_supervision"] += self.lam * loss
        return learnt
