"""The study's jobs as jobs of a cluster, through submitit: an array of SLURM, or this machine.

submitit writes the batch script, passes SLURM's signals on and asks for a job to be queued again. A
job runs the same command as on one machine, in a process of its own, with its log. What ends it
early (a time limit, another job with a higher priority, a lost node) costs no work: the run goes on
from its checkpoint, in the same job or in the next one.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augfpn.errors import BusyError, UserError
from augfpn.study.running.processes import GPUS, THREADS, Job, Outcome, Say, outcome_of
from augfpn.support.stopping import PARENT, SIGNALS, stopped_at_once

CLUSTERS = ("slurm", "local")
MINUTES = 12 * 60  # of a job, unless the user says otherwise
MOST_TRIES = 5  # submissions of a job that ends without a result, and starts within one submission
AT_ONCE = 1000  # tasks of an array, unless --jobs says otherwise
CLUSTER_POLL = 2.0  # seconds between two looks
WAIT = 10.0  # seconds before a command that was ended, or found its run busy, is started again
TIME_TO_SAVE = 60.0  # seconds


@dataclass
class Task:
    """What one job of the cluster does: run a command until it ends by itself.

    submitit pickles it by the name of its class. It calls ``checkpoint`` when SLURM warns that the
    job will be ended, and has the job queued again.
    """

    words: list[str]
    log: Path
    threads: int
    gpu: str | None = None
    process: Any = None

    def __call__(self) -> int:
        """Run the command; returns its exit status.

        A command that a signal has ended goes on from its checkpoint. If the signal was meant for
        the whole job, SLURM ends that too.
        """
        for _ in range(MOST_TRIES):
            self.process = self.start()
            while self.process.poll() is None:
                time.sleep(0.2)
            status = self.process.returncode
            busy = status == BusyError.exit_status  # with the run's process on a lost node, say
            if not (busy or status < 0 or status - 128 in SIGNALS):
                break
            time.sleep(WAIT)  # a signal to the whole job may be repeated, or SIGKILL follow
        return status

    def start(self) -> subprocess.Popen:
        """Start the command, with its output at the end of the log."""
        own = dict.fromkeys(THREADS, str(self.threads)) | {"AUGFPN_PROGRESS": "lines"}
        own[PARENT] = str(os.getpid())
        if self.gpu is not None:
            own[GPUS] = self.gpu
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            return subprocess.Popen(
                self.words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | own,
            )

    def checkpoint(self) -> Any:
        """End the command, which saves its checkpoint; returns what the next job does."""
        from submitit.helpers import DelayedSubmission

        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            until = time.monotonic() + TIME_TO_SAVE
            while not has_ended(self.process.pid) and time.monotonic() < until:
                time.sleep(0.2)
        return DelayedSubmission(Task(self.words, self.log, self.threads, self.gpu))


def has_ended(pid: int) -> bool:
    """Whether a child has ended; the signal may have interrupted `Popen.poll`, which locks."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


@dataclass
class Submitted:
    """A job that the cluster has."""

    job: Job
    task: Task
    handle: Any  # submitit's job
    tries: int = 1
    unseen: int = 0  # looks at which the cluster did not know it
    begins: int = field(init=False)

    def __post_init__(self) -> None:
        self.begins = self.task.log.stat().st_size if self.task.log.exists() else 0


def on_cluster(
    todo: Sequence[Job],
    folder: Path,
    jobs: int | None,
    say: Say,
    cluster: str,
    options: Mapping[str, object],
    gpus: Sequence[str] = (),
) -> list[Outcome]:
    """Run jobs on a cluster, at most ``jobs`` at once; returns what became of each.

    ``options`` are submitit's, for example ``slurm_partition``. ``gpus`` are for "local" only,
    because SLURM gives each job its GPU. Raises ``UserError`` if submitit or SLURM is missing or
    refuses an option. If a signal ends this process, jobs of SLURM stay in the queue.
    """
    if not todo:
        return []
    folder = folder.resolve()
    submit = submitter(folder, jobs, cluster, options, todo[0])
    tasks = [Task(job.words, folder / "logs" / f"{job.log}.txt", job.threads) for job in todo]
    for i, task in enumerate(tasks):
        if cluster == "local" and gpus and todo[i].on_gpu:
            task.gpu = gpus[i % len(gpus)]
    waiting, running, outcomes = list(zip(todo, tasks, strict=True)), [], []
    room = (jobs or 1) if cluster == "local" else len(todo)
    with stopped_at_once():
        try:
            while waiting or running:
                new, waiting = waiting[: room - len(running)], waiting[room - len(running) :]
                handles = submit([task for _, task in new]) if new else []
                running += [Submitted(*each, h) for each, h in zip(new, handles, strict=True)]
                if handles and cluster == "slurm":
                    say(f"{len(handles)} jobs in SLURM's queue, from {handles[0].job_id} on.")
                time.sleep(CLUSTER_POLL)
                outcomes += look_at(running, cluster, submit, say)
        finally:
            leave(running, cluster, say)
    return outcomes


def look_at(
    running: list[Submitted], cluster: str, submit: Callable[[list[Task]], list], say: Say
) -> list[Outcome]:
    """Take the jobs that have ended from the list, and submit again what ended without a result."""
    there = known_to_slurm() if cluster == "slurm" else None
    ended = []
    for each in list(running):
        found = cluster_outcome(each, there)
        if found is None:
            continue
        if (
            found.kind == "interrupted"
            and each.tries < MOST_TRIES
            and not is_cancelled(each, cluster)
        ):
            say(f"{found}: it is submitted again.")
            (each.handle,) = submit([each.task])
            each.tries, each.unseen = each.tries + 1, 0
            continue
        running.remove(each)
        ended.append(found)
        say(str(found))
    return ended


def cluster_outcome(each: Submitted, there: set[str] | None) -> Outcome | None:
    """What became of a job; ``None`` while the cluster has it."""
    if not each.handle.paths.result_pickle.exists():
        gone = each.handle.job_id not in there if there is not None else each.handle.done()
        each.unseen = each.unseen + 1 if gone else 0
        if each.unseen < 3:  # a shared file system shows the result a little later
            return None
        why = f"job {each.handle.job_id} was ended by the cluster"
        return Outcome(each.job, "interrupted", f"{why}; {each.job.goes_on}")
    try:
        status = each.handle.result()
    except Exception as error:  # of submitit, with the job's traceback
        last = str(error).strip().splitlines()[-1]
        return Outcome(each.job, "failed", f"{last}; see {each.handle.paths.stderr}")
    return outcome_of(each.job, status, each.task.log, each.begins)


def known_to_slurm() -> set[str] | None:
    """The jobs in SLURM's queue, waiting or running; accounting, which few have, is not needed."""
    asked = ["squeue", "--me", "--noheader", "--array", "--format=%i"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:  # SLURM does not answer just now: its jobs are not lost
        return Everything()
    return set(done.stdout.split())


def is_cancelled(each: Submitted, cluster: str) -> bool:
    """Whether somebody has taken a job from SLURM, so that it must not be submitted again."""
    asked = ["scontrol", "--oneliner", "show", "job", each.handle.job_id]
    if cluster != "slurm":
        return False
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return "JobState=CANCELLED" in done.stdout


class Everything(set):
    """The set that contains every job."""

    def __contains__(self, job: object) -> bool:
        return True


def leave(running: Sequence[Submitted], cluster: str, say: Say) -> None:
    """End the jobs on this machine; those in SLURM's queue stay, and it is said."""
    if not running:
        return
    if cluster == "slurm":
        ids = " ".join(each.handle.job_id for each in running)
        say(f"{len(running)} jobs stay in SLURM's queue; `scancel {ids}` ends them.")
        return
    for each in running:  # the controller passes it on, and a task's command ends with the task
        each.handle.cancel()
    for each in running:
        say(str(Outcome(each.job, "interrupted", each.job.goes_on)))


def submitter(
    folder: Path, jobs: int | None, cluster: str, options: Mapping[str, object], job: Job
) -> Callable[[list[Task]], list]:
    """A function that submits tasks, as one array, and returns submitit's jobs."""
    try:
        import submitit
        from submitit.core import utils
    except ImportError:
        raise UserError(
            "--cluster needs the package submitit: pip install 'augfpn[cluster]'."
        ) from None
    usual = {"name": "augfpn", "timeout_min": MINUTES, "nodes": 1, "tasks_per_node": 1}
    usual |= {"cpus_per_task": job.threads, "slurm_array_parallelism": jobs or AT_ONCE}
    if job.on_gpu and cluster == "slurm":
        usual["gpus_per_node"] = 1
    try:
        executor = submitit.AutoExecutor(
            folder / "logs" / "cluster", cluster=cluster, slurm_max_num_timeout=10_000
        )
        executor.update_parameters(**usual | dict(options))
    except (RuntimeError, ValueError, TypeError, NameError, AssertionError) as error:
        raise UserError(f"--cluster {cluster}: {' '.join(str(error).split())}") from None

    def submit(tasks: list[Task]) -> list:
        try:
            with executor.batch():
                return [executor.submit(task) for task in tasks]
        except (utils.FailedJobError, utils.FailedSubmissionError) as error:
            raise UserError(f"SLURM refused the jobs: {' '.join(str(error).split())}") from None

    return submit
