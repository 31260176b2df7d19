"""What commands print, and how they end."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator

from augfpn.support.text import printable

DONE, FAILED, WRONG_USE, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141  # the last two are a shell's


def say(sentence: str) -> None:
    """Print one line to stderr. Of the processes that torchrun started, only one prints it."""
    with contextlib.suppress(ImportError):  # of a broken torch
        if os.environ.get("WORLD_SIZE", "1") != "1":
            from augfpn.training.meeting import first_to_say

            if not first_to_say(sentence):
                return
    with contextlib.suppress(OSError):  # a log on a full disk: the exit status still tells
        print(f"augfpn: {printable(sentence)}", file=sys.stderr, flush=True)


def as_json(value: object) -> str:
    """A value as JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False)


@contextlib.contextmanager
def progress_apart(apart: bool) -> Iterator[None]:
    """Send what is printed to stderr, so that stdout holds nothing but JSON."""
    with contextlib.redirect_stdout(sys.stderr if apart else sys.stdout):
        yield
