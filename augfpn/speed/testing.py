"""A copy of a detector that only detects: its backbone has its normalisations folded away.

A normalisation with fixed statistics multiplies each channel by a number and adds another. After a
convolution, which is linear, both can go into its weights and bias: the map is then written once
instead of three times. Networks with depthwise convolutions also run with channels last, in which a
place's channels are neighbours in memory.
"""

import copy

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import FrozenBatchNorm2d

from augfpn.pyramid import Levels
from augfpn.speed.quick import is_quickened

FIXED = (nn.BatchNorm2d, FrozenBatchNorm2d)  # in eval mode; subclasses may do more


def for_testing(detector: nn.Module) -> nn.Module:
    """A copy in eval mode that finds the same up to rounding, in less time.

    A detector with torchvision's own operators is only copied, so that its results stay the same
    bit for bit.
    """
    quick = copy.deepcopy(detector).eval().requires_grad_(False)
    if is_quickened(quick):
        quick.backbone = ChannelsLast(folded(quick.backbone))
    return quick


class ChannelsLast(nn.Module):
    """A backbone that runs with channels last if that pays; maps come and go channels first."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.pays = any(is_depthwise(layer) for layer in net.modules())
        self.net = net.to(memory_format=torch.channels_last) if self.pays else net

    def forward(self, x: Tensor) -> Levels:
        if not self.pays:
            return self.net(x)
        c = self.net(x.contiguous(memory_format=torch.channels_last))
        return {k: each.contiguous() for k, each in c.items()}


def is_depthwise(layer: nn.Module) -> bool:
    """Whether a layer is a convolution of each channel by itself."""
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1


class Tracer(fx.Tracer):
    """Sees convolutions and normalisations, of whatever class, as single steps."""

    def is_leaf_module(self, m: nn.Module, name: str) -> bool:
        return isinstance(m, nn.Conv2d) or type(m) in FIXED or super().is_leaf_module(m, name)


def folded(net: nn.Module) -> nn.Module:
    """A network in eval mode whose normalisations after convolutions are part of these.

    The given network is used up: its convolutions change. One that `torch.fx` cannot trace is
    returned as it is. Source: the rule is `torch.nn.utils.fusion`'s, which has it for batch
    normalisation.
    """
    try:
        traced = fx.GraphModule(net, Tracer().trace(net))
    except Exception:  # somebody else's network can fail here in any way
        return net
    layers = dict(traced.named_modules())
    for node in traced.graph.nodes:
        before = node.args[0] if node.args else None
        if not isinstance(before, fx.Node) or {node.op, before.op} != {"call_module"}:
            continue
        conv, norm = layers[before.target], layers[node.target]
        if isinstance(conv, nn.Conv2d) and type(norm) in FIXED and len(before.users) == 1:
            fold_norm(conv, norm)
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def fold_norm(conv: nn.Conv2d, norm: nn.Module) -> None:
    """Put a normalisation with fixed statistics into the convolution before it."""
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps,
        norm.weight, norm.bias,
    )  # fmt: skip
