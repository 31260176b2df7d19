"""Train a detector and measure it: `train` reads from top to bottom, the helpers follow.

The loop keeps no state but weights, optimiser, step and random numbers: the order of the pictures,
their flips and the learning rate are functions of the step. So a run that was killed goes on from
its last checkpoint as if nothing had happened, bit for bit on a CPU.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import filelock
import torch
from torch import Tensor, nn

from augfpn import config, records
from augfpn.data import load
from augfpn.data.batches import batches
from augfpn.data.pictures import Pictures
from augfpn.data.scenes.settings import SceneSettings
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.pyramid import Losses
from augfpn.settings.components import record_name
from augfpn.support.files import whole
from augfpn.support.machine import keep_freed_memory, peak_memory
from augfpn.support.progress import Progress
from augfpn.training import evaluate
from augfpn.training.distributed import ALONE, World, world

CURVE_ROWS = 1000  # about how many steps a record's curve holds


def train(experiment: config.Experiment, folder: Path, again: bool = False) -> records.Record:
    """Train the experiment's detector, measure it, and write a record into ``folder``.

    A finished record of the same run in ``folder`` is returned as it is, unless ``again`` is true;
    an unfinished run goes on from its last checkpoint. Started by torchrun, all processes train it
    together, see `augfpn.training.distributed`. Raises ``UserError`` for data that cannot be learned from
    and ``FloatingPointError`` when a loss is not a number.
    """
    here = world(experiment.device)
    here.check_batch(experiment.train.batch)
    pictures, test = load_both(experiment)
    experiment = fitted(experiment, pictures, test)
    fingerprints = {"train": pictures.fingerprint, "test": test.fingerprint}
    run_id = records.run_id(experiment, fingerprints)
    done = records.find(run_id, [folder])
    if done is not None and not again:
        return done
    name = record_name(experiment, run_id)
    with working_folder(folder / f".{name}.running", here) as work:
        keep_freed_memory()
        torch.manual_seed(experiment.seed)
        detector = build_detector(experiment.model).to(experiment.device)
        state = fit(detector, pictures, experiment, work, here)
        results = predict_together(detector, test, experiment, here)
        if here.first:
            measured = {
                **evaluate.score(test.coco, results, masks=test.masks),
                "seconds": round(state["seconds"], 1),
                "steps": state["step"],
                "pictures": {"train": len(pictures), "test": len(test)},
                "memory_mb": peak_memory(experiment.device),
            } | ({"processes": here.size} if here.size > 1 else {})
            settings = {
                "experiment": config.to_dict(experiment),
                "fingerprints": fingerprints,
                "classes": list(pictures.classes),
                "report": [*pictures.report, *test.report],
            }
            torch.save(detector.state_dict(), work / "weights.pt")
            records.write(work, settings, measured, state["curve"], results)
            (work / "checkpoint.pt").unlink()
            final = work.rename(records.free_name(folder, name))
    return records.read(here.from_first(final if here.first else None))


def predict_together(
    detector: nn.Module, test: Pictures, experiment: config.Experiment, here: World
) -> list[dict]:
    """All detections in the test pictures, in their order; each process looks at its share."""
    own = test.subset(here.share(range(len(test))))
    with Progress(len(own), "testing") as tell:
        found = evaluate.predict(
            detector, own, experiment.device, amp=experiment.train.amp, tell=tell
        )
    place = {entry["id"]: i for i, entry in enumerate(test.coco["images"])}
    return sorted(here.gather(found), key=lambda row: place[row["image_id"]])


def fit(
    detector: nn.Module,
    pictures: Pictures,
    experiment: config.Experiment,
    work: Path,
    here: World = ALONE,
) -> dict:
    """Run all steps that are left; returns the state at the end: step, seconds, curve."""
    settings = experiment.train
    useful = pictures.with_objects()
    steps = number_of_steps(settings, len(useful))
    optimizer = make_optimizer(detector, settings)
    state = resume(work / "checkpoint.pt", detector, optimizer)
    feed = batches(
        pictures,
        useful,
        settings.batch,
        range(state["step"], steps),
        seed=experiment.seed,
        flip=settings.flip,
        workers=settings.workers,
        share=here.share,
    )
    every = max(1, steps // CURVE_ROWS)
    saved = began = time.monotonic()
    before = state["seconds"]
    here.seed(experiment.seed, state["step"])
    learner = here.learner(detector.train())
    with Progress(steps, "training") as tell:
        tell.start_at(state["step"])
        for step, (images, targets) in enumerate(feed, start=state["step"]):
            rate = learning_rate(settings, step, steps)
            losses = one_step(learner, optimizer, rate, images, targets, experiment, step, here)
            state["step"] = step + 1
            state["seconds"] = before + time.monotonic() - began
            if step % every == 0 or step + 1 == steps:
                state["curve"].append({"step": step, "lr": rate} | losses)
            tell(step + 1, loss=sum(losses.values()), lr=rate)
            due = time.monotonic() - saved > settings.checkpoint_seconds or step + 1 == steps
            if due and here.first:
                save(work / "checkpoint.pt", detector, optimizer, state)
                saved = time.monotonic()
    return state


def one_step(
    detector: nn.Module,
    optimizer: torch.optim.Optimizer,
    rate: float,
    images: tuple[Tensor, ...],
    targets: tuple[dict, ...],
    experiment: config.Experiment,
    step: int,
    here: World = ALONE,
) -> dict[str, float]:
    """One optimiser step; the losses as numbers, already weighted, the mean over processes."""
    device, settings = experiment.device, experiment.train
    images = [image.to(device, non_blocking=True).float() / 255 for image in images]
    wanted = [
        {k: target[k].to(device) for k in ("boxes", "labels", "masks") if k in target}
        for target in targets
    ]
    with torch.autocast(device, torch.bfloat16, enabled=settings.amp):
        losses: Losses = detector(images, wanted)
    values = here.mean(torch.stack(list(losses.values())).detach().clone())
    numbers = dict(zip(losses, values.tolist(), strict=True))
    if not all(math.isfinite(value) for value in numbers.values()):
        where = [target["image_id"] for target in targets]
        raise FloatingPointError(
            f"the loss is not a number at step {step}, pictures {where}, learning rate {rate:.3g}: "
            f"{numbers}. Lower the learning rate, or look at these pictures' boxes."
        )
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    if settings.clip is not None:
        nn.utils.clip_grad_norm_(detector.parameters(), settings.clip)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["times"]
    optimizer.step()
    return numbers


def make_optimizer(detector: nn.Module, settings: config.Train) -> torch.optim.Optimizer:
    """SGD with momentum 0.9, or AdamW, over everything that learns; ``times`` the rate of a step.

    Biases are a group of their own where their rate or decay is another.
    """
    learn = {name: q for name, q in detector.named_parameters() if q.requires_grad}
    apart = settings.bias_lr != 1 or not settings.bias_decay
    biases = [q for name, q in learn.items() if apart and name.endswith("bias")]
    others = [q for name, q in learn.items() if not (apart and name.endswith("bias"))]
    groups = [{"params": others, "times": 1.0, "weight_decay": settings.weight_decay}]
    if biases:
        decay = settings.weight_decay if settings.bias_decay else 0.0
        groups.append({"params": biases, "times": settings.bias_lr, "weight_decay": decay})
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, settings.lr)
    return torch.optim.SGD(groups, settings.lr, 0.9)


def number_of_steps(settings: config.Train, pictures: int) -> int:
    """Steps of the whole run; an epoch is one pass over the pictures."""
    if settings.steps is not None:
        return settings.steps
    return math.ceil(settings.epochs * pictures / settings.batch)


def learning_rate(settings: config.Train, step: int, steps: int) -> float:
    """The rate of one step: a warm-up, then drops to a tenth, or half a cosine to zero.

    The base rate follows the linear rule: ``lr`` is meant for ``lr_batch`` pictures a step.
    """
    base = settings.lr * settings.batch / settings.lr_batch
    if step < settings.warmup_steps:
        done = step / settings.warmup_steps if settings.warmup == "linear" else 0.0
        return base * (settings.warmup_from + (1 - settings.warmup_from) * done)
    if settings.schedule == "cosine":
        done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
        return base * 0.5 * (1 + math.cos(math.pi * done))
    return base * 0.1 ** sum(step >= drop * steps for drop in settings.drops)


def load_both(experiment: config.Experiment) -> tuple[Pictures, Pictures]:
    """The pictures to learn from and to be measured on, with masks for Mask R-CNN.

    Raises ``UserError`` for pictures without the masks that it needs.
    """
    train, test = (load_pictures(experiment.data, use) for use in ("train", "test"))
    if experiment.model.detector == "mask_rcnn":
        return train.with_masks(), test.with_masks()
    return train, test


def load_pictures(settings: config.Data, use: Literal["train", "test"]) -> Pictures:
    """The pictures to learn from, or those to be measured on. Raises ``UserError``."""
    split = getattr(settings, use)
    if settings.name != "scenes":
        pictures = load.load(settings.name, split, settings.root)
        return pictures.first(settings.limit) if settings.limit else pictures
    count = {"train": settings.train_scenes, "test": settings.test_scenes}[use]
    count = min(count, settings.limit or count)
    with Progress(count, f"drawing scenes to {use}") as tell:
        return load.load(
            "scenes",
            split,
            scenes=scene_settings(settings),
            count=count,
            progress=lambda n, _: tell(n),
        )


def scene_settings(settings: config.Data) -> SceneSettings:
    """What the scenes of an experiment look like."""
    (width, height), (fewest, most) = settings.scene_size, settings.scene_objects
    return SceneSettings(
        width=width,
        height=height,
        fewest=fewest,
        most=most,
        classes=settings.scene_classes,
        tilt=settings.scene_tilt,
        own_colours=settings.own_colours,
        detail=settings.detail,
        context=settings.context,
        scale=settings.scale,
    )


def fitted(experiment: config.Experiment, pictures: Pictures, test: Pictures) -> config.Experiment:
    """The experiment with as many classes as the pictures have. Raises ``UserError``."""
    if pictures.classes != test.classes:
        raise UserError(
            f"the training pictures have the classes {pictures.classes}, the test pictures "
            f"{test.classes}: both annotation files need the same categories."
        )
    if not pictures.with_objects():
        raise UserError(f"{pictures.name} holds no box to learn from: check its annotations.")
    return replace(experiment, model=replace(experiment.model, classes=len(pictures.classes)))


@contextlib.contextmanager
def working_folder(work: Path, here: World = ALONE) -> Iterator[Path]:
    """A folder for this run, or these processes, only. Raises ``UserError`` if another is there."""
    if not here.first:  # the first one has locked it when the others begin to learn
        yield work
        return
    work.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(work.with_name(work.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(f"{work} is being worked on by another process: wait for it.") from None
    try:
        yield work
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def save(path: Path, detector: nn.Module, optimizer: torch.optim.Optimizer, state: dict) -> None:
    """Write everything that a run needs to go on; the old file stays until the new one is whole."""
    content = {
        "detector": detector.state_dict(),
        "optimizer": optimizer.state_dict(),
        "state": state,
        "random": torch.get_rng_state(),
        "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    with whole(path) as partial:
        torch.save(content, partial)


def resume(path: Path, detector: nn.Module, optimizer: torch.optim.Optimizer) -> dict:
    """Go back to the last checkpoint, if there is one; returns the state to go on from."""
    if not path.exists():
        return {"step": 0, "seconds": 0.0, "curve": []}
    content = torch.load(path, map_location="cpu", weights_only=True)
    detector.load_state_dict(content["detector"])
    optimizer.load_state_dict(content["optimizer"])
    torch.set_rng_state(content["random"])
    if content["cuda_random"]:
        torch.cuda.set_rng_state_all(content["cuda_random"])
    return content["state"]
