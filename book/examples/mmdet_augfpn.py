"""The other two parts of AugFPN, in MMDetection 3."""

from functools import partial

from mmdet.models import SingleRoIExtractor
from mmdet.registry import MODELS
from torch import nn

from augfpn.pyramid import (
    AdaptiveSpatialFusion,
    ResidualFeatureAugmentation,
    ratio_invariant_pool,
)
from mmdet_supervision import FPNWithM


@MODELS.register_module()
class AugFPN(FPNWithM):
    """Residual Feature Augmentation: M6 is added to M5."""

    def __init__(self, *args, ratios=(0.1, 0.2, 0.3), **kwargs):
        super().__init__(*args, **kwargs)
        c5, width = self.in_channels[-1], self.out_channels
        fusion = AdaptiveSpatialFusion(width, len(ratios))
        pools = [
            partial(ratio_invariant_pool, ratio=ratio)
            for ratio in ratios
        ]
        self.augment = ResidualFeatureAugmentation(
            c5, width, pools, fusion
        )

    def init_weights(self):  # draws the whole neck anew
        super().init_weights()
        score = self.augment.fusion.score
        nn.init.zeros_(score.weight)  # even gates

    def keep(self, k, lateral, inputs, output):
        super().keep(k, lateral, inputs, output)
        if k == 5:
            return output + self.augment(*inputs)


@MODELS.register_module()
class SoftExtractor(SingleRoIExtractor):
    """Soft RoI Selection: every level is pooled, then fused."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        levels = len(self.roi_layers)
        self.fusion = AdaptiveSpatialFusion(
            self.out_channels, levels
        )
        nn.init.zeros_(self.fusion.score.weight)  # even gates

    def forward(self, feats, rois, roi_scale_factor=None):
        rois = rois.type_as(feats[0])
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        each = zip(self.roi_layers, feats)
        return self.fusion([pool(p, rois) for pool, p in each])
