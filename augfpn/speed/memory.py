"""Pooled features that are used once and not kept for the backward pass.

The first layer of a box head, and a gate, need the features of all RoIs again for their gradients:
those of 512 RoIs of four images, from one level, are 100 MB. To pool them once more takes a tenth
of the time of the layer behind them.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

LITTLE = 2**24  # bytes


def used_once(pool: Callable[[], Tensor], use: Callable[[Tensor], Tensor]) -> Tensor:
    """``use(pool())``; what ``use`` keeps of the pooled features is pooled anew in the backward.

    ``pool`` has to give the same each time. Features that take little memory are kept.
    """
    pooled = pool()
    if pooled.nbytes <= LITTLE:
        return use(pooled)
    storage = pooled.untyped_storage().data_ptr()

    def keep(saved: Tensor) -> Tensor | tuple:
        if saved.untyped_storage().data_ptr() != storage:
            return saved
        return saved.size(), saved.stride(), saved.storage_offset()

    def bring(kept: Tensor | tuple) -> Tensor:
        if isinstance(kept, Tensor):
            return kept
        with torch.no_grad():
            return pool().as_strided(*kept)

    with saved_tensors_hooks(keep, bring):
        return use(pooled)
