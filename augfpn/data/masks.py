"""Masks of annotations: polygons and run-length codes, checked before pycocotools reads them."""

import reprlib
from typing import Any

import numpy as np
from pycocotools import mask as rle

from augfpn.errors import UserError

Coco = dict[str, Any]
Entry = dict[str, Any]  # one of the dict's images, annotations or categories
Code = dict[str, Any]  # a mask's run-length code: its size (height, width) and counts

CORNERS = 3  # of a polygon, at least
FARTHEST = 1e5  # px: pycocotools walks along a polygon's edges, and crashes on the longest


def has_mask(annotation: Entry) -> bool:
    """Whether an annotation has a run-length code, or a polygon of three corners or more."""
    mask = annotation.get("segmentation") or []
    return isinstance(mask, dict) or any(len(polygon) >= 2 * CORNERS for polygon in mask)


def mask_code(annotation: Entry, image: Entry, where: str) -> Code:
    """An annotation's mask as pycocotools' run-length code, in pixels of its picture.

    Raises: UserError that starts with ``where``, as `expect_mask` does.
    """
    expect_mask(annotation, image, where)
    mask, height, width = annotation["segmentation"], image["height"], image["width"]
    if isinstance(mask, list):
        polygons = [polygon for polygon in mask if len(polygon) >= 2 * CORNERS]
        return rle.merge(rle.frPyObjects(polygons, height, width))
    return rle.frPyObjects(mask, height, width) if isinstance(mask["counts"], list) else mask


def expect_mask(annotation: Entry, image: Entry, where: str) -> None:
    """Check a mask before pycocotools reads it: a broken mask makes it read beyond its memory.

    Raises: UserError for a mask that is missing or broken, or of another size than the picture.
    """
    name = f"{where}: annotation {annotation['id']}"
    if not has_mask(annotation):
        raise UserError(
            f"{name} has no mask: give every annotation a segmentation, or take a detector "
            "without masks, such as faster_rcnn."
        )
    mask = annotation["segmentation"]
    wrong = _wrong_code(mask, image) if isinstance(mask, dict) else _wrong_polygons(mask)
    if wrong:
        raise UserError(f"{name} has a segmentation that is no mask ({wrong}); mend it.")


def _wrong_polygons(polygons: list[list]) -> str:
    for polygon in polygons:
        if len(polygon) % 2:
            return f"{len(polygon)} numbers are no pairs"
        if not set(map(type, polygon)) <= {int, float}:
            return f"{reprlib.repr(polygon)} are not all numbers"
        if not all(map(FARTHEST.__gt__, map(abs, polygon))):  # also false for NaN
            return f"a coordinate in {reprlib.repr(polygon)} is beyond {FARTHEST:.0f} px"
    return ""


def _wrong_code(code: Code, image: Entry) -> str:
    size, counts = [image["height"], image["width"]], code["counts"]
    if code["size"] not in (size, tuple(size)):
        return f"its size is {reprlib.repr(code['size'])}, its picture's {size}"
    runs = counts if isinstance(counts, list) else _runs(counts)
    if not all(type(run) is int and run >= 0 for run in runs) or sum(runs) != size[0] * size[1]:
        return f"its counts {reprlib.repr(counts)} do not add up to its picture's pixels"
    return ""


def _runs(counts: object) -> list[int]:
    """The lengths of the runs in a compressed code; an empty list if it is not such a code.

    Each character of a number holds five of the number's bits, the lowest first, in two's
    complement; a sixth bit says whether the number continues. From the fourth run on, the number is
    the difference to the run two before it.
    """
    if not isinstance(counts, str | bytes):
        return []
    runs: list[int] = []
    value = shift = 0
    for character in counts.encode() if isinstance(counts, str) else counts:
        bits = character - ord("0")
        if not 0 <= bits < 64:
            return []
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            sign = -(1 << shift) if bits & 16 else 0
            runs.append(value + sign + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return [] if shift else runs


def lies_elsewhere(annotation: Entry) -> bool:
    """Whether polygons and box of an annotation contradict: they share less than half of both."""
    mask, (x, y, w, h) = annotation["segmentation"], annotation["bbox"]
    if not isinstance(mask, list):
        return False
    polygons = [polygon for polygon in mask if len(polygon) >= 2 * CORNERS]
    xs = [value for polygon in polygons for value in polygon[::2]]
    ys = [value for polygon in polygons for value in polygon[1::2]]
    left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    wide, high = min(x + w, right) - max(x, left), min(y + h, bottom) - max(y, top)
    shared = max(wide, 0) * max(high, 0)
    return shared < (w * h + (right - left) * (bottom - top) - shared) / 2


def with_codes(coco: Coco) -> Coco:
    """The same ground truth with each mask as a run-length code, whatever its form was.

    Raises: UserError for the first annotation whose mask is missing or broken.
    """
    entries = {entry["id"]: entry for entry in coco["images"]}
    annotations = [
        each | {"segmentation": mask_code(each, entries[each["image_id"]], "the annotations")}
        for each in coco["annotations"]
    ]
    return coco | {"annotations": annotations}


def decoded(codes: list[Code], height: int, width: int) -> np.ndarray:
    """Run-length codes of one picture as (R, H, W) uint8 of 0 and 1."""
    masks = np.empty((len(codes), height, width), np.uint8)
    for mask, code in zip(masks, codes, strict=True):  # one at a time stays in the CPU's cache
        mask[:] = rle.decode(code)
    return masks
