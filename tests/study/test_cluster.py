"""Jobs of a cluster: submitit's executor for this machine, and SLURM where there is one.

For SLURM see `test_a_grid_on_slurm_survives`: it needs a cluster whose jobs see this folder.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import BusyError, UserError
from augfpn.study import gather
from augfpn.study.running import cluster, grid, recorded
from augfpn.study.running.cluster import Task, on_cluster
from augfpn.study.running.processes import GPUS, Job

pytest.importorskip("submitit", reason="the extra `cluster` is not installed")
RUN = grid.Run("fpn", "scenes", "smoke", 0)
COUNTED = """
import pathlib, sys
tries = pathlib.Path(sys.argv[1])
tries.write_text(tries.read_text() + "." if tries.exists() else ".")
"""  # a command that counts how often it was started


def job(code: str, folder: Path, name: str = "job", on_gpu: bool = False) -> Job:
    words = [sys.executable, "-c", COUNTED + code, str(folder / f"{name}.tries")]
    return Job(RUN, words, name, f"the {name}", 1, on_gpu)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WAIT", 0.1)
    monkeypatch.setattr(cluster, "CLUSTER_POLL", 0.2)


def has_slurm() -> bool:
    if shutil.which("sinfo") is None:
        return False
    asked = ["sinfo", "--noheader", "--states=idle", "--format=%D"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.returncode == 0 and bool(found.stdout.strip())


def task(code: str, folder: Path) -> Task:
    words = job(code, folder).words
    return Task(words, folder / "log.txt", 1)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit(143)"])
def test_a_command_that_was_ended_goes_on_in_the_same_job(end: str, tmp_path: Path) -> None:
    code = f"import os\nif len(tries.read_text()) < 3: {end}"
    assert task(code, tmp_path)() == 0
    assert (tmp_path / "job.tries").read_text() == "..."


def test_a_run_that_another_process_has_is_tried_again(tmp_path: Path) -> None:
    code = f"if len(tries.read_text()) < 2: sys.exit({BusyError.exit_status})"
    assert task(code, tmp_path)() == 0
    assert task("sys.exit(75)", tmp_path)() == BusyError.exit_status


def test_a_command_that_fails_is_not_tried_again(tmp_path: Path) -> None:
    assert task("sys.exit(2)", tmp_path)() == 2
    assert (tmp_path / "job.tries").read_text() == "."


def test_the_warning_before_the_end_lets_the_command_save(tmp_path: Path) -> None:
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('saved'), sys.exit(143)))\n"
        "print('started', flush=True)\ntime.sleep(600)"
    )
    one = task(code, tmp_path)
    one.process = one.start()
    until = time.monotonic() + 30
    while "started" not in one.log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    queued_again = one.checkpoint().function
    assert one.log.read_text() == "started\nsaved\n"
    assert queued_again.words == one.words
    assert queued_again.process is None
    assert one.process.wait() == 143


def test_jobs_on_this_machine_end_as_they_should(tmp_path: Path) -> None:
    said: list[str] = []
    gpu = job(f"import os\nprint('gpu', os.environ[{GPUS!r}])", tmp_path, "gpu", on_gpu=True)
    todo = [gpu, job("sys.exit('augfpn: error: lam')", tmp_path, "wrong")]
    ended = on_cluster(todo, tmp_path, 2, said.append, "local", {}, ["5"])
    assert sorted((each.job.log, each.kind) for each in ended) == [
        ("gpu", "done"),
        ("wrong", "failed"),
    ]
    assert (tmp_path / "logs/gpu.txt").read_text() == "gpu 5\n"
    assert any(each.startswith("the wrong: failed (lam; see ") for each in said)


def test_a_job_that_is_lost_is_submitted_again(tmp_path: Path) -> None:
    """Its submitit process is killed, as with a lost node."""
    code = "import os, signal\nif len(tries.read_text()) < 2: os.kill(os.getppid(), signal.SIGKILL)"
    said: list[str] = []
    (ended,) = on_cluster([job(code, tmp_path)], tmp_path, 1, said.append, "local", {})
    assert ended.kind == "done"
    assert "was ended by the cluster" in said[0]
    assert said[0].endswith("it is submitted again.")


def test_measurements_are_jobs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").touch()
    record = SimpleNamespace(diagnostics=None, weights=tmp_path / "weights", folder=tmp_path)
    found = SimpleNamespace(record=lambda run: record)
    words = [sys.executable, "-c", "print('measured')"]
    monkeypatch.setattr(gather, "measure_command", lambda *_: words)
    (ended,) = gather.measure_missing([RUN], found, tmp_path, 1, None, print, "local")
    assert ended.kind == "done"
    (log,) = (tmp_path / "logs").glob("measure-*.txt")
    assert log.read_text() == "measured\n"


@pytest.mark.parametrize("action", ["status", "time", "report"])
@pytest.mark.parametrize("option", ["--cluster=local", "--cluster-options=timeout_min=9"])
def test_other_actions_are_no_jobs(action: str, option: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["study", action, option]) == 2
    name = option.partition("=")[0]
    said = f"study {action} takes no {name}: study run and study measure do."
    assert capsys.readouterr().err == f"augfpn: error: {said}\n"


def test_nothing_to_do_needs_no_cluster(tmp_path: Path) -> None:
    assert on_cluster([], tmp_path, 1, print, "slurm", {}) == []


def test_what_submitit_refuses_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo = [job("", tmp_path)]
    with pytest.raises(UserError, match=r"--cluster local: .*slurm_colour"):
        on_cluster(todo, tmp_path, 1, print, "local", {"slurm_colour": "red"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"--cluster slurm: .*srun"):
        on_cluster(todo, tmp_path, 1, print, "slurm", {})
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"needs the package submitit: pip install"):
        on_cluster(todo, tmp_path, 1, print, "local", {})


# --- SLURM ----------------------------------------------------------------------------------------


def bits_of(folder: Path) -> dict[str, list[str]]:
    """Hashes of the weights and predictions of all records in a folder, by run."""
    files = ("weights.safetensors", "predictions.json.gz")
    return {
        record.id: [hashlib.sha256((record.folder / f).read_bytes()).hexdigest() for f in files]
        for record in records.records_in([folder])
    }


def process_of(run: grid.Run, folder: Path) -> int:
    """The process that trains a run."""
    words = [word.encode() for word in gather.train_command(run, folder, None)]
    for there in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended in the meantime
            if (there / "cmdline").read_bytes().split(b"\0")[:-1] == words:
                return int(there.name)
    raise AssertionError(f"no process trains {run}")


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def slurm(*words: str) -> None:
    """Not for long: scancel goes on trying where its signal has already ended a job."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(words, check=False, capture_output=True, timeout=5)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not has_slurm(), reason="there is no SLURM with an idle node here")
def test_a_grid_on_slurm_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of six runs one is queued again, two get signals, of two a process is killed."""
    monkeypatch.setattr(cluster, "WAIT", 10.0)
    runs = grid.runs(["table2"], "smoke", ["scenes"])[:6]
    gather.run_missing(runs, tmp_path / "alone", 2, None, print)
    logs = tmp_path / "slurm" / "logs"
    disturb = {  # by what is done to the job of a run, or to its process
        0: lambda job, process: slurm("scontrol", "requeue", job),
        1: lambda job, process: slurm("scancel", "--signal=USR2", job),
        2: lambda job, process: slurm("scancel", "--signal=TERM", job),
        3: lambda job, process: os.kill(process, signal.SIGKILL),
        4: lambda job, process: os.kill(parent_of(process), signal.SIGKILL),  # submitit's
    }
    done: set[int] = set()

    def look(*given: object, **named: object) -> set[str] | None:
        """Disturb each task once it has trained some steps."""
        known = known_before()
        for i, (run, to) in enumerate(zip(runs, disturb.values(), strict=False)):
            log = logs / f"scenes-{run.variant}-seed0.txt"
            if i not in done and log.exists() and "\ntraining " in log.read_text():
                (mine,) = [each for each in known or () if each.endswith(f"_{i}")]
                to(mine, process_of(run, tmp_path / "slurm"))
                done.add(i)
        return known

    known_before = cluster.known_to_slurm
    monkeypatch.setattr(cluster, "known_to_slurm", look)
    ended = gather.run_missing(runs, tmp_path / "slurm", 2, None, print, "slurm", {})
    assert {each.kind for each in ended} == {"done"}
    assert done == set(disturb)
    assert bits_of(tmp_path / "slurm") == bits_of(tmp_path / "alone")
    assert len(bits_of(tmp_path / "slurm")) == len(runs)
    found = recorded.collect([tmp_path / "slurm"])
    attempts = [len(found.record(run).environment["attempts"]) for run in runs]
    assert [number > 1 for number in attempts] == [i in disturb for i in range(len(runs))]
