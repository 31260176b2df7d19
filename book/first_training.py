"""Train plain FPN on scenes as it should be, and with three faults, and keep what can be watched.

    python book/first_training.py            all runs, about a quarter of an hour on one quiet core
    python book/first_training.py rate       one of them

`experiments/records/first_training/runs.json` gets, for each run, the losses of each step, how many
RoIs were objects, and at a few steps AP and the detections in one test scene. The chapter "Your
first training, watched" shows it. Each fault is made where people make it: in the settings,
or in the targets.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from augfpn import config
from augfpn.detectors import two_stage
from augfpn.study.running.grid import Run
from augfpn.support.machine import environment
from augfpn.training import evaluate
from augfpn.training.distributed import ALONE
from augfpn.training.faults import check_growth, check_weights
from augfpn.training.initial import initial_detector
from augfpn.training.learning import start_learning
from augfpn.training.prepare import PreparedRun, prepare_run
from augfpn.training.schedule import learning_rate, number_of_steps
from augfpn.training.step import one_step
from augfpn.training.train import pictures_of

FILE = Path(__file__).parents[1] / "experiments" / "records" / "first_training" / "runs.json"
RUNS = {
    "healthy": "none",
    "labels": "in training, every class id is shifted by one, the last to the first",
    "rate": "the learning rate is ten times too high",
    "anchors": "the anchors are four times too large",
}
WATCHED = (0, 50, 100, 200, 400)  # steps done, at which it is evaluated
EARLY = (50, 100)  # the same for faults that show early: they end at the last
SHOWS_EARLY = ("rate", "anchors")
SCENE = 4  # the test scene whose detections are kept
KEPT = 20  # detections of it, the best


def faulty_experiment(fault: str, experiment: config.Experiment) -> config.Experiment:
    """The experiment with those faults that are settings."""
    if fault == "rate":
        return replace(experiment, train=replace(experiment.train, lr=10 * experiment.train.lr))
    if fault == "anchors":
        large = tuple(4 * size for size in experiment.model.anchor_sizes)
        return replace(experiment, model=replace(experiment.model, anchor_sizes=large))
    return experiment


def faulty_targets(fault: str, targets: tuple[dict, ...], classes: int) -> tuple[dict, ...]:
    """A step's targets; with the fault "labels" class 1 is called 2, and the last is called 1."""
    if fault != "labels":
        return targets
    return tuple(each | {"labels": each["labels"] % classes + 1} for each in targets)


@contextlib.contextmanager
def counted_rois() -> Iterator[list[tuple[int, int]]]:
    """A list that gets, for each step, how many RoIs the head learns from, and how many objects."""
    counts: list[tuple[int, int]] = []
    sample = two_stage.sample_rois

    def counted(*given: object) -> two_stage.Samples:
        samples = sample(*given)
        labels = torch.cat(list(samples.labels))
        counts.append((len(labels), int((labels > 0).sum())))
        return samples

    with mock.patch.object(two_stage, "sample_rois", counted):
        yield counts


def watch(
    fault: str, experiment: config.Experiment, watched: tuple[int, ...] = WATCHED
) -> Iterator[dict[str, object]]:
    """Train with a fault until the last watched step; gives what was seen so far, at each of them.

    A run whose losses explode ends there.
    """
    run = prepare_run(faulty_experiment(fault, experiment))
    settings = run.experiment.train
    detector = initial_detector(run.experiment).train()
    steps = number_of_steps(settings, len(run.pictures.with_objects()))
    kept = {"fault": RUNS[fault], "curve": [], "seen": [], "stopped": None}
    optimizer = start_learning(detector, run.experiment).optimizer
    first: dict[str, float] = {}
    if 0 in watched:
        kept["seen"].append(seen(detector, run, 0))
    with counted_rois() as counts:
        for step, (images, targets) in pictures_of(run, range(max(watched)), ALONE):
            rate = learning_rate(settings, step, steps)
            learnt = faulty_targets(fault, targets, run.experiment.model.classes)
            try:
                losses = one_step(detector, optimizer, rate, images, learnt, run.experiment, step)
                kept["curve"].append(row(step, rate, losses, counts[-1]))
                first = first or losses
                check_growth(losses, first, step, rate)
                check_weights(detector, step, rate)
            except FloatingPointError as error:
                yield kept | {"stopped": str(error)}
                return
            if step + 1 in watched:
                kept["seen"].append(seen(detector, run, step + 1))
                yield kept


def row(step: int, rate: float, losses: dict[str, float], rois: tuple[int, int]) -> dict:
    """A row of the curve, as a record has it, with the RoIs and the objects among them."""
    short = {name: float(f"{value:.4g}") for name, value in losses.items()}
    return {"step": step, "lr": float(f"{rate:.4g}"), **short, "rois": rois[0], "objects": rois[1]}


def seen(detector: nn.Module, run: PreparedRun, step: int) -> dict:
    """AP after so many steps, also with all classes taken as one, and one scene's detections."""
    found = evaluate.predict(detector, run.test)
    scores = evaluate.score(run.test.coco, found)
    merged = evaluate.score(as_one_class(run.test.coco), [r | {"category_id": 1} for r in found])
    image = run.test.coco["images"][SCENE % len(run.test)]["id"]
    best = sorted((r for r in found if r["image_id"] == image), key=lambda r: -r["score"])[:KEPT]
    ap = {name: round(scores[name] or 0.0, 4) for name in ("AP", "AP50")}
    short = [[*(round(x, 1) for x in r["bbox"]), r["category_id"], r["score"]] for r in best]
    return {"step": step, **ap, "AP_any_class": round(merged["AP"] or 0.0, 4), "best": short}


def as_one_class(coco: dict) -> dict:
    """A data set's annotations with all its classes taken as one."""
    objects = [each | {"category_id": 1} for each in coco["annotations"]]
    return coco | {"annotations": objects, "categories": [{"id": 1, "name": "object"}]}


def write(file: Path, kept: dict) -> None:
    """Write a file with a line for each row, so that changes can be read."""
    text = json.dumps(kept, separators=(",", ":"))
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace('},{"step"', '},\n{"step"').replace('},"', '},\n"') + "\n")


def main(names: list[str], file: Path = FILE) -> None:
    """Make the runs of these names, all if there are none; the others in the file stay."""
    torch.set_num_threads(1)  # as each run of the study has on a CPU
    experiment = Run("fpn", "scenes", "laptop", 0).experiment
    kept = json.loads(file.read_text()) if file.exists() else {"runs": {}}
    kept |= {"settings": config.to_dict(experiment), "environment": environment("cpu")}
    for name in names or RUNS:
        watched = EARLY if name in SHOWS_EARLY else WATCHED
        for found in watch(name, experiment, watched):
            kept["runs"][name] = found
            write(file, kept)


if __name__ == "__main__":
    main(sys.argv[1:])
