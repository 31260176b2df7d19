"""One function that makes a detector quicker in place, and one for a copy that only detects."""

from torch import nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from augfpn.speed.convolution import WinogradConv2d, can_be_quick
from augfpn.speed.fusion import ReducedSoftRoISelection, can_be_reduced
from augfpn.speed.heads import ChannelsLastHead


def quicken(detector: nn.Module) -> nn.Module:
    """Give the parts of a detector their quicker forwards; the detector is returned.

    Parameters, their names and their values stay; results are the same up to rounding. A part
    whose class is not exactly the known one is left as it is.
    """
    for layer in detector.modules():
        if can_be_quick(layer):
            layer.__class__ = WinogradConv2d
        elif type(layer) is TwoMLPHead:
            layer.__class__ = ChannelsLastHead
        elif can_be_reduced(layer):
            layer.__class__ = ReducedSoftRoISelection
    return detector
