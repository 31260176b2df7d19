"""What happens before the first step.

A device or weights of "auto" are decided for this machine; the pictures are loaded; the run gets
its id and its name.
"""

from dataclasses import replace
from typing import NamedTuple

import torch

from augfpn import config, records
from augfpn.data.files import some
from augfpn.data.load import load_pictures, split_for_choosing
from augfpn.data.overlap import telling_shared
from augfpn.data.pictures import Pictures
from augfpn.detectors.backbones import NARROW
from augfpn.detectors.build import build_detector, pretrained_weights
from augfpn.detectors.coco_start import coco_sentence
from augfpn.detectors.pretrained import why_no_imagenet
from augfpn.errors import UserError
from augfpn.settings import experiment as settings
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.components import record_name
from augfpn.settings.parameters import Parameters
from augfpn.support.machine import commit
from augfpn.support.progress import note
from augfpn.training.memory import in_parts_that_fit
from augfpn.training.precision import half_of
from augfpn.training.said import decided
from augfpn.training.schedule import number_of_steps


def experiment_here(chosen: Parameters) -> config.Experiment:
    """The experiment that parameters describe on this machine.

    ``device="auto"`` becomes the GPU if there is one. ``weights="auto"`` becomes ImageNet's weights
    if they are on this machine or their server answers. ``amp="auto"`` becomes what the GPU has in
    hardware, ``batch="auto"`` the budget's batch, in as many parts as it needs to fit. Raises
    ``UserError`` if a GPU is asked for and there is none, for data that need a folder and have
    none, and for weights in a cache that are damaged.
    """
    found = experiment_from(chosen, the_weights(chosen, the_device(chosen.device)))
    if found.model.weights != "scratch":  # now, and not after all pictures were read
        pretrained_weights(found.model).check()
    return found


def experiment_from(chosen: Parameters, weights: config.InitialWeights) -> config.Experiment:
    """The same; if the weights are "auto" it takes these, and it checks none."""
    device = the_device(chosen.device)
    found = settings.experiment(chosen, device, weights, half_of(device))
    return in_parts_that_fit(found) if chosen.batch == "auto" else found


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
    """The weights that were asked for; if "auto", ImageNet's where they are available.

    If they are not, a sentence says why.
    """
    if chosen.weights != "auto":
        return chosen.weights
    name = settings.backbone_of(chosen, device)
    why = why_no_imagenet(name)
    if why is None:
        return "imagenet"
    if name not in NARROW:  # there are no weights that one could miss
        note(f"weights = 'auto': {name} starts from random weights, because {why}")
    return "scratch"


# --- a run ----------------------------------------------------------------------------------------


class PreparedRun(NamedTuple):
    """A run before its first step."""

    experiment: config.Experiment  # with classes and batches that fit the pictures
    pictures: Pictures  # for training
    test: Pictures  # for evaluation
    fingerprints: dict[str, str]  # of the pictures, "train" and "test"
    id: str
    name: str  # of the folder of its record
    selection: Pictures | None = None  # for evaluations in training, where not the test pictures

    def tell(self) -> None:
        """Print what the check of annotations and pictures has found, and what was decided."""
        for line in decided(self.experiment):
            note(line)
        for pictures in (self.pictures, self.test):
            for line in pictures.report:
                note(f"note: {pictures.name}: {line}")
        model = self.experiment.model
        if model.weights == "coco":
            with torch.device("meta"):  # names and shapes only
                note(coco_sentence(build_detector(model, start=False), model))


def prepare_run(experiment: config.Experiment) -> PreparedRun:
    """Load an experiment's pictures and name its run.

    Raises ``UserError`` for pictures that cannot be loaded or that have no object to learn from.
    """
    pictures, test = load_both(experiment)
    experiment = fitted(experiment, pictures, test)
    check_batch_fits(experiment, pictures)
    fingerprints = {"train": pictures.fingerprint, "test": test.fingerprint}
    selection = for_selection(experiment, test)
    if selection is not None:
        fingerprints[str(split_for_choosing(experiment.data))] = selection.fingerprint
    run_id = records.run_id(experiment, fingerprints)
    name = record_name(experiment, run_id)
    return PreparedRun(experiment, pictures, test, fingerprints, run_id, name, selection)


def load_both(experiment: config.Experiment) -> tuple[Pictures, Pictures]:
    """The pictures for training and for evaluation, with masks for Mask R-CNN.

    Raises ``UserError`` if Mask R-CNN is to be trained on pictures without masks.
    """
    train, test = (load_pictures(experiment.data, use) for use in ("train", "test"))
    test = telling_shared(test, train)
    if experiment.model.detector == "mask_rcnn":
        return train.with_masks(), test.with_masks()
    return train, test


def fitted(experiment: config.Experiment, pictures: Pictures, test: Pictures) -> config.Experiment:
    """The experiment with as many classes as the pictures have, and batches for their shapes.

    The warm-up of a run in epochs is a tenth of its steps at most.

    Raises ``UserError`` if training and test pictures have different classes, or if no training
    or no test picture has an object.
    """
    if pictures.classes != test.classes:
        raise UserError(different_classes(pictures.classes, test.classes))
    useful = pictures.with_objects()
    for each, found in ((pictures, useful), (test, test.with_objects())):
        if not found:
            raise UserError(without_objects(each, experiment.data.limit))
    by_shape = 0 < len(pictures.wider_than_high().intersection(useful)) < len(useful)
    train = replace(experiment.train, by_shape=by_shape)
    if train.epochs is not None:
        train = settings.with_short_warmup(train, number_of_steps(train, len(useful)))
    model = replace(experiment.model, classes=len(pictures.classes))
    return replace(experiment, model=model, train=train)


def check_batch_fits(experiment: config.Experiment, pictures: Pictures) -> None:
    """Raise ``UserError`` if a batch larger than the budget's has a picture twice."""
    there, batch = len(pictures.with_objects()), experiment.train.batch
    if batch > max(there, BUDGETS[experiment.budget].train.batch):
        raise UserError(
            f"batch = {batch} is more than the {there} training images with objects: give {there} "
            "or less."
        )


def for_selection(experiment: config.Experiment, test: Pictures) -> Pictures | None:
    """The pictures for evaluations in training, if there are others than the test's.

    Raises ``UserError`` if their classes are others.
    """
    split = split_for_choosing(experiment.data)
    if experiment.train.evaluate_every is None or split is None:
        return None
    try:
        found = load_pictures(replace(experiment.data, test=split), "test")
    except UserError as error:
        note(f"note: evaluations while training use the test split, because of {split}: {error}")
        return None
    if found.classes != test.classes:
        raise UserError(different_classes(test.classes, found.classes))
    return found.with_masks() if experiment.model.detector == "mask_rcnn" else found


def different_classes(train: tuple[str, ...], test: tuple[str, ...]) -> str:
    """A sentence on how the classes of training and test pictures differ."""
    only = [
        f"only {what} have {some([repr(name[:80]) for name in own if name not in set(other)])}"
        for what, own, other in (("training pictures", train, test), ("test pictures", test, train))
        if not set(own) <= set(other)
    ]
    how = " and ".join(only) or "their ids are in another order"
    return (
        f"the training pictures have {len(train)} classes, the test pictures {len(test)}: {how}; "
        "give both annotation files the same categories."
    )


def without_objects(pictures: Pictures, limit: int | None) -> str:
    """A sentence on why pictures have nothing to learn from or to score."""
    if limit is None:
        return f"{pictures.name} has no object to learn from or to score: check its annotations."
    return (
        f"the first {limit} pictures of {pictures.name} have no object (limit = {limit}): raise "
        "the limit, or leave it out."
    )


def say_recorded(record: records.Record) -> None:
    """Say that a run has a record, and whether other code made it than that which runs now.

    A run's identity has its settings and its images, but not the code of the package.
    """
    then, now = record.environment["commit"], commit()
    code = f"; this is commit {now} (+: with changes), whose code may compute something else:"
    hint = f"{code} again=True, or --again, trains anew"
    other = now is not None and (then != now or "+" in now)
    note(f"recorded already by commit {then}{hint * other}: {record.folder}")
