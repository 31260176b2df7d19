"""What happens before the first step.

A device or weights of "auto" are decided for this machine; the pictures are loaded; the run gets
its id, its name and a folder to work in.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import filelock
import torch

from augfpn import config, records
from augfpn.data.load import load_pictures
from augfpn.data.pictures import Pictures
from augfpn.detectors.pretrained import has_imagenet
from augfpn.errors import UserError
from augfpn.settings import experiment as settings
from augfpn.settings.components import record_name
from augfpn.settings.parameters import Parameters
from augfpn.training.distributed import ALONE, World


def experiment_here(chosen: Parameters) -> config.Experiment:
    """The experiment that parameters describe on this machine.

    ``device="auto"`` becomes the GPU if there is one. ``weights="auto"`` becomes ImageNet's weights
    if they are on this machine or their server answers. Raises ``UserError`` if a GPU is asked for
    and there is none, and for data that need a folder and have none.
    """
    device = the_device(chosen.device)
    return settings.experiment(chosen, device, the_weights(chosen, device))


def the_device(wanted: str) -> config.Device:
    """The device to use. Raises ``UserError`` if a GPU is asked for and there is none."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UserError(
            "device = 'cuda': PyTorch finds no GPU on this machine; use device='cpu' or 'auto', "
            "or install a driver and a PyTorch build that fit."
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


def the_weights(chosen: Parameters, device: config.Device) -> config.InitialWeights:
    """The weights that were asked for; if "auto", ImageNet's where they are available."""
    if chosen.weights != "auto":
        return chosen.weights
    return "imagenet" if has_imagenet(settings.backbone_of(chosen, device)) else "scratch"


# --- a run ----------------------------------------------------------------------------------------


class PreparedRun(NamedTuple):
    """A run before its first step."""

    experiment: config.Experiment  # with as many classes as the pictures have
    pictures: Pictures  # for training
    test: Pictures  # for evaluation
    fingerprints: dict[str, str]  # of the pictures, "train" and "test"
    id: str
    name: str  # of the folder of its record


def prepare_run(experiment: config.Experiment) -> PreparedRun:
    """Load an experiment's pictures and name its run.

    Raises ``UserError`` for pictures that cannot be loaded or that have no object to learn from.
    """
    pictures, test = load_both(experiment)
    experiment = with_classes(experiment, pictures, test)
    fingerprints = {"train": pictures.fingerprint, "test": test.fingerprint}
    run_id = records.run_id(experiment, fingerprints)
    name = record_name(experiment, run_id)
    return PreparedRun(experiment, pictures, test, fingerprints, run_id, name)


def load_both(experiment: config.Experiment) -> tuple[Pictures, Pictures]:
    """The pictures for training and for evaluation, with masks for Mask R-CNN.

    Raises ``UserError`` if Mask R-CNN is to be trained on pictures without masks.
    """
    train, test = (load_pictures(experiment.data, use) for use in ("train", "test"))
    if experiment.model.detector == "mask_rcnn":
        return train.with_masks(), test.with_masks()
    return train, test


def with_classes(
    experiment: config.Experiment, pictures: Pictures, test: Pictures
) -> config.Experiment:
    """The experiment with as many classes as the pictures have.

    Raises ``UserError`` if training and test pictures have different classes, or if no training
    picture has an object.
    """
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
    """A locked folder for this run, which processes that train together share.

    Raises ``UserError`` if another run is working in it.
    """
    if not here.first:  # rank 0 holds the lock for all
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
