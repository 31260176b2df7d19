"""Backbones for tests: names, random statistics, and a mark for tests that need timm."""

import importlib.util

import pytest
import torch
from torch import Tensor, nn

from augfpn.detectors.backbones import MOBILENETS, NARROW, RESNETS, Backbone
from augfpn.detectors.pretrained import backbone

OURS = (*RESNETS, *MOBILENETS, *NARROW)
TIMM = {  # channels of C2..C5, from the models' papers
    "timm/resnet18": (64, 128, 256, 512),
    "timm/convnext_atto": (40, 80, 160, 320),
    "timm/mobilenetv3_small_050": (8, 16, 24, 288),
    "timm/regnetx_002": (24, 56, 152, 368),
    "timm/swin_tiny_patch4_window7_224": (96, 192, 384, 768),
    "timm/pvt_v2_b0": (32, 64, 160, 256),
}
needs_timm = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None, reason="timm is not installed: augfpn[backbones]"
)


def on_meta(name: str, norm: str = "batch", style: str = "pytorch") -> Backbone:
    """The backbone without numbers: names, shapes and strides alone."""
    with torch.device("meta"):
        return backbone(name, norm, style)


def randomise_statistics(net: nn.Module) -> None:
    """So that normalisation does something: affine parts and statistics away from 1 and 0."""
    torch.manual_seed(1)
    for layer in net.modules():
        if isinstance(getattr(layer, "running_mean", None), Tensor):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_(0, 0.1)
