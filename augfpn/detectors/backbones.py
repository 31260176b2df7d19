"""Pictures to ``{2: C2, 3: C3, 4: C4, 5: C5}``.

A backbone is a sequence of named stages and the levels at which it is tapped. ResNets, ResNeXts and
MobileNet-V2 are torchvision's; `narrow_resnet` is ours, small enough to learn on two CPU cores;
``timm/NAME`` is a model of the library timm, an optional extra: see `augfpn.detectors.timm_backbones`.
"""

import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from augfpn.errors import UserError, one_of

Norm = Callable[[int], nn.Module]
State = dict[str, Tensor]
LEVELS = (2, 3, 4, 5)
STYLES = ("pytorch", "caffe")
RESNETS = {  # name: block, blocks of each stage, ResNeXt's groups
    "resnet18": (BasicBlock, (2, 2, 2, 2), {}),
    "resnet50": (Bottleneck, (3, 4, 6, 3), {}),
    "resnet101": (Bottleneck, (3, 4, 23, 3), {}),
    "resnext101_32x4d": (Bottleneck, (3, 4, 23, 3), {"groups": 32, "width_per_group": 4}),
    "resnext101_64x4d": (Bottleneck, (3, 4, 23, 3), {"groups": 64, "width_per_group": 4}),
}
MOBILENETS = {"mobilenet_v2": "18", "mobilenet_v2_320": "17"}  # name: the stage that gives C5
NARROW = ("narrow_resnet",)
TIMM = "timm/"  # before the name of a model of timm's
GROUP_CHANNELS = 16  # channels that share their statistics under "group" normalisation
SECONDS = 10  # to wait for the server that has weights


class Backbone(nn.Module):
    """Run the stages of ``body`` in order and keep the outputs of those named in ``taps``.

    Shapes: pictures (N, 3, H, W) -> c[k] (N, channels[k], H/2^k, W/2^k), rounded up.
    ``mean`` and ``std`` are those of the pictures, RGB in [0, 1], that its weights expect.
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
        """What it is for any module, but that ``fixed_statistics`` stay as they are."""
        super().train(mode)
        for layer in self.modules():
            if self.fixed_statistics and isinstance(layer, _BatchNorm):
                layer.eval()
        return self

    def freeze_up_to(self, level: int) -> None:
        """Stop the gradient for every stage up to and including the one that gives C_level."""
        for name, stage in self.body.named_children():
            stage.requires_grad_(False)
            if self.taps.get(name) == level:
                return


def backbone(name: str, norm: str, style: str = "pytorch") -> Backbone:
    """The backbone called ``name`` with randomly drawn weights, in training mode.

    ``norm``: "frozen" keeps the statistics and the affine part of pretrained weights, and
    "frozen_statistics" only the statistics, as the authors do; "batch" and "group" learn from
    scratch, "group" also from batches of one or two pictures.
    ``style``: a bottleneck's stride is in its 3x3 convolution ("pytorch") or, as in the authors'
    FCOS, in its first 1x1 ("caffe").
    Raises ``UserError`` for what is unknown or does not go together.
    """
    bottlenecks = [n for n, (block, *_) in RESNETS.items() if block is Bottleneck]
    if one_of("style", style, STYLES) == "caffe" and name not in bottlenecks:
        raise UserError(
            f"style='caffe' is for the bottleneck blocks of {', '.join(bottlenecks)}, not for "
            f"{name}: use one of them, or style='pytorch'."
        )
    if name.startswith(TIMM):
        from augfpn.detectors.timm_backbones import TimmBackbone

        net: Backbone = TimmBackbone(name.removeprefix(TIMM), norm)
    elif one_of("backbone", name, (*RESNETS, *MOBILENETS, *NARROW, TIMM + "NAME")) in RESNETS:
        net = resnet(name, norm_layer(norm), style)
    elif name in MOBILENETS:
        net = mobilenet(name, norm_layer(norm))
    else:
        net = narrow_resnet(norm_layer(norm))
    net.fixed_statistics = norm in ("frozen", "frozen_statistics")
    return net.train()


def norm_layer(norm: str) -> Norm:
    """The normalisation called ``norm``: channels -> layer. For what they are see `backbone`."""
    layers: dict[str, Norm] = {
        "frozen": FrozenBatchNorm2d,
        "frozen_statistics": nn.BatchNorm2d,  # `Backbone.train` keeps its statistics
        "batch": nn.BatchNorm2d,
        "group": lambda channels: nn.GroupNorm(max(1, channels // GROUP_CHANNELS), channels),
    }
    return layers[one_of("norm", norm, layers)]


def resnet(name: str, norm: Norm, style: str = "pytorch") -> Backbone:
    """torchvision's ResNet or ResNeXt without its classifier, tapped after each of its four stages.

    Source: reference configurations of the paper; ``style`` as in `backbone`.
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


def mobilenet(name: str, norm: Norm) -> Backbone:
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


def narrow_resnet(norm: Norm, width: int = 32) -> Backbone:
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


# --- ImageNet's weights ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """Pretrained weights: whether they are on this machine, and how they get there."""

    file: Path | None  # None where they have to be downloaded
    by_hand: str  # what to do where they cannot be
    ask: Callable[[], None]  # the server, for seconds: raises ``OSError`` where it does not answer
    state: Callable[[], State]  # download if need be: parameters by their names in ``body``


def imagenet(name: str, style: str = "pytorch") -> Weights:
    """The ImageNet weights of a backbone, not downloaded yet. Raises ``UserError`` without any.

    torchvision's are its first, those of the paper's time (ResNeXt-101 64x4d: the only ones).
    """
    if style == "caffe":
        raise UserError(
            f"the ImageNet weights of {name} are for style='pytorch', and there are none for "
            "style='caffe': use style='pytorch', or weights='scratch'."
        )
    if name.startswith(TIMM):
        from augfpn.detectors.timm_backbones import pretrained

        return pretrained(name.removeprefix(TIMM))
    if name in NARROW:
        raise UserError(f"there are no ImageNet weights for {name}: use weights='scratch'.")
    if name == "resnext101_32x4d":
        raise UserError(
            f"torchvision has no ImageNet weights for {name}: use weights='scratch', or "
            f"backbone='{TIMM}resnext101_32x4d.gluon_in1k', which is the same network."
        )
    model = "mobilenet_v2" if name in MOBILENETS else name
    enum = torchvision.models.get_model_weights(model)["IMAGENET1K_V1"]

    def state() -> State:
        values = enum.get_state_dict(check_hash=True, progress=False)
        return {k.removeprefix("features."): v for k, v in values.items()}

    return weights_at(enum.url, state)


def weights_at(url: str, state: Callable[[], State]) -> Weights:
    """Weights that PyTorch downloads from an address."""
    file = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[1])

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "torch.hub"})
        urllib.request.urlopen(request, timeout=SECONDS).close()

    by_hand = f"put {file.name} into {file.parent}"
    return Weights(file if file.exists() else None, by_hand, ask, state)


def has_imagenet(name: str, style: str = "pytorch") -> bool:
    """Whether the ImageNet weights are on this machine or their server answers."""
    try:
        weights = imagenet(name, style)
        if weights.file is None:
            weights.ask()
    except (UserError, OSError):
        return False
    return True


def load_imagenet(net: Backbone, name: str, style: str = "pytorch") -> None:
    """Put ImageNet weights, torchvision's or timm's, into ``net`` and freeze its stages up to C2.

    Raises ``UserError`` when there are none for this backbone or they cannot be downloaded.
    """
    weights = imagenet(name, style)
    try:
        if weights.file is None:
            weights.ask()  # first: libraries may try again and again, for a minute
        state = weights.state()
    except OSError as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"the ImageNet weights of {name} could not be downloaded ({why}): connect to the "
            f"network, {weights.by_hand}, or train from scratch with weights='scratch'."
        ) from None
    missing, _ = net.body.load_state_dict(state, strict=False)
    missing = [n for n in missing if not n.endswith("num_batches_tracked")]
    if missing:
        raise RuntimeError(f"the ImageNet weights of {name} lack {missing[:3]} of {len(missing)}")
    net.freeze_up_to(2)
