"""One step of training: losses, gradients, the optimiser."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from augfpn import config
from augfpn.pyramid import Losses
from augfpn.support.transfer import as_fractions, moved
from augfpn.training.distributed import ALONE, World
from augfpn.training.faults import check_finite
from augfpn.training.precision import Scaler, autocast, half_in_use

LEARNT = ("boxes", "labels", "masks")  # of a target


def one_step(
    detector: nn.Module,
    optimizer: torch.optim.Optimizer,
    rate: float,
    images: tuple[Tensor, ...],
    targets: tuple[dict, ...],
    experiment: config.Experiment,
    step: int,
    here: World = ALONE,
    scaler: Scaler | None = None,
) -> dict[str, float]:
    """One optimiser step; returns the weighted losses as numbers, averaged over processes.

    The pictures are computed in ``accumulate`` parts. The losses, and so the gradient, are the mean
    of those of the parts, weighted by their pictures. That is the gradient of all at once, except
    for what depends on the other pictures: a batch norm has the statistics of its part, and losses
    are means over the RoIs, anchors or objects of their part.
    """
    device, settings = experiment.device, experiment.train
    scaler = scaler or Scaler(device, settings)
    optimizer.zero_grad(set_to_none=True)
    numbers: dict[str, float] = {}
    for some, objects, share in parts_of_batch(images, targets, settings.accumulate):
        with autocast(device, half_in_use(settings)):
            losses: Losses = detector(*on_device(some, objects, device))
        values = here.mean(torch.stack(list(losses.values())).detach().clone())
        found = dict(zip(losses, values.tolist(), strict=True))
        check_finite(found, experiment, step, rate, [each["image_id"] for each in objects])
        numbers = {name: numbers.get(name, 0.0) + share * found[name] for name in found}
        scaler.scale(torch.stack(list(losses.values())).sum() * share).backward()
    if settings.clip is not None:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(detector.parameters(), settings.clip)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["times"]
    scaler.take(optimizer)
    return numbers


def parts_of_batch(
    images: tuple[Tensor, ...], targets: tuple[dict, ...], parts: int
) -> Iterable[tuple[tuple[Tensor, ...], tuple[dict, ...], float]]:
    """A step's pictures in at most so many parts of nearly equal size, with each one's share."""
    size = math.ceil(len(images) / parts)
    for start in range(0, len(images), size):
        some, objects = images[start : start + size], targets[start : start + size]
        yield some, objects, len(some) / len(images)


def on_device(
    images: tuple[Tensor, ...], targets: tuple[dict, ...], device: str
) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """A batch on the device, sent in one copy: images from 0 to 1, and what the losses need."""
    wanted = [{k: each[k] for k in LEARNT if k in each} for each in targets]
    there = moved([*images, *(value for each in wanted for value in each.values())], device)
    values = iter(there[len(images) :])
    return as_fractions(there[: len(images)]), [{k: next(values) for k in each} for each in wanted]
