"""The hidden folder that a run works in until its record is complete.

It has the record's files as they are finished, and the checkpoints. One renaming makes it the
record: a process that is killed before finds all in the hidden folder, one that is killed after
finds the record.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from torch import nn

from augfpn.support.files import check_room, disk_faults_said, sync_folder
from augfpn.support.lease import ATTEMPTS, lease, note_attempt
from augfpn.training.checkpoints import remove_checkpoints
from augfpn.training.distributed import ALONE, World

COPIES = 7  # of all weights on disk: the record's, and twice a checkpoint with AdamW's moments
BYTES_OF_A_DETECTION = 40  # compressed; with masks it is more


@contextlib.contextmanager
def working_folder(work: Path, here: World = ALONE) -> Iterator[Path]:
    """A folder for this run, which processes that train together share; see `augfpn.support.lease`.

    Raises ``BusyError`` if another process works in it, ``UserError`` if it cannot be made.
    """
    if not here.first:  # rank 0 holds the lease for all
        yield work
        return
    with contextlib.ExitStack() as held:
        with disk_faults_said(
            "the run has no folder to work in", "give another folder of records."
        ):
            work.mkdir(parents=True, exist_ok=True)
            held.enter_context(lease(work))
            for partial in work.glob("*.partial"):  # of a process that was killed
                partial.unlink()
            note_attempt(work)
        try:
            yield work
        finally:
            with contextlib.suppress(OSError):  # it is not empty, or is the record now
                if [file.name for file in work.iterdir()] == [ATTEMPTS]:
                    (work / ATTEMPTS).unlink()
                work.rmdir()


def check_room_for_run(
    work: Path, detector: nn.Module, detections: int, here: World = ALONE
) -> None:
    """Raise ``UserError`` if the disk lacks room for a run's checkpoints, weights, detections."""
    if not here.first:
        return
    there = sum(file.stat().st_size for file in work.iterdir())
    needed = room_of_weights(detector) + BYTES_OF_A_DETECTION * detections
    check_room(work, needed - there, "this run")


def room_of_weights(detector: nn.Module) -> int:
    """The bytes on disk that a run's weights and checkpoints need at most."""
    return COPIES * sum(value.nbytes for value in detector.state_dict().values())


def writing_record(work: Path) -> contextlib.AbstractContextManager:
    """A block that writes into a record; errors of the disk become ``UserError``."""
    return disk_faults_said(
        "the record could not be written",
        f"the training is kept in {work}, if that is still there, and the same command goes on.",
    )


def clear_leftovers(final: Path) -> None:
    """Remove from a record what only its run needed."""
    remove_checkpoints(final)
    if (final / ATTEMPTS).exists():  # they are in environment.json
        (final / ATTEMPTS).unlink(missing_ok=True)


def complete(work: Path, final: Path) -> Path:
    """Give the working folder, which holds a complete record, its final name.

    The checkpoints go last, so that nothing is lost before.
    """
    with disk_faults_said(
        f"{work} could not be renamed to {final.name}",
        "the run is complete in it, if that is still there, and the same command finishes it.",
    ):
        sync_folder(work)
        work.rename(final)
        sync_folder(final.parent)
        clear_leftovers(final)
    return final
