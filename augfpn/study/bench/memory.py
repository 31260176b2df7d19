"""Peak memory of a step, in bytes of tensors.

On a GPU the allocator knows its peak. On a CPU torch's profiler records each block that is
allocated or freed; their running sum has a peak. It depends neither on other processes nor on what
the C library keeps of freed blocks, so that one step is enough. What libraries such as oneDNN
allocate for themselves, and Python and torch themselves (some hundred MB), do not count.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile


def peak_bytes(step: Callable[[], None], held: int, device: str) -> int:
    """The most bytes that tensors have during a step, including ``held`` from before.

    The step must free nothing of what is held.
    """
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()  # of all variants
        step()
        torch.cuda.synchronize()
        return held + torch.cuda.max_memory_allocated() - before
    # The profiler's library would print a line when it starts, stops, or finds no GPU.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(file))
        events = json.loads(file.read_text())["traceEvents"]
    blocks = [each for each in events if each["name"] == "[memory]"]
    if not blocks:
        raise RuntimeError("torch's profiler recorded no memory: it may name its events otherwise.")
    blocks.sort(key=lambda each: each["ts"])
    return held + max(accumulate(each["args"]["Bytes"] for each in blocks))


def held_bytes(detector: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> int:
    """Bytes of parameters, buffers and the optimiser's state; a step keeps them all."""
    kept: list[Tensor] = [*detector.parameters(), *detector.buffers()]
    if optimizer is not None:
        kept += [x for state in optimizer.state.values() for x in tensors_of(state.values())]
    return sum(x.numel() * x.element_size() for x in kept)


def tensors_of(values: Iterable[object]) -> list[Tensor]:
    """Those of the values that are tensors."""
    return [x for x in values if isinstance(x, Tensor)]
