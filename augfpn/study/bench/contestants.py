"""A variant that is ready to be measured: its step, and what one step of it counts."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from augfpn.config import TWO_STAGE, Experiment
from augfpn.settings.budgets import BUDGETS
from augfpn.study.bench import floor, memory, parts
from augfpn.study.bench.detectors import build_variants, tested
from augfpn.study.bench.floor import LayerWork
from augfpn.study.bench.settings import BenchSettings, Use, model_of
from augfpn.study.bench.work import Work, fix_scores, force_proposals, release_proposals
from augfpn.support.transfer import as_fractions, moved
from augfpn.training import train
from augfpn.training.schedule import make_optimizer

RATE = 1e-6  # learning rate: small, so that random weights stay finite


@dataclass
class Contestant:
    """A variant with its step. ``rois`` are those of each picture of a batch."""

    variant: str
    use: Use
    device: str
    detector: nn.Module
    step: Callable[[], None]
    optimizer: torch.optim.Optimizer | None
    work: list[LayerWork]
    rois: list[int]
    peak_bytes: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)  # of this process, all threads
    parts: list[dict[str, float]] = field(default_factory=list)  # of rounds of their own

    def run(self, seed: int) -> None:
        """One step; the seed decides which anchors and RoIs it samples."""
        torch.manual_seed(seed)
        self.step()

    def measure_memory(self) -> None:
        """Measure the peak memory of a step."""

        def whole_step() -> None:
            self.run(0)
            self.forget()

        held = memory.held_bytes(self.detector, self.optimizer)
        self.peak_bytes = memory.peak_bytes(whole_step, held, self.device)

    def measure_parts(self, seed: int) -> None:
        """Measure the seconds of a step by part."""
        with parts.part_times(self.detector, self.use, self.device, self.optimizer) as seconds:
            self.run(seed)
        self.parts.append(seconds)
        self.forget()

    def forget(self) -> None:
        """Free the gradients, so that waiting variants do not hold them."""
        if self.optimizer is not None:
            self.optimizer.zero_grad(set_to_none=True)


def contestants(
    settings: BenchSettings, use: Use, work: Work, names: Sequence[str], tell: Callable[[], None]
) -> list[Contestant]:
    """The variants, each after a first step, after which ``tell`` is called.

    Raises ``RuntimeError`` if not all variants pool equally many RoIs.
    """
    make = trained_contestant if use == "training" else tested_contestant
    built, found = build_variants(settings, use, names), []
    for name in names:
        found.append(make(name, built.pop(name), settings, work))
        tell()
    check_equal_rois({each.variant: each.rois for each in found})
    return found


def tested_contestant(
    name: str, detector: nn.Module, settings: BenchSettings, work: Work
) -> Contestant:
    """A variant at inference. What it counts is counted before it is made fast."""
    fix_scores(detector)
    two_stages = settings.detector in TWO_STAGE
    if two_stages:
        force_proposals(detector, work.proposals)
    with floor.counted_work(detector.eval()) as counted:
        inference_step(detector, settings, work)()
    if two_stages:
        release_proposals(detector)
    fast = tested(detector)
    if two_stages:
        force_proposals(fast, work.proposals)
    step = inference_step(fast, settings, work)
    with pooled_rois(fast) as rois:
        step()
    return Contestant(name, "testing", settings.device, fast, step, None, counted, rois)


def trained_contestant(
    name: str, detector: nn.Module, settings: BenchSettings, work: Work
) -> Contestant:
    """A variant in training; its first step makes the optimiser's state."""
    if settings.detector in TWO_STAGE:
        force_proposals(detector, work.proposals)
    schedule = replace(BUDGETS[settings.budget].train, amp=settings.precision == "bf16")
    optimizer = make_optimizer(detector, schedule)
    model = model_of("fpn", settings, "training")
    experiment = Experiment(model=model, train=schedule, device=settings.device)

    def step() -> None:
        train.one_step(detector, optimizer, RATE, work.images, work.targets, experiment, 0)

    torch.manual_seed(0)
    with floor.counted_work(detector.train()) as counted, pooled_rois(detector) as rois:
        step()
    optimizer.zero_grad(set_to_none=True)
    return Contestant(
        name, "training", settings.device, detector, step, optimizer, counted, rois
    )  # fmt: skip


def inference_step(detector: nn.Module, settings: BenchSettings, work: Work) -> Callable[[], None]:
    """A function that detects in all pictures, as `augfpn.training.evaluate` does."""

    def step() -> None:
        images = as_fractions(moved(work.images, settings.device))
        bf16 = settings.precision == "bf16"
        with torch.no_grad(), torch.autocast(settings.device, torch.bfloat16, enabled=bf16):
            detector(images)

    return step


@contextlib.contextmanager
def pooled_rois(detector: nn.Module) -> Iterator[list[int]]:
    """How many RoIs of each picture the box head gets in what runs inside: a list that grows."""
    rois: list[int] = []

    def count(_: nn.Module, inputs: tuple) -> None:
        rois.extend(len(boxes) for boxes in inputs[1])

    select = box_selection(detector)
    hook = None if select is None else select.register_forward_pre_hook(count)
    try:
        yield rois
    finally:
        if hook is not None:
            hook.remove()


def box_selection(detector: nn.Module) -> nn.Module | None:
    """The module that pools the RoIs of the box head; None in a one-stage detector."""
    heads = getattr(detector, "roi_heads", None)
    return getattr(detector, "select", None) if heads is None else heads.box_roi_pool


def check_equal_rois(rois: dict[str, list[int]]) -> None:
    """Raise ``RuntimeError`` unless all variants pooled equally many RoIs from each picture."""
    if len({tuple(each) for each in rois.values()}) > 1:
        raise RuntimeError(
            f"the variants pooled different numbers of RoIs, {rois}: what is replaced in "
            "augfpn/study/bench/work.py does not reach all of them."
        )
