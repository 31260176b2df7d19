"""A small file system of a test's own, and what may happen to it while a run writes there.

`mounted` makes it, where this user may mount. It is stored beside the folder it is mounted on, so
that it can be mounted again.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FILLER = "filler"  # a file that takes all the room of a disk
MB = 2**20


@contextlib.contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[Path]:
    """A folder that is a file system of its own in memory; skips the test if there can be none."""
    stored(folder).mkdir(parents=True)
    folder.mkdir()
    tmpfs = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", stored(folder)]
    try:
        made = subprocess.run(tmpfs, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here, to make a small disk with")
    if made.returncode:
        pytest.skip(f"this user may not mount a small disk: {made.stderr.strip()}")
    try:
        bind(folder)
        yield folder
    finally:
        for each in (folder, folder, stored(folder)):  # "read-only" is a second mount
            subprocess.run(["umount", "--lazy", each], capture_output=True, check=False)


def stored(folder: Path) -> Path:
    """Where the file system lies that is mounted on a folder."""
    return folder.with_name(f"{folder.name}.stored")


def bind(folder: Path) -> None:
    """Mount on a folder what is stored for it."""
    subprocess.run(["mount", "--bind", stored(folder), folder], check=True)


def fill(folder: Path) -> None:
    """Write zeros into a file until its disk takes no more."""
    with (folder / FILLER).open("wb", buffering=0) as filler:
        for size in (MB, 1):
            with contextlib.suppress(OSError):
                while filler.write(bytes(size)):
                    pass


def make_read_only(folder: Path) -> None:
    """Mount it once more, read-only: the mount below may have files open for writing."""
    bind(folder)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)


def unmount(folder: Path) -> None:
    """Take away the newest mount on a folder, even if files are open."""
    subprocess.run(["umount", "--lazy", folder], check=True)


DISK_FAULTS = {"filled": fill, "read-only": make_read_only, "unmounted": unmount}
MENDED = {"filled": lambda folder: (folder / FILLER).unlink(), "read-only": unmount,
          "unmounted": bind}  # fmt: skip
