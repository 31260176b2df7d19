"""Training that gives the same bits each time on a GPU, as it does on a CPU: `repeatable`.

On a GPU some gradients are sums whose terms are added in the order in which threads finish.
PyTorch's deterministic algorithms have a fixed order, but not for all operators: for the others
PyTorch raises. Therefore, the parts of a detector that use those are exchanged while it trains.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from augfpn.detectors.averages import as_products
from augfpn.detectors.variants import AdaptiveChannelFusion
from augfpn.pyramid import ResidualFeatureAugmentation
from augfpn.speed.roi_align import sparse_roi_align

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS and PyTorch read it at the first matrix product


@contextmanager
def repeatable(detector: nn.Module, wanted: bool = True) -> Iterator[None]:
    """Within it, the same training steps on the same device give the same bits, if ``wanted``.

    PyTorch's deterministic algorithms are on, and the detector has parts that obey them: results
    change by rounding. After it, also after an error, both are as they were, so that a trained
    detector is tested as every other. PyTorch raises if the process has multiplied matrices on the
    GPU before, without ``CUBLAS_WORKSPACE_CONFIG``: then set it to ``:4096:8`` beforehand.
    """
    with ExitStack() as undo:
        if wanted:
            os.environ.setdefault(CUBLAS, ":4096:8")
            undo.callback(
                torch.use_deterministic_algorithms,
                torch.are_deterministic_algorithms_enabled(),
                warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
            )
            torch.use_deterministic_algorithms(True)
            exchange(torch.backends.cudnn, "benchmark", False, undo)
            for module, name, part in list(repeatable_parts(detector)):
                exchange(module, name, part, undo)
        yield


def exchange(owner: object, name: str, value: object, undo: ExitStack) -> None:
    """Set an attribute until ``undo`` ends."""
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def repeatable_parts(
    detector: nn.Module,
) -> Iterator[tuple[nn.Module, str, Callable | tuple[Callable, ...]]]:
    """The modules with a part that does not repeat, the part's attribute, and one that does."""
    for module in detector.modules():
        if hasattr(module, "roi_align"):
            yield module, "roi_align", sparse_roi_align
        if isinstance(module, ResidualFeatureAugmentation):
            yield module, "pools", tuple(as_products(pool) for pool in module.pools)
        if isinstance(module, AdaptiveChannelFusion):
            yield module, "pool", as_products(module.pool)
