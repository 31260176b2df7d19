"""The check of annotations in COCO's format that every source of pictures goes through.

What would make training wrong is an error; what can be repaired is repaired and reported.
"""

import posixpath
import reprlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sized
from typing import Any

from pycocotools import mask as rle

from augfpn.data.fields import RULES, wrong_field
from augfpn.data.files import some
from augfpn.data.masks import has_mask, mask_code
from augfpn.data.plausible import (
    constant_area,
    distinct_classes,
    expect_corner_and_size,
    given_twice,
    is_area_of,
)
from augfpn.errors import UserError
from augfpn.support.text import printable

Coco = dict[str, Any]
Entry = dict[str, Any]  # one of the dict's images, annotations or categories
Box = list[float]  # x y w h in pixels
Findings = dict[str, list[str]]  # what was found -> the annotations concerned

THINNEST = 0.01  # px: COCO writes hundredths, and float32 coordinates can still resolve them
ROUNDING = 1.0  # px: a box that sticks out by no more is a rounding error, not reported
SIZE_LIMITS = {"small": 32**2, "medium": 96**2, "large": float("inf")}  # COCO's, for area in px

NO_SIZE = "without width or height"
OUTSIDE = "entirely outside of the picture"
CLIPPED = "sticking out of the picture"
AREA = "Computed the area of"  # anew


def check_annotations(coco: object, where: str) -> tuple[Coco, tuple[str, ...]]:
    """Check annotations in COCO's format, and repair what can be repaired.

    Returns a cleaned copy, for training and evaluation alike, and sentences on what was found:

    - left out: boxes thinner than 0.01 px, and boxes entirely outside of their picture;
    - clipped: boxes that stick out of their picture (reported above 1 px; less is rounding);
    - filled in: ``iscrowd`` 0, ``segmentation`` [], ``area`` from the mask or else the box, also
      where the given one cannot be right (not positive, larger than the box, one for all);
    - given another id: annotation 0, because pycocotools takes a match with id 0 for no match;
    - left out: a category that only groups the others, if a class has its name;
    - only reported: pictures and classes without an object, crowd regions, boxes thinner than a
      pixel, files and objects that are listed twice.

    Raises: UserError, one sentence with the file (``where``), the id and the value, if a table or
    a field is missing or has a wrong type, an id is used twice or unknown, a box is not four finite
    numbers, boxes are in another notation, two classes have one name, or there is no picture, no
    annotation or no object to learn from.
    """
    if not isinstance(coco, dict):
        raise UserError(f"{where} holds a {type(coco).__name__}, but COCO's format is a dict.")
    images, categories, given, left_out = _tables(coco, where)
    annotations, findings = _clean(given, images, where)
    if all(annotation["iscrowd"] for annotation in annotations):
        raise UserError(_no_objects(annotations, findings, where))
    clean = coco | {
        "images": [dict(entry) for entry in images.values()],
        "categories": [dict(entry) for entry in categories.values()],
        "annotations": annotations,
    }
    report = [*_repairs(findings), *_rename_zero(annotations, given), *left_out, *_remarks(clean)]
    return clean, tuple(map(printable, report))


def _tables(
    coco: Coco, where: str
) -> tuple[dict[int, Entry], dict[int, Entry], dict[int, Entry], list[str]]:
    """The checked images, categories and annotations by id, and what was left out of them."""
    images = _table(coco, "images", where)
    categories = _table(coco, "categories", where)
    given = _table(coco, "annotations", where)
    _expect_known(given, "image_id", images, "images", where)
    _expect_known(given, "category_id", categories, "categories", where)

    used = {annotation["category_id"] for annotation in given.values()}
    categories, left_out = distinct_classes(categories, used, where)
    if all(max(annotation["bbox"]) <= 1 for annotation in given.values()):
        raise UserError(f"{where} has boxes in fractions: no number is above 1; give pixels.")
    expect_corner_and_size(given.values(), images, where)
    return images, categories, given, left_out


def _no_objects(crowds: list[Entry], findings: Findings, where: str) -> str:
    if not crowds:
        why = " or ".join(each for each in (NO_SIZE, OUTSIDE) if each in findings)
        return f"{where} has no box to learn from or to score, each is {why}; correct them."
    return (
        f"{where} has only crowd regions (all {len(crowds)} annotations have iscrowd 1), which are "
        "neither learnt nor scored: set iscrowd to 0 where one object is marked, as tools that "
        "write masks as run lengths often do not."
    )


def _table(coco: Coco, table: str, where: str) -> dict[int, Entry]:
    """The entries of one table by their ids, after a check of every field."""
    entries = coco.get(table)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f'{where} needs "{table}", a list of dicts, as in COCO\'s format.')
    if not entries:
        raise UserError(f"{where} has no {table}; give a file that lists some.")
    by_id: dict[int, Entry] = {}
    for position, entry in enumerate(entries):
        wrong = wrong_field(entry, RULES[table])
        if not wrong and entry["id"] in by_id:
            wrong = "has the id of an earlier one; give each its own"
        if wrong:
            name = f"{table}[{position}] (id {reprlib.repr(entry.get('id'))})"
            raise UserError(f"{where}: {name} {wrong}.")
        by_id[entry["id"]] = entry
    return by_id


def _expect_known(
    annotations: dict[int, Entry], field: str, known: dict[int, Entry], table: str, where: str
) -> None:
    for annotation in annotations.values():
        if annotation[field] not in known:
            raise UserError(
                f"{where}: annotation {annotation['id']} has {field} {annotation[field]}, which is "
                f"not in {table}; add it there or remove the annotation."
            )


def _clean(
    given: dict[int, Entry], images: dict[int, Entry], where: str
) -> tuple[list[Entry], Findings]:
    findings: Findings = defaultdict(list)
    clean = []
    constant = constant_area(given.values())
    for annotation in given.values():
        image = images[annotation["image_id"]]
        box, finding = _fit(list(annotation["bbox"]), image["width"], image["height"])
        name = f"{annotation['id']} in {image['file_name']}"
        if finding:
            findings[finding].append(name)
        if box:
            clean.append(_complete(annotation, box, image, where))
            area = clean[-1]["area"]
            if constant or not is_area_of(area, box):
                own = _own_area(annotation, box, image, where)
                if not (has_mask(annotation) and own / 2 <= area <= own * 2):
                    findings[AREA].append(name)
                    clean[-1]["area"] = own
    return clean, findings


def _fit(box: Box, width: int, height: int) -> tuple[Box | None, str | None]:
    """The part of a box that lies in the picture, or None; and the finding to report, or None."""
    x, y, w, h = box
    if min(w, h) < THINNEST:
        return None, NO_SIZE
    excess = max(-x, -y, x + w - width, y + h - height)
    if excess <= 0:
        return box, None
    left, top = max(x, 0), max(y, 0)
    w, h = min(x + w, width) - left, min(y + h, height) - top
    if min(w, h) < THINNEST:
        return None, OUTSIDE
    return [left, top, w, h], CLIPPED if excess > ROUNDING else None


def _complete(annotation: Entry, box: Box, image: Entry, where: str) -> Entry:
    mask, area = annotation.get("segmentation") or [], annotation.get("area")
    if area is None or (not mask and box != list(annotation["bbox"])):
        area = _own_area(annotation, box, image, where)
    crowd = int(annotation.get("iscrowd") or 0)
    return annotation | {"bbox": box, "area": area, "iscrowd": crowd, "segmentation": mask}


def _own_area(annotation: Entry, box: Box, image: Entry, where: str) -> float:
    """The area of an object's mask in pixels, or else of its box."""
    covered = rle.area(mask_code(annotation, image, where)) if has_mask(annotation) else 0
    return float(covered) or box[2] * box[3]


def _rename_zero(annotations: list[Entry], given: dict[int, Entry]) -> list[str]:
    """Give annotation 0 another id, in place: pycocotools takes a match with id 0 for no match."""
    for annotation in annotations:
        if annotation["id"] == 0:
            annotation["id"] = max(given) + 1
            return [f"Annotation 0 is called {annotation['id']}: pycocotools never matches 0."]
    return []


def _repairs(findings: Findings) -> list[str]:
    """A sentence for each kind of repair."""
    kinds = {
        f"Left out {{}} {NO_SIZE}": findings[NO_SIZE],
        f"Left out {{}} {OUTSIDE}": findings[OUTSIDE],
        f"Clipped {{}} {CLIPPED}": findings[CLIPPED],
        f"{AREA} {{}} anew, because the given one cannot be right": findings[AREA],
    }
    return [
        f"{what.format(number_of(found, 'box', 'boxes'))}: annotation {some(found)}."
        for what, found in kinds.items()
        if found
    ]


def _remarks(clean: Coco) -> list[str]:
    objects = [a for a in clean["annotations"] if not a["iscrowd"]]
    crowds = [a["id"] for a in clean["annotations"] if a["iscrowd"]]
    shown = {a["image_id"] for a in objects}
    used = {a["category_id"] for a in objects}
    empty = [entry["file_name"] for entry in clean["images"] if entry["id"] not in shown]
    unused = [entry["name"] for entry in clean["categories"] if entry["id"] not in used]
    files = Counter(posixpath.normpath(entry["file_name"]) for entry in clean["images"])
    thin = [a["id"] for a in objects if min(a["bbox"][2:]) < 1]
    remarks = [
        (given_twice(objects), "object", "objects", "annotated twice, with the same box and class"),
        (thin, "box", "boxes", "thinner than a pixel"),
        ([name for name in files if files[name] > 1], "file", "files", "listed more than once"),
        (empty, "picture", "pictures", "without an object, evaluated but not trained on"),
        (unused, "class", "classes", "without an object"),
        (crowds, "crowd region", "crowd regions", "for the evaluation to ignore"),
    ]
    return [
        f"{number_of(found, one, many)} {what}: {some(found)}."
        for found, one, many, what in remarks
        if found
    ]


def number_of(found: Sized, one: str, many: str = "") -> str:
    """How many there are, with the word for one or for several: "1 box", "2 boxes"."""
    return f"{len(found)} {one if len(found) == 1 else many or one + 's'}"


def count_by_size(annotations: Iterable[dict]) -> dict[str, int]:
    """How many objects are small, medium and large by COCO's rule; crowds do not count."""
    counts = dict.fromkeys(SIZE_LIMITS, 0)
    for each in annotations:
        if not each["iscrowd"]:
            counts[next(n for n, limit in SIZE_LIMITS.items() if each["area"] < limit)] += 1
    return counts
