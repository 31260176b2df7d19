"""Folders, names of files and fingerprints: what the data sets on disk have in common."""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path, PureWindowsPath
from reprlib import repr as short
from unicodedata import normalize
from urllib.parse import unquote

from augfpn.data.pixels import HEIC, IN_HEIC
from augfpn.errors import UserError
from augfpn.support.files import folder_of

LONG = 200  # letters of a file name, which a sentence shortens


def digest(*parts: bytes) -> str:
    """Sha256 in hex of several byte strings; it depends on their boundaries, too."""
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def expect_inside(names: Iterable[str], named_by: str) -> None:
    """Refuse file names that lead out of the folder that they are relative to.

    Links in the user's folder may lead anywhere: who can make a link there may read its target.
    Raises: UserError for an absolute name, and for one with ".." in it, however it is written.
    """
    for name in names:
        plain = PureWindowsPath(unquote(name))  # knows drives, and both kinds of slashes
        if plain.anchor or ".." in plain.parts:
            raise UserError(
                f"{named_by} names the file {short(name)}, which may lie outside of the data "
                "folder: give a name relative to the folder of the pictures, without '..'."
            )


def spellings(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The names that exist only in another spelling, with the name of the file that is there.

    Other spellings are those of other systems and of web pages: with \\ for /, with %20 for a
    space, with letters and accents joined or apart, with another case, or after a folder.
    """
    missing = [name for name in names if not is_file(folder / name)]
    if not missing:
        return {}
    there = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    by_case = {name.casefold(): name for name in there}
    found = {}
    for name in missing:
        plain = unquote(name).replace("\\", "/").strip()
        ways = [name.replace("\\", "/"), unquote(name), plain, plain.rpartition("/")[2]]
        forms = [normalize(form, way) for way in ways for form in ("NFC", "NFD")]
        forms.append(by_case.get(forms[-2].casefold(), ""))
        exists = [form for form in forms if form and is_file(folder / form)]
        if exists:
            found[name] = exists[0]
    files = {*found.values()}  # one file is one picture: two names are no spellings of it
    return found if len(files) == len(found) and files.isdisjoint(names) else {}


def is_file(path: Path | os.DirEntry[str]) -> bool:
    """Whether there is a file; names that no file can have are no files."""
    try:
        return path.is_file()
    except OSError:  # too long, or a link to itself
        return False


def text_of(file: Path) -> str:
    """The text of a file in UTF-8, without the mark (BOM) that some editors put before it.

    Raises: UserError for a file in another encoding.
    """
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} is no text in UTF-8 (byte {error.start} is not); save it as UTF-8."
        ) from None


def existing_folder(root: str | os.PathLike[str] | None, source: str, layout: str) -> Path:
    """The user's folder for a data set.

    ``layout`` describes what the folder should contain. Raises: UserError for a folder that is not
    given, does not exist, is a file or is empty.
    """
    if not root:
        raise UserError(f"{source} needs data_root: the folder with {layout}.")
    folder = folder_of(root, "data_root")
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
                found |= {parent / entry.name: entry for entry in listing if is_file(entry)}
    missing = sorted(name for name, path in wanted.items() if path not in found)
    shown = [name if len(name) < LONG else short(name) for name in missing]
    if missing:
        stem = wanted[missing[0]].with_suffix("")
        others = found.keys() - wanted.values()
        there = sorted(path.name for path in others if path.with_suffix("") == stem)
        remedy = "add them there, or remove them here"
        if there:
            remedy = f"{missing[0]} is called {there[0]} there: correct the names"
            if Path(there[0]).suffix.lower() in HEIC:
                remedy = f"{there[0]} is {IN_HEIC}"
        raise UserError(
            f"{folder} lacks {len(missing)} of {len(wanted)} files that {named_by} names "
            f"({some(shown)}); {remedy}."
        )
    return {name: found[path].stat().st_size for name, path in wanted.items()}
