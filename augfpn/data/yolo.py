"""Folders in YOLO's layout: a text file for each picture, a line for each object.

    data.yaml            names: [cat, dog]; train: images/train; val: images/val
    images/train/1.jpg   labels/train/1.txt   (or train/images/1.jpg and train/labels/1.txt)

A line is a class from 0, and the box's centre, width and height as fractions of the picture's
sides; or a class and the corners of a polygon. A picture without a file has no object. The sides
are those of the picture turned as its EXIF tag says, as ultralytics reads it.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from reprlib import repr as short
from typing import Any

import yaml

from augfpn.data.annotations import Entry, check_annotations, number_of
from augfpn.data.coco import SPLIT_NAMES
from augfpn.data.files import digest, expect_inside, is_file, some, text_of
from augfpn.data.layouts import Layout, is_hidden, names_within, picture_files
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

    def read(split: str) -> Pictures:
        remarks = [*_not_there(root, split, settings), *_unused(root, found[split])]
        if "names" not in settings and names == {n: str(n) for n in names}:
            remarks.append(f"No file names the classes ({some(list(names))}): data.yaml can.")
        pictures = read_labelled(root, split, found[split], names)
        return replace(pictures, report=(*pictures.report, *remarks))

    return Layout("YOLO", splits, read)


def _settings(root: Path) -> dict[str, Any]:
    """The content of data.yaml, or of the only yaml file that names classes; {} without one."""
    found = {file: _yaml(file) for file in sorted((*root.glob("*.yaml"), *root.glob("*.yml")))}
    naming = [file for file, content in found.items() if "names" in content]
    file = next((each for each in naming if each.stem == "data"), naming[0] if naming else None)
    if file is None:
        return {}
    others = [each.name for each in naming if found[each]["names"] != found[file]["names"]]
    if others and file.stem != "data":
        raise UserError(
            f"{root} has {file.name} and {others[0]}, which name different classes: call the one "
            "to be used data.yaml."
        )
    return {"file": file, **found[file]}


def _yaml(file: Path) -> dict[str, Any]:
    """The content of a yaml file, as texts: a class called yes is no truth value.

    It is {} for a file that holds no dict. Raises: UserError for broken YAML, and for a key that
    is there twice.
    """
    try:
        text = text_of(file) if is_file(file) else ""
        root = yaml.compose(text, Loader=yaml.BaseLoader)
        found = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        what = " ".join(str(error).split())[:120]
        raise UserError(f"{file} is no YAML ({what}): write it anew.") from None
    if not isinstance(found, dict):
        return {}
    for mapping in (root, *(value for _, value in root.value)):
        if isinstance(mapping, yaml.MappingNode):
            keys = [key.value for key, _ in mapping.value]
            twice = [key for key in keys if keys.count(key) > 1]
            if twice:
                raise UserError(f"{file} has the key {short(twice[0])} twice; remove one of them.")
    return found


def _pictures(root: Path, split: str, settings: dict[str, Any]) -> list[Path]:
    """A split's picture files: where the yaml file says, or else in the usual folders."""
    places = _places(split, settings)
    if found := [file for place in places for file in _inside(root, place)]:
        return found
    usual = (place for n in SPLIT_NAMES[split] for place in (f"images/{n}", f"{n}/images", n))
    return next((found for place in usual if (found := _inside(root, place))), [])


def _places(split: str, settings: dict[str, Any]) -> list[str]:
    """The folders or lists that the yaml file names for a split."""
    keys = [split, "valid"] if split == "val" else [split]
    given = next((settings[key] for key in keys if settings.get(key)), [])
    return [*map(str, given)] if isinstance(given, list) else [str(given)]


def _not_there(root: Path, split: str, settings: dict[str, Any]) -> list[str]:
    """What to report of places that the yaml file names and that hold no picture."""
    empty = [place for place in _places(split, settings) if not _inside(root, place)]
    if not empty:
        return []
    return [
        f"{settings['file']} names {some(empty)} for {split!r}, where {root} has no pictures: the "
        "usual folders are read instead."
    ]


def _unused(root: Path, pictures: list[Path]) -> list[str]:
    """What to report of label files beside the used ones that belong to no picture."""
    folders = {picture.parent for picture in pictures}
    used = {label_file(root, p) for folder in folders for p in picture_files(folder, deep=False)}
    texts = [
        file
        for folder in sorted({file.parent for file in used})
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix.lower() == ".txt" and file not in used and not is_hidden(file)
    ]
    unused = [file.name for file in texts if _has_labels(file)]
    count = number_of(unused, "label file")
    return [f"{count} without a picture that can be read: {some(unused)}."] if unused else []


def _has_labels(file: Path) -> bool:
    try:
        return next(label_rows(file), None) is not None
    except UserError:  # a list of classes, or a text for people
        return False


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
    names = [line.strip() for line in text_of(listing).splitlines() if line.strip()]
    expect_inside(names, str(listing))
    lost = [name for name in names if not is_file(root / name)]
    if lost:
        raise UserError(
            f"{listing} lists {len(lost)} of {len(names)} files that are not in {root} "
            f"({some(lost)}): list files relative to that folder."
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
            names = [n.strip() for n in text_of(lists[0]).splitlines() if n.strip()]
        else:
            rows = (row for file in pictures for row in label_rows(label_file(root, file)))
            names = {number: str(number) for number in sorted({number for number, _ in rows})}
    numbered = dict(enumerate(names)) if isinstance(names, list) else names
    where, count = settings.get("file", root), settings.get("nc")
    try:
        found = {int(number): name.strip() for number, name in numbered.items()}
    except (AttributeError, ValueError):
        shown = short(names)[:60]
        raise UserError(f"{where} has names {shown}: give a list of names.") from None
    if len(found) < len(numbered):
        raise UserError(f"{where} gives two classes one number: give each a number of its own.")
    if count is not None and count != str(len(found)):
        raise UserError(
            f"{where} has nc {short(count)} (the number of classes), but {len(found)} names: "
            "correct one of the two."
        )
    return found


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
            wrong = "a class and four numbers, as 0 0.5 0.5 0.2 0.3, or a class and a polygon"
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


def _expect_named(number: int, names: dict[int, str], label: Path) -> None:
    if number not in names:
        known = f"classes 0 to {max(names)}" if names else "no class"
        if len(names) <= max(names, default=-1):
            known = f"classes {some(sorted(names))}"
        raise UserError(
            f"{label} has the class {number}, and the names are those of {known}: add its name, or "
            "correct the number."
        )


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
            _expect_named(number, names, label)
            box, mask = box_and_polygon(values, width, height)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": len(images), "category_id": number}
                | {"bbox": box, "segmentation": mask}
            )
    if not annotations:
        sought = label_file(root, files[0])
        raise UserError(
            f"{root} ({split}) has no label for any of {len(files)} pictures: the first one's was "
            f"looked for in {sought}; add them there."
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
