"""How long a run takes, from a few of its own steps and test pictures."""

import statistics
import time
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from augfpn.config import Experiment
from augfpn.data.batches import batches
from augfpn.data.pictures import Pictures
from augfpn.detectors.build import build_detector
from augfpn.training import evaluate, train

WARM_UP, MOST_STEPS = 3, 23  # the first steps are slower: memory is asked for, kernels are chosen
TRAINING_SECONDS, TESTING_SECONDS = 15.0, 5.0  # what is spent on measuring
MOST_TESTED = 8  # pictures


class Cost(NamedTuple):
    """Seconds of a training step and of a test picture, and how the former was found."""

    step: float
    picture: float
    how: str


def measure(experiment: Experiment, pictures: Pictures, test: Pictures) -> Cost:
    """What the run costs on this machine, measured in some twenty seconds.

    A step that is too long to be repeated is guessed from one with a single picture. Raises
    whatever the training itself would: a GPU that is too small says so here.
    """
    train.keep_freed_memory()
    torch.manual_seed(experiment.seed)
    detector = build_detector(experiment.model).to(experiment.device)
    deadline = time.monotonic() + TRAINING_SECONDS
    alone = replace(experiment, train=replace(experiment.train, batch=1))
    guess = experiment.train.batch * min(timed_steps(detector, alone, pictures, 3, deadline))
    step, how = guess, "guessed from one with a single picture"
    if time.monotonic() + (WARM_UP + 1) * guess < deadline:
        seconds = timed_steps(detector, experiment, pictures, MOST_STEPS, deadline)
        seconds = seconds[WARM_UP:] or seconds[-1:]
        step, how = statistics.median(seconds), f"median of {len(seconds)}"
    first = timed_test(detector, experiment, test, 1)
    more = min(MOST_TESTED, int(TESTING_SECONDS / first))
    return Cost(step, timed_test(detector, experiment, test, more) if more > 1 else first, how)


def timed_steps(
    detector: nn.Module, experiment: Experiment, pictures: Pictures, most: int, deadline: float
) -> list[float]:
    """Seconds of each of the run's first steps, with waiting for pictures; at least of one."""
    settings, useful = experiment.train, pictures.with_objects()
    steps = train.number_of_steps(settings, len(useful))
    optimizer = train.make_optimizer(detector, settings)
    feed = batches(
        pictures, useful, settings.batch, range(most),
        seed=experiment.seed, flip=settings.flip, workers=settings.workers,
    )  # fmt: skip
    seconds, began = [], time.monotonic()
    detector.train()
    for step, (images, targets) in enumerate(feed):
        rate = train.learning_rate(settings, step, steps)
        train.one_step(detector, optimizer, rate, images, targets, experiment, step)
        seconds.append(time.monotonic() - began)
        began += seconds[-1]
        if began > deadline:
            break
    return seconds


def timed_test(detector: nn.Module, experiment: Experiment, test: Pictures, n: int) -> float:
    """Seconds to detect in a picture, over the first n of them."""
    some, began = test.first(n), time.monotonic()
    evaluate.predict(detector, some, experiment.device, amp=experiment.train.amp)
    return (time.monotonic() - began) / len(some)
