"""A run that is asked to end: by a terminal that closes, a scheduler, or its user.

SIGTERM, SIGHUP, SIGUSR2 and SIGINT (Ctrl-C) ask. A training step is finished first, and its
checkpoint written; a second SIGINT does not wait for that.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PARENT = "AUGFPN_PARENT"  # a variable of the environment: the parent's process id
PR_SET_PDEATHSIG = 1  # Linux's name for prctl's argument
SIGNALS = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2")
    if hasattr(signal, name)  # Windows has two of them
]

NOT_OURS = (signal.SIG_IGN, None)  # ignored, as nohup does with SIGHUP; handled by C code


class Stopped(KeyboardInterrupt):
    """A signal ended the run. The same command goes on from the last checkpoint."""

    def __init__(self, number: int, when: str = "") -> None:
        name = signal.Signals(number).name
        super().__init__(
            f"stopped by {name}{' ' * bool(when)}{when}: the same command goes on from the last "
            "checkpoint."
        )
        self.number = number

    def _render_traceback_(self) -> list[str]:  # what IPython and Jupyter show
        return [str(self)]

    @property
    def exit_status(self) -> int:
        """What the command's exit status is by convention: 128 plus the signal's number."""
        return 128 + self.number


class NotedSignal:
    """Whether the run is asked to end: ``number`` is the signal's, or 0."""

    number = 0


@contextmanager
def asked_to_stop() -> Iterator[NotedSignal]:
    """Inside the block a signal is noted, and does nothing else; a second SIGINT interrupts."""
    asked = NotedSignal()

    def note(number: int, frame: FrameType | None) -> None:
        if asked.number and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        asked.number = number

    with handled(note):
        yield asked


@contextmanager
def stopped_at_once() -> Iterator[None]:
    """Inside the block a signal raises `Stopped`."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    with handled(stop):
        yield


@contextmanager
def handled(handler: object) -> Iterator[None]:
    """Let a handler answer the signals inside the block; only a process's main thread can."""
    try:
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, old in before.items():
            if old not in NOT_OURS:
                signal.signal(number, handler)
    except ValueError:  # another thread
        yield
        return
    try:
        yield
    finally:
        for number, old in before.items():
            if old not in NOT_OURS:
                signal.signal(number, old)


def end_with_parent() -> None:
    """Let SIGTERM ask this process to end when its parent is killed, if the parent wants that.

    Linux sends it. Elsewhere a process whose parent is killed goes on.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent.isdecimal() or sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it was killed before this
        os.kill(os.getpid(), signal.SIGTERM)


def ignore_signals(worker: int = 0) -> None:
    """For a process that reads pictures: its parent is asked too, and ends it when it ends.

    Else a signal to the whole group would break the parent's step.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
