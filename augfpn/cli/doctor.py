"""What this machine can do with the settings asked for: findings as data, for `augfpn doctor`.

A check that fails is a finding like any other. torch and torchvision are imported where they are
used, so that the doctor can say what is wrong with them.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from augfpn.support.files import existing, not_writable
from augfpn.support.text import printable

if TYPE_CHECKING:
    from augfpn.config import Experiment
    from augfpn.data.pictures import Pictures
    from augfpn.settings.parameters import Parameters
    from augfpn.training.prepare import PreparedRun

GB = 1e9
MEMORY_OF_LINUX = Path("/proc/meminfo")
BUSY = 0.75  # load per core above which a machine is busy
TOGETHER = "install both in one command: pip install --force-reinstall torch torchvision"
PROBE = """
import torch, torchvision
for device in ["cpu"] + ["cuda"] * torch.cuda.is_available():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]], device=device)
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7], device=device), 0.5)
    assert kept.tolist() == [0, 2], f"nms keeps {kept.tolist()}, not [0, 2]"
    ones = torch.ones(1, 1, 32, 32, device=device)
    pooled = torchvision.ops.roi_align(ones, [boxes], 7)
    assert pooled.eq(1).all(), "roi_align of ones is not one"
"""


class Finding(NamedTuple):
    """One thing that was examined, and what was found."""

    level: Literal["ok", "note", "problem"]
    subject: str
    sentence: str


def examine(chosen: "Parameters") -> list[Finding]:
    """Examine everything that decides whether a run will work and how fast. Downloads no weights.

    Pictures are read or drawn as for the run itself, and it is trained for some twenty seconds.
    """
    from augfpn.training import prepare

    found = installation()
    for subject, look in (("cpu", processor), ("memory", memory)):
        with noted(found, subject):
            found.append(look())
    found.append(accelerator(chosen.device))
    with noted(found, "settings"):
        experiment, weights = settled(chosen)
        found.append(weights)
        folder = Path(chosen.records)
        with noted(found, "records"):
            found.append(space(folder, experiment))
        began = time.monotonic()
        with noted(found, "data"):
            run = prepare.prepare_run(experiment)
            loading = time.monotonic() - began
            found += [*contents(run.pictures), *contents(run.test)]
            with noted(found, "recorded"):
                found.append(recorded(run, folder))
            with noted(found, "time"):
                found.append(time_of_run(run, loading))
    return found


@contextlib.contextmanager
def noted(found: list[Finding], subject: str) -> Iterator[None]:
    """Turn an error inside into a finding, so that one failing check does not end the others."""
    from augfpn.support import faults

    try:
        yield
    except Exception as error:
        said = faults.sentence_of(error) or faults.reason_of(error)
        found.append(Finding("problem", subject, said))


# --- the machine ----------------------------------------------------------------------------------


def installation() -> list[Finding]:
    """Python, torch, torchvision, and whether the two work together."""
    from augfpn.support import machine

    versions = {name: machine.version(name) for name in ("torch", "torchvision")}
    found = [Finding("ok", "python", f"{platform.python_version()} at {sys.executable}")]
    for name, version in versions.items():
        if version is None:
            found.append(Finding("problem", name, f"is not installed: {TOGETHER}."))
    if None in versions.values():
        return found
    pair = " with ".join(f"{name} {version}" for name, version in versions.items())
    # In a process of its own: a torchvision that does not fit can crash, even in its import.
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    if probe.returncode == 0:
        return [*found, Finding("ok", "torch", f"{pair}: nms and roi_align work.")]
    reason = (probe.stderr.strip().splitlines() or [f"exit status {probe.returncode}"])[-1]
    return [
        *found,
        Finding(
            "problem",
            "torch",
            f"{pair}: nms and roi_align do not work ({reason}); torchvision must be built for "
            f"exactly this torch, both for CPU or both for the same CUDA: {TOGETHER}.",
        ),
    ]


def processor() -> Finding:
    """The cores, how many of them torch uses, and whether other programs keep them busy."""
    import torch

    from augfpn.support.machine import cpu_name

    remarks = [cpu_name(), f"torch uses {torch.get_num_threads()}"]
    if os.environ.get("OMP_NUM_THREADS"):
        remarks.append(f"as OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']} asks for")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > BUSY * (os.cpu_count() or 1):
        remarks.append(f"they are busy (load {load:.1f}), so the time below is too long")
    return Finding("note" if len(remarks) > 2 else "ok", "cpu", "; ".join(remarks) + ".")


def memory() -> Finding:
    """How much memory is free, or how much there is if the system does not say what is free."""
    info = MEMORY_OF_LINUX
    if not info.exists():
        if not hasattr(os, "sysconf"):
            return Finding("note", "memory", "this system does not say how much there is.")
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Finding("ok", "memory", f"{total / GB:.1f} GB in all.")
    sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in info.open()}
    total, free = sizes["MemTotal"], sizes["MemAvailable"]
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container
    if limit.exists() and limit.read_text().strip().isdecimal():
        total = min(total, int(limit.read_text()))
        free = min(free, total)
    level = "ok" if free > 2 * GB else "note"
    return Finding(level, "memory", f"{free / GB:.1f} of {total / GB:.1f} GB are free.")


def accelerator(wanted: str) -> Finding:
    """The GPU, or why there is none."""
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = f"{torch.cuda.get_device_name()}, {free / GB:.0f} of {total / GB:.0f} GB free"
        unused = "; device='cpu' leaves it idle" if wanted == "cpu" else ""
        return Finding("note" if unused else "ok", "gpu", name + unused + ".")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if torch.version.cuda is None:
        why = "this build of torch is for CPUs only"
    elif hidden is not None and not hidden.strip("-1 "):
        why = f"CUDA_VISIBLE_DEVICES={hidden!r} hides all of them"
    elif shutil.which("nvidia-smi") is None:
        why = "no NVIDIA driver is installed"
    else:
        why = f"the NVIDIA driver does not fit torch's CUDA {torch.version.cuda}: try nvidia-smi"
    return Finding("problem" if wanted == "cuda" else "note", "gpu", f"none: {why}.")


# --- the run --------------------------------------------------------------------------------------


def settled(chosen: "Parameters") -> tuple["Experiment", Finding]:
    """The experiment, and where its initial weights come from. Downloads nothing.

    Raises ``UserError`` for weights that do not exist, or are damaged on this machine.
    """
    from augfpn.detectors.backbones import NARROW
    from augfpn.detectors.build import pretrained_weights
    from augfpn.errors import UserError
    from augfpn.training import prepare

    wanted = "imagenet" if chosen.weights == "auto" else chosen.weights
    experiment = prepare.experiment_from(chosen, wanted)
    model = experiment.model
    scratch = replace(experiment, model=replace(model, weights="scratch", norm="batch"))
    random = Finding("ok", "weights", f"{model.backbone} starts from random weights.")
    if wanted == "scratch":
        return scratch, random
    try:
        weights = pretrained_weights(model)
    except UserError as error:
        if chosen.weights != "auto":
            raise
        missed = model.backbone not in NARROW  # which nobody has trained on ImageNet
        why = f"{model.backbone} starts from random weights, because {error}"
        return scratch, Finding("note", "weights", why) if missed else random
    weights.check()
    if weights.file is not None:
        return experiment, Finding("ok", "weights", f"{weights.whose}: {weights.file}.")
    otherwise = "starts from scratch" if chosen.weights == "auto" else "does not start"
    absent = (
        f"{weights.whose} are not on this machine: the run downloads them, or {otherwise} if it "
        f"cannot. By hand: {weights.by_hand}. The time below is from scratch."
    )
    return scratch, Finding("note", "weights", absent)


def space(folder: Path, experiment: "Experiment") -> Finding:
    """Whether records can be written, and whether the disk has room for a run's files."""
    from augfpn.detectors.build import build_detector
    from augfpn.training.working import room_of_weights

    why = not_writable(folder)
    if why is not None:
        return Finding("problem", "records", f"{why}: name another with --records.")
    weights = build_detector(replace(experiment.model, weights="scratch"))
    free, needed = shutil.disk_usage(existing(folder)).free, room_of_weights(weights)
    sentence = f"{folder.absolute()} can be written to, {free / GB:.1f} GB are free; "
    sentence += f"a run needs {needed / GB:.2f} GB."
    return Finding("ok" if free > needed else "problem", "records", sentence)


def contents(pictures: "Pictures") -> Iterator[Finding]:
    """How many images, classes and objects there are, and what the check of annotations found."""
    from augfpn.data.annotations import count_by_size

    of_size = count_by_size(pictures.coco["annotations"])
    objects = sum(of_size.values())
    shares = ", ".join(f"{count / objects:.0%} {name}" for name, count in of_size.items())
    names = ", ".join(pictures.classes[:5]) + (", ..." if len(pictures.classes) > 5 else "")
    yield Finding(
        "ok",
        pictures.name,
        f"{len(pictures)} pictures, {len(pictures.classes)} classes ({names}), {objects} "
        f"objects: {shares}.",
    )
    for name in (name for name, count in of_size.items() if not count):
        yield Finding("note", pictures.name, f"has no {name} object, so it has no AP for them.")
    for line in pictures.report:
        yield Finding("note", pictures.name, line)


def recorded(run: "PreparedRun", folder: Path) -> Finding:
    """Whether this run is recorded already, or was begun."""
    from augfpn import records

    done = records.find(run.id, records.with_committed(folder))
    if done is not None:
        return Finding("ok", "recorded", f"this run is done: {done.folder}.")
    if any((folder / f".{run.name}.running").glob("checkpoint*.pt")):
        return Finding("ok", "recorded", "this run was begun and will go on from its checkpoint.")
    return Finding("ok", "recorded", "this run is not recorded yet.")


def time_of_run(run: "PreparedRun", loading: float) -> Finding:
    """How long the run will take, measured on a few of its training steps and test images."""
    from augfpn.study import timing
    from augfpn.support.progress import duration
    from augfpn.training import schedule

    steps = schedule.number_of_steps(run.experiment.train, len(run.pictures.with_objects()))
    cost = timing.forecast(run)
    total = loading + cost.step * steps + cost.picture * len(run.test)
    return Finding(
        "ok",
        "time",
        f"about {duration(total)} on {run.experiment.device}: {steps} training steps of "
        f"{cost.step:.2f} s ({cost.how}), then {len(run.test)} test pictures of "
        f"{cost.picture:.2f} s.",
    )


# --- findings to text -----------------------------------------------------------------------------


def findings_text(found: list[Finding]) -> str:
    """A line for each finding; in a terminal, as many as it needs, none of them cut in a word."""
    width = max(len(finding.subject) for finding in found)
    lines = [f"{level:<7}  {subject:<{width}}  {printable(said)}" for level, subject, said in found]
    if sys.stdout is None or not sys.stdout.isatty():  # None: another rank than 0 prints nothing
        return "\n".join(lines)
    columns = max(60, shutil.get_terminal_size().columns)
    form = {"subsequent_indent": " " * 9, "break_long_words": False, "break_on_hyphens": False}
    return "\n".join(textwrap.fill(line, columns, **form) for line in lines)


def has_problem(found: list[Finding]) -> bool:
    """Whether there is a problem among the findings."""
    return any(finding.level == "problem" for finding in found)
