"""All three parts of AugFPN in a torchvision detector that keeps its weights.

    model = fasterrcnn_resnet50_fpn(weights="DEFAULT")
    add_augfpn(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005)  # made after the line above

Consistent Supervision alone is added by `augfpn.detectors.supervised_torchvision`.
"""

from collections.abc import Sequence
from dataclasses import replace

from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.ops import FeaturePyramidNetwork

from augfpn.config import AUGFPN
from augfpn.detectors.build import augmentation, roi_selection
from augfpn.detectors.from_torchvision import PyramidBackbone, RoIPool, our_pyramid
from augfpn.detectors.initial_gates import begin_even
from augfpn.detectors.supervised_torchvision import add_consistent_supervision, expect_plain_heads
from augfpn.errors import UserError


def add_augfpn(
    model: GeneralizedRCNN,
    weight: float = AUGFPN.lam,
    ratios: Sequence[float] = AUGFPN.ratios,
) -> GeneralizedRCNN:
    """Give a built torchvision Faster or Mask R-CNN all three parts, in place; returns it.

    Source: paper 3.1 to 3.3. Backbone, pyramid, proposal network and heads keep their weights. New
    are ``backbone.fpn.augment.``, Residual Feature Augmentation at ``ratios``; the gates of Soft
    RoI Selection, ``roi_heads.box_roi_pool.select.`` and, of a Mask R-CNN,
    ``roi_heads.mask_roi_pool.select.``; and ``roi_heads.supervision.``, the second head of
    `add_consistent_supervision` with lambda = ``weight``; 0 leaves it out. The pyramid's
    convolutions get the names of `augfpn.pyramid.FPN`. Every gate begins at one half.
    The box head was trained on one level of each RoI, and now gets half the sum of four: before any
    training the detector is worse than it was. Replace its predictor first, and make the optimizer
    afterwards.
    Raises ``UserError``, before anything is changed, for a pyramid that is not torchvision's own on
    C2 to C5, as those of the _v2 models, and for RoI heads of another class.
    """
    expect_plain_heads(model)
    heads, theirs = model.roi_heads, getattr(model.backbone, "fpn", None)
    if not isinstance(theirs, FeaturePyramidNetwork):
        raise UserError(
            f"the backbone's pyramid is a {type(theirs).__name__} and not torchvision's: call this "
            "once, on a model as torchvision builds it."
        )
    channels, device = model.backbone.out_channels, next(model.parameters()).device
    parts = replace(AUGFPN, channels=channels, ratios=tuple(ratios), operators="torchvision")
    context = augmentation(parts, theirs.inner_blocks[-1][0].in_channels)
    model.backbone = PyramidBackbone(model.backbone.body, our_pyramid(theirs, context))
    for name in ("box_roi_pool", "mask_roi_pool"):
        if (pool := getattr(heads, name)) is not None:
            setattr(heads, name, RoIPool(roi_selection(parts, pool.output_size[0])))
    add_consistent_supervision(model, weight)
    begin_even(model)
    return model.to(device).train(model.training)
