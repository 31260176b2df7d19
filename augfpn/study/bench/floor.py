"""The least time that a step could take on this machine, by arithmetic and by memory traffic.

Every convolution and fully connected layer needs its multiply-accumulates, and has to read its
input and weights and write its output once. This machine's rates for a large matrix product and for
a large copy say how long each takes; the longer of the two is the layer's floor. What else a step
does is counted as nothing. A floor is that of the network as the paper writes it: a reformulation
that needs fewer operations, as those in `augfpn.speed`, can be below it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from augfpn.study.timing import elapsed

MATRIX, COPY = 1024, 2**25  # side of the square matrices, and numbers that are copied
TRIES, TRY_SECONDS = 9, 2.0  # no further try begins after these seconds; the quickest counts
SPEED = "augfpn.speed."  # whose modules replace a layer's class by a quicker one
COUNTED_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


@dataclass(frozen=True)
class Rates:
    """What this machine does per second: multiply-accumulates, and bytes read or written."""

    macs: float
    bytes: float


@dataclass
class LayerWork:
    """A layer's multiply-accumulates and bytes, forward, and how often its step does them.

    ``passes`` is 1 for the forward, and 1 more each for the gradients of weights and of input.
    """

    macs: int
    bytes: int
    passes: int


def measured_rates(device: str, dtype: torch.dtype) -> Rates:
    """The rates of a large matrix product in ``dtype`` and of a large copy, with the threads set.

    With much other work on the machine they come out too low, and the floors too high.
    """
    a = torch.rand(MATRIX, MATRIX, device=device).to(dtype)
    x = torch.rand(COPY, device=device)
    y = torch.empty_like(x)
    product = seconds_of(lambda: torch.mm(a, a), device)
    copy = seconds_of(lambda: y.copy_(x), device)
    return Rates(MATRIX**3 / product, 2 * x.numel() * x.element_size() / copy)


def seconds_of(run: Callable[[], object], device: str) -> float:
    """Seconds of the quickest of some calls, because a floor must not be too high."""
    seconds: list[float] = []
    while len(seconds) < 2 or (len(seconds) <= TRIES and sum(seconds) < TRY_SECONDS):
        began = time.monotonic()
        run()
        seconds.append(elapsed(began, device))
    return min(seconds)


@contextlib.contextmanager
def as_written(detector: nn.Module) -> Iterator[None]:
    """Let the layers that `augfpn.speed` made quicker work as those that they took the place of."""
    quick = [layer for layer in detector.modules() if type(layer).__module__.startswith(SPEED)]
    kinds = [type(layer) for layer in quick]
    for layer, kind in zip(quick, kinds, strict=True):
        layer.__class__ = kind.__base__
    try:
        yield
    finally:
        for layer, kind in zip(quick, kinds, strict=True):
            layer.__class__ = kind


@contextlib.contextmanager
def counted_work(detector: nn.Module) -> Iterator[list[LayerWork]]:
    """The work of each layer call of what runs inside, as written: a list that grows."""
    found: list[LayerWork] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        (x,) = inputs
        weight = layer.weight
        each = x if isinstance(layer, nn.ConvTranspose2d) else output
        macs = each.numel() * weight.numel() // weight.shape[0]
        moved = sum(t.numel() * t.element_size() for t in (x, weight, output))
        gradients = weight.requires_grad + x.requires_grad if torch.is_grad_enabled() else 0
        found.append(LayerWork(macs, moved, 1 + gradients))

    layers = [layer for layer in detector.modules() if isinstance(layer, COUNTED_LAYERS)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        with as_written(detector):
            yield found
    finally:
        for hook in hooks:
            hook.remove()


def floor_seconds(work: list[LayerWork], rates: Rates) -> float:
    """The sum over layers of the longer of arithmetic and traffic."""
    return sum(w.passes * max(w.macs / rates.macs, w.bytes / rates.bytes) for w in work)


def as_floor(work: list[LayerWork], rates: Rates) -> dict[str, float]:
    """Multiply-accumulates and bytes of a step, and the floor that follows from them."""
    return {
        "macs": sum(w.passes * w.macs for w in work),
        "bytes": sum(w.passes * w.bytes for w in work),
        "seconds": floor_seconds(work, rates),
    }


def least_seconds(macs: float, benches: dict[str, Any]) -> float:
    """Seconds of so many multiply-accumulates at the highest rate that any of the benches measured.

    The rate that a short bench measures varies; a floor must not be too high.
    """
    return macs / max(bench["rates"]["macs_per_second"] for bench in benches.values())
