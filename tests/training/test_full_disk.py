"""A disk that fills up, becomes read-only or is unmounted while a run writes: a real, small one.

Whatever was being written: one sentence, nothing lost since the last checkpoint, and when the disk
is mended the same command ends with the bits of an undisturbed run.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest
from disks import mounted
from killed import STEPS, check, told

MEGABYTES = 60  # a run asks for 40 before it begins
FULL, READ_ONLY = "No space left on device", "Read-only file system"
UNMOUNTED = "No such file or directory"
CHECKPOINT, RECORD = "the checkpoint of step 3 could not be written", "the record could not be"
QUICK = [  # the fault, the beginning of the sentence, what it says of the file, steps that are kept
    (["call", "torch.save", 3, "filled"], FULL, CHECKPOINT, 2),
    (["call", "save_weights", 1, "filled"], FULL, RECORD, STEPS),
    (["call", "torch.save", 3, "read-only"], READ_ONLY, CHECKPOINT, 2),
    (["os.rename", "record", 1, "unmounted"], UNMOUNTED, "could not be renamed to", STEPS),
]
SLOW = [
    (["call", "write_predictions", 1, "filled"], FULL, RECORD, STEPS),
    (["call", "write", 1, "filled"], FULL, RECORD, STEPS),
    (["call", "detections_in", 2, "read-only"], READ_ONLY, RECORD, STEPS),
    (["call", "write", 1, "read-only"], READ_ONLY, RECORD, STEPS),
    (["os.rename", "record", 1, "read-only"], READ_ONLY, "could not be renamed to", STEPS),
    (["call", "torch.save", 3, "unmounted"], UNMOUNTED, CHECKPOINT, 2),
    (["call", "save_weights", 1, "unmounted"], UNMOUNTED, RECORD, STEPS),
]


@pytest.mark.parametrize("faults", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)])
def test_a_fault_of_a_real_disk_costs_no_step(faults: list[tuple], tmp_path: Path) -> None:
    with ExitStack() as disks:
        for number in range(len(faults)):
            disks.enter_context(mounted(tmp_path / str(number), MEGABYTES))
        ends = told(tmp_path, [fault for fault, *_ in faults])
        for number, (what, (fault, cause, file, steps)) in enumerate(
            zip(ends, faults, strict=True)
        ):
            last = what["said"].splitlines()[-1]
            assert what["ended"] == [2, 0], f"{fault}: {last}"
            assert last.startswith(cause)
            assert file in last
            assert what["left"]["steps"] == steps
            check(tmp_path, number, ["after"], what)
