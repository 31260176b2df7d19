"""A run's checkpoint: all that it needs to continue, bit for bit on a CPU.

The parts of a run are everything with a ``state_dict``: detector, optimiser, gradient scaler ...
A checkpoint ends with its SHA-256 and names its run, so that a damaged file and another run's are
never loaded. The one before it is kept, for when the newest is damaged.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Protocol

import torch

from augfpn.errors import UserError, first_line
from augfpn.support.files import disk_faults_said, sha256_of, whole
from augfpn.support.progress import note
from augfpn.training.distributed import ALONE, World

NEWEST, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
MARK = b"\nsha256 "  # the end of a checkpoint: this, 64 hexadecimal digits, a new line
END = len(MARK) + 64 + 1  # bytes


class Stateful(Protocol):
    """A part of a run that a checkpoint keeps."""

    def state_dict(self) -> dict: ...

    def load_state_dict(self, state: dict) -> object: ...


def save_checkpoint(
    work: Path, run: str, parts: dict[str, Stateful], state: dict, here: World = ALONE
) -> None:
    """Write the parts, the loop's state and the random numbers' state of every process.

    ``run`` is the run's id. All processes call it at the same step, and rank 0 writes. The old file
    stays until the new one is complete. Raises ``UserError`` if the disk cannot take it.
    """
    random = here.gather([random_state()])
    if not here.first:
        return
    content = {
        "run": run,
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "state": state,
        "random": random,
    }
    newest, previous = work / NEWEST, work / PREVIOUS
    with disk_faults_said(
        f"the checkpoint of step {state['step']} could not be written",
        "when this is mended, the same command goes on from the last checkpoint, or from step 0 "
        "if there is none.",
    ):
        previous.unlink(missing_ok=True)  # there is room for two at a time
        with whole(newest) as partial:
            with partial.open("wb") as opened:
                torch.save(content, opened)
            append_hash(partial)
            name_twice(newest, previous)


def append_hash(file: Path) -> None:
    """Add the SHA-256 of a file's content to its end; torch reads the file as before."""
    end = MARK + sha256_of(file).encode() + b"\n"
    with file.open("ab") as opened:
        opened.write(end)


def name_twice(newest: Path, previous: Path) -> None:
    """Give a file a second name, where the file system can; the first one stays."""
    with contextlib.suppress(OSError):
        os.link(newest, previous)


def resume(work: Path, run: str, parts: dict[str, Stateful], here: World = ALONE) -> dict:
    """Load the last checkpoint into the parts, if there is one; returns the loop's state.

    If the newest is damaged, the one before is used, and a sentence printed. Raises ``UserError``
    if no checkpoint is whole, and for one of another run or another version of this package.
    """
    file = here.from_first(last_whole(work) if here.first else None)
    if file is None:
        return {"step": 0, "seconds": 0.0, "curve": []}
    again = f"remove {file}, and the run starts again from step 0."
    content = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or content.get("run") != run:
        raise UserError(f"{file} is the checkpoint of another run: {again}")
    try:
        for name, part in parts.items():
            part.load_state_dict(content["parts"][name])
        set_random_state(content["random"][here.rank])
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{file} was written by another version of augfpn ({first_line(error)}): {again}"
        ) from error
    if file.name == PREVIOUS:
        note(f"training goes on from step {content['state']['step']}, the checkpoint before.")
    return content["state"]


def last_whole(work: Path) -> Path | None:
    """The newest checkpoint in a working folder that is not damaged; ``None`` if there is none.

    Raises ``UserError`` if all are damaged.
    """
    there = [work / name for name in (NEWEST, PREVIOUS) if (work / name).exists()]
    if not there:
        return None
    faults = {file: fault for file in there if (fault := fault_in(file)) is not None}
    good = [file for file in there if file not in faults]
    if not good:
        raise UserError(
            f"{there[0]} is damaged ({faults[there[0]]}): remove {' and '.join(map(str, there))}, "
            "and the run starts again from step 0."
        )
    for file, fault in faults.items():
        if file.name == NEWEST:
            note(f"{file} is damaged ({fault}) and is not used.")
    return good[0]


def fault_in(file: Path) -> str | None:
    """Why a checkpoint is not what was written; ``None`` if it is."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - END))
        end = opened.read()
        if not end.startswith(MARK):
            return "its end is missing"
        if end != MARK + hash_of(opened, size - END).encode() + b"\n":
            return "its SHA-256 is not the one at its end"
    return None


def hash_of(opened: BinaryIO, size: int) -> str:
    """The SHA-256 of the first ``size`` bytes of an open file."""
    digest = hashlib.sha256()
    opened.seek(0)
    while size > 0 and (part := opened.read(min(size, 2**20))):
        digest.update(part)
        size -= len(part)
    return digest.hexdigest()


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run that is complete, if there are any."""
    for file in (folder / PREVIOUS, folder / NEWEST):
        if file.exists():  # a folder without them may be read-only
            file.unlink(missing_ok=True)


def random_state() -> dict:
    """The state of torch's random number generators in this process."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict) -> None:
    """Put torch's random number generators into a state that `random_state` returned."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"]:
        there = torch.cuda.device_count()  # may be fewer than where the run began
        torch.cuda.set_rng_state_all(state["cuda"][:there])
