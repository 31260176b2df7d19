"""A GPU's half hour: what is worth most on one GPU, in order, packed into one file for sending in.

    checks -> bench -> Table 2 on scenes, seed by seed, as far as the minutes go -> one zip file

Each step is a command of `augfpn` in a process of its own. A training that runs out of time saves
a checkpoint; the same command goes on from there, and what is done is not done again.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from augfpn import records
from augfpn.errors import UserError
from augfpn.study.ledger.freeze import frozen
from augfpn.study.running import grid, recorded
from augfpn.study.running.grid import DEVICES
from augfpn.study.running.processes import TIME_TO_SAVE, Say, visible_gpus
from augfpn.support.files import write_bytes, write_json
from augfpn.support.machine import environment
from augfpn.support.stopping import PARENT, stopped_at_once

GPU_DAY = "gpu_day"  # a folder beside the records, for what is no record
DAY_PART, DAY_PICTURES = "table2", "scenes"
PASSED = "checks_passed.json"  # the environment in which the checks passed
BENCH_SHARE = 0.2  # of the time, at most; the rest is for the runs
QUICK_BENCH = ("--budget", "laptop", "--use", "testing", "--variants", "fpn", "augfpn")
Ended = Literal["done", "out of time", "failed", "done before"]


class Step(NamedTuple):
    """A command of `augfpn`, and the time in seconds after which it is ended."""

    name: str
    words: tuple[str, ...]
    seconds: float
    kept: str | None = None  # a file for what it prints, if that is not in a file already


def gpu_day(budget: str, minutes: float, folder: Path, say: Say) -> Path:
    """Do what is worth most in some minutes, and pack it; returns the file, named by the device.

    The device is a GPU at the budgets ``gpu`` and ``paper``, else the CPU, for a rehearsal. Raises
    ``UserError`` without a GPU or if a check fails, and `Stopped` if a signal ended it: the same
    command goes on.
    """
    begun, device, ended = time.monotonic(), DEVICES[budget], {}
    if device == "cuda" and not visible_gpus():
        raise UserError("gpu-day finds no GPU: rehearse it on the CPU with --budget smoke.")
    place, here = folder / GPU_DAY, environment(device)
    place.mkdir(parents=True, exist_ok=True)
    with stopped_at_once():
        for step in steps(budget, minutes, folder):
            left = max(0.0, 60 * minutes - (time.monotonic() - begun))
            say(f"{step.name}: at most {min(step.seconds, left) / 60:.1f} minutes")
            before = done_before(step, place, here)
            ended[step.name] = "done before" if before else end_of(step, left, place)
            say(f"{step.name}: {ended[step.name]}")
            if step.name == "checks" and ended[step.name] == "failed":
                raise UserError(f"{place / (step.kept or '')} says what is wrong: mend it first.")
            if step.name == "checks" and ended[step.name] == "done":
                write_json(place / PASSED, here)
    found = recorded.collect([folder])
    wanted = grid.runs([DAY_PART], budget, [DAY_PICTURES], seeds_to_confirm())
    there = [record for run in wanted if (record := found.record(run)) is not None]
    about = {"budget": budget, "minutes": minutes, "steps": ended, "runs": len(there)}
    about["environment"] = here
    write_json(place / "about.json", about)
    say(f"{len(there)} of {len(wanted)} runs are recorded.")
    return pack(there, place, here["device_name"])


def seeds_to_confirm() -> range:
    """The seeds whose runs confirm."""
    first, last = frozen().seeds
    return range(first, last + 1)


def steps(budget: str, minutes: float, folder: Path) -> list[Step]:
    """The commands, in the order of their worth."""
    first, last = frozen().seeds
    bench = 60 * minutes * BENCH_SHARE
    measured = ("--device", DEVICES[budget], "--seconds", f"{bench / 2:g}")
    measured += ("--out", str(folder / GPU_DAY / "bench"))
    run = ("study", "run", DAY_PART, "--budget", budget, "--pictures", DAY_PICTURES)
    quick = QUICK_BENCH if DEVICES[budget] == "cpu" else ()
    return [
        Step("checks", ("doctor", "--budget", budget), 60 * minutes, "checks.txt"),
        Step("bench", ("bench", *measured, *quick), bench),
        Step("runs", (*run, "--seeds", f"{first}-{last}", "--records", str(folder)), 60 * minutes),
    ]


def done_before(step: Step, place: Path, here: dict) -> bool:
    """Whether a step need not be made again: a bench that ended, checks that passed just here."""
    if step.name == "checks" and (place / PASSED).exists():
        return json.loads((place / PASSED).read_text()) == here
    return step.name == "bench" and any((place / "bench").glob("*.json"))


def end_of(step: Step, left: float, place: Path) -> Ended:
    """Run a step until it or its time ends."""
    if left <= 0:
        return "out of time"
    words = [sys.executable, "-m", "augfpn.cli", *step.words]
    around = os.environ | {"AUGFPN_PROGRESS": "lines", PARENT: str(os.getpid())}
    with ExitStack() as open_:
        out = open_.enter_context((place / step.kept).open("wb")) if step.kept else None
        process = subprocess.Popen(words, env=around, stdin=subprocess.DEVNULL, stdout=out)
    try:
        return "failed" if process.wait(min(left, step.seconds)) else "done"
    except subprocess.TimeoutExpired:
        return "out of time"
    finally:
        if process.poll() is None:
            process.terminate()  # its trainings save their checkpoints
            with suppress(subprocess.TimeoutExpired):
                process.wait(TIME_TO_SAVE)
            process.kill()
            process.wait()


def pack(there: Sequence[records.Record], place: Path, device: str) -> Path:
    """A zip file of some records without their weights, and of what else lies in ``place``.

    In an empty folder it becomes a folder of records, which ``augfpn study report`` can be given.
    """
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as packed:
        for each in there:
            for file in (each.folder / name for name in (*records.FILES, records.DIAGNOSTICS)):
                if file.exists():
                    packed.write(file, f"{each.folder.name}/{file.name}")
        for file in sorted(place.rglob("*.*")):
            if file.is_file() and file.suffix != ".zip":
                packed.write(file, str(Path(GPU_DAY, file.relative_to(place))))
    slug = re.sub("[^a-z0-9]+", "-", device.lower()).strip("-")
    file = place / f"{slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    write_bytes(file, content.getvalue())
    return file
