"""Jobs in processes: what becomes of them, how they end with their parent, which GPU each sees."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import disks
import pytest

from augfpn.errors import BusyError, UserError
from augfpn.study.running import processes
from augfpn.study.running.grid import Run
from augfpn.study.running.processes import GPUS, THREADS, Job, Outcome, in_processes, runs_of
from augfpn.support.stopping import Stopped

BUSY = BusyError.exit_status
RUN = Run("fpn", "scenes", "smoke", 0)
FOREVER = "import time\nprint('started', flush=True)\ntime.sleep(600)"
SAVES = (  # as a training process does when it is asked to stop
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('augfpn: saved.'), sys.exit(143)))\n" + FOREVER
)
SPENDS_MEMORY = (  # where the system allows a process some 200 MB
    "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2 * 10**8, 2 * 10**8))\nbytes(10**9)"
)
PARENT = """
import sys
from pathlib import Path
from augfpn.study.running.grid import Run
from augfpn.study.running.processes import Job, in_processes
from augfpn.cli.program import say
words = [sys.executable, "-c", sys.argv[2]]
jobs = [Job(Run("fpn", "scenes", "smoke", i), words, f"log{i}", f"job {i}", 1) for i in (0, 1)]
in_processes(jobs, Path(sys.argv[1]), 2, say)
"""
CHILD = """
import os, sys
from augfpn.support.stopping import end_with_parent
end_with_parent()
print("pid", os.getpid(), flush=True)
"""


def job(code: str, name: str = "job", on_gpu: bool = False) -> Job:
    return Job(RUN, [sys.executable, "-c", code], name, f"the {name}", 1, on_gpu)


@pytest.mark.parametrize(
    ("code", "kind", "why"),
    [
        ("print('augfpn: hello')", "done", ""),
        ("import sys\nprint('augfpn: error: lam = x: give y.')\nsys.exit(2)", "failed", "lam = x"),
        ("1 / 0", "failed", "ZeroDivisionError"),
        (f"import sys\nprint('augfpn: on h, process 7.')\nsys.exit({BUSY})", "busy", "process 7"),
        ("import os\nos.kill(os.getpid(), 9)", "interrupted", "SIGKILL"),
        ("import os\nos.kill(os.getpid(), 15)", "interrupted", "SIGTERM"),
        ("print('a')\nimport os\nos.abort()", "failed", "SIGABRT, a crash"),
        (SPENDS_MEMORY, "failed", "MemoryError"),
        ("import sys\nsys.exit(143)", "interrupted", "SIGTERM"),
        ("import sys\nsys.exit(130)", "interrupted", "SIGINT"),
    ],
)
def test_what_became_of_a_job_is_said(code: str, kind: str, why: str, tmp_path: Path) -> None:
    said: list[str] = []
    (ended,) = in_processes([job(code)], tmp_path, 1, said.append)
    assert ended.kind == kind
    assert why in ended.why
    assert said == [str(ended)]
    assert said[0].startswith(f"the job: {kind}")


def test_what_a_job_says_at_once_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a job may have ended before its start returns."""

    class Overtaken(subprocess.Popen):
        def __init__(self, *given, **named) -> None:
            super().__init__(*given, **named)
            self.wait()

    monkeypatch.setattr(subprocess, "Popen", Overtaken)
    code = "import sys\nprint('augfpn: error: lam = x: give y.')\nsys.exit(2)"
    (ended,) = in_processes([job(code)], tmp_path, 1, [].append)
    assert "lam = x" in ended.why


def test_the_log_says_that_a_job_was_killed(tmp_path: Path) -> None:
    in_processes([job("import os\nos.kill(os.getpid(), 9)")], tmp_path, 1, lambda said: None)
    assert (tmp_path / "logs/job.txt").read_text() == "augfpn: killed by SIGKILL.\n"


def test_the_reason_is_that_of_this_try_and_not_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/job.txt").write_text("augfpn: error: of yesterday.\n")
    (ended,) = in_processes([job("import sys; sys.exit(1)")], tmp_path, 1, lambda said: None)
    assert ended.why.startswith("it said nothing")


def wait_until(true, seconds: float = 240) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(true())


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_all_jobs_which_save_first(number: int, tmp_path: Path) -> None:
    words = [sys.executable, "-c", PARENT, str(tmp_path), SAVES]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as parent:
        logs = [tmp_path / f"logs/log{i}.txt" for i in (0, 1)]
        assert wait_until(lambda: all(f.exists() and "started" in f.read_text() for f in logs))
        parent.send_signal(number)
        _, said = parent.communicate(timeout=240)
    for i, log in enumerate(logs):
        assert log.read_text() == "started\naugfpn: saved.\n"
        assert f"job {i}: interrupted (SIGTERM; it goes on from its last checkpoint)" in said


def test_a_second_signal_does_not_wait_for_checkpoints(tmp_path: Path) -> None:
    """Of jobs that do not end when they are asked to."""
    code = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\n"
    words = [sys.executable, "-c", PARENT, str(tmp_path), CHILD + code + FOREVER]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as parent:
        logs = [tmp_path / f"logs/log{i}.txt" for i in (0, 1)]
        for word in ("started", "asked"):
            assert wait_until(lambda w=word: all(f.exists() and w in f.read_text() for f in logs))
            parent.send_signal(signal.SIGINT)
        _, said = parent.communicate(timeout=240)
    assert said.count("interrupted (SIGKILL; it goes on from its last checkpoint)") == 2
    assert not any(alive(int(log.read_text().split()[1])) for log in logs)


def test_a_disk_that_takes_no_log_is_said(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(UserError, match=r"^File exists \(.*logs/job.txt cannot be written; the"):
        in_processes([job("")], tmp_path, 1, print)


def test_a_full_disk_is_named_where_a_job_could_say_nothing(tmp_path: Path) -> None:
    with disks.mounted(tmp_path / "full", 1) as folder:
        (folder / "logs").mkdir()
        (folder / "logs/job.txt").touch()
        disks.fill(folder)
        with pytest.raises(UserError, match=r"failed \(the disk is full, so it could say"):
            in_processes([job("print('a')\nraise SystemExit(2)")], folder, 1, print)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_after_a_job_whose_disk_takes_no_files_no_other_is_begun(
    number: int, tmp_path: Path
) -> None:
    fails = f"print('augfpn: error: {os.strerror(number)}: no folder.')\nraise SystemExit(2)"
    said: list[str] = []
    with pytest.raises(UserError, match=r"^the a: failed .*the other 2 jobs .*the same command"):
        in_processes([job(fails, "a"), job("", "b"), job("", "c")], tmp_path, 1, said.append)
    assert said == []
    assert [log.name for log in (tmp_path / "logs").iterdir()] == ["a.txt"]


def test_a_log_that_was_removed_is_said(tmp_path: Path) -> None:
    code = f"import shutil\nshutil.rmtree({str(tmp_path / 'logs')!r})\nraise SystemExit(2)"
    (ended,) = in_processes([job(code)], tmp_path, 1, print)
    assert (ended.kind, ended.why[:40]) == ("failed", "its log cannot be read, No such file or ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_a_killed_parent_leaves_no_orphans(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PARENT, str(tmp_path), CHILD + FOREVER]
    with subprocess.Popen(words) as parent:
        logs = [tmp_path / f"logs/log{i}.txt" for i in (0, 1)]
        assert wait_until(lambda: all(f.exists() and "started" in f.read_text() for f in logs))
        parent.kill()
    children = [int(log.read_text().split()[1]) for log in logs]
    assert wait_until(lambda: not any(map(alive, children)))


def test_what_a_job_has_started_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that ignores SIGTERM, as those that read pictures do."""
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"print(subprocess.Popen([sys.executable, '-c', {FOREVER!r}]).pid, flush=True)\n"
        "time.sleep(600)"
    )
    monkeypatch.setattr(processes, "TIME_TO_SAVE", 0.5)
    started = processes.start(job(code), tmp_path, [], [])
    log = tmp_path / "job.txt"
    assert wait_until(lambda: "started" in log.read_text())
    worker = int(log.read_text().split()[0])
    (ended,) = processes.end_all([started])
    assert ended.kind == "interrupted"
    assert wait_until(lambda: not alive(worker))


def test_each_job_on_a_gpu_sees_one_with_the_fewest_jobs(tmp_path: Path) -> None:
    code = f"import os\nprint(os.environ[{GPUS!r}])"
    jobs = [job(code, f"job{i}", on_gpu=True) for i in range(4)]
    in_processes(jobs, tmp_path, 4, lambda said: None, ["3", "GPU-8a"])
    seen = [(tmp_path / f"logs/job{i}.txt").read_text().strip() for i in range(4)]
    assert sorted(seen) == ["3", "3", "GPU-8a", "GPU-8a"]


def test_the_gpus_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GPUS, "2, GPU-8a")
    assert processes.visible_gpus() == ["2", "GPU-8a"]
    monkeypatch.setenv(GPUS, "")
    assert processes.visible_gpus() == []
    monkeypatch.delenv(GPUS)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert processes.visible_gpus() == ["0", "1", "2"]


def test_a_job_on_a_cpu_keeps_its_environment_but_for_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(GPUS, "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    names = (*THREADS, GPUS)
    code = f"import os\nprint(*[os.environ[name] for name in {names!r}])"
    in_processes([job(code)], tmp_path, 1, lambda said: None, ["0"])
    assert (tmp_path / "logs/job.txt").read_text() == "1 1 7\n"


def test_stopped_is_raised_after_the_jobs_have_ended(tmp_path: Path) -> None:
    code = "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(600)"
    with pytest.raises(Stopped, match="SIGTERM"):
        in_processes([job(code)], tmp_path, 1, lambda said: None)


def test_runs_are_told_apart_by_what_became_of_them() -> None:
    other = Run("cs", "scenes", "smoke", 0)
    ended = [Outcome(job(""), "done"), Outcome(job("")._replace(run=other), "busy", "h")]
    assert runs_of(ended, "busy") == [other]
