"""Run a detector on a user's pictures: its detections are drawn, and written as COCO JSON."""

import contextlib
import io
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as rle
from torch import nn

from augfpn.data.files import some
from augfpn.data.pixels import SUFFIXES_OF_PICTURES, UNREADABLE, as_seen, decoded_file
from augfpn.detectors.targets import Detections
from augfpn.errors import UserError
from augfpn.figures.pictures import draw_boxes
from augfpn.support.files import check_writable
from augfpn.support.lease import lease
from augfpn.support.machine import keep_freed_memory
from augfpn.support.progress import Progress
from augfpn.training import evaluate

DRAWN_AS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp")  # all others are drawn as PNG
RESULTS = "detections.json"
UNFINISHED = ".unfinished"  # where results are until all are complete
JPEG_QUALITY = 95

Places = dict[Path, Path]  # a picture file -> where it is drawn, relative to the folder for results
Categories = dict[int, str]  # the data set's id of a class -> its name, in the order of the labels


# --- what is given, and where results go ----------------------------------------------------------


def places(given: Iterable[Path], out: Path) -> Places:
    """The picture files that are given, by file or by folder, and where each is drawn.

    Raises: UserError for a path without pictures, for two pictures that would be drawn in one
    place, for results that already exist, and for a place outside of ``out``.
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
    check_writable(out)
    inside = out.resolve()
    outside = [place for place in taken if not (out / place).resolve().is_relative_to(inside)]
    if outside:
        raise UserError(
            f"{out / outside[0]} leads out of {out}, through a link: give another --out."
        )
    check_nothing_there(out, taken)
    return found


def check_nothing_there(out: Path, drawn: Iterable[Path]) -> None:
    """Raise ``UserError`` if a result is in ``out`` already."""
    there = [out / name for name in (Path(RESULTS), *drawn) if (out / name).exists()]
    if there:
        more = f" and {len(there) - 1} more files exist" if len(there) > 1 else " exists"
        raise UserError(f"{there[0]}{more}, and nothing is overwritten: give another --out.")


def pictures_inside(path: Path) -> Iterator[tuple[Path, Path]]:
    """A picture file, or those in a folder and its subfolders, each with its place.

    Raises: UserError for a path that does not exist, or has no pictures.
    """
    if path.is_file():
        yield path, drawn_as(Path(path.name))
        return
    if not path.is_dir():
        raise UserError(f"{path} does not exist: give picture files, or folders with pictures.")
    pictures = sorted(file for file in files_inside(path) if is_picture(file))
    if not pictures:
        raise UserError(f"{path} holds no picture that ends in {', '.join(SUFFIXES_OF_PICTURES)}.")
    yield from ((picture, drawn_as(picture.relative_to(path))) for picture in pictures)


def files_inside(folder: Path) -> Iterator[Path]:
    """All files in a folder and its subfolders, but for what a killed run has drawn."""
    return (p for p in folder.rglob("*") if p.is_file() and UNFINISHED not in p.parts)


def is_picture(file: Path) -> bool:
    """Whether a file's name ends as a picture's does."""
    return file.suffix.lower() in SUFFIXES_OF_PICTURES


def drawn_as(place: Path) -> Path:
    """Where a picture is drawn: under its own name, with .png at its end if need be."""
    return place if place.suffix.lower() in DRAWN_AS else place.with_name(f"{place.name}.png")


def left_out(given: Iterable[Path]) -> str | None:
    """A sentence on the files in the given folders that are no pictures; None without any."""
    files = [file for path in given if path.is_dir() for file in files_inside(path)]
    others = sorted(file for file in files if not is_picture(file))
    if not others:
        return None
    return (
        f"{len(others)} of {len(files)} files are left out, as they do not end in "
        f"{', '.join(SUFFIXES_OF_PICTURES)}: {some(others)}."
    )


# --- detections -----------------------------------------------------------------------------------


def upright(path: Path) -> np.ndarray:
    """A picture file as a person sees it, turned as its EXIF tag says: (H, W, 3) uint8 RGB.

    Raises: UserError for a file that cannot be decoded, or has more than 8 bits a channel.
    """
    return np.ascontiguousarray(as_seen(*decoded_file(path)))


@torch.no_grad()
def confident_detections(
    detector: nn.Module, pixels: np.ndarray, threshold: float
) -> dict[str, torch.Tensor]:
    """The detections in one picture (H, W, 3) uint8 with a score of at least ``threshold``."""
    device = next((each.device for each in detector.parameters()), "cpu")
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).to(device).float() / 255
    found: Detections = detector([image])
    sure = found[0]["scores"] >= threshold
    return {name: values[sure].cpu() for name, values in found[0].items()}


def draw_detections(
    detector: nn.Module,
    categories: Categories,
    pictures: Places,
    out: Path,
    threshold: float,
) -> list[str]:
    """Draw the detections in each picture, and write them all as one COCO file into ``out``.

    The file is a COCO instances dict whose annotations have scores: boxes x y w h in pixels of the
    upright picture, and masks (run-length codes) if the detector predicts them. Label k is the k-th
    of the ``categories``, whose ids are written. All is put into ``out`` at the end: a run that was
    stopped leaves nothing there. Returns a sentence for each picture that is left out.
    Raises: UserError if ``out`` cannot be written to, or has got results meanwhile.
    """
    keep_freed_memory()
    names, ids = list(categories.values()), dict(enumerate(categories, start=1))
    images, annotations = [], []
    drawn: list[Path] = []
    unread: list[str] = []
    with unfinished(out) as work, Progress(len(pictures), "predicting") as tell:
        check_nothing_there(out, pictures.values())
        for done, (path, place) in enumerate(pictures.items(), start=1):
            tell(done)
            try:
                pixels = upright(path)
                found = confident_detections(detector, pixels, threshold)
                content = encoded_drawing(pixels, found, names, place)
            except UserError as error:
                unread.append(str(error))
                continue
            write_inside(work / place, content)
            drawn.append(place)
            size = {"width": pixels.shape[1], "height": pixels.shape[0]}
            images.append({"id": len(images) + 1, "file_name": str(path)} | size)
            annotations += evaluate.as_results(found, len(images), ids)
        write_inside(work / RESULTS, json_bytes(instances(images, annotations, categories)))
        finish(work, out, [*drawn, Path(RESULTS)])
    return unread


def encoded_drawing(
    pixels: np.ndarray, found: dict[str, torch.Tensor], names: list[str], place: Path
) -> bytes:
    """A picture with its detections, as a file of the format that ``place`` ends in.

    Raises: UserError if that format cannot hold it, as WebP no side above 16383 pixels.
    """
    masks = evaluate.covered(found["masks"]) if "masks" in found else None
    drawn = draw_boxes(pixels, found["boxes"], found["labels"], names, found["scores"], masks)
    content, suffix = io.BytesIO(), place.suffix.lower()
    try:
        file_format = Image.registered_extensions()[suffix]
        Image.fromarray(drawn).save(content, file_format, quality=JPEG_QUALITY)
    except UNREADABLE as error:
        raise UserError(
            f"{place} cannot be drawn as {suffix} ({error}): it is left out; save it as PNG."
        ) from None
    return content.getvalue()


def instances(images: list[dict], found: list[dict], categories: Categories) -> dict:
    """A COCO instances dict of detections in COCO's results format."""
    annotations = [
        row | {"id": number, "area": area_of(row), "iscrowd": 0}
        for number, row in enumerate(found, start=1)
    ]
    named = [{"id": number, "name": name} for number, name in categories.items()]
    return {"images": images, "categories": named, "annotations": annotations}


def json_bytes(content: dict) -> bytes:
    """A dict as JSON; a name that is not UTF-8 has lone surrogates, which become escapes."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def area_of(row: dict) -> float:
    """The area of a detection in pixels: its mask's, or its box's if it has no mask."""
    if "segmentation" in row:
        return float(rle.area(row["segmentation"]))
    return round(row["bbox"][2] * row["bbox"][3], 2)


# --- files ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def unfinished(out: Path) -> Iterator[Path]:
    """A hidden folder in ``out`` for results that are not complete; it goes at the block's end.

    ``out`` goes too if nothing is in it. What a killed run has left there goes at the beginning.
    Raises: BusyError if another process is predicting into ``out``.
    """
    out.mkdir(parents=True, exist_ok=True)
    work = out / UNFINISHED
    try:
        with lease(work):
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    finally:
        if not any(out.iterdir()):
            out.rmdir()


def write_inside(file: Path, content: bytes) -> None:
    """Write a file and the folders above it. Raises: UserError if it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise UserError(
            f"the results cannot be written ({error.strerror or error}): give another --out."
        ) from None


def finish(work: Path, out: Path, names: list[Path]) -> None:
    """Put the results in their places; the file with all detections is the last of ``names``."""
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).replace(out / name)
