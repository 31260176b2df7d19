"""Progress that behaves in a terminal, in a notebook, under papermill and in a log file.

A terminal shows a bar. A notebook that somebody looks at shows one line that is rewritten in place.
Anything else shows a new line every few seconds, the first one at once: a log file, and a notebook
that papermill or nbconvert runs, because they show no line that is rewritten.
``AUGFPN_PROGRESS=lines`` asks for lines everywhere. ``AUGFPN_PROGRESS=off`` shows nothing, as in
the book's pages.
"""

import math
import os
import sys
import time
from types import TracebackType

from tqdm import tqdm

from augfpn.support.launched import rank
from augfpn.support.text import printable

SECONDS = {"bar": 0.2, "notebook": 1.0, "lines": 10.0, "off": math.inf}


class Progress:
    """``with Progress(total, "training") as tell: tell(done, loss=0.5)``.

    ``first`` of all were done before: the time left is estimated from the others.
    """

    def __init__(self, total: int, what: str, mode: str | None = None, first: int = 0) -> None:
        self.total = total
        self.what = what
        self.mode = mode or where_am_i()
        self.began = time.monotonic()
        self.told = 0.0
        self.first = first
        self.handle = None
        self.bar = tqdm(total=total, desc=what) if self.mode == "bar" else None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, **numbers: float) -> None:
        now = time.monotonic()
        if self.mode == "off":
            return
        if done < self.total and now - self.told < SECONDS[self.mode]:
            return
        self.told = now
        text = ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())
        if self.bar is not None:
            self.bar.set_postfix_str(text, refresh=False)
            self.bar.update(done - self.bar.n)
            return
        line = f"{self.what} {done}/{self.total}" + (f", {text}" if text else "")
        self.write(f"{line}, {self.time_left(done, now)}")

    def time_left(self, done: int, now: float) -> str:
        spent = now - self.began
        if done >= self.total:
            return f"took {duration(spent)}"
        left = spent * (self.total - done) / max(1, done - self.first)
        return f"{duration(left)} left"

    def write(self, line: str) -> None:
        if self.mode == "lines":
            if not is_written(line):
                self.mode = "off"
            return
        from IPython.display import display

        text = {"text/plain": line}
        if self.handle is None:
            self.handle = display(text, raw=True, display_id=True)
        else:
            self.handle.update(text, raw=True)


def note(line: str) -> None:
    """Print a line that a person should read before a run goes on, progress or not."""
    if not rank():
        is_written(printable(line))


def is_written(line: str) -> bool:
    """Write a line to stdout; whether that was possible.

    A full disk behind a log is no reason to end a run. Raises ``BrokenPipeError`` if nobody reads.
    """
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        return False
    return True


def where_am_i() -> str:
    """ "bar", "notebook", "lines" or "off"."""
    if rank():  # only one of torchrun's processes prints
        return "off"
    asked = os.environ.get("AUGFPN_PROGRESS")
    if asked in SECONDS:
        return asked
    if in_kernel():
        return "notebook" if is_watched() else "lines"
    return "bar" if sys.stderr is not None and sys.stderr.isatty() else "lines"


def in_kernel() -> bool:
    """Whether this is a notebook's kernel."""
    if "ipykernel" not in sys.modules or "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def is_watched() -> bool:
    """Whether somebody looks at this kernel's notebook and could answer a question in it."""
    from IPython import get_ipython

    request = get_ipython().kernel.get_parent()  # what the program that runs the cell has sent
    return bool(request.get("content", {}).get("allow_stdin", True))


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 20 s, 5 h 02 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
