"""Progress that behaves in a terminal, in a notebook, under papermill and in a log file.

A terminal shows a bar. A notebook shows one line that is rewritten in place. Anything else shows a
new line every few seconds, the first one at once; ``AUGFPN_PROGRESS=lines`` asks for this
everywhere. ``AUGFPN_PROGRESS=off`` shows nothing, as in the book's pages.
"""

import math
import os
import sys
import time
from types import TracebackType

from tqdm import tqdm

SECONDS = {"bar": 0.2, "notebook": 1.0, "lines": 10.0, "off": math.inf}


class Progress:
    """``with Progress(total, "training") as tell: tell(done, loss=0.5)``."""

    def __init__(self, total: int, what: str, mode: str | None = None) -> None:
        self.total = total
        self.what = what
        self.mode = mode or where_am_i()
        self.began = time.monotonic()
        self.told = 0.0
        self.first = 0
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

    def start_at(self, done: int) -> None:
        """Say that a run resumes here, so that the time left is estimated from new steps only."""
        self.first = done

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
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            return
        from IPython.display import display

        text = {"text/plain": line}
        if self.handle is None:
            self.handle = display(text, raw=True, display_id=True)
        else:
            self.handle.update(text, raw=True)


def where_am_i() -> str:
    """ "bar", "notebook", "lines" or "off"."""
    if int(os.environ.get("RANK", "0")):  # only rank 0 of torchrun's processes prints
        return "off"
    asked = os.environ.get("AUGFPN_PROGRESS")
    if asked in SECONDS:
        return asked
    if "ipykernel" in sys.modules and "IPython" in sys.modules:
        return "notebook"
    return "bar" if sys.stderr.isatty() else "lines"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 20 s, 5 h 02 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
