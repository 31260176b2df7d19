"""Folders are checked before any work is done; files are written whole or not at all."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from augfpn.errors import UserError


def check_readable(folder: Path) -> None:
    """Raise ``UserError`` for a folder that is a file, or that the user may not read."""
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file: give a folder.")
        readable = not folder.exists() or os.access(folder, os.R_OK | os.X_OK)
    except PermissionError:  # a folder above it may not be entered
        readable = False
    if not readable:
        raise UserError(f"you may not read {folder}: give another folder.")


def check_writable(folder: Path) -> None:
    """Raise ``UserError`` if a folder, which need not exist yet, cannot be written to."""
    check_readable(folder)
    why = not_writable(folder)
    if why is not None:
        raise UserError(f"{why}: give another folder.")


def not_writable(folder: Path) -> str | None:
    """Why a folder, which need not exist yet, cannot be written to; ``None`` if it can."""
    try:
        TemporaryFile(dir=existing(folder)).close()
    except OSError as error:
        return f"{folder} cannot be written to ({error.strerror})"
    return None


def existing(folder: Path) -> Path:
    """The folder, or the nearest folder above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``file`` at the end of the block.

    If the block raises an error, what it wrote is removed and ``file`` stays as it was.
    """
    partial = file.with_name(file.name + ".partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file completely, or leave it as it was."""
    with whole(file) as partial:
        partial.write_bytes(content)


def write_json(file: Path, value: object) -> None:
    """Write indented JSON into a file completely, or leave the file as it was."""
    write_bytes(file, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def packed(value: object) -> bytes:
    """A value as compressed JSON; the same value always gives the same bytes."""
    return gzip.compress(json.dumps(value, separators=(",", ":")).encode(), mtime=0)


# --- a hash beside a big file ---------------------------------------------------------------------


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest_file(file: Path) -> Path:
    """The file beside ``file`` that holds its SHA-256."""
    return file.with_name(file.name + ".sha256")


def write_digest(file: Path) -> None:
    """Write the SHA-256 of a file beside it, as ``sha256sum`` does, so that it can check it."""
    write_bytes(digest_file(file), f"{sha256_of(file)}  {file.name}\n".encode())


def check_digest(file: Path, remedy: str) -> None:
    """Raise ``UserError`` if a file has a hash beside it and its content has another.

    ``remedy`` ends the sentence: which file to remove, and what is lost.
    """
    beside = digest_file(file)
    if beside.is_file() and beside.read_text(errors="replace").split()[:1] != [sha256_of(file)]:
        raise UserError(f"{file} is damaged, its SHA-256 is not that of {beside.name}: {remedy}")
