"""A tiny run that kills itself at a chosen instruction: python killed.py FOLDER PROCESSES KILLS.

KILLS is a JSON list. ``["os.rename", "checkpoint.pt", 2]`` kills at the second renaming to a name
that ends so, before it is done ("record" is the record's own name); ``["call", "torch.save", 1]``
in the middle of a function's first call; ``["after", 0.4]`` after this share of the undisturbed
run's time. A fourth word is another fault than SIGKILL: another signal, "removed" for the folder of
records, "full" for a disk that takes no file of more than 100 kB. If the folder is a file system of
its own, there are "filled", "read-only" and "unmounted", too. Each run starts in a folder of its
own, suffers, and is started again, after the fault is mended, until it ends. What came of each is
printed as JSON.

The processes are forks of one that has imported torch, which saves its seconds for each.
"""

import atexit
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import disks
import torch

from augfpn import records
from augfpn.errors import UserError
from augfpn.settings.parameters import parse
from augfpn.support.stopping import Stopped
from augfpn.training import checkpoints, evaluate, train, working
from augfpn.training.prepare import experiment_here

SMOKE = experiment_here(parse({"budget": "smoke", "device": "cpu", "limit": 4}))
TINY = replace(
    SMOKE,
    model=replace(
        SMOKE.model,
        channels=16,
        head_width=32,
        short_side=64,
        long_side=96,
        rpn_candidates=(50, 20),
        proposals=(30, 10),
        rois=16,
        detections=5,
    ),
    train=replace(SMOKE.train, steps=4, batch=2, checkpoint_seconds=1e-6),
)
STEPS, PICTURES = TINY.train.steps, TINY.data.limit
MOST_BYTES = 100_000  # of a file, on the disk that is full
EVENTS = {"os.rename": 1, "os.link": 1, "os.remove": 0, "open": 0}  # the argument that is the path
CALLS = {
    "torch.save": (torch, "save"),
    "append_hash": (checkpoints, "append_hash"),
    "detections_in": (evaluate, "detections_in"),
    "optimizer.step": (torch.optim.AdamW, "step"),
    "score": (evaluate, "score"),
    "write_predictions": (records, "write_predictions"),
    "write": (records, "write"),
    "save_weights": (train, "save_weights"),
    "remove_checkpoints": (working, "remove_checkpoints"),
}


def suffer(fault: str, folder: Path) -> None:
    """Let the fault happen to this process."""
    if fault == "removed":
        shutil.rmtree(folder)
    elif fault == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, resource.RLIM_INFINITY))
    elif fault in disks.DISK_FAULTS:
        disks.DISK_FAULTS[fault](folder)
    else:
        os.kill(os.getpid(), signal.Signals[fault])


def watch(kill: list, folder: Path) -> None:
    """Let a fault happen to this process at the instruction that ``kill`` names."""
    kind, what, nth, fault = [*kill, "SIGKILL"][:4]
    left = [nth]

    def count() -> bool:
        left[0] -= 1
        return left[0] == 0

    def hear(event: str, given: tuple) -> None:
        if event != kind:
            return
        name = Path(str(given[EVENTS[kind]])).name
        is_meant = name.startswith("scenes-") if what == "record" else name.endswith(what)
        if is_meant and count():
            suffer(fault, folder)

    if kind in EVENTS:
        sys.addaudithook(hear)
        return
    module, name = CALLS[what]
    own = getattr(module, name)

    def halfway(*given: object, **named: object) -> object:
        if not count():
            return own(*given, **named)
        if what == "torch.save" and fault == "SIGKILL":  # a part of the file is written
            given[1].write(b"PK\x03\x04 begun")
            given[1].flush()
        if what == "save_weights":
            given[1].with_name(given[1].name + ".partial").write_bytes(b"begun")
        suffer(fault, folder)
        return own(*given, **named)

    setattr(module, name, halfway)


def count_work(log: Path) -> None:
    """Write a letter into ``log`` for each step that is taken and each picture that is tested."""
    opened = os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def counted(own: object, letter: bytes) -> object:
        def call(*given: object, **named: object) -> object:
            done = own(*given, **named)
            os.write(opened, letter)
            return done

        return call

    torch.optim.AdamW.step = counted(torch.optim.AdamW.step, b"s")
    evaluate.detections_in = counted(evaluate.detections_in, b"p")


def child(folder: Path, log: Path, kill: list | None) -> NoReturn:
    """Train in this process, which is a fork, and end it."""
    status = 1
    try:
        sys.stdout = log.with_suffix(".said").open("a")
        count_work(log)
        if kill is not None:
            watch(kill, folder)
        train.train(TINY, folder)
        status = 0
    except (Stopped, UserError) as error:
        status = getattr(error, "exit_status", 2)
        print(error)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        if status == 0:
            atexit._run_exitfuncs()  # the processes take leave of each other
        os._exit(status)


def run(folder: Path, log: Path, kill: list | None, processes: int) -> int:
    """Train in new processes; returns how the one that suffers ended: 0, or minus the signal."""
    timed = kill is not None and kill[0] == "after"
    victim = int(1000 * kill[1]) % processes if timed else 0
    children = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for rank in range(processes):
        children.append(os.fork())
        if children[-1] == 0:
            if processes > 1:
                as_torchrun_says(rank, processes, port)
            child(folder, log, kill if rank == victim and not timed else None)
    if timed:
        time.sleep(kill[1])
        os.kill(children[victim], signal.SIGKILL)
    ended = [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children]
    return ended[victim]


def as_torchrun_says(rank: int, size: int, port: int) -> None:
    """Set what torchrun sets in the environment of its processes."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def state_of(folder: Path) -> dict:
    """What a killed run left: steps in its checkpoint, whether it was tested, whether it is done.

    A checkpoint that is not whole counts as none.
    """
    if list(records.records_in([folder])):
        return {"steps": TINY.train.steps, "tested": True, "done": True}
    works = [path for path in folder.glob(".*.running") if path.is_dir()]
    file = checkpoints.last_whole(works[0]) if works else None
    steps = torch.load(file, weights_only=True)["state"]["step"] if file else 0
    tested = bool(works) and (works[0] / records.PREDICTIONS).exists()
    return {"steps": steps, "tested": tested, "done": False}


def killed_and_repeated(folder: Path, kill: list, processes: int) -> dict:
    """Kill a run, start it again, and tell what it did the second time."""
    folder.mkdir(parents=True, exist_ok=True)
    ended = run(folder, folder.with_suffix(".first"), kill, processes)
    said = folder.with_suffix(".said").read_text()
    if kill[-1] in disks.MENDED:
        disks.MENDED[kill[-1]](folder)
    left, log = state_of(folder), folder.with_suffix(".second")
    again = run(folder, log, None, processes)
    done = log.read_text()
    return {
        "ended": [ended, again],
        "said": said,
        "left": left,
        "done": {"steps": done.count("s") / processes, "pictures": done.count("p")},
    }


# --- what tests call ------------------------------------------------------------------------------


def told(folder: Path, kills: list, processes: int = 1) -> list[dict]:
    """What came of each kill."""
    command = [sys.executable, __file__, str(folder), str(processes), json.dumps(kills)]
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def check(folder: Path, number: int, kill: list, what: dict) -> None:
    """Raise AssertionError unless a killed run ended with the undisturbed run's record."""
    ended, again = what["ended"]
    if kill[0] != "after":
        assert ended == -9, f"{kill} did not kill"
    assert again == 0
    left, done = what["left"], what["done"]
    assert done["steps"] == STEPS - left["steps"]
    assert done["pictures"] == (0 if left["tested"] else PICTURES)
    (whole,), (ours,) = (
        records.read_all([folder / each])[0] for each in ("undisturbed", str(number))
    )
    assert ours.folder.name == whole.folder.name  # not .2
    assert {f.name for f in ours.folder.iterdir()} == {f.name for f in whole.folder.iterdir()}
    assert [path.name for path in (folder / str(number)).iterdir()] == [ours.folder.name]
    for name in (records.WEIGHTS, records.PREDICTIONS, "curve.jsonl", "settings.json"):
        assert (ours.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    numbers = [
        {k: v for k, v in r.result.items() if k not in ("seconds", "memory_mb")}
        for r in (ours, whole)
    ]
    assert numbers[0] == numbers[1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores for "&"
    where = Path(sys.argv[1])
    processes, kills = int(sys.argv[2]), json.loads(sys.argv[3])
    began = time.monotonic()
    (where / "undisturbed").mkdir()
    assert run(where / "undisturbed", where / "undisturbed.log", None, processes) == 0
    seconds = time.monotonic() - began
    for kill in kills:
        if kill[0] == "after":  # of the undisturbed run's time, this share
            kill[1] *= seconds
    told = [killed_and_repeated(where / str(i), kill, processes) for i, kill in enumerate(kills)]
    print(json.dumps(told))
