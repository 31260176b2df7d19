"""Run a detector on a user's pictures: its detections are drawn, and written as COCO JSON."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from pycocotools import mask as rle

from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.targets import Detections
from augfpn.detectors.two_stage import TwoStage
from augfpn.errors import UserError
from augfpn.figures.pictures import draw_boxes
from augfpn.speed.testing import for_testing
from augfpn.support.files import write_bytes
from augfpn.support.machine import keep_freed_memory
from augfpn.support.progress import Progress
from augfpn.training import evaluate

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
RESULTS = "detections.json"
JPEG_QUALITY = 95
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)

Places = dict[Path, Path]  # a picture file -> where it is drawn, relative to the folder for results


def places(given: Iterable[Path], out: Path) -> Places:
    """The picture files that are given, by file or by folder, and where each is drawn.

    Raises: UserError for a path without pictures, for two pictures that would be drawn in one
    place, and for results that already exist.
    """
    found: Places = {}
    for path in given:
        found |= dict(pictures_inside(path))
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


def pictures_inside(path: Path) -> Iterator[tuple[Path, Path]]:
    """A picture file, or those in a folder and its subfolders, each with its place.

    Raises: UserError for a path that does not exist, or has no pictures.
    """
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
def confident_detections(
    detector: TwoStage | OneStage, pixels: np.ndarray, threshold: float
) -> dict[str, torch.Tensor]:
    """The detections in one picture (H, W, 3) uint8 with a score of at least ``threshold``."""
    device = next(detector.parameters()).device
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).to(device).float() / 255
    found: Detections = detector([image])
    sure = found[0]["scores"] >= threshold
    return {name: values[sure].cpu() for name, values in found[0].items()}


def draw_detections(
    detector: TwoStage | OneStage,
    classes: tuple[str, ...],
    pictures: Places,
    out: Path,
    threshold: float,
) -> list[str]:
    """Draw the detections in each picture, and write them all as one COCO file into ``out``.

    The file is a COCO instances dict whose annotations have scores: boxes x y w h in pixels of the
    upright picture, and masks (run-length codes) if the detector predicts them; a category's id is
    its label. Returns a sentence for each picture that cannot be read; that picture is left out.
    """
    images: list[dict] = []
    annotations: list[dict] = []
    keep_freed_memory()
    quick = for_testing(detector)
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
            found = confident_detections(quick, pixels, threshold)
            boxes, labels, scores = found["boxes"], found["labels"], found["scores"]
            masks = evaluate.covered(found["masks"]) if "masks" in found else None
            save_picture(out / place, draw_boxes(pixels, boxes, labels, classes, scores, masks))
            size = {"width": pixels.shape[1], "height": pixels.shape[0]}
            images.append({"id": len(images) + 1, "file_name": str(path)} | size)
            annotations += evaluate.as_results(found, len(images), own_ids)
    out.mkdir(parents=True, exist_ok=True)
    content = instances(images, annotations, classes)
    write_bytes(out / RESULTS, json.dumps(content, indent=1, ensure_ascii=False).encode())
    return unread


def instances(images: list[dict], found: list[dict], classes: tuple[str, ...]) -> dict:
    """A COCO instances dict of detections in COCO's results format."""
    annotations = [
        row | {"id": number, "area": area_of(row), "iscrowd": 0}
        for number, row in enumerate(found, start=1)
    ]
    categories = [{"id": label, "name": name} for label, name in enumerate(classes, start=1)]
    return {"images": images, "categories": categories, "annotations": annotations}


def area_of(row: dict) -> float:
    """The area of a detection in pixels: its mask's, or its box's if it has no mask."""
    if "segmentation" in row:
        return float(rle.area(row["segmentation"]))
    return round(row["bbox"][2] * row["bbox"][3], 2)


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """Write a picture in the format that its file name ends in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=JPEG_QUALITY)
