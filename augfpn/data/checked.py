"""Every picture is decoded once before it is used, so that none is found broken hours later.

What was found is remembered for as long as no file changes: its place, size and time of change.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pooch
from filelock import FileLock

from augfpn.data.annotations import Entry, number_of
from augfpn.data.files import digest, some
from augfpn.data.pictures import Pictures, expect_size
from augfpn.data.pixels import SIDEWAYS, decoded_file, read_file
from augfpn.errors import UserError
from augfpn.support.progress import Progress

MOST_THREADS = 16  # at most: Pillow decodes without Python's lock


class Looked(NamedTuple):
    """What was found in one picture file."""

    orientation: int = 1  # of its EXIF tag
    turned: bool | None = None  # whether it is used turned so; None: its size does not tell
    problem: str = ""  # a sentence on why it cannot be used


def decoded_once(pictures: Pictures) -> Pictures:
    """The same pictures, after each file was decoded and its size compared with the annotated one.

    Where EXIF tags turn pictures and the sizes of some tell that annotations refer to the turned
    ones, then all are turned; the report says so, and what is doubtful. Pictures that were made on
    the spot come back as they are. Raises: UserError that names the first picture that cannot be
    used, and says how many more there are.
    """
    if pictures.folder is None:
        return pictures
    folder = Path(pooch.os_cache("augfpn")) / "checked"
    file = folder / f"{stamp(pictures)}.json"
    with one_at_a_time(folder):
        found = recalled(file)
        if found is None:
            found = conclusion(pictures, decode_all(pictures))
            with suppress(OSError):  # a cache that cannot be written only costs time
                file.write_text(json.dumps(found))
    turn, report = found
    read = partial(read_file, pictures.folder, turn=turn) if turn else pictures.read
    return replace(pictures, read=read, report=(*pictures.report, *report))


def stamp(pictures: Pictures) -> str:
    """Sha256 that changes with any file's place, size or time of change, or annotated size."""
    rows = []
    for entry in pictures.coco["images"]:
        found = (pictures.folder / entry["file_name"]).stat()
        rows.append(
            (entry["file_name"], found.st_size, found.st_mtime_ns, entry["width"], entry["height"])
        )
    return digest(str(pictures.folder.resolve()).encode(), json.dumps(rows).encode())


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process look and remember; others, which may train together with it, wait."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def recalled(file: Path) -> tuple[bool, list[str]] | None:
    """What was found before, if it was."""
    try:
        turn, report = json.loads(file.read_text())
    except (OSError, ValueError, TypeError):
        return None
    return turn, report


def decode_all(pictures: Pictures) -> list[Looked]:
    """Decode all pictures, several at a time."""
    entries, found = pictures.coco["images"], []
    look = partial(decode_one, pictures.folder, pictures.name)
    threads = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1))
    with threads, Progress(len(entries), f"checking pictures of {pictures.name}") as tell:
        for each in threads.map(look, entries):
            found.append(each)
            tell(len(found))
    return found


def decode_one(folder: Path, name: str, entry: Entry) -> Looked:
    """Decode one picture."""
    try:
        pixels, orientation = decoded_file(folder / entry["file_name"])
        if orientation not in SIDEWAYS or pixels.shape[0] == pixels.shape[1]:
            expect_size(pixels, entry, name)
            return Looked(orientation)
        turned = pixels.shape[1::-1] == (entry["height"], entry["width"])
        expect_size(pixels.transpose(1, 0, 2) if turned else pixels, entry, name)
        return Looked(orientation, turned)
    except UserError as error:
        return Looked(problem=str(error))


def conclusion(pictures: Pictures, found: list[Looked]) -> tuple[bool, list[str]]:
    """Whether EXIF tags are obeyed where sizes do not tell, and what to report.

    Raises: UserError if a picture cannot be used.
    """
    problems = [each.problem for each in found if each.problem]
    if problems:
        more = f" ({len(problems)} of {len(found)} pictures cannot be used)" if problems[1:] else ""
        raise UserError(f"{problems[0].removesuffix('.')}{more}.")
    told = Counter(each.turned for each in found if each.orientation > 1)
    turn = bool(told[True]) and not told[False]
    silent = [
        entry["file_name"]
        for entry, each in zip(pictures.coco["images"], found, strict=True)
        if each.orientation > 1 and each.turned is None
    ]
    report = []
    if told[True]:
        report.append(
            f"Turned {told[True] + turn * len(silent)} of {len(found)} pictures as their EXIF tags "
            "say, because the annotated sizes are those of the turned pictures."
        )
    if silent and not turn and not told[False]:
        report.append(
            f"{number_of(silent, 'picture')} with an EXIF tag that turns or mirrors it, which no "
            f"size confirms: {some(silent)}; the pixels are used as they are stored, as COCO's "
            "annotations mean them: if boxes lie wrong on these, save them turned."
        )
    return turn, report
