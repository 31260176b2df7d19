"""Seconds by part of a detector: the time of each function without that of the functions it calls.

A function of a detector is replaced by one that tells a `PartClock` when it begins and ends. In the
backward pass there is no function to replace; but the gradient of a part's output is complete when
the backward pass of the part begins, and then the clock is told too. All times add up to the time
that the clock ran: what belongs to no part is "other". On a GPU each change of part waits for the
device, so that the sum is longer than a step without the clock.
"""

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.speed import heads
from augfpn.study.bench.settings import Use

PARTS = (  # in the order of a step
    *("transform", "backbone", "pyramid", "proposals", "sampling", "RoI features", "fusion"),
    *("heads", "supervision", "post-processing", "backward", "optimiser", "other"),
)
OF_BACKWARD = "backward of "  # before a part's name

# Which functions belong to which part, by their names in a detector. "" is the detector itself;
# functions with a "?" are only in some detectors. The heads' losses count as heads. Where soft RoI
# selection reduces maps before it pools them (`augfpn.speed.fusion`), that counts as RoI features.
OUR_PARTS = {
    "transform.forward": "transform",
    "transform.postprocess": "post-processing",
    "backbone.forward": "backbone",
    "fpn.forward": "pyramid",
    "supervision.forward?": "supervision",
}
OUR_TWO_STAGE = OUR_PARTS | {
    "rpn.forward": "proposals",
    "sample": "sampling",
    "select.forward": "RoI features",
    "select.pool?": "RoI features",
    "select.fusion.forward?": "fusion",
    "select.fusion.score.forward?": "fusion",
    "heads.box_head.forward": "heads",
    "heads.box_head.of_rois?": "heads",
    "heads.box_predictor.forward": "heads",
    "box_losses": "heads",
    "detect": "post-processing",
    "masks.select.forward?": "RoI features",
    "masks.select.pool?": "RoI features",
    "masks.select.fusion.forward?": "fusion",
    "masks.select.fusion.score.forward?": "fusion",
    "masks.forward?": "heads",
    "masks.head.forward?": "heads",
    "masks.predictor.forward?": "heads",
    "masks.detect?": "post-processing",
    "mask_supervision.forward?": "supervision",
}
OUR_ONE_STAGE = OUR_PARTS | {
    "dense.forward": "heads",
    "dense.losses": "heads",
    "own_boxes": "supervision",
}
THEIR_BACKBONE = {
    "transform.forward": "transform",
    "transform.postprocess": "post-processing",
    "backbone.body.forward": "backbone",
    "backbone.fpn.forward": "pyramid",
}
THEIR_TWO_STAGE = THEIR_BACKBONE | {
    "rpn.forward": "proposals",
    "roi_heads.select_training_samples": "sampling",
    "roi_heads.box_roi_pool.forward": "RoI features",
    "roi_heads.box_head.forward": "heads",
    "roi_heads.box_predictor.forward": "heads",
    "roi_heads.mask_roi_pool.forward?": "RoI features",
    "roi_heads.mask_head.forward?": "heads",
    "roi_heads.mask_predictor.forward?": "heads",
}
THEIR_ONE_STAGE = THEIR_BACKBONE | {"head.forward": "heads", "compute_loss": "heads"}


class PartClock:
    """Seconds of each part; exactly one part is running at any time."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)
        self.running = ["other"]
        self.since = self.now()

    def now(self) -> float:
        """The time in seconds, once the device has done what it was told."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def book(self) -> None:
        """Give the time since the last change to the part that is running."""
        now = self.now()
        self.seconds[self.running[-1]] += now - self.since
        self.since = now

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part that runs, and interrupts the one that was running."""
        self.book()
        self.running.append(name)
        try:
            yield
        finally:
            self.book()
            self.running.pop()

    def turn_to(self, name: str) -> None:
        """Another part runs from here on, in place of the one that is running."""
        self.book()
        self.running[-1] = name

    def timed(self, call: Callable, name: str) -> Callable:
        """The function, its time and that of its backward pass booked under ``name``."""

        @wraps(call)
        def timed_call(*inputs: Any, **named: Any) -> Any:
            again = self.running[-1].startswith(OF_BACKWARD)  # the backward pass calls it once more
            with self.part(OF_BACKWARD + name if again else name):
                given = call(*inputs, **named)
            for output in tensors_in(given):
                # A function inside of this one may have returned the same tensor: it comes first.
                if output.grad_fn is not None and not hasattr(output, "part_of_backward"):
                    output.part_of_backward = name
                    output.register_hook(lambda _: self.turn_to(OF_BACKWARD + name))
            return given

        return timed_call

    def returning(self, call: Callable) -> Callable:
        """The function, after which the part that runs when it is called goes on."""

        @wraps(call)
        def returning_call(*inputs: Any) -> Any:
            with self.part(self.running[-1]):
                return call(*inputs)

        return returning_call


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from (each for part in value.values() for each in tensors_in(part))
    elif isinstance(value, list | tuple):
        yield from (each for part in value for each in tensors_in(part))


def functions_of(detector: nn.Module, use: Use) -> dict[str, str]:
    """The functions of a detector by their names, and the part that each belongs to."""
    last = "heads" if use == "training" else "post-processing"
    if isinstance(detector, TwoStage):
        return OUR_TWO_STAGE
    if isinstance(detector, OneStage):
        return OUR_ONE_STAGE if use == "training" else OUR_ONE_STAGE | {"detect": last}
    if hasattr(detector, "roi_heads"):
        return THEIR_TWO_STAGE | {"roi_heads.forward": last}
    return THEIR_ONE_STAGE | {"postprocess_detections": "post-processing"}


def owner_of(detector: nn.Module, function: str) -> tuple[Any, str] | None:
    """What a function belongs to, and its name there; None for one that the detector lacks.

    Raises ``RuntimeError`` if it should have it.
    """
    path, _, name = function.removesuffix("?").rpartition(".")
    owner: Any = detector
    for word in path.split(".") if path else ():
        owner = getattr(owner, word, None)
    if hasattr(owner, name):
        return owner, name
    if function.endswith("?"):
        return None
    raise RuntimeError(
        f"{type(detector).__name__} has no {function}, whose time would be measured: name what "
        "took its place in augfpn/study/bench/parts.py."
    )


def functions_of_step(optimizer: torch.optim.Optimizer) -> dict[tuple[Any, str], str]:
    """The functions of `augfpn.training.train.one_step` outside of the detector."""
    return {
        (Tensor, "backward"): OF_BACKWARD + "heads",  # the losses come first
        (nn.utils, "clip_grad_norm_"): "optimiser",
        (optimizer, "step"): "optimiser",
    }


@contextlib.contextmanager
def part_times(
    detector: nn.Module, use: Use, device: str, optimizer: torch.optim.Optimizer | None = None
) -> Iterator[dict[str, float]]:
    """Seconds by part of what runs inside, a dict that is filled at the end.

    ``optimizer`` is that of a training step. The keys are of `PARTS`, and for the backward pass
    such parts after `OF_BACKWARD`. Raises ``RuntimeError`` for a function that a detector lacks.
    """
    seconds: dict[str, float] = {}
    clock = PartClock(device)
    named = functions_of(detector, use)
    calls = {owner_of(detector, function): part for function, part in named.items()}
    calls |= {} if optimizer is None else functions_of_step(optimizer)
    with contextlib.ExitStack() as replaced:
        for owner, part in calls.items():
            if owner is not None:
                new = clock.timed(getattr(*owner), part)
                replaced.enter_context(mock.patch.object(*owner, new))
        # The backward pass of a box head holds passes of what pools its features.
        inside = clock.returning(heads.gradients)
        replaced.enter_context(mock.patch.object(heads, "gradients", inside))
        clock.since = clock.now()
        yield seconds
        clock.book()
    seconds.update(clock.seconds)


def with_backward_whole(seconds: dict[str, float]) -> dict[str, float]:
    """The same seconds in the order of `PARTS`, with the whole backward pass as one part."""
    whole = sum(x for part, x in seconds.items() if part.startswith(OF_BACKWARD))
    every = seconds | {"backward": whole}
    return {part: every[part] for part in PARTS if every.get(part)}


def backward_only(seconds: dict[str, float]) -> dict[str, float]:
    """The seconds of the backward pass by part, in the order of `PARTS`."""
    return {p: seconds[OF_BACKWARD + p] for p in PARTS if seconds.get(OF_BACKWARD + p)}
