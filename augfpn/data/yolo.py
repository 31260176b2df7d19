"""Folders in YOLO's layout: a text file for each picture, a line for each object.

    data.yaml            names: [cat, dog]; train: images/train; val: images/val
    images/train/1.jpg   labels/train/1.txt   (or train/images/1.jpg and train/labels/1.txt)

A line is a class from 0, and the box's centre, width and height as fractions of the picture's
sides; or a class and the corners of a polygon. A picture without a file has no object. The sides
are those of the picture turned as its EXIF tag says, as ultralytics reads it.
"""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from reprlib import repr as short
from typing import Any

import yaml

from augfpn.data.annotations import Entry, check_annotations
from augfpn.data.coco import SPLIT_NAMES
from augfpn.data.files import digest
from augfpn.data.layouts import Layout, names_within, picture_files
from augfpn.data.pictures import Pictures
from augfpn.data.pixels import read_file, upright_size
from augfpn.errors import UserError

BEYOND = 0.01  # a fraction may be above 1, or below 0, by so much: tools round
LISTS_OF_NAMES = ("classes.txt", "labels/classes.txt", "obj.names")  # without a data.yaml


def yolo_layout(root: Path) -> Layout | None:
    """The layout of a folder with YOLO's labels, or None. Raises: UserError for a broken yaml."""
    settings = _settings(root)
    found = {split: _pictures(root, split, settings) for split in SPLIT_NAMES}
    if not any(found.values()):
        whole = picture_files(root / "images" if (root / "images").is_dir() else root)
        found = {"train": whole}
    labelled = any(label_file(root, file).is_file() for files in found.values() for file in files)
    if "names" not in settings and not labelled:
        return None
    names = class_names(root, settings, [file for files in found.values() for file in files])
    splits = [split for split, files in found.items() if files]
    return Layout("YOLO", splits, lambda split: read_labelled(root, split, found[split], names))


def _settings(root: Path) -> dict[str, Any]:
    """The content of the first yaml file that names classes; {} if there is none."""
    for file in sorted((*root.glob("*.yaml"), *root.glob("*.yml"))):
        try:
            # Its loader that makes texts only: a class called yes is no truth value.
            found = yaml.load(file.read_text("utf-8-sig"), Loader=yaml.BaseLoader)
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            what = " ".join(str(error).split())[:120]
            raise UserError(f"{file} is no YAML ({what}): write it anew.") from None
        if isinstance(found, dict) and "names" in found:
            return {"file": file, **found}
    return {}


def _pictures(root: Path, split: str, settings: dict[str, Any]) -> list[Path]:
    """A split's picture files: where the yaml file says, or else in the usual folders."""
    keys = [split, "valid"] if split == "val" else [split]
    given = next((settings[key] for key in keys if settings.get(key)), [])
    places = given if isinstance(given, list) else [given]
    if found := [file for place in places for file in _inside(root, str(place))]:
        return found
    usual = (place for n in SPLIT_NAMES[split] for place in (f"images/{n}", f"{n}/images", n))
    return next((found for place in usual if (found := _inside(root, place))), [])


def _inside(root: Path, place: str) -> list[Path]:
    """The picture files in a folder inside ``root``, or those that a text file there lists.

    Exports name folders of another machine, "../train/images": only what is inside is looked at.
    """
    parts = [part for part in Path(place.replace("\\", "/")).parts if part not in ("..", "/")]
    path = root.joinpath(*parts)
    if not parts or not path.exists():
        return []
    return picture_files(path) if path.is_dir() else _listed(root, path)


def _listed(root: Path, listing: Path) -> list[Path]:
    """The picture files that a text file lists, relative to the folder."""
    names = [line.strip() for line in listing.read_text("utf-8").splitlines() if line.strip()]
    lost = [name for name in names if ".." in Path(name).parts or not (root / name).is_file()]
    outside = [name for name in names if Path(name).is_absolute()]
    if lost or outside:
        raise UserError(
            f"{listing} lists {(outside or lost)[0]}, which is not in {root}: list files relative "
            "to that folder."
        )
    return [root / name for name in names]


def label_file(root: Path, picture: Path) -> Path:
    """Where the objects of a picture are: in labels/ in place of the last images/, or beside it."""
    parts = list(picture.relative_to(root).with_suffix(".txt").parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            return root.joinpath(*parts)
    return root.joinpath(*parts)


def class_names(root: Path, settings: dict[str, Any], pictures: list[Path]) -> dict[int, str]:
    """The name of each class by its number. Raises: UserError for names of another form."""
    names = settings.get("names")
    if names is None:
        lists = [root / name for name in LISTS_OF_NAMES if (root / name).is_file()]
        if lists:
            names = [n.strip() for n in lists[0].read_text("utf-8-sig").splitlines() if n.strip()]
        else:
            rows = (row for file in pictures for row in label_rows(label_file(root, file)))
            names = {number: str(number) for number in sorted({number for number, _ in rows})}
    numbered = dict(enumerate(names)) if isinstance(names, list) else names
    try:
        return {int(number): name.strip() or "" for number, name in numbered.items()}
    except (AttributeError, ValueError):
        where = settings.get("file", root)
        raise UserError(f"{where} has names {short(names)}: give a list of names.") from None


def label_rows(file: Path) -> Iterator[tuple[int, list[float]]]:
    """The lines of a label file: a class and its numbers; nothing if there is no file.

    Raises: UserError with the line for one that is neither a box nor a polygon in fractions.
    """
    if not file.is_file():
        return
    for place, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            number, values = float(words[0]), [float(word) for word in words[1:]]
        except ValueError:
            number, values = math.nan, []
        wrong = ""
        if len(values) != 4 and (len(values) < 6 or len(values) % 2):
            wrong = "a class and four numbers, or a class and a polygon of three corners or more"
        elif not number.is_integer() or number < 0:
            wrong = "a class that is a whole number from 0"
        elif not all(-BEYOND <= value <= 1 + BEYOND for value in values):
            wrong = "fractions of the picture's sides, from 0 to 1"
        if wrong:
            raise UserError(f"{file}, line {place} is {line[:60]!r}: expected {wrong}.")
        yield int(number), values


def box_and_polygon(values: list[float], width: int, height: int) -> tuple[list[float], list]:
    """A line's numbers as a box x y w h and a list of polygons, in pixels."""
    if len(values) == 4:
        x, y, w, h = values
        return [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height], []
    corners = [value * (height if k % 2 else width) for k, value in enumerate(values)]
    xs, ys = corners[::2], corners[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)], [corners]


def read_labelled(root: Path, split: str, files: list[Path], names: dict[int, str]) -> Pictures:
    """The picture files of a split with their labels; ids from 1 in the order of the files.

    Raises: UserError for a file that is no picture, and for a label that is wrong.
    """
    images: list[Entry] = []
    annotations: list[Entry] = []
    content = [str(sorted(names.items())).encode()]
    for file, name in zip(files, names_within(root, files), strict=True):
        width, height = upright_size(file)
        label = label_file(root, file)
        images.append({"id": len(images) + 1, "file_name": name, "width": width, "height": height})
        content += [name.encode(), str(file.stat().st_size).encode()]
        content.append(label.read_bytes() if label.is_file() else b"")
        for number, values in label_rows(label):
            if number not in names:
                raise UserError(f"{label} has the class {number}: the names have no such number.")
            box, mask = box_and_polygon(values, width, height)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": len(images), "category_id": number}
                | {"bbox": box, "segmentation": mask}
            )
    categories = [{"id": number, "name": name} for number, name in sorted(names.items())]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    clean, report = check_annotations(coco, f"{root} ({split})")
    return Pictures(
        name=f"yolo {split}",
        coco=clean,
        read=partial(read_file, root, turn=True),
        fingerprint=digest(*content),
        report=report,
        folder=root,
    )
