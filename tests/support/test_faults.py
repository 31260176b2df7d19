"""Each fault of the machine gets one sentence: its cause, the library's own words, what to do."""

import errno
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from augfpn.errors import UserError
from augfpn.support import faults

LARGE = 10**15  # bytes, more than any machine has


def full_memory() -> None:
    torch.empty(LARGE, dtype=torch.uint8)


def full_memory_of_numpy() -> None:
    np.empty(LARGE, np.uint8)


def nested() -> None:
    json.loads("[" * 200_000)


def not_utf8() -> None:
    b"\xff".decode()


def lone_surrogate() -> None:
    "\ud800".encode()


def null_in_a_path() -> None:
    Path("a\0b").read_text()


def no_such_file() -> None:
    Path("/nowhere/at/all").read_text()


def half_a_checkpoint(folder) -> None:
    torch.save({"weights": torch.zeros(1000)}, folder / "whole.pt")
    (folder / "half.pt").write_bytes((folder / "whole.pt").read_bytes()[:1000])
    torch.load(folder / "half.pt", weights_only=True)


def no_checkpoint(folder) -> None:
    (folder / "text.pt").write_bytes(b"garbage")
    torch.load(folder / "text.pt", weights_only=True)


def no_room(_) -> None:
    torch.save({"weights": torch.zeros(1000)}, "/dev/full")


RAISED = [  # by torch, numpy and Python themselves
    (lambda _: full_memory(), "the memory is full", "workers to 0"),
    (lambda _: full_memory_of_numpy(), "the memory is full", "smaller batch"),
    (lambda _: nested(), "nested too deeply", "brackets"),
    (lambda _: not_utf8(), "not text in UTF-8", "save the file in UTF-8"),
    (lambda _: lone_surrogate(), "not text in UTF-8", "rename"),
    (lambda _: null_in_a_path(), "the character NUL", "another path"),
    (lambda _: no_such_file(), "No such file or directory", "/nowhere/at/all"),
    (half_a_checkpoint, "damaged or was cut off", "remove it"),
    (no_checkpoint, "damaged or was cut off", "remove it"),
    (no_room, "the disk or your share of it is full", "another folder"),
]
SAID = [  # what cannot be made to happen here, in the words of torch and the system
    (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a ..."),
        "the GPU's memory is full",
        "smaller batch",
    ),
    (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might"), "GPU's memory", "batch"),
    (
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        "the GPU's memory is full",
        "end other programs on the GPU",
    ),
    (
        RuntimeError("DataLoader worker (pid 71) is killed by signal: Killed. "),
        "was ended from outside",
        "set workers to 0",
    ),
    (
        RuntimeError("DataLoader worker (pid(s) 71, 72) exited unexpectedly"),
        "was ended from outside",
        "set workers to 0",
    ),
    (
        RuntimeError("unable to write to file </torch_71_2814_0>: No space left on device (28)"),
        "shared memory",
        "--shm-size",
    ),
    (
        RuntimeError(
            "DataLoader worker (pid 5) is killed by signal: Bus error. It is possible that "
            "dataloader's workers are out of shared memory. Please try to raise your shared memory"
        ),
        "shared memory",
        "workers to 0",
    ),
    (
        RuntimeError(
            "[enforce fail at inline_container.cc:664] . unexpected pos 448 vs 342\n"
            "PytorchStreamWriter failed writing file data/0: file write failed"
        ),
        "the disk or your share of it is full",
        "free some room",
    ),
    (OSError(errno.ENOSPC, "No space left on device", "a/b"), "disk", "'a/b'"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), "your share", "room"),
    (OSError(errno.EMFILE, "Too many open files"), "too many files are open", "ulimit -n"),
    (RuntimeError("received 0 items of ancdata"), "too many files are open", "workers"),
    (RuntimeError("can't start new thread"), "no more processes", "workers to 0"),
    (OSError(errno.EROFS, "Read-only file system", "runs"), "Read-only file system", "'runs'"),
    (
        RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be"),
        "the GPU stopped",
        "device cpu",
    ),
    (
        RuntimeError("CUDA error: no kernel image is available for execution on the device"),
        "do not fit together",
        "augfpn doctor",
    ),
    (
        RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by"),
        "another of the processes",
        "above",
    ),
    (RuntimeError("EADDRINUSE: address already in use"), "taken by another run", "--standalone"),
    (ModuleNotFoundError("No module named 'shtab'", name="shtab"), "not installed", "pip install"),
    (pickle.UnpicklingError("invalid load key, '<'."), "damaged", "again"),
]


def error_of(call: Callable[[], object]) -> Exception:
    """The error that a call raises."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("it raised no error")


@pytest.mark.parametrize(("fault", "cause", "remedy"), RAISED)
def test_a_fault_that_happens_gets_its_sentence(fault, cause, remedy, tmp_path) -> None:
    check(faults.sentence_of(error_of(lambda: fault(tmp_path))), cause, remedy)


@pytest.mark.parametrize(("error", "cause", "remedy"), SAID, ids=lambda x: str(x)[:40])
def test_a_fault_in_torch_s_words_gets_its_sentence(error, cause, remedy) -> None:
    check(faults.sentence_of(error), cause, remedy)


def check(sentence: str | None, cause: str, remedy: str) -> None:
    assert sentence is not None
    assert cause in sentence
    assert remedy in sentence
    assert "\n" not in sentence
    assert len(sentence) < 700


class Pictures(torch.utils.data.Dataset):
    """A data set whose second item raises an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        if index:
            raise self.error
        return index


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("a.png is no picture: remove it."), "a.png is no picture: remove it."),
        (MemoryError("12 GB"), "the memory is full (MemoryError: 12 GB)"),
        (OSError(errno.EIO, "Input/output error", "a.png"), "Input/output error: 'a.png'"),
        (RuntimeError("No space left on device"), "full"),
    ],
    ids=str,
)
def test_an_error_in_a_worker_is_said_without_its_traceback(error, said) -> None:
    sentence = faults.sentence_of(
        error_of(lambda: list(DataLoader(Pictures(error), num_workers=1)))
    )
    assert said in sentence
    assert "Traceback" not in sentence


def test_an_unknown_error_in_a_worker_is_named() -> None:
    pictures = Pictures(ZeroDivisionError("by zero"))
    error = error_of(lambda: list(DataLoader(pictures, num_workers=1)))
    assert faults.sentence_of(error) is None
    assert faults.reason_of(error) == "ZeroDivisionError: by zero"


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        AssertionError(),
        RuntimeError("shapes do not match\nmore"),
        ValueError("\x1b"),
    ],
)
def test_an_unknown_error_is_its_type_and_first_line(error) -> None:
    assert faults.sentence_of(error) is None
    assert faults.reason_of(error).startswith(type(error).__name__)
    assert faults.reason_of(error).isprintable()
    assert "more" not in faults.reason_of(error)


def test_the_whole_traceback_is_kept_in_a_file() -> None:
    try:
        raise KeyError("the one")
    except KeyError as error:
        file = faults.keep_traceback(error)
    text = Path(file).read_text()
    assert "Traceback" in text
    assert "KeyError: 'the one'" in text


def test_a_torchvision_that_does_not_fit_is_told_from_other_faults() -> None:
    assert faults.is_unfit(RuntimeError("operator torchvision::nms does not exist"))
    assert faults.is_unfit(OSError("libcudart.so.12: cannot open shared object file"))
    assert not faults.is_unfit(RuntimeError("CUDA out of memory"))
    assert not faults.is_unfit(ModuleNotFoundError("No module named 'shtab'"))
