"""3x3 convolutions of large maps by Winograd's algorithm, on CPUs.

A direct 3x3 convolution multiplies nine times for each pair of channels and place. Winograd's
algorithm F(6 x 6, 3 x 3) transforms tiles of 8 x 8 places and the weights, multiplies the 64
transformed numbers one by one, and transforms the products back into 6 x 6 places: 64 / 36 = 1.8
multiplications a place instead of 9. The transforms of the weights cost the same for a map of any
size, so it pays for large ones. The errors of rounding are larger than those of a direct
convolution, by a factor of about ten: 1e-5 of the largest output.

Source: Lavin and Gray, CVPR 2016. The algorithm is NNPACK's, which comes with PyTorch.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

BORDER = (1, 1)  # padding of a 3x3 convolution that keeps a map's size
LEAST = 800_000  # places x output channels from which it is quicker, on one thread and on two


class WinogradConv2d(nn.Conv2d):
    """A convolution that `keeps_size`; for small maps, and on other devices, it is PyTorch's."""

    def forward(self, x: Tensor) -> Tensor:
        if pays(x, self.weight):
            return Winograd.apply(x, self.weight, self.bias)
        return super().forward(x)


def keeps_size(layer: nn.Conv2d) -> bool:
    """Whether a layer is a plain 3x3 convolution that keeps the size of its map."""
    return (
        layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == (1, 1)
        and layer.padding == BORDER
        and layer.groups == 1
        and layer.padding_mode == "zeros"
    )


def pays(x: Tensor, weight: Tensor) -> bool:
    """Whether Winograd's algorithm is there for this map, and pays."""
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.compiler.is_compiling()  # nor exporting, where the size is not a number
        and x.shape[-2] * x.shape[-1] * len(weight) >= LEAST
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.nnpack.is_available()  # NNPACK cannot run before this call
    )


class Winograd(torch.autograd.Function):
    """A 3x3 convolution of maps (N, C, H, W) -> (N, C', H, W), and its gradients.

    The gradient of the maps is a convolution too, with the weights turned by half a turn.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return convolved(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_map, of_weight, of_bias = ctx.needs_input_grad
        return (
            map_gradient(weight, gradient) if of_map else None,
            weight_gradient(x, gradient) if of_weight else None,
            gradient.sum(dim=(0, 2, 3)) if of_bias else None,
        )


def map_gradient(weight: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the maps: weights (C', C, 3, 3) and (N, C', H, W) -> (N, C, H, W)."""
    return convolved(gradient, weight.flip(2, 3).transpose(0, 1).contiguous(), None)


def weight_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of 3x3 weights: (N, C, H, W) and (N, C', H, W) -> (C', C, 3, 3).

    A weight connects each place of the gradient with the place of the map that lies some rows and
    columns away. With a border of zeros around the map, and as many columns in the gradient, the
    two lie a fixed number of places apart in memory: nine products of whole matrices.
    """
    (channels, height, width), outputs = x.shape[1:], gradient.shape[1]
    total = x.new_zeros(9, outputs, channels)
    for one, towards in zip(x, gradient, strict=True):
        padded = F.pad(F.pad(one, (1, 1, 1, 1)).flatten(1), (0, 2))
        rows = F.pad(towards, (0, 2)).flatten(1)  # (C', H (W + 2))
        for place in range(9):
            first = place // 3 * (width + 2) + place % 3
            total[place].addmm_(rows, padded[:, first : first + height * (width + 2)].t())
    return total.view(3, 3, outputs, channels).permute(2, 3, 0, 1)


def convolved(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """NNPACK takes one picture at a time."""
    each = [torch._nnpack_spatial_convolution(one, weight, bias, BORDER) for one in x.split(1)]
    return torch.cat(each) if len(each) > 1 else each[0]
