"""One function that gives the parts of a detector their quicker forwards: `quicken`."""

from collections.abc import Callable

from torch import nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from augfpn.pyramid import AdaptiveSpatialFusion, ConsistentSupervision, SoftRoISelection
from augfpn.speed.convolution import WinogradConv2d, keeps_size
from augfpn.speed.fusion import ReducedSoftRoISelection
from augfpn.speed.heads import LeanHead
from augfpn.speed.supervision import LeanSupervision

QUICKER: tuple[tuple[type[nn.Module], type[nn.Module], Callable[..., bool]], ...] = (
    # class, its quicker subclass, which of them it is for
    (nn.Conv2d, WinogradConv2d, keeps_size),
    (TwoMLPHead, LeanHead, lambda head: True),
    (ConsistentSupervision, LeanSupervision, lambda supervision: True),
    (
        SoftRoISelection,
        ReducedSoftRoISelection,
        lambda select: type(select.fusion) is AdaptiveSpatialFusion,
    ),
)


def quicken(detector: nn.Module) -> nn.Module:
    """Give the parts of a detector their quicker forwards; the detector is returned.

    Parameters, their names and their values stay; results are the same up to rounding. Only parts
    of exactly the known classes are changed: a subclass may do something else.
    """
    for layer in detector.modules():
        for plain, quicker, suits in QUICKER:
            if type(layer) is plain and suits(layer):
                layer.__class__ = quicker
    return detector


def is_quickened(detector: nn.Module) -> bool:
    """Whether `quicken` found something in a detector."""
    classes = tuple(quicker for _, quicker, _ in QUICKER)
    return any(isinstance(layer, classes) for layer in detector.modules())
