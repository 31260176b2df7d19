"""Consistent Supervision alone, beside MMDetection's FPN."""

from functools import partial

from mmdet.models import FPN, RPNHead, StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from torch import nn

LEVELS = 2, 3, 4, 5


@MODELS.register_module()
class FPNWithM(FPN):
    """P2..P6, then M2..M5: what the laterals give."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.m = {}
        for k, lateral in zip(LEVELS, self.lateral_convs):
            keep = partial(self.keep, k)
            lateral.register_forward_hook(keep)

    def keep(self, k, lateral, inputs, output):
        self.m[k] = output

    def forward(self, inputs):
        p = super().forward(inputs)
        m, self.m = self.m, {}
        return (*p, *m.values())


@MODELS.register_module()
class RPNHeadWithoutM(RPNHead):
    """Proposals come from P alone."""

    def forward(self, x):
        return super().forward(x[: -len(LEVELS)])


@MODELS.register_module()
class SupervisedRoIHead(StandardRoIHead):
    """One more box head learns from all of M, in training."""

    def __init__(self, *args, lam=0.25, **kwargs):
        super().__init__(*args, **kwargs)
        self.lam = lam

    def init_bbox_head(self, bbox_roi_extractor, bbox_head):
        super().init_bbox_head(bbox_roi_extractor, bbox_head)
        one = dict(bbox_roi_extractor)
        one["type"] = "SingleRoIExtractor"
        self.m_extractors = nn.ModuleList(
            MODELS.build({**one, "featmap_strides": [2**k]})
            for k in LEVELS
        )
        self.m_head = MODELS.build(bbox_head)

    def bbox_loss(self, x, sampling_results):
        own = super().bbox_loss(x, sampling_results)
        losses = own["loss_bbox"]
        boxes = [each.priors for each in sampling_results]
        rois = bbox2roi(boxes)
        how = rois, sampling_results, self.train_cfg
        maps = x[-len(LEVELS) :]
        for extract, m in zip(self.m_extractors, maps):
            found = self.m_head(extract((m,), rois))
            term = self.m_head.loss_and_target(*found, *how)
            for name in ("loss_cls", "loss_bbox"):
                key = f"{name}_supervision"
                more = self.lam * term["loss_bbox"][name]
                losses[key] = losses.get(key, 0) + more
        return own
