"""A pretend GPU: tensors that say they are on ``cuda:0`` and compute on the CPU.

It finds operators that mix devices, and counts the operators that a GPU would be given and the
times that the host would wait for it, each with the line that caused it::

    with pretend_gpu() as gpu:
        detector = detector.to(GPU)
        gpu.clear()
        losses = detector(pictures, targets)
        gpu.backward(sum(losses.values()))
    len(gpu.operators), gpu.synchronisations

Which operators wait is a list, `WAITS`, read from PyTorch's and torchvision's CUDA sources. Write
``cuda:0``, not ``cuda``: a build without a driver cannot say which device is the current one.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import torch
import torchvision
from backward_by_node import backward_by_node
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map, tree_map_only

import augfpn

GPU = torch.device("cuda:0")
WAITS = {"nonzero", "masked_select", "_local_scalar_dense", "equal", "bincount", "nms"}
WAITS |= {"_unique", "_unique2", "unique_dim", "unique_consecutive", "unique_dim_consecutive"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
COPIES = {"_to_copy", "copy_", "copy"}
NO_KERNEL = {"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided"}
NO_KERNEL |= {"_unsafe_view", "is_pinned", "_pin_memory", "_local_scalar_dense"}
ROOMS = [Path(package.__file__).parent for package in (augfpn, torchvision)]
NOT_THE_CAUSE = (str(Path(torch.__file__).parent), __file__, "<")

needs_cuda_build = pytest.mark.skipif(
    not torch.backends.cuda.is_built(), reason="this torch is not built for CUDA"
)


class Event(NamedTuple):
    """An operator, such as "nonzero", and the line of code that caused it: "fcos.py:40"."""

    operator: str
    line: str


class OnGPU(torch.Tensor):
    """A tensor that says it is on the GPU; ``on_host`` holds the numbers."""

    on_host: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, on_host: Tensor) -> "OnGPU":
        layout = {"strides": on_host.stride(), "storage_offset": on_host.storage_offset()}
        kind = {"dtype": on_host.dtype, "device": GPU}
        self = torch.Tensor._make_wrapper_subclass(cls, on_host.shape, **layout, **kind)
        self.on_host = on_host
        return self

    @classmethod
    def __torch_dispatch__(cls, operator: Any, *_: Any) -> None:
        raise RuntimeError(f"{operator} on a tensor of the pretend GPU, outside of pretend_gpu()")

    def tolist(self) -> list:
        return self.cpu().tolist()

    def untyped_storage(self) -> torch.UntypedStorage:
        return self.on_host.untyped_storage()

    def __repr__(self) -> str:
        return f"OnGPU({self.on_host})"


class PretendGPU(TorchDispatchMode):
    """What was counted since `clear`.

    ``operators``: all but views and allocations. ``synchronisations``: the operators that wait.
    ``transfers``: copies between host and device with ``non_blocking``, which do not wait if the
    host's memory is pinned.
    """

    node = ""  # the step of the backward that runs

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Start to count anew."""
        self.operators: list[Event] = []
        self.synchronisations: list[Event] = []
        self.transfers: list[Event] = []

    def __torch_dispatch__(
        self, operator: Any, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        here = [x for x in tensors if isinstance(x, OnGPU)]
        name = operator._schema.name.split("::")[1]
        asked = kwargs.get("device")
        to_gpu = bool(here) if asked is None else torch.device(asked).type == "cuda"
        if name == "copy_":
            to_gpu = isinstance(args[0], OnGPU)
        if here or to_gpu:
            crosses = len(here) < len(tensors) if to_gpu else bool(here)
            self.check(name, args, [x for x in tensors if not isinstance(x, OnGPU)])
            self.count(operator, name, args, kwargs, crosses)
        if asked is not None:
            kwargs["device"] = torch.device("cpu")
        if name == "_pin_memory":
            return args[0]
        plain_args, plain_kwargs = tree_map(lambda x: getattr(x, "on_host", x), (args, kwargs))
        if name in COPIES and asked is not None:
            plain_args = (plain_args[0].clone(), *plain_args[1:])  # a copy is never an alias
        found = operator(*plain_args, **plain_kwargs)
        if not to_gpu:
            return found
        known = {id(x.on_host): x for x in here}  # an operator in place returns its argument
        return tree_map_only(Tensor, lambda x: known[id(x)] if id(x) in known else OnGPU(x), found)

    def check(self, name: str, args: tuple, on_cpu: list[Tensor]) -> None:
        """Raise for an operator that CUDA does not run: tensors on the CPU beside those here.

        As on CUDA, numbers (0-d) may be on the CPU if they are not changed, and indices may.
        """
        if name in COPIES:
            return
        allowed = [x for x in args[1] if x is not None] if name in INDEXING else []
        allowed = {id(x) for x in allowed if isinstance(args[0], OnGPU)}
        changed = id(args[0]) if args and name.endswith("_") else None
        wrong = [x for x in on_cpu if id(x) not in allowed and (x.dim() > 0 or id(x) == changed)]
        if wrong:
            shapes = ", ".join(str(tuple(x.shape)) for x in wrong)
            raise RuntimeError(
                f"{name} at {cause()} mixes devices: shape {shapes} is on the CPU, others on {GPU}"
            )

    def count(self, operator: Any, name: str, args: tuple, kwargs: dict, crosses: bool) -> None:
        event = Event(name, self.node or cause())
        aliases = any(r.alias_info and not r.alias_info.is_write for r in operator._schema.returns)
        if not aliases and name not in NO_KERNEL:
            self.operators.append(event)
        if name in COPIES and crosses:
            apart = kwargs.get("non_blocking") or (name == "copy_" and True in args[2:])
            (self.transfers if apart else self.synchronisations).append(event)
        elif waits(name, operator, args, kwargs):
            self.synchronisations.append(event)

    def backward(self, loss: Tensor) -> None:
        """As ``loss.backward()``, whose engine would ask for a real CUDA context."""
        for self.node in backward_by_node(loss):
            pass
        self.node = ""


def waits(name: str, operator: Any, args: tuple, kwargs: dict) -> bool:
    """Whether the host waits for the result, or for the size of the result."""
    if name in INDEXING:  # a mask becomes indices; indices and values on the host are copied
        masks = any(x is not None and x.dtype in (torch.bool, torch.uint8) for x in args[1])
        given = [x for x in (*args[1], *args[2:3]) if x is not None]
        return masks or any(x.device != GPU for x in given)
    if name == "repeat_interleave":
        return operator._overloadname == "Tensor" and kwargs.get("output_size") is None
    return name in WAITS


def cause() -> str:
    """The innermost line of augfpn or torchvision that is running, or else of other code."""
    frame, other = sys._getframe(1), ""
    while frame is not None:
        file = frame.f_code.co_filename
        for room in ROOMS:
            if file.startswith(str(room)):
                return f"{Path(file).relative_to(room.parent)}:{frame.f_lineno}"
        if not other and not file.startswith(NOT_THE_CAUSE):
            other = f"{Path(file).name}:{frame.f_lineno}"
        frame = frame.f_back
    return other


@contextmanager
def pretend_gpu() -> Iterator[PretendGPU]:
    """Within it, ``cuda:0`` exists."""
    torch._C._ensureCUDADeviceGuardSet()
    gpu, set_overwrite = PretendGPU(), torch.__future__.set_overwrite_module_params_on_conversion
    with ExitStack() as stack:
        stack.enter_context(patch("torch.cuda._lazy_init", lambda: None))
        # An optimiser asks for it; older versions of torch then ask the driver.
        capturing = "torch.cuda.graphs._cuda_isCurrentStreamCapturing"
        stack.enter_context(patch(capturing, lambda: False))
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        for switch in (torch._C._set_only_lift_cpu_tensors, set_overwrite):
            switch(True)
            stack.callback(switch, False)
        yield stack.enter_context(gpu)
