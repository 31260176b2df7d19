"""The detectors that a bench compares, with the same weights and the same frozen parts."""

from collections.abc import Sequence

import torch
from torch import nn

from augfpn.config import Model
from augfpn.detectors.backbones import Backbone
from augfpn.detectors.build import build_on
from augfpn.detectors.from_torchvision import load_torchvision
from augfpn.detectors.pretrained import backbone
from augfpn.speed.testing import for_testing
from augfpn.study.bench.settings import THEIRS, BenchSettings, Use, model_of
from augfpn.study.bench.theirs import torchvision_detector

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def tested(detector: nn.Module) -> nn.Module:
    """The detector as a user runs it at inference: the one place where it is made quick."""
    return for_testing(detector)


def build_variants(
    settings: BenchSettings, use: Use, variants: Sequence[str]
) -> dict[str, nn.Module]:
    """The detectors to compare, by variant: equal weights wherever they have equal parameters.

    The weights are random. Where training would begin with ImageNet's, the stages up to C2 are
    frozen. Without torchvision's detector among the variants, its weights are used all the same, if
    the backbone fits it.
    """
    torch.manual_seed(0)
    plain = model_of("fpn", settings, use)
    net = new_backbone(plain)
    fits = bool(net.taps)
    source = torchvision_detector(net, plain) if fits else build_on(net, plain)
    built = {}
    for name in variants:
        if name == THEIRS:
            built[name] = source
            continue
        model = model_of(name, settings, use)
        built[name] = build_on(new_backbone(model), model)
        load_torchvision(built[name], source.state_dict())
        keep_levels(built[name], settings.roi_levels)
    form = {"device": settings.device, "memory_format": FORMATS[settings.layout]}
    return {name: detector.to(**form) for name, detector in built.items()}


def new_backbone(model: Model) -> Backbone:
    """A backbone with random weights; frozen up to C2 if it stands for one with ImageNet's."""
    net = backbone(model.backbone, model.norm, model.style)
    if model.weights == "imagenet":
        net.freeze_up_to(2)
    return net


def keep_levels(detector: nn.Module, count: int | None) -> None:
    """Let soft RoI selection pool from the first ``count`` levels only, with a new fusion."""
    select = getattr(detector, "select", None)
    if count is None or not hasattr(select, "fusion"):
        return
    channels = next(iter(detector.fpn.output.values())).out_channels
    fusion = type(select.fusion)(channels, count)
    levels = select.levels[:count]
    detector.select = type(select)(levels, select.size, select.roi_align, fusion)
