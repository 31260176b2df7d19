"""What the readers of folders have in common: the splits of a folder, and its picture files."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from augfpn.data.files import is_file
from augfpn.data.pictures import Pictures
from augfpn.data.pixels import SUFFIXES_OF_PICTURES


class Layout(NamedTuple):
    """How a folder is laid out: which splits it has, and how one of them is read."""

    name: str  # for people: "COCO", "YOLO", "Pascal VOC"
    splits: list[str]  # of "train", "val" and "test"; a folder without splits has "train"
    read: Callable[[str], Pictures]  # a split's name -> its pictures


def picture_files(folder: Path, deep: bool = True) -> list[Path]:
    """The files in a folder, and in those inside it, that are named as pictures; by name.

    Hidden files are left out.
    """
    found = folder.rglob("*") if deep else folder.iterdir()
    return sorted(
        path
        for path in found
        if path.suffix.lower() in SUFFIXES_OF_PICTURES and not is_hidden(path) and is_file(path)
    )


def is_hidden(path: Path) -> bool:
    """Whether a file's name begins with a dot: macOS writes ._1.jpg beside 1.jpg, say."""
    return path.name.startswith(".")


def names_within(folder: Path, files: Iterable[Path]) -> list[str]:
    """File names relative to a folder, with / between their parts."""
    return [file.relative_to(folder).as_posix() for file in files]
