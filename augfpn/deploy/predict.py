"""A recorded detector at work: on its own test pictures again, or on any pictures of a user's."""

import json
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from pycocotools import mask as rle

from augfpn import records
from augfpn.config import Data
from augfpn.data.pictures import Pictures
from augfpn.detectors.build import build_detector
from augfpn.detectors.two_stage import Detections, TwoStage
from augfpn.errors import UserError
from augfpn.figures.pictures import draw_boxes
from augfpn.support.progress import Progress
from augfpn.training import evaluate, train

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
RESULTS = "detections.json"
JPEG_QUALITY = 95
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)

Places = dict[Path, Path]  # a picture file -> where it is drawn, relative to the folder for results


def load(path: Path, device: str) -> tuple[TwoStage, records.Record]:
    """A record's detector, ready to detect, by the record's folder or the weights' file in it.

    Raises: UserError where there is no whole record, or no weights in it that fit.
    """
    record = open_record(path.parent if path.is_file() else path)
    weights = path if path.is_file() else record.weights
    if not weights.is_file():
        raise UserError(
            f"{path} has no {weights.name}: records are handed on without weights; train it with "
            "`augfpn train`, whose record has them."
        )
    # All weights are in the file, so those of ImageNet need not be at hand.
    detector = build_detector(replace(record.experiment.model, weights="scratch"))
    try:
        detector.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, EOFError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{weights} does not hold the weights of its record's detector ({reason}): give "
            "another record, or train this one again."
        ) from None
    return detector.to(device).eval(), record


def open_record(folder: Path) -> records.Record:
    """The record in a folder that a user named. Raises: UserError where there is none."""
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: give the folder of a record.")
    return records.read(folder)


def test_pictures(record: records.Record, root: str | None) -> Pictures:
    """The pictures that a record was measured on; see `pictures_of`."""
    return pictures_of(record, "test", root)


def pictures_of(
    record: records.Record, use: Literal["train", "test"], root: str | None
) -> Pictures:
    """A record's pictures to learn from or those to be measured on, in ``root`` if they were moved.

    Raises: UserError for pictures that are not there, or not the same as then.
    """
    settings: Data = record.experiment.data
    if root is not None:
        settings = replace(settings, root=str(Path(root).expanduser().resolve()))
    pictures = train.load_pictures(settings, use)
    if pictures.fingerprint != record.fingerprints[use]:
        what = {"train": "trained", "test": "measured"}[use]
        raise UserError(
            f"{pictures.name} has the fingerprint {pictures.fingerprint[:12]}, but {record.folder} "
            f"was {what} on {record.fingerprints[use][:12]}: the numbers cannot be compared; give "
            "the pictures of then as data_root."
        )
    return pictures


def measure(folder: Path, root: str | None, device: str | None) -> tuple[records.Record, dict]:
    """A record, and COCO's numbers of its detector measured anew.

    ``root`` is where its pictures are now, if they were moved. Without a ``device`` the recorded
    predictions are scored again, which takes no weights. Raises: UserError as its parts do.
    """
    if device is None:
        record = open_record(folder)
        test = test_pictures(record, root)
        return record, evaluate.score(test.coco, record.predictions, has_masks(record))
    detector, record = load(folder, device)
    test = test_pictures(record, root)
    amp = record.experiment.train.amp and device == "cuda"
    with Progress(len(test), "testing") as tell:
        results = evaluate.predict(detector, test, device, amp=amp, tell=tell)
    return record, evaluate.score(test.coco, results, has_masks(record))


def has_masks(record: records.Record) -> bool:
    """Whether a record's detector finds masks too."""
    return record.experiment.model.detector == "mask_rcnn"


def places(given: Iterable[Path], out: Path) -> Places:
    """All pictures given, by file or by folder, and where each is drawn.

    Raises: UserError for a path without pictures, two pictures for one place, and files in the way.
    """
    found: Places = {}
    for path in given:
        found |= dict(inside(path))
    taken: dict[Path, Path] = {}
    for picture, place in found.items():
        if taken.setdefault(place, picture) != picture:
            raise UserError(
                f"{picture} and {taken[place]} would both be drawn as {out / place}: predict them "
                "one after the other, each with its own --out."
            )
    there = [out / name for name in (Path(RESULTS), *taken) if (out / name).exists()]
    if there:
        more = f" and {len(there) - 1} more files exist" if len(there) > 1 else " exists"
        raise UserError(f"{there[0]}{more}, and nothing is overwritten: give another --out.")
    return found


def inside(path: Path) -> Iterator[tuple[Path, Path]]:
    """A picture file, or those in a folder and its subfolders, each with its place."""
    if path.is_file():
        drawable = path.suffix.lower() in SUFFIXES  # else it is drawn as PNG
        yield path, Path(path.name if drawable else f"{path.name}.png")
        return
    if not path.is_dir():
        raise UserError(f"{path} does not exist: give picture files, or folders with pictures.")
    pictures = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not pictures:
        raise UserError(f"{path} holds no picture that ends in {', '.join(SUFFIXES)}.")
    yield from ((picture, picture.relative_to(path)) for picture in pictures)


def upright(path: Path) -> np.ndarray:
    """A picture file as a person sees it, turned as its EXIF tag says: (H, W, 3) uint8 RGB.

    Raises: UserError for a file that cannot be decoded, or has more than 8 bits a channel.
    """
    try:
        with Image.open(path) as picture:
            mode, pixels = picture.mode, np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read as a picture ({error}): it is left out.") from None
    if mode.startswith(("I", "F")):
        raise UserError(f"{path} has more than 8 bits a channel: it is left out; save it with 8.")
    return pixels


@torch.no_grad()
def detect(detector: TwoStage, pixels: np.ndarray, threshold: float) -> dict[str, torch.Tensor]:
    """The detections in one picture (H, W, 3) uint8 whose score is at least ``threshold``."""
    device = next(detector.parameters()).device
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).to(device).float() / 255
    found: Detections = detector([image])
    sure = found[0]["scores"] >= threshold
    return {name: values[sure].cpu() for name, values in found[0].items()}


def predict(
    detector: TwoStage, classes: tuple[str, ...], pictures: Places, out: Path, threshold: float
) -> list[str]:
    """Draw what is detected in each picture, and write all of it as one COCO file into ``out``.

    The file is a COCO instances dict whose annotations have scores: boxes are x y w h in pixels of
    the upright picture, as are masks (run-length codes) where the detector finds some; a category's
    id is its label. Returns a sentence for each picture that cannot be read; it is left out.
    """
    images: list[dict] = []
    annotations: list[dict] = []
    unread: list[str] = []
    own_ids = {label: label for label in range(1, len(classes) + 1)}
    with Progress(len(pictures), "predicting") as tell:
        for done, (path, place) in enumerate(pictures.items(), start=1):
            tell(done)
            try:
                pixels = upright(path)
            except UserError as error:
                unread.append(str(error))
                continue
            found = detect(detector, pixels, threshold)
            boxes, labels, scores = found["boxes"], found["labels"], found["scores"]
            masks = evaluate.covered(found["masks"]) if "masks" in found else None
            save(out / place, draw_boxes(pixels, boxes, labels, classes, scores, masks))
            size = {"width": pixels.shape[1], "height": pixels.shape[0]}
            images.append({"id": len(images) + 1, "file_name": str(path)} | size)
            annotations += evaluate.as_results(found, len(images), own_ids)
    for number, row in enumerate(annotations, start=1):
        row |= {"id": number, "area": area(row), "iscrowd": 0}
    categories = [{"id": label, "name": name} for label, name in enumerate(classes, start=1)]
    content = {"images": images, "categories": categories, "annotations": annotations}
    out.mkdir(parents=True, exist_ok=True)
    (out / RESULTS).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return unread


def area(row: dict) -> float:
    """Pixels that a detection covers: its mask's, or its box's where it has no mask."""
    if "segmentation" in row:
        return float(rle.area(row["segmentation"]))
    return round(row["bbox"][2] * row["bbox"][3], 2)


def save(path: Path, pixels: np.ndarray) -> None:
    """Write a picture in the format that its name ends in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=JPEG_QUALITY)
