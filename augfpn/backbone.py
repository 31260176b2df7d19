"""Pictures to ``{2: C2, 3: C3, 4: C4, 5: C5}``.

A backbone is a sequence of named stages and the levels at which it is tapped. ResNets and
MobileNet-V2 are torchvision's; `narrow_resnet` is ours, small enough to learn on two CPU cores.
"""

from collections import OrderedDict
from collections.abc import Callable

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock
from torchvision.ops import FrozenBatchNorm2d

from augfpn.errors import UserError

Norm = Callable[[int], nn.Module]
RESNETS = ("resnet18", "resnet50")
MOBILENETS = {"mobilenet_v2": "18", "mobilenet_v2_320": "17"}  # name: the stage that gives C5
NARROW = ("narrow_resnet",)
GROUP_CHANNELS = 16  # channels that share their statistics under "group" normalisation


class Backbone(nn.Module):
    """Run the stages of ``body`` in order and keep the outputs of those named in ``taps``.

    Shapes: pictures (N, 3, H, W) -> c[k] (N, channels[k], H/2^k, W/2^k), rounded up.
    """

    def __init__(self, body: nn.Sequential, taps: dict[str, int], channels: dict[int, int]) -> None:
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

    def freeze_up_to(self, level: int) -> None:
        """Stop the gradient for every stage up to and including the one that gives C_level."""
        for name, stage in self.body.named_children():
            stage.requires_grad_(False)
            if self.taps.get(name) == level:
                return


def norm_layer(norm: str) -> Norm:
    """The normalisation called "frozen", "batch" or "group": channels -> layer.

    "frozen" keeps the statistics and the affine part of pretrained weights; the other two learn
    from scratch, "group" also from batches of one or two pictures.
    """
    layers: dict[str, Norm] = {
        "frozen": FrozenBatchNorm2d,
        "batch": nn.BatchNorm2d,
        "group": lambda channels: nn.GroupNorm(max(1, channels // GROUP_CHANNELS), channels),
    }
    return layers[norm]


def resnet(name: str, norm: Norm) -> Backbone:
    """torchvision's ResNet without its classifier, tapped after each of its four stages.

    Source: reference configuration of the paper; the stride is in the 3x3 convolution.
    """
    net = torchvision.models.get_model(name, norm_layer=norm)
    channels = {2: 64, 3: 128, 4: 256, 5: 512}
    if name != "resnet18":
        channels = {k: 4 * n for k, n in channels.items()}
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
    channels = {k: width * 2 ** (k - 2) for k in range(2, 6)}
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


def backbone(name: str, norm: str) -> Backbone:
    """The backbone called ``name`` with randomly drawn weights. Raises ``UserError`` if unknown."""
    if name in RESNETS:
        return resnet(name, norm_layer(norm))
    if name in MOBILENETS:
        return mobilenet(name, norm_layer(norm))
    if name in NARROW:
        return narrow_resnet(norm_layer(norm))
    known = ", ".join((*RESNETS, *MOBILENETS, *NARROW))
    raise UserError(f"backbone {name!r} is unknown: choose one of {known}.")


def load_imagenet(net: Backbone, name: str) -> None:
    """Put torchvision's ImageNet weights into ``net`` and freeze its stages up to C2.

    Raises ``UserError`` when there are none for this backbone or they cannot be downloaded.
    """
    weights = imagenet_weights(name)
    try:
        state = weights.get_state_dict(check_hash=True, progress=False)
    except OSError as error:
        raise UserError(
            f"the ImageNet weights of {name} could not be downloaded ({error}): connect to the "
            f"network, put the file {weights.url.rsplit('/', 1)[1]} into "
            f"{torch.hub.get_dir()}/checkpoints, or train from scratch with weights='scratch'."
        ) from None
    names = {f"body.{k.removeprefix('features.')}": v for k, v in state.items()}
    missing, _ = net.load_state_dict(names, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise RuntimeError(f"the ImageNet weights of {name} lack {missing[:3]} of {len(missing)}")
    net.freeze_up_to(2)


def imagenet_weights(name: str) -> torchvision.models.WeightsEnum:
    """torchvision's first ImageNet weights for the backbone, those of the paper's time."""
    if name in NARROW:
        raise UserError(f"there are no ImageNet weights for {name}: use weights='scratch'.")
    model = "mobilenet_v2" if name in MOBILENETS else name
    return torchvision.models.get_model_weights(model)["IMAGENET1K_V1"]
