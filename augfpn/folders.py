"""Folders that a user named: whether they can be read, and written to, before any work is done."""

import os
from pathlib import Path
from tempfile import TemporaryFile

from augfpn.errors import UserError


def check_readable(folder: Path) -> None:
    """Raise ``UserError`` for a folder that is a file, or that may not be read."""
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{folder} is a file: give a folder.")
        readable = not folder.exists() or os.access(folder, os.R_OK | os.X_OK)
    except PermissionError:  # of a folder that it is in
        readable = False
    if not readable:
        raise UserError(f"{folder} may not be read by you: give another folder.")


def check_writable(folder: Path) -> None:
    """Raise ``UserError`` for a folder, there or not yet, that cannot be written to."""
    check_readable(folder)
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        TemporaryFile(dir=there).close()
    except OSError as error:
        why = f"{folder} cannot be written to ({error.strerror}): give another folder."
        raise UserError(why) from None
