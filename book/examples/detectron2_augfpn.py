"""AugFPN in detectron2, with a switch for each part."""

from functools import partial

from detectron2.config import CfgNode
from detectron2.modeling import (
    BACKBONE_REGISTRY,
    ROI_HEADS_REGISTRY,
)
from detectron2.modeling.poolers import (
    ROIPooler,
    convert_boxes_to_pooler_format,
)
from torch import nn

from augfpn.pyramid import (
    AdaptiveSpatialFusion,
    ResidualFeatureAugmentation,
    ratio_invariant_pool,
)
from detectron2_supervision import (
    FPNWithM,
    SupervisedROIHeads,
    fpn_arguments,
)


def add_augfpn_config(cfg):
    """A switch for each part; all are on."""
    parts = cfg.MODEL.AUGFPN = CfgNode()
    parts.LAM = 0.25  # 0.0: no Consistent Supervision
    parts.RATIOS = [0.1, 0.2, 0.3]  # []: no RFA
    parts.SOFT_BOXES = True  # False: FPN's rule for boxes
    parts.SOFT_MASKS = True  # False: FPN's rule for masks


class AugFPN(FPNWithM):
    """Residual Feature Augmentation: M6 is added to M5."""

    def __init__(self, *args, ratios, c5, **kwargs):
        super().__init__(*args, **kwargs)
        width = kwargs["out_channels"]
        fusion = AdaptiveSpatialFusion(width, len(ratios))
        nn.init.zeros_(fusion.score.weight)  # even gates
        pools = [
            partial(ratio_invariant_pool, ratio=ratio)
            for ratio in ratios
        ]
        self.augment = ResidualFeatureAugmentation(
            c5, width, pools, fusion
        )

    def keep(self, k, lateral, inputs, output):
        super().keep(k, lateral, inputs, output)
        if k == 5:
            return output + self.augment(*inputs)


@BACKBONE_REGISTRY.register()
def build_augfpn_backbone(cfg, input_shape):
    own = fpn_arguments(cfg, input_shape)
    if not cfg.MODEL.AUGFPN.RATIOS:
        return FPNWithM(**own)
    c5 = own["bottom_up"].output_shape()["res5"].channels
    return AugFPN(**own, ratios=cfg.MODEL.AUGFPN.RATIOS, c5=c5)


class SoftPooler(ROIPooler):
    """Soft RoI Selection: every level is pooled, then fused."""

    def __init__(self, width, *how):
        super().__init__(*how)
        levels = len(self.level_poolers)
        self.fusion = AdaptiveSpatialFusion(width, levels)
        nn.init.zeros_(self.fusion.score.weight)  # even gates

    def forward(self, x, box_lists):
        rois = convert_boxes_to_pooler_format(box_lists)
        each = zip(self.level_poolers, x)
        return self.fusion([pool(p, rois) for pool, p in each])


def soft(cfg, head, input_shape):
    """The soft pooler in place of a head's own."""
    names = cfg.MODEL.ROI_HEADS.IN_FEATURES
    shapes = [input_shape[name] for name in names]
    return SoftPooler(
        shapes[0].channels,
        head.POOLER_RESOLUTION,
        [1 / each.stride for each in shapes],
        head.POOLER_SAMPLING_RATIO,
        head.POOLER_TYPE,
    )


@ROI_HEADS_REGISTRY.register()
class AugFPNROIHeads(SupervisedROIHeads):
    """Each part as its switch says."""

    @classmethod
    def from_config(cls, cfg, input_shape):
        own = super().from_config(cfg, input_shape)
        model, switches = cfg.MODEL, cfg.MODEL.AUGFPN
        own["lam"] = switches.LAM
        if not switches.LAM:
            own["m_poolers"] = []
            own["m_head"] = own["m_predictor"] = None
        if switches.SOFT_BOXES:
            head = model.ROI_BOX_HEAD
            own["box_pooler"] = soft(cfg, head, input_shape)
        if switches.SOFT_MASKS and model.MASK_ON:
            head = model.ROI_MASK_HEAD
            own["mask_pooler"] = soft(cfg, head, input_shape)
        return own
