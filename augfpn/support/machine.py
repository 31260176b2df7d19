"""The machine: what a record keeps of it (versions, processor, commit), and its memory."""

import ctypes
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

VERSIONED = ("augfpn", "torch", "torchvision", "numpy", "pillow", "pycocotools", "hotcoco")
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")  # how the threads of GNU's OpenMP wait
SPINS = 10_000
MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_THRESHOLD = -1, -3  # glibc's names for mallopt's arguments


def environment(device: str) -> dict:
    """Versions, machine and commit, as a record keeps them."""
    import torch

    return {
        "python": platform.python_version(),
        "versions": {package: version(package) for package in VERSIONED},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else cpu_name(),
        "threads": torch.get_num_threads(),
        "commit": commit(),
    }


def version(package: str) -> str | None:
    """The installed version; None if the package is not installed but only on the path."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    """The processor's name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = names[0].split(":", 1)[1].strip() if names else name
    return f"{name}, {cores} cores"


def commit() -> str | None:
    """The package's git commit, with a "+" if its files were changed; None outside of a clone."""
    package = Path(__file__).parents[1]
    try:
        head = git(package, "rev-parse", "--short=12", "HEAD")
        changed = git(package, "status", "--porcelain", "--", str(package))
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed else "")


def git(where: Path, *words: str) -> str:
    """What git prints for a command in a folder."""
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def let_waiting_threads_sleep() -> None:
    """Let torch's threads sleep soon when they wait for each other; call it before its import.

    A thread that waits spins, by default 300,000 times, before it sleeps. While it spins, other
    programs do not get its core, nor does the thread that all wait for. A training step of AugFPN
    with the laptop budget took, in multiples of the step with one thread, on two cores:

    =================  ====  ==================  ====================
    spins              idle  one program a core  four programs a core
    =================  ====  ==================  ====================
    300,000 (default)  0.70  1.60                3.5 to 5.7
    10,000             0.71  0.97                1.3 to 1.4
    1,000              0.80  1.00                0.8
    0 (passive)        0.86  1.10                0.6 to 0.8
    =================  ====  ==================  ====================

    "Idle" was measured at a priority above all other programs. What a user has set in the
    environment stays. Other OpenMPs than GNU's ignore it.
    """
    if not any(name in os.environ for name in WAITING):
        os.environ["GOMP_SPINCOUNT"] = str(SPINS)


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks: allocating each one anew costs page faults."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        for option in (MALLOC_MMAP_THRESHOLD, MALLOC_TRIM_THRESHOLD):
            libc.mallopt(option, 2**30)


def peak_memory(device: str) -> int | None:
    """The peak memory of this process in MB, on the GPU or in RAM; None if unknown."""
    if device == "cuda":
        import torch

        return round(torch.cuda.max_memory_allocated() / 1e6)
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
