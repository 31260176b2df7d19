"""How long things take on this machine, from a few training steps and test pictures.

    forecast       the time of one run, from its own first steps, for `augfpn doctor`
    time_in_turns  the times of FPN, AugFPN and its parts in one process, in turns

"In turns" means: from FPN to AugFPN in one round, the other way round in the next. Each round
gives ratios, so that other work of the machine affects all alike. The timings are kept beside
records.
"""

import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from augfpn import config
from augfpn.config import Experiment
from augfpn.data.batches import batches
from augfpn.data.pictures import Pictures
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.speed.testing import for_testing
from augfpn.study.bench.settings import Use
from augfpn.study.running import grid
from augfpn.study.running.recorded import TIMINGS
from augfpn.study.timed import IN_TURNS
from augfpn.support.files import write_json
from augfpn.support.machine import environment, keep_freed_memory
from augfpn.training import evaluate, prepare, schedule, train
from augfpn.training.precision import half_in_use
from augfpn.training.prepare import PreparedRun

# The first steps and rounds are slower: memory is allocated, kernels are chosen.
SLOW_STEPS, MOST_STEPS = 3, 23
SLOW_ROUNDS = 2
TRAINING_SECONDS, TEST_SECONDS = 15.0, 5.0  # time that a forecast spends on measuring
MOST_TESTED = 8  # test pictures that a forecast measures
PAPER_SCENE = (1216, 800)  # as large as the pictures of COCO at the paper's budget

T = TypeVar("T")
Timer = Callable[[int], float]  # a round -> seconds


# --- one run --------------------------------------------------------------------------------------


class Forecast(NamedTuple):
    """Seconds of a training step and of a test picture, and how the former was measured."""

    step: float
    picture: float
    how: str


def forecast(run: PreparedRun) -> Forecast:
    """How long a run's steps and test pictures take on this machine, in some twenty seconds.

    A step that is too long to be repeated is estimated from a step with a single picture. Raises
    whatever the training itself would, for example that the GPU's memory is too small.
    """
    keep_freed_memory()
    experiment, pictures, test = run.experiment, run.pictures, run.test
    torch.manual_seed(experiment.seed)
    detector = build_detector(experiment.model).to(experiment.device)
    deadline = time.monotonic() + TRAINING_SECONDS
    alone = replace(experiment, train=replace(experiment.train, batch=1))
    guess = experiment.train.batch * min(timed_steps(detector, alone, pictures, 3, deadline))
    step, how = guess, "estimated from a step with one picture"
    if time.monotonic() + (SLOW_STEPS + 1) * guess < deadline:
        seconds = timed_steps(detector, experiment, pictures, MOST_STEPS, deadline)
        seconds = seconds[SLOW_STEPS:] or seconds[-1:]
        step, how = statistics.median(seconds), f"median of {len(seconds)}"
    first = timed_test(detector, experiment, test, 1)
    more = min(MOST_TESTED, int(TEST_SECONDS / first))
    picture = timed_test(detector, experiment, test, more) if more > 1 else first
    return Forecast(step, picture, how)


def timed_steps(
    detector: nn.Module, experiment: Experiment, pictures: Pictures, most: int, deadline: float
) -> list[float]:
    """Seconds of each of a run's first steps (at least one), including the wait for pictures."""
    settings, useful = experiment.train, pictures.with_objects()
    steps = schedule.number_of_steps(settings, len(useful))
    optimizer = schedule.make_optimizer(detector, settings)
    feed = batches(
        pictures, useful, settings.batch, range(most),
        seed=experiment.seed, flip=settings.flip, workers=settings.workers,
        by_shape=settings.by_shape,
    )  # fmt: skip
    seconds, began = [], time.monotonic()
    detector.train()
    for step, (images, targets) in enumerate(feed):
        rate = schedule.learning_rate(settings, step, steps)
        train.one_step(detector, optimizer, rate, images, targets, experiment, step)
        seconds.append(time.monotonic() - began)
        began += seconds[-1]
        if began > deadline:
            break
    return seconds


def timed_test(detector: nn.Module, experiment: Experiment, test: Pictures, n: int) -> float:
    """Seconds of inference per picture: the mean over the first n."""
    some, began = test.first(n), time.monotonic()
    evaluate.predict(detector, some, experiment.device, amp=half_in_use(experiment.train))
    return (time.monotonic() - began) / len(some)


# --- variants in turns ----------------------------------------------------------------------------


def time_in_turns(
    budget: str, rounds: int, batch: int, device: str, variants: Sequence[str] = IN_TURNS
) -> dict:
    """Seconds of a training step and of a test picture, by use, variant and round.

    All run on scenes; reading and resizing them counts, as in the paper's section 4.5. The weights
    are random: there are as many proposals as after training, but fewer detections to suppress.
    """
    found: dict[str, dict[str, list[float]]] = {}
    timers = [timers_of(variant, budget, batch, device, rounds) for variant in variants]
    for use in ("training", "testing"):
        seconds: dict[str, list[float]] = {variant: [] for variant in variants}
        for n in range(SLOW_ROUNDS + rounds):
            for variant, timer in in_turn(list(zip(variants, timers, strict=True)), n):
                seconds[variant].append(timer[use](n))
        found[use] = {variant: each[SLOW_ROUNDS:] for variant, each in seconds.items()}
    settings = {"budget": budget, "batch": batch, "rounds": rounds}
    return settings | {"seconds": found, "environment": environment(device)}


def in_turn(every: Sequence[T], round_: int) -> Sequence[T]:
    """The same in the order of a round: the opposite one in every other round."""
    return every if round_ % 2 == 0 else every[::-1]


def timers_of(variant: str, budget: str, batch: int, device: str, rounds: int) -> dict[Use, Timer]:
    """Functions that time one round of a variant, by use: "training" or "testing" (inference)."""
    experiment = timed_experiment(variant, budget, batch, device, rounds)
    run = prepare.prepare_run(experiment)
    experiment, pictures, test = run.experiment, run.pictures, run.test
    torch.manual_seed(0)
    detector = build_detector(experiment.model).to(device)
    return {
        "training": training_timer(detector, experiment, pictures, rounds),
        "testing": inference_timer(detector, experiment, test),
    }


def timed_experiment(variant: str, budget: str, batch: int, device: str, rounds: int) -> Experiment:
    """The settings: the budget's detector on as many scenes as the rounds need."""
    of_budget = grid.Run(variant, "coco" if budget == "paper" else "scenes", budget, 0).experiment
    data = config.Data(
        scene_size=PAPER_SCENE if budget == "paper" else of_budget.data.scene_size,
        train_scenes=max(batch, 4),
        test_scenes=max(4, min(rounds, 16)),
    )
    steps = SLOW_ROUNDS + rounds
    return replace(
        of_budget,
        model=replace(of_budget.model, weights="scratch"),
        data=data,
        train=replace(of_budget.train, batch=batch, workers=0, epochs=None, steps=steps),
        device=device,
    )


def training_timer(
    detector: nn.Module, experiment: Experiment, pictures: Pictures, rounds: int
) -> Timer:
    """A function that times a training step, including the reading of its pictures."""
    settings = experiment.train
    optimizer = schedule.make_optimizer(detector, settings)
    feed = iter(
        batches(
            pictures, pictures.with_objects(), settings.batch, range(SLOW_ROUNDS + rounds),
            seed=0, flip=settings.flip, workers=0,
        )
    )  # fmt: skip

    def one(n: int) -> float:
        detector.train()
        began = time.monotonic()
        images, targets = next(feed)
        train.one_step(detector, optimizer, 1e-6, images, targets, experiment, n)
        return elapsed(began, experiment.device)

    return one


def inference_timer(detector: nn.Module, experiment: Experiment, test: Pictures) -> Timer:
    """A function that times inference on a picture, from reading it to its detections."""
    quick = for_testing(detector)

    def one(n: int) -> float:
        began, i = time.monotonic(), n % len(test)
        with torch.no_grad():
            evaluate.detect_some(
                quick, test, range(i, i + 1), experiment.device, half_in_use(experiment.train)
            )
        return elapsed(began, experiment.device)

    return one


def elapsed(began: float, device: str) -> float:
    """Seconds since ``began``, once the device has finished its work."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - began


def write_timing(timing: dict, folder: Path) -> Path:
    """Write a timing beside records. Raises ``UserError`` if there is one already."""
    device = re.sub(r"[^a-z0-9]+", "-", timing["environment"]["device_name"].lower()).strip("-")
    file = folder / TIMINGS / f"{timing['budget']}-{device}.json"
    if file.exists():
        raise UserError(f"{file} exists already: move it away to measure again.")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, timing)
    return file
