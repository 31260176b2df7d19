"""Train a detector and measure it: `train` comes first, the functions that it calls follow.

The state of the loop is weights and their average, optimiser, gradient scaler, step, evaluations
and random number generators, and nothing else: the order of the pictures, how they are changed and
the learning rate are functions of the step. So a run that was killed continues from its last
checkpoint as if it had not been stopped, bit for bit on a CPU.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import nn

from augfpn import config, records
from augfpn.data.batches import ImagesTargets, batches
from augfpn.errors import UserError
from augfpn.support.files import free_name
from augfpn.support.lease import forget
from augfpn.support.machine import keep_freed_memory, peak_memory
from augfpn.support.progress import Progress
from augfpn.support.stopping import Stopped, asked_to_stop, stopped_at_once
from augfpn.training import evaluate
from augfpn.training.board import Show, board, check_tensorboard
from augfpn.training.checkpoints import resume, save_checkpoint
from augfpn.training.distributed import ALONE, World, as_one, join
from augfpn.training.faults import check_growth, check_weights
from augfpn.training.initial import initial_detector, origin_of
from augfpn.training.learning import Learning, start_learning
from augfpn.training.precision import float32_products
from augfpn.training.prepare import PreparedRun, prepare_run, say_recorded
from augfpn.training.repeatable import repeatable
from augfpn.training.schedule import learning_rate, number_of_steps
from augfpn.training.step import one_step
from augfpn.training.validate import (
    detect_together,
    enough,
    evaluate_now,
    is_due,
    said_of_training,
)
from augfpn.training.weights_file import save_weights
from augfpn.training.working import (
    check_room_for_run,
    clear_leftovers,
    complete,
    working_folder,
    writing_record,
)

CURVE_ROWS = 1000  # a record's curve has about this many logged steps


@as_one()
def train(experiment: config.Experiment, folder: Path, again: bool = False) -> records.Record:
    """Train the experiment's detector, measure it, and write a record into ``folder``.

    A finished record of the same run in ``folder`` is returned as it is, unless ``again`` is true;
    an unfinished run continues from its last checkpoint. If torchrun started several processes,
    they train one detector together, see `augfpn.training.distributed`. Raises ``UserError`` for
    data without objects to learn from, and ``FloatingPointError`` if a loss is not finite.
    """
    here = join(experiment.device)
    here.check_batch(experiment.train.batch)
    check_tensorboard(experiment.train)
    experiment = replace(experiment, train=replace(experiment.train, processes=here.size))
    run = prepare_run(experiment)
    work = folder / f".{run.name}.running"
    done = None if again else here.from_first(records.find(run.id, [folder]))
    if done is not None:
        clear_leftovers(done.folder)  # of a process that was killed at its very end
        forget(work)
        if here.first:
            say_recorded(done)
        return done
    run.tell()
    with stopped_at_once(), working_folder(work, here):
        done = None if again else here.from_first(records.find(run.id, [folder]))
        if done is not None:  # another process has finished it in the meantime
            return done
        keep_freed_memory()
        detector = initial_detector(run.experiment).to(experiment.device)
        check_room_for_run(work, detector, len(run.test) * run.experiment.model.detections, here)
        with float32_products(experiment.device, experiment.train):
            with repeatable(detector, experiment.train.deterministic):
                state = fit(detector, run, work, here)
            results = predict_together(detector, run, work, here)
        if here.first:
            with writing_record(work):
                write_record(work, run, state, results, here)
                save_weights(detector, work / records.WEIGHTS)
            final = complete(work, free_name(folder, run.name))
    return records.read(here.from_first(final if here.first else None))


def predict_together(detector: nn.Module, run: PreparedRun, work: Path, here: World) -> list[dict]:
    """All detections in the test pictures, in their order; each process runs on its share.

    Those that were found and written before a stop are read.
    """
    if here.from_first(records.has_predictions(work)):
        return records.read_predictions(work)
    with trained_already(work):
        results = detect_together(detector, run.test, run.experiment, here)
    if here.first:
        with writing_record(work):
            records.write_predictions(work, results)
    return results


@contextlib.contextmanager
def trained_already(work: Path) -> Iterator[None]:
    """Add to an error about pictures that the training is not lost, and how to go on."""
    try:
        yield
    except UserError as error:
        raise UserError(
            f"{str(error).removesuffix('.')}; the training is done and kept in {work}: put the "
            "same file back, and give the same command again."
        ) from error


def write_record(
    work: Path, run: PreparedRun, state: dict, results: list[dict], here: World
) -> None:
    """Score the detections and write all files of the record except the weights to ``work``."""
    if not records.has_result(work):
        measured = {
            **evaluate.score(run.test.coco, results, masks=run.test.masks),
            "seconds": round(state["seconds"], 1),
            "steps": state["step"],
            "pictures": {"train": len(run.pictures), "test": len(run.test)},
            "memory_mb": peak_memory(run.experiment.device),
        } | ({"processes": here.size} if here.size > 1 else {})
        measured |= said_of_training(run, state, measured["AP"])
        records.write_result(work, measured)
    settings = {
        "experiment": config.to_dict(run.experiment),
        "fingerprints": run.fingerprints,
        "initial_weights": state["origin"],
        "classes": list(run.pictures.classes),
        "category_ids": list(run.pictures.label_of),
        "report": [*run.pictures.report, *run.test.report],
    }
    records.write(work, settings, state["curve"])


def fit(detector: nn.Module, run: PreparedRun, work: Path, here: World = ALONE) -> dict:
    """Run the remaining steps; returns the state at the end: step, seconds, curve, evaluations."""
    experiment, settings = run.experiment, run.experiment.train
    steps = number_of_steps(settings, len(run.pictures.with_objects()))
    learning = start_learning(detector, experiment)
    state, last = take_up(learning, run, work, steps, here)
    learner = here.learner(detector.train())
    saved = time.monotonic()
    began = saved - state["seconds"]
    with (
        Progress(steps, "training", first=state["step"]) as tell,
        board(work, settings, state, here.first) as show,
        asked_to_stop() as asked,
    ):
        for step, (images, targets) in pictures_of(run, range(state["step"], last), here):
            rate = learning_rate(settings, step, steps)
            losses = one_step(
                learner, learning.optimizer, rate, images, targets, experiment, step, here,
                learning.scaler,
            )  # fmt: skip
            learning.follow(step + 1)
            state |= {"step": step + 1, "seconds": time.monotonic() - began}
            log(losses, rate, state, steps, show)
            if is_due(step + 1, steps, settings):
                evaluate_now(learning.tested, run, work, state, here, show)
            tell(step + 1, loss=sum(losses.values()), lr=rate)
            ends = step + 1 == steps or enough(state["evaluations"], settings)
            due = ends or time.monotonic() - saved > settings.checkpoint_seconds
            stop, due = here.largest([asked.number, due])
            if stop or due:
                check_weights(detector, step, rate)
                save_checkpoint(work, run.id, learning.parts, state, here)
                saved = time.monotonic()
            if stop:
                raise Stopped(stop, f"after step {step + 1} of {steps}, which is saved")
            if ends:
                break
    learning.end()
    return state | {"skipped": learning.scaler.skipped}


def take_up(
    learning: Learning, run: PreparedRun, work: Path, steps: int, here: World
) -> tuple[dict, int]:
    """The state of the loop, from the last checkpoint if there is one, and where the loop ends."""
    now = {"evaluations": [], "origin": origin_of(learning.detector, run.experiment.model)}
    state = now | resume(work, run.id, learning.parts, here)
    ended = enough(state["evaluations"], run.experiment.train)
    last = state["step"] if ended else steps
    if here.first and state["step"] < last:
        records.clear(work)  # of what was found with weights that are lost
    if not state["step"]:
        here.seed(run.experiment.seed, 0)
    return state, last


def log(losses: dict[str, float], rate: float, state: dict, steps: int, show: Show) -> None:
    """Add a step to the curve, if it is among those kept; raises for losses that have exploded."""
    step, curve = state["step"] - 1, state["curve"]
    if step % max(1, steps // CURVE_ROWS) == 0 or step + 1 == steps:
        curve.append({"step": step, "lr": rate} | losses)
        show(curve[-1])
    check_growth(losses, curve[0], step, rate)


def pictures_of(run: PreparedRun, steps: range, here: World) -> Iterator[tuple[int, ImagesTargets]]:
    """Each step, and this process's pictures of it with their targets."""
    settings = run.experiment.train
    feed = batches(
        run.pictures,
        run.pictures.with_objects(),
        settings.batch,
        steps,
        seed=run.experiment.seed,
        flip=settings.flip,
        workers=settings.workers,
        augment=settings.augment,
        by_shape=settings.by_shape,
        share=here.share,
    )
    return zip(steps, feed, strict=True)
