"""The poolings of C5 as matrix products: for graphs, and for gradients that repeat on a GPU.

A graph has to do for every size of C5, and no operator of ONNX pools to a size that depends on it.
On a GPU the gradients of PyTorch's adaptive poolings are summed in an order that changes.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from augfpn.detectors import variants
from augfpn.pyramid import ratio_invariant_pool

Whole = int | torch.SymInt


def as_products(pool: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same pooling of C5 up to rounding, of a C5 of any size; your own pooling stays as it is.

    An average is two matrix products. The gradient of a maximum is shared by equal places.
    """
    if pool is variants.global_max_pool:
        return partial(torch.amax, dim=(2, 3), keepdim=True)
    if isinstance(pool, partial) and pool.func in (ratio_invariant_pool, variants.fixed_pool):
        return partial(averages, pool=pool)
    return pool


def averages(c5: Tensor, pool: partial) -> Tensor:
    """Adaptive average pooling as two products: (N, C, h, w) -> (N, C, h', w')."""
    if pool.func is ratio_invariant_pool:
        ratio = pool.keywords["ratio"]
        sides = [as_size((as_number(n) * ratio).floor().clamp(min=1)) for n in c5.shape[-2:]]
    else:
        sides = [pool.keywords["side"]] * 2
    rows, columns = (bin_weights(n, m, c5) for n, m in zip(c5.shape[-2:], sides, strict=True))
    return rows @ c5 @ columns.T


def bin_weights(n: Whole, m: Whole, like: Tensor) -> Tensor:
    """The weight of each of n places in each of m averages, for maps as ``like``: (m, n)."""
    bin, place = (torch.arange(count, device=like.device) for count in (m, n))
    bin = bin[:, None]
    inside = ((place >= bin * n // m) & (place < ((bin + 1) * n + m - 1) // m)).float()
    return (inside / inside.sum(dim=1, keepdim=True)).to(like.dtype)


def as_number(side: Whole) -> Tensor:
    """A size as a number (0-d) in double precision, as Python itself would compute with it."""
    return torch.scalar_tensor(side, dtype=torch.float64)


def as_size(count: Tensor, least: int = 1) -> Whole:
    """A whole number (0-d) as a size; the tracing is told that it is at least ``least``."""
    size = count.long().item()
    if isinstance(size, torch.SymInt):
        torch._check(size >= least)
    return size
