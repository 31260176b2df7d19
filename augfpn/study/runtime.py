"""How many times as long as FPN AugFPN takes: both measured in turns, in one process.

    one round: FPN, AugFPN, then the other way round in the next -> a ratio for each round

So whatever else the machine does hits both alike. The paper's own: section 4.5.
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from augfpn import config, records
from augfpn.data.batches import batches
from augfpn.data.pictures import Pictures
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.notebook import Asked
from augfpn.study import grid, intervals
from augfpn.study.intervals import Interval
from augfpn.support.files import write_json
from augfpn.support.machine import environment
from augfpn.training import evaluate, prepare, train

Use = Literal["training", "testing"]
Timed = Callable[[int], float]  # a round -> seconds
FOLDER = "runtime"  # beside records
VARIANTS = ("fpn", "augfpn")
WARM_UP = 2  # rounds that do not count: memory is asked for, kernels are chosen
PAPER_SCENE = (1216, 800)  # pictures of COCO's size as the paper's budget brings them


def measure(budget: str, rounds: int, batch: int, device: str) -> dict:
    """Seconds of a training step and of a test picture, by use, variant and round.

    On scenes, which are read and brought to the detector's size within the time, as the paper does;
    with weights from scratch: there are as many proposals, but fewer detections to sort out.
    """
    found: dict[str, dict[str, list[float]]] = {}
    timers = [timers_of(variant, budget, batch, device, rounds) for variant in VARIANTS]
    for use in ("training", "testing"):
        seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
        for n in range(WARM_UP + rounds):
            turn = list(zip(VARIANTS, timers, strict=True))
            for variant, timer in turn if n % 2 == 0 else turn[::-1]:
                seconds[variant].append(timer[use](n))
        found[use] = {variant: each[WARM_UP:] for variant, each in seconds.items()}
    settings = {"budget": budget, "batch": batch, "rounds": rounds}
    return settings | {"seconds": found, "environment": environment(device)}


def timers_of(variant: str, budget: str, batch: int, device: str, rounds: int) -> dict[Use, Timed]:
    """What times one round of a variant, by use."""
    experiment = experiment_of(variant, budget, batch, device, rounds)
    pictures, test = train.load_both(experiment)
    experiment = train.fitted(experiment, pictures, test)
    torch.manual_seed(0)
    detector = build_detector(experiment.model).to(device)
    return {
        "training": training_timer(detector, experiment, pictures, rounds),
        "testing": testing_timer(detector, experiment, test),
    }


def experiment_of(
    variant: str, budget: str, batch: int, device: str, rounds: int
) -> config.Experiment:
    """The budget's detector on as many scenes as are needed."""
    of_budget = grid.Run(variant, "coco" if budget == "paper" else "scenes", budget, 0).experiment
    data = config.Data(
        scene_size=PAPER_SCENE if budget == "paper" else of_budget.data.scene_size,
        train_scenes=max(batch, 4),
        test_scenes=max(4, min(rounds, 16)),
    )
    return replace(
        of_budget,
        model=replace(of_budget.model, weights="scratch"),
        data=data,
        train=replace(of_budget.train, batch=batch, workers=0, epochs=None, steps=WARM_UP + rounds),
        device=device,
    )


def training_timer(
    detector: nn.Module, experiment: config.Experiment, pictures: Pictures, rounds: int
) -> Timed:
    """Times a step, with reading its pictures."""
    settings = experiment.train
    optimizer = train.make_optimizer(detector, settings)
    feed = iter(
        batches(
            pictures, pictures.with_objects(), settings.batch, range(WARM_UP + rounds),
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


def testing_timer(detector: nn.Module, experiment: config.Experiment, test: Pictures) -> Timed:
    """Times a picture, from reading it to its detections."""

    def one(n: int) -> float:
        detector.eval()
        began, i = time.monotonic(), n % len(test)
        with torch.no_grad():
            evaluate.detect(
                detector, test, range(i, i + 1), experiment.device, experiment.train.amp
            )
        return elapsed(began, experiment.device)

    return one


def elapsed(began: float, device: str) -> float:
    """Seconds since then, when the device has done what it was asked to."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - began


def gather(asked: Asked, tell: Callable[[str], None] = print) -> list[dict]:
    """The measurements at a budget, after one on this machine if it is asked for."""
    grid.known_budget(asked.budget)
    if asked.run:
        device = prepare.the_device("auto")
        found = measure(asked.budget, asked.rounds, asked.batch, device)
        tell(f"recorded: {write(found, asked.records)}")
    return read([asked.records, *records.COMMITTED], asked.budget)


# --- files ----------------------------------------------------------------------------------------


def write(found: dict, folder: Path) -> Path:
    """Write a measurement beside records. Raises ``UserError`` rather than overwrite one."""
    device = re.sub(r"[^a-z0-9]+", "-", found["environment"]["device_name"].lower()).strip("-")
    file = folder / FOLDER / f"{found['budget']}-{device}.json"
    if file.exists():
        raise UserError(f"{file} is there: move it away to measure again.")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, found)
    return file


def read(folders: Iterable[Path], budget: str) -> list[dict]:
    """All measurements at a budget beside the records of some folders.

    Raises ``UserError`` for broken ones, of any budget.
    """
    found = []
    for file in sorted(f for folder in folders for f in Path(folder).glob(f"{FOLDER}/*.json")):
        try:
            one = json.loads(file.read_text())
            found.append(
                {name: one[name] for name in ("budget", "batch", "seconds", "environment")}
            )
        except (ValueError, KeyError) as error:
            raise UserError(f"{file} is no whole measurement ({error!r}): delete it.") from None
    return [each for each in found if each["budget"] == budget]


def times_as_long(found: dict, use: Use) -> Interval:
    """How many times as long AugFPN takes: the mean ratio, and its interval over rounds."""
    base, augmented = (found["seconds"][use][variant] for variant in VARIANTS)
    return intervals.mean([b / a for a, b in zip(base, augmented, strict=True)])
