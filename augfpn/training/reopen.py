"""Reopen a finished run: its record, its detector and its pictures; what it finds in them."""

from dataclasses import replace
from pathlib import Path

from augfpn import records
from augfpn.data.load import Purpose, load_pictures
from augfpn.data.pictures import Pictures
from augfpn.detectors.build import build_detector
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.errors import UserError
from augfpn.support.files import folder_of
from augfpn.support.progress import Progress
from augfpn.training import evaluate
from augfpn.training.precision import half_in_use
from augfpn.training.weights_file import load_weights


def load_detector(path: Path, device: str) -> tuple[TwoStage | OneStage, records.Record]:
    """A record's detector in eval mode; ``path`` is the record's folder or its file with weights.

    Raises: UserError if the record is not complete, or has no whole weights that fit the detector.
    """
    record = open_record(path.parent if path.is_file() else path)
    weights = path if path.is_file() else record.weights
    if not weights.is_file():
        raise UserError(
            f"{path} has no {weights.name}: most records are published without weights; train it "
            "with `augfpn train`, whose record has them."
        )
    detector = build_detector(record.experiment.model, start=False)
    load_weights(detector, weights)
    return detector.to(device).eval(), record


def categories_of(record: records.Record) -> dict[int, str]:
    """The data set's id of each class, and its name, in the order of the labels 1..K.

    An older record has no ids: they are those of its predictions if every class was predicted, and
    else the labels.
    """
    ids = record.category_ids
    if ids is None:
        ids = tuple(sorted({each["category_id"] for each in record.predictions}))
    if len(ids) != len(record.classes):
        ids = tuple(range(1, len(record.classes) + 1))
    return dict(zip(ids, record.classes, strict=True))


def open_record(folder: Path) -> records.Record:
    """The record in a folder that a user named. Raises: UserError if there is none."""
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: give the folder of a record.")
    if not any((folder / name).exists() for name in ("settings.json", records.RESULT)):
        raise UserError(
            f"{folder} is no record, it has no settings.json: give the folder that `augfpn train` "
            "names at its end."
        )
    return records.read(folder)


def recorded_pictures(record: records.Record, use: Purpose, root: str | None = None) -> Pictures:
    """The pictures that a record's detector was trained on ("train") or measured on ("test").

    ``root`` is their folder now, if they were moved. Raises: UserError for pictures that are
    missing, or are not the ones that the record was made with.
    """
    settings = record.experiment.data
    if root is not None:
        settings = replace(settings, root=str(folder_of(root, "data_root").resolve()))
    pictures = load_pictures(settings, use)
    if pictures.fingerprint != record.fingerprints[use]:
        what = {"train": "trained", "test": "measured"}[use]
        raise UserError(
            f"{pictures.name} has the fingerprint {pictures.fingerprint[:12]}, but {record.folder} "
            f"was {what} on {record.fingerprints[use][:12]}: the numbers cannot be compared; give "
            "the folder of those pictures as data_root."
        )
    return pictures


def detect_again(
    folder: Path, root: str | None, device: str | None
) -> tuple[records.Record, Pictures, list[dict]]:
    """A record, its test pictures, and what its detector finds in them.

    ``root`` is the folder of its pictures now, if they were moved. Without a ``device`` the
    recorded predictions are taken, which needs no weights. Raises: UserError as `load_detector` and
    `recorded_pictures` do.
    """
    if device is None:
        record = open_record(folder)
        return record, recorded_pictures(record, "test", root), record.predictions
    detector, record = load_detector(folder, device)
    test = recorded_pictures(record, "test", root)
    settings = record.experiment.train
    amp, workers = half_in_use(settings, device), settings.workers
    with Progress(len(test), "evaluating") as tell:
        results = evaluate.predict(detector, test, device, amp=amp, tell=tell, workers=workers)
    return record, test, results


def has_masks(record: records.Record) -> bool:
    """Whether a record's detector predicts masks."""
    return record.experiment.model.detector == "mask_rcnn"
