"""Faults of the machine and its libraries, each as one sentence: the cause, then what to do.

torch reports full memory, full disks and dead processes as ``RuntimeError``, and names the cause in
the message only. So a fault is recognised by its type and message, without importing torch.
"""

import re
import tempfile
import textwrap
import traceback
from typing import NamedTuple

from augfpn.errors import UserError
from augfpn.support.text import printable

LESS = "take fewer pictures at once (a smaller batch, accumulate for the same step)"
CAUGHT = "Caught "  # how torch begins an error that a worker sends
LETTERS_OF_REASON = 300  # letters of a library's own message that a sentence repeats


class Fault(NamedTuple):
    """A kind of fault. ``sign`` is a regular expression for "TypeName TypeName: message"."""

    sign: str
    cause: str
    remedy: str


FAULTS = (  # the first whose sign is found counts
    Fault(
        r"CUDA out of memory|CUDA error: out of memory|HIP out of memory|MPS backend out of memory"
        r"|STATUS_ALLOC_FAILED|OutOfMemoryError",
        "the GPU's memory is full",
        f"{LESS} or smaller ones (short_side, long_side), and end other programs on the GPU",
    ),
    Fault(
        r"\(shm\)|shared memory|</torch_\d+",
        "the shared memory, through which reading processes send pictures, is full",
        "set workers to 0, or give the container more (docker run --shm-size=2g)",
    ),
    Fault(
        r"DefaultCPUAllocator|can't allocate memory|Cannot allocate memory|MemoryError|bad_alloc",
        "the memory is full",
        f"{LESS} or smaller ones (short_side, long_side), set workers to 0, and close other "
        "programs",
    ),
    Fault(
        r"DataLoader worker .*(killed by signal|exited unexpectedly)",
        "a process that reads pictures was ended from outside, most often because memory is full",
        "set workers to 0 or a smaller number, and close other programs",
    ),
    Fault(
        r"PytorchStreamWriter|No space left on device|Disk quota exceeded|unexpected pos \d+ vs",
        "a file could not be written: the disk or your share of it is full",
        "free some room, or choose another folder",
    ),
    Fault(
        r"Too many open files|received 0 items of ancdata",
        "too many files are open",
        "set workers to 0 or a smaller number, or raise the limit (ulimit -n 4096)",
    ),
    Fault(
        r"can't start new thread|Resource temporarily unavailable|BlockingIOError",
        "the system lets this user start no more processes or threads",
        "set workers to 0, or end other programs",
    ),
    Fault(
        r"PytorchStreamReader|SafetensorError|UnpicklingError|BadZipFile",
        "a file of weights or a checkpoint is damaged or was cut off",
        "copy or download it again, or remove it",
    ),
    Fault(
        r"no kernel image|driver on your system is too old|NVIDIA driver|CUDA driver|device kernel",
        "the GPU, its driver and this build of torch do not fit together",
        "see augfpn doctor, or use device cpu",
    ),
    Fault(
        r"device-side assert|illegal memory access|unspecified launch failure|CUDA error"
        r"|CUBLAS_STATUS|CUDNN_STATUS|ECC error",
        "the GPU stopped with an error",
        "try once more; if it stays, run with CUDA_LAUNCH_BLOCKING=1 or with device cpu, which "
        "name the operator",
    ),
    Fault(
        r"EADDRINUSE|address already in use",
        "the port of torchrun is taken by another run",
        "name another port (torchrun --master-port 29501), or let it choose one (--standalone)",
    ),
    Fault(
        r"/gloo/|NCCL|Connection closed by peer|DistStoreError|DistBackendError|DistNetworkError",
        "another of the processes that train together has ended or cannot be reached",
        "look for its own message, above this one",
    ),
    Fault(
        r"RecursionError",
        "a file or a value is nested too deeply",
        "look for brackets within brackets in the last file that was named",
    ),
    Fault(
        r"UnicodeDecodeError|UnicodeEncodeError|surrogates not allowed",
        "a file or a name is not text in UTF-8",
        "save the file in UTF-8, or rename it",
    ),
    Fault(
        r"embedded null (byte|character)|null character",
        "a path contains the character NUL",
        "give another path",
    ),
)
# An import that fails because torch and torchvision, or libraries below them, do not fit together.
UNFIT = re.compile(
    r"torchvision::|undefined symbol|cannot open shared object|DLL load failed|Library not loaded"
    r"|custom C\+\+ ops|partially initialized module '(torch|torchvision)"
    r"|No module named 'torch(vision)?[.']|cannot import name .* from '(torch|torchvision)"
)


def sentence_of(error: BaseException) -> str | None:
    """What went wrong and what to do, on one line; ``None`` for an error of no known kind."""
    if isinstance(error, (UserError, FloatingPointError)):
        return on_one_line(str(error))
    reason = reason_of(error)
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    for fault in FAULTS:
        if re.search(fault.sign, f"{names}: {error}"):
            return f"{fault.cause} ({reason}): {fault.remedy}."
    if isinstance(error, ModuleNotFoundError) and error.name and not is_unfit(error):
        package = error.name.partition(".")[0]
        if package != "augfpn":
            return f"the library {package} is not installed: pip install {package}."
    if isinstance(error, OSError):
        return reason if str(error).startswith(CAUGHT) else on_one_line(str(error))
    return None


def reason_of(error: BaseException) -> str:
    """The type of an error and the line of its message that names the cause.

    A DataLoader's worker sends its traceback as the message: there, the last line names it.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if lines[0].startswith(CAUGHT):
        return textwrap.shorten(on_one_line(lines[-1]), LETTERS_OF_REASON, placeholder=" ...")
    return textwrap.shorten(
        f"{type(error).__name__}: {on_one_line(lines[0])}", LETTERS_OF_REASON, placeholder=" ..."
    )


def is_unfit(error: BaseException) -> bool:
    """Whether an error is one that torch or torchvision raises if they do not fit together."""
    return UNFIT.search(str(error)) is not None


def on_one_line(text: str) -> str:
    """The text on one printable line."""
    return printable(" ".join(text.split()))


def keep_traceback(error: BaseException) -> str | None:
    """Write an error's traceback into a new file; its name, or ``None`` if no file can be made."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="augfpn-", suffix=".txt", encoding="utf-8", errors="replace", delete=False
        ) as file:
            file.write(text)
    except OSError:
        return None
    return file.name
