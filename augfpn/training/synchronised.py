"""Batch normalisation over the images of all processes that train together.

`torch.nn.SyncBatchNorm` does the same, but on GPUs only, and it would replace layers of timm that
compute more than a normalisation. This works on every device and for every layer that calls
`torch.nn.functional.batch_norm`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class TotalOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is summed over them too."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def batch_norm_over_processes(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm`; in training the statistics are those of all processes.

    ``x`` is (N, C, ...), with another N, height and width in each process. Statistics are computed
    in float32 at least, first the mean and then the squared deviations from it.
    """
    if not training:
        return one_process(x, running_mean, running_var, weight, bias, False, momentum, eps)
    others = [d for d in range(x.dim()) if d != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    values = x.to(torch.promote_types(x.dtype, torch.float32))
    own = torch.cat([values.sum(others), values.new_full((1,), values.numel() / x.shape[1])])
    *_, count = total = TotalOverProcesses.apply(own)
    mean = total[:-1] / count
    apart = values - mean.view(shape)
    var = TotalOverProcesses.apply(apart.square().sum(others)) / count
    with torch.no_grad():
        if running_mean is not None and running_var is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((var * count / (count - 1)).to(running_var.dtype), momentum)
    scale = torch.rsqrt(var + eps) * (1 if weight is None else weight)
    y = apart * scale.view(shape)
    return (y if bias is None else y + bias.view(shape)).to(x.dtype)


one_process = F.batch_norm


@contextmanager
def synchronised() -> Iterator[None]:
    """Within it, batch normalisation in training uses the statistics of all processes.

    All processes have to run the same layers in the same order.
    """
    F.batch_norm = batch_norm_over_processes
    try:
        yield
    finally:
        F.batch_norm = one_process


def normalises_batches(detector: nn.Module) -> bool:
    """Whether a layer of the detector, as it is now, computes statistics of its batch."""
    return any(isinstance(layer, _BatchNorm) and layer.training for layer in detector.modules())
