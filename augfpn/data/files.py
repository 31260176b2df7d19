"""Folders, picture files and fingerprints: what the data sets on disk have in common."""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augfpn.errors import UserError


def digest(*parts: bytes) -> str:
    """Sha256 in hex of several byte strings; it depends on their boundaries, too."""
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def read_file(folder: Path, entry: dict[str, Any]) -> np.ndarray:
    """The pixels of a picture file, (H, W, 3) uint8 RGB, exactly as they are stored.

    EXIF orientation is not applied: COCO's annotations refer to the stored pixels.
    Raises: UserError for a file that cannot be decoded, or has more than 8 bits a channel.
    """
    path = folder / entry["file_name"]
    try:
        with Image.open(path) as picture:
            mode, pixels = picture.mode, np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as a picture ({error}); replace it.") from error
    if mode.startswith(("I", "F")):  # Pillow clips their values in RGB: nearly all become white
        raise UserError(f"{path} has more than 8 bits a channel; save it with 8.")
    return pixels


def existing_folder(root: str | os.PathLike[str] | None, source: str, layout: str) -> Path:
    """The user's folder for a data set.

    ``layout`` describes what the folder should contain. Raises: UserError for a folder that is not
    given, does not exist, is a file or is empty.
    """
    if not root:
        raise UserError(f"{source} needs data_root: the folder with {layout}.")
    folder = Path(root).expanduser()
    if not folder.exists():
        problem = "does not exist"
    elif not folder.is_dir():
        problem = "is a file"
    elif not any(folder.iterdir()):
        problem = "is empty"
    else:
        return folder
    raise UserError(f"{source}: data_root {folder} {problem}; give the folder with {layout}.")


def holdings(folder: Path) -> str:
    """The names in a folder, short enough for a sentence."""
    return some(sorted(path.name + "/" * path.is_dir() for path in folder.iterdir()), 8)


def some(items: Sequence[object], most: int = 3) -> str:
    """The first few items, and the number of the others."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more


def file_sizes(folder: Path, names: Iterable[str], named_by: str) -> dict[str, int]:
    """The size of each named file in bytes; each folder is listed once.

    Raises: UserError with the number of missing files and the names of the first.
    """
    wanted = {name: folder / name for name in names}
    found: dict[Path, os.DirEntry[str]] = {}
    for parent in {path.parent for path in wanted.values()}:
        if parent.is_dir():
            with os.scandir(parent) as listing:
                found |= {parent / entry.name: entry for entry in listing if entry.is_file()}
    missing = sorted(name for name, path in wanted.items() if path not in found)
    if missing:
        raise UserError(
            f"{folder} lacks {len(missing)} of {len(wanted)} files that {named_by} names "
            f"({some(missing)}); add them there, or remove them here."
        )
    return {name: found[path].stat().st_size for name, path in wanted.items()}
