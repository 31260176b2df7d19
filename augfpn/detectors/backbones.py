"""Backbones: pictures to ``{2: C2, 3: C3, 4: C4, 5: C5}``; and how each wants its pictures.

A backbone is a sequence of named stages and the levels at which it is tapped. ResNets, ResNeXts and
MobileNet-V2 are torchvision's; `narrow_resnet` is ours, small enough to learn on two CPU cores.
`augfpn.detectors.pretrained.backbone` makes one by its name.
"""

from collections import OrderedDict
from collections.abc import Callable

import torchvision
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from augfpn.detectors.transform import Transform
from augfpn.errors import one_of

NormLayer = Callable[[int], nn.Module]  # channels -> normalisation
LEVELS = (2, 3, 4, 5)
RESNETS = {  # name: block, blocks of each stage, ResNeXt's groups
    "resnet18": (BasicBlock, (2, 2, 2, 2), {}),
    "resnet50": (Bottleneck, (3, 4, 6, 3), {}),
    "resnet101": (Bottleneck, (3, 4, 23, 3), {}),
    "resnext101_32x4d": (Bottleneck, (3, 4, 23, 3), {"groups": 32, "width_per_group": 4}),
    "resnext101_64x4d": (Bottleneck, (3, 4, 23, 3), {"groups": 64, "width_per_group": 4}),
}
BOTTLENECKS = tuple(name for name, (block, *_) in RESNETS.items() if block is Bottleneck)
MOBILENETS = {"mobilenet_v2": "18", "mobilenet_v2_320": "17"}  # name: the stage that gives C5
NARROW = ("narrow_resnet",)
GROUP_CHANNELS = 16  # channels that share their statistics under "group" normalisation
CAFFE_MEAN = [102.9801, 115.9465, 122.7717]  # BGR, of [0, 255]; the authors' FCOS


class Backbone(nn.Module):
    """Run the stages of ``body`` in order and keep the outputs of those named in ``taps``.

    Shapes: pictures (N, 3, H, W) -> c[k] (N, channels[k], H/2^k, W/2^k), rounded up.
    ``mean`` and ``std`` normalise RGB pictures in [0, 1] as its pretrained weights expect.
    """

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    fixed_statistics = False  # batch normalisation uses its running statistics in training too

    def __init__(self, body: nn.Module, taps: dict[str, int], channels: dict[int, int]) -> None:
        super().__init__()
        self.body = body
        self.taps = dict(taps)
        self.channels = dict(channels)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        c = {}
        for name, stage in self.body.named_children():
            x = stage(x)
            if name in self.taps:
                c[self.taps[name]] = x
        return c

    def train(self, mode: bool = True) -> "Backbone":
        """As `torch.nn.Module.train`; with ``fixed_statistics`` batch norms stay in eval mode."""
        super().train(mode)
        for layer in self.modules():
            if self.fixed_statistics and isinstance(layer, _BatchNorm):
                layer.eval()
        return self

    def freeze_up_to(self, level: int) -> None:
        """Freeze the parameters of every stage up to and including the one that gives C_level."""
        for name, stage in self.body.named_children():
            stage.requires_grad_(False)
            if self.taps.get(name) == level:
                return


def norm_layer(norm: str) -> NormLayer:
    """The normalisation called ``norm``; `augfpn.detectors.pretrained.backbone` explains each."""
    layers: dict[str, NormLayer] = {
        "frozen": FrozenBatchNorm2d,
        "frozen_statistics": nn.BatchNorm2d,  # `Backbone.train` keeps its statistics
        "batch": nn.BatchNorm2d,
        "group": lambda channels: nn.GroupNorm(max(1, channels // GROUP_CHANNELS), channels),
    }
    return layers[one_of("norm", norm, layers)]


def resnet(name: str, norm: NormLayer, style: str = "pytorch") -> Backbone:
    """torchvision's ResNet or ResNeXt without its classifier, tapped after each of its four stages.

    Source: reference configurations of the paper; ``style`` as in
    `augfpn.detectors.pretrained.backbone`.
    """
    block, blocks, groups = RESNETS[name]
    net = ResNet(block, list(blocks), norm_layer=norm, **groups)
    for layer in net.modules():
        if style == "caffe" and isinstance(layer, Bottleneck):
            layer.conv1.stride, layer.conv2.stride = layer.conv2.stride, layer.conv1.stride
    channels = {k: 2 ** (k + 4) * block.expansion for k in LEVELS}
    names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    body = nn.Sequential(OrderedDict((n, getattr(net, n)) for n in names))
    return Backbone(body, {f"layer{k - 1}": k for k in channels}, channels)


def mobilenet(name: str, norm: NormLayer) -> Backbone:
    """torchvision's MobileNet-V2, tapped at the last block of each stride.

    "mobilenet_v2" takes C5 after the final 1x1 convolution (1280 channels), "mobilenet_v2_320"
    before it. Neither the paper nor the authors' code says which; torchvision's own detection
    backbone taps earlier blocks.
    """
    features = torchvision.models.mobilenet_v2(norm_layer=norm).features
    last = MOBILENETS[name]
    body = features[: int(last) + 1]
    channels = {2: 24, 3: 32, 4: 96, 5: 1280 if last == "18" else 320}
    return Backbone(body, {"3": 2, "6": 3, "13": 4, last: 5}, channels)


def narrow_resnet(norm: NormLayer, width: int = 32) -> Backbone:
    """A ResNet-10 of ``width`` to 8 ``width`` channels: one basic block a stage.

    Ours: the smallest network that learns the scenes well from scratch in minutes on a CPU.
    """
    stages = OrderedDict(
        conv1=nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
        bn1=norm(width),
        relu=nn.ReLU(inplace=True),
        maxpool=nn.MaxPool2d(3, stride=2, padding=1),
    )
    channels = {k: width * 2 ** (k - 2) for k in LEVELS}
    previous = width
    for k, n in channels.items():
        stride = 1 if k == 2 else 2
        shortcut = None
        if stride > 1:
            shortcut = nn.Sequential(nn.Conv2d(previous, n, 1, stride, bias=False), norm(n))
        stages[f"layer{k - 1}"] = BasicBlock(previous, n, stride, shortcut, norm_layer=norm)
        previous = n
    body = nn.Sequential(stages)
    for layer in body.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return Backbone(body, {f"layer{k - 1}": k for k in channels}, channels)


# --- before the backbone: resize, normalisation and batch -----------------------------------------


def transform(style: str, short_side: int, long_side: int, net: Backbone) -> Transform:
    """The module that resizes pictures, normalises them for ``net``, and pads them into a batch.

    Style "pytorch": RGB in [0, 1], minus the mean, divided by the standard deviation. Style
    "caffe": BGR in [0, 255], minus the mean.
    """
    if style == "caffe":
        mean = [value / 255 for value in CAFFE_MEAN]
        return Transform(short_side, long_side, mean, [1 / 255] * 3, bgr=True)
    return Transform(short_side, long_side, net.mean, net.std)
