"""Folders are checked before any work is done; files are written whole or not at all.

A file that is written is on the disk, and not only in the system's memory, before it gets its name.
"""

import errno
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from augfpn.errors import UserError

NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # of a file system that cannot sync a folder

# --- folders --------------------------------------------------------------------------------------


def folder_of(text: str | Path, name: str) -> Path:
    """The folder that a user wrote, with ``~`` expanded; ``name`` is the parameter or option.

    Raises ``UserError`` for an empty text, a character that no path can have, an unknown ``~user``.
    """
    try:
        if not os.fspath(text):
            raise UserError(f"{name} is empty: give a folder, or '.' for the current one.")
        if b"\0" in os.fsencode(text):
            raise ValueError("a NUL")
        return Path(text).expanduser()
    except RuntimeError:
        user = Path(text).parts[0]
        raise UserError(
            f"{name} = {str(text)!r}: this machine has no user {user[1:]!r}; write ./{user} for a "
            "folder of this name."
        ) from None
    except UserError:
        raise
    except ValueError:  # a lone surrogate too
        raise UserError(
            f"{name} = {str(text)!r} has a character that no file name can have: give a folder."
        ) from None


def check_readable(folder: Path) -> None:
    """Raise ``UserError`` for a folder that is a file, or that the user may not read."""
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file: give a folder.")
        readable = not folder.exists() or os.access(folder, os.R_OK | os.X_OK)
    except PermissionError:  # a folder above it may not be entered
        readable = False
    except OSError as error:  # a name that is too long, for example
        raise UserError(f"{folder} ({error.strerror}): give another folder.") from None
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
        with TemporaryFile(dir=existing(folder)) as file:
            file.write(b"a full disk takes names, but no bytes")
    except OSError as error:
        return f"{folder} cannot be written to ({error.strerror})"
    return None


def existing(folder: Path) -> Path:
    """The folder, or the nearest folder above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())


def free_name(parent: Path, name: str) -> Path:
    """``parent/name``, with .2, .3 ... at its end if the name is taken."""
    folder, again = parent / name, 2
    while folder.exists():
        folder, again = parent / f"{name}.{again}", again + 1
    return folder


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise ``UserError`` if the disk of a folder, which need not exist yet, lacks room."""
    free = shutil.disk_usage(existing(folder)).free
    if free < needed:
        raise UserError(
            f"{what} needs {needed / 1e9:.2f} GB in {folder}, whose disk has {free / 1e9:.2f} GB "
            "free: make room, or give another folder."
        )


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``file`` at the end of the block.

    If the block raises an error, what it wrote is removed and ``file`` stays as it was.
    """
    partial = file.with_name(file.name + ".partial")
    try:
        yield partial
        sync(partial)
        partial.replace(file)
        sync_folder(file.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync(file: Path) -> None:
    """Wait until a file's content is on the disk."""
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Windows cannot do that."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(opened)


@contextmanager
def disk_faults_said(what: str, rest: str) -> Iterator[None]:
    """Turn the disk's errors inside the block into ``UserError``: the cause, ``what``, ``rest``.

    torch raises them as RuntimeError, which has the disk's own error as its context.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        file = f" ({cause.filename})" if cause.filename else ""
        raise UserError(f"{cause.strerror or cause}{file}: {what}; {rest}") from error


# --- JSON -----------------------------------------------------------------------------------------


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
    text = f"{sha256_of(file)}  {file.name}\n"
    write_bytes(digest_file(file), text.encode(errors="surrogateescape"))


def check_digest(file: Path, remedy: str) -> None:
    """Raise ``UserError`` if a file has a hash beside it and its content has another.

    ``remedy`` ends the sentence: which file to remove, and what is lost.
    """
    beside = digest_file(file)
    if not beside.is_file():
        return
    if beside.read_text(errors="replace").split()[:1] != [sha256_of(file)]:
        raise UserError(f"{file} is damaged, its SHA-256 is not that of {beside.name}: {remedy}")
