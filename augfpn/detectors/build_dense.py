"""The settings of RetinaNet and FCOS to their heads and anchors, for `augfpn.detectors.build`."""

from augfpn.config import Dense, Model
from augfpn.detectors.anchors import Anchors, matcher, octave_sizes
from augfpn.detectors.fcos import FCOSHead
from augfpn.detectors.retinanet import RetinaNetHead

DENSE_LEVELS = (3, 4, 5, 6, 7)  # where one-stage detectors predict; M3..M5 are supervised


def retinanet(model: Model) -> tuple[Dense, RetinaNetHead, Anchors]:
    """RetinaNet's settings, head and anchors."""
    own = model.retinanet
    sizes = octave_sizes(model.anchor_sizes, own.octave_steps, own.whole_sizes)
    anchors = Anchors(
        sizes=sizes, ratios=model.anchor_ratios, levels=DENSE_LEVELS, grid=own.anchor_grid
    )
    head = RetinaNetHead(
        channels=model.channels,
        anchors=anchors.num_anchors_per_location()[0],
        classes=model.classes,
        background_logit=own.background_logit,
        matcher=matcher(0.5, 0.4, own.low_quality, own.low_quality_iou),
        normaliser=own.normaliser,
        beta=own.beta,
    )
    return own, head, anchors


def fcos(model: Model) -> tuple[Dense, FCOSHead, Anchors]:
    """FCOS's settings, head and points; a point is the centre of a square anchor of one stride."""
    own = model.fcos
    squares = [(2**k,) for k in DENSE_LEVELS]
    anchors = Anchors(sizes=squares, ratios=(1.0,), levels=DENSE_LEVELS, grid=own.anchor_grid)
    head = FCOSHead(
        channels=model.channels,
        classes=model.classes,
        levels=DENSE_LEVELS,
        background_logit=own.background_logit,
        distances=own.distances,
        tower_bias=own.tower_bias,
        centerness_on=own.centerness_on,
        centre_radius=own.centre_radius,
        closed_ranges=own.closed_ranges,
        normaliser=own.normaliser,
        box_loss=own.box_loss,
        rank=own.rank,
    )
    return own, head, anchors
