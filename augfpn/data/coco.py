"""A user's folder in COCO's layout, or in another layout that is in common use."""

import json
import os
import posixpath
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from reprlib import repr as short

from augfpn.config import DATA_SETS
from augfpn.data.annotations import check_annotations, number_of
from augfpn.data.files import (
    digest,
    existing_folder,
    expect_inside,
    file_sizes,
    holdings,
    is_file,
    some,
    spellings,
)
from augfpn.data.pictures import Pictures
from augfpn.data.pixels import SUFFIXES_OF_PICTURES, read_file
from augfpn.errors import UserError, one_of

# A split's names in files and folders; the first one found is taken.
SPLIT_NAMES = {
    "train": ("train2017", "train"),
    "val": ("val2017", "val", "valid"),
    "test": ("test2017", "test"),
}
# What tools call a file that is not split: CVAT, Label Studio and others. It is read for training.
UNSPLIT = (
    "annotations/instances_default.json",
    "annotations/instances.json",
    "annotations.json",
    "result.json",
    "_annotations.coco.json",
)
COCO_LAYOUT = "annotations/instances_train2017.json and train2017/, or another layout of COCO's"
PREFIXES = ("instances_", "")
ROBOFLOW = "_annotations.coco.json"  # Roboflow's export: in the folder of the pictures


def coco(root: str | os.PathLike[str] | None, split: str) -> Pictures:
    """One split of a folder with annotations in COCO's format.

    Annotations are looked for in annotations/instances_<split>.json, annotations/<split>.json and
    <split>/_annotations.coco.json, those for training also in files that tools write for pictures
    without splits (`UNSPLIT`); pictures in <split>/, images/<split>/ and images/, or beside
    the annotations. <split> may have COCO's year at its end, 2017; "val" may be called valid.

    The fingerprint covers the bytes of the annotation file and the names and sizes of the
    pictures, but not their pixels, because COCO's are 18 GB.

    Raises: UserError for a folder or file that is missing or broken.
    """
    one_of("split", split, DATA_SETS["coco"].splits)
    folder = existing_folder(root, "coco", COCO_LAYOUT)
    file = _annotation_file(folder, split)
    content = file.read_bytes()
    annotations, report = check_annotations(parse_json(content, file), str(file))
    names = [entry["file_name"] for entry in annotations["images"]]
    expect_inside(names, str(file))
    pictures = _picture_folder(folder, file, split, names)
    renamed = spellings(pictures, names)
    for entry in annotations["images"]:
        entry["file_name"] = renamed.get(entry["file_name"], entry["file_name"])
    names = [entry["file_name"] for entry in annotations["images"]]
    sizes = sorted(file_sizes(pictures, names, str(file)).items())
    return Pictures(
        name=f"coco {split}",
        coco=annotations,
        read=partial(read_file, pictures),
        fingerprint=digest(content, json.dumps(sizes).encode()),
        report=(*report, *_respelt(renamed, pictures), *_unlisted(pictures, split, file, names)),
        folder=pictures,
    )


def _respelt(renamed: dict[str, str], pictures: Path) -> list[str]:
    """What to report of files that were found under another spelling."""
    pairs = [f"{short(name)} as {short(there)}" for name, there in renamed.items()]
    found = f"Found {len(pairs)} files in {pictures} under another spelling: {some(pairs)}."
    return [found] if pairs else []


def _unlisted(pictures: Path, split: str, file: Path, names: list[str]) -> list[str]:
    """What to report of pictures in a split's own folder that its annotations do not list."""
    if pictures.name not in SPLIT_NAMES[split]:  # a folder of all splits
        return []
    listed = {posixpath.normpath(name) for name in names}
    others = sorted({each.name for each in os.scandir(pictures)} - listed)
    found = [name for name in others if Path(name).suffix.lower() in SUFFIXES_OF_PICTURES]
    count = number_of(found, "picture")
    return [f"Left out {count} that {file.name} does not list: {some(found)}."] if found else []


def _looked_for(split: str) -> list[str]:
    """Where annotations may be, relative to the folder."""
    return [
        *(f"annotations/{prefix}{name}.json" for name in SPLIT_NAMES[split] for prefix in PREFIXES),
        *(f"{name}/{ROBOFLOW}" for name in SPLIT_NAMES[split]),
        *(UNSPLIT if split == "train" else ()),
    ]


def coco_splits(folder: Path) -> list[str]:
    """The splits for which a folder has annotations in COCO's format."""
    return [s for s in SPLIT_NAMES if any((folder / n).is_file() for n in _looked_for(s))]


def _annotation_file(folder: Path, split: str) -> Path:
    looked_for = _looked_for(split)
    for name in looked_for:
        if (folder / name).is_file():
            return folder / name
    inside = [f"{folder} holds {holdings(folder)}"]
    if (folder / "annotations").is_dir():
        inside.append(f"annotations/ holds {holdings(folder / 'annotations')}")
    raise UserError(
        f"coco: no annotations for {split!r}: looked for {', '.join(looked_for)}, but "
        f"{', '.join(inside)}; rename the file, or give the folder that holds it as data_root; "
        "with data='folder', layouts of YOLO and Pascal VOC are looked for, too."
    )


def parse_json(content: bytes, file: Path) -> object:
    """What a file's bytes say. Raises ``UserError`` unless they are JSON."""
    if content.startswith(b"\x1f\x8b"):
        raise UserError(f"{file} is packed by gzip; unpack it.")
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{file} is no JSON: {error.msg} at {place}; export it anew.") from error
    except ValueError as error:  # another coding, or a number of thousands of digits
        why = str(error).partition(";")[0]
        raise UserError(f"{file} is no JSON text ({why}); export it anew.") from error
    except RecursionError:
        raise UserError(f"{file} has lists in lists without end; export it anew.") from None


def _picture_folder(folder: Path, file: Path, split: str, names: list[str]) -> Path:
    """The folder that the file names are relative to: where the first picture is found."""
    first = names[0]
    if file.name == ROBOFLOW:
        return file.parent
    named = dict.fromkeys((file.stem.removeprefix("instances_"), *SPLIT_NAMES[split]))
    candidates = [folder / name for name in (*named, *(f"images/{n}" for n in named), "images")]
    candidates.append(folder / "images" / "default")  # CVAT's
    existing = [candidate for candidate in candidates if candidate.is_dir()]
    for there in (lambda place: is_file(place / first), lambda place: spellings(place, [first])):
        for candidate in (*existing, folder):
            if there(candidate):
                return candidate
    if existing:
        return existing[0]  # `file_sizes` will say which files it lacks
    raise UserError(
        f"coco: no picture folder for {file}: looked for {_relative(candidates, folder)}, but "
        f"{folder} holds {holdings(folder)}; put the pictures into the first of these."
    )


def _relative(paths: Iterable[Path], folder: Path) -> str:
    return ", ".join(f"{path.relative_to(folder).as_posix()}/" for path in paths)
