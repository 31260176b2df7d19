"""A batch that does not fit into a GPU's memory at once is computed in parts that do."""

import math
from dataclasses import replace

import torch

from augfpn import config
from augfpn.data.batches import ImagesTargets
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.support.progress import note
from augfpn.training.schedule import make_optimizer
from augfpn.training.step import one_step

TRIAL_OBJECTS = 20  # in each picture of a trial


def in_parts_that_fit(experiment: config.Experiment) -> config.Experiment:
    """The experiment with the fewest parts, 1, 2, 4 ..., of which one fits into the GPU's memory.

    Steps of random pictures of the largest size are tried. The batch stays as it is, so results
    stay comparable. On a CPU, nothing is tried. Raises ``UserError`` if not even one picture fits.
    """
    batch, parts = experiment.train.batch, 1
    if experiment.device == "cpu":
        note(f"batch = 'auto' tries what fits into a GPU; this run is on the CPU, with {batch}.")
        return experiment
    while not fits(experiment, math.ceil(batch / parts)):
        if parts >= batch:
            raise UserError(
                "batch = 'auto': not even one image fits into the GPU's memory; give a smaller "
                "short_side, or end what else uses the GPU."
            )
        parts = min(2 * parts, batch)
    size = math.ceil(batch / parts)
    note(
        f"batch = 'auto': {size} of a step's {batch} images fit into the GPU's memory at once, so "
        f"a step has {parts} part{'s' * (parts > 1)}; --accumulate {parts} does the same again."
    )
    return replace(experiment, train=replace(experiment.train, accumulate=parts))


def fits(experiment: config.Experiment, size: int) -> bool:
    """Whether a training step of so many pictures of the largest size fits into memory."""
    try:
        one_trial(experiment, size)
    except torch.OutOfMemoryError:
        return False
    finally:
        torch.cuda.empty_cache()
    return True


def one_trial(experiment: config.Experiment, size: int) -> None:
    """A training step of an untrained detector on random pictures."""
    detector = build_detector(experiment.model, start=False).to(experiment.device).train()
    optimizer = make_optimizer(detector, experiment.train)
    one_step(detector, optimizer, 1e-9, *trial_pictures(experiment.model, size), experiment, 0)


def trial_pictures(model: config.Model, size: int) -> ImagesTargets:
    """Random pictures of the largest size after resizing, each with objects of random boxes."""
    high, wide = model.short_side, model.long_side
    images, targets = [], []
    for number in range(size):
        images.append(torch.randint(256, (3, high, wide), dtype=torch.uint8))
        corners = torch.rand(TRIAL_OBJECTS, 2) * torch.tensor([wide, high]) * 0.8
        target = {
            "image_id": number,
            "boxes": torch.cat([corners, corners + torch.tensor([wide, high]) * 0.2], dim=1),
            "labels": torch.ones(TRIAL_OBJECTS, dtype=torch.int64),
        }
        if model.detector == "mask_rcnn":
            target["masks"] = torch.ones(TRIAL_OBJECTS, high, wide, dtype=torch.uint8)
        targets.append(target)
    return tuple(images), tuple(targets)
