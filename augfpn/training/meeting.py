"""How processes that train together find each other, and notice that one of them is gone.

torchrun holds a key-value store that its processes reach by the address in their environment. After
``--max-restarts`` it is still the same store, with the addresses of processes that are dead, and
PyTorch connects to these. Therefore, the processes agree first on a name for this start, which is
the prefix of all their keys.
"""

import atexit
import contextlib
import json
import os
import sys
import threading
import time
import uuid
from datetime import timedelta

import torch.distributed as dist

from augfpn.errors import UserError
from augfpn.support.progress import duration

NAME_OF_START, ENDED = "name of the last start", "ended"
START = timedelta(minutes=5)  # how long the processes wait until all have started
SILENCE = timedelta(minutes=2)  # after which a process is given up that shows no sign of life
SOON = timedelta(seconds=5)  # for a store that answers at once, if it is there
WATCH_EVERY = 1.0  # seconds between two signs of life
GRACE = 2.0  # seconds
MEETING_POLL = 0.05  # seconds


def client(timeout: timedelta = START, serve: bool = False) -> dist.TCPStore:
    """A connection to the store of this start; ``serve``: be the store, if torchrun is none."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    by_agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return dist.TCPStore(
        address, port, is_master=serve and not by_agent, timeout=timeout, wait_for_workers=False
    )


def meet(store: dist.Store, rank: int, size: int, patience: timedelta = START) -> str:
    """Wait for all processes of this start; returns its name, the same on every rank.

    Rank 0 makes up a name. Each other rank answers with a word of its own, and believes a name only
    when rank 0 has repeated that word: a name without it is left over from an earlier start. Raises
    ``UserError`` if not all processes come in time.
    """
    own, until = uuid.uuid4().hex, time.monotonic() + patience.total_seconds()

    def called() -> str | None:
        others = [f"{own}/{other}" for other in range(1, size)]
        if not store.check(others):
            return None
        store.set(f"{own}/all", json.dumps([store.get(key).decode() for key in others]))
        return own

    def answered() -> str | None:
        if not store.check([NAME_OF_START]):
            return None
        name = store.get(NAME_OF_START).decode()
        store.set(f"{name}/{rank}", own)
        there = store.check([f"{name}/all"])
        return name if there and own in json.loads(store.get(f"{name}/all")) else None

    if rank == 0:
        store.set(NAME_OF_START, own)
    while time.monotonic() < until:
        if name := (answered if rank else called)():
            return name
        time.sleep(MEETING_POLL)
    raise UserError(
        f"not all of the {size} processes started within {duration(patience.total_seconds())}: "
        "look for the error of the one that did not, and check the address given to torchrun."
    )


class Watch:
    """A thread that shows that this process is alive, and ends it when another one is gone.

    A process that waits for a dead one waits in C++ code, for as long as the process group's
    timeout, and cannot do anything about it. Rank 0 watches all, the others watch rank 0.
    """

    def __init__(self, name: str, rank: int, size: int, silence: timedelta = SILENCE) -> None:
        self.store = dist.PrefixStore(name, client())
        self.rank, self.silence = rank, silence.total_seconds()
        self.seen = {other: ("", time.monotonic()) for other in (range(1, size), [0])[rank > 0]}
        self.beats = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        atexit.register(self.close)

    def run(self) -> None:
        """Look once a second, until the process ends."""
        while not self.over.wait(WATCH_EVERY):
            try:
                why = self.look()
            except RuntimeError:  # the store is gone
                why = "torchrun, or the process of rank 0, has ended"
            if why and not self.over.wait(GRACE):  # time for this process's own error
                end_at_once(why)

    def look(self) -> str | None:
        """Show a sign of life, look for those of others; returns why to end, if there is why."""
        self.beats += 1
        self.store.set(f"alive/{self.rank}", str(self.beats))
        if self.store.check(["failed"]):
            return "another process has failed"
        for other, (last, when) in list(self.seen.items()):
            key = f"alive/{other}"
            beat = self.store.get(key).decode() if self.store.check([key]) else ""
            if beat == ENDED:
                del self.seen[other]
            elif beat != last:
                self.seen[other] = beat, time.monotonic()
            elif time.monotonic() - when > self.silence:
                self.store.set("failed", "")
                return f"process {other} has shown no sign of life for {duration(self.silence)}"
        return None

    def fail(self) -> None:
        """Tell the others that this process will end by an error."""
        with contextlib.suppress(RuntimeError):  # the store may be gone
            self.store.set("failed", "")

    def close(self) -> None:
        """Stop watching, because this process ends."""
        self.over.set()
        self.thread.join()
        with contextlib.suppress(RuntimeError):
            self.store.set(f"alive/{self.rank}", ENDED)


def end_at_once(why: str) -> None:
    """End this process, whatever it waits for; the sentence is printed once by all processes."""
    sentence = f"error: {why}: the same command goes on from the last checkpoint."
    if first_to_say(sentence):
        sys.stderr.write(f"augfpn: {sentence}\n")
        sys.stderr.flush()
    os._exit(1)


def first_to_say(sentence: str) -> bool:
    """Whether no other process of this start has said it, or, if it is an error, any error."""
    kind = "error" if sentence.startswith("error:") else sentence
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    try:
        return client(SOON).add(f"said/{attempt}/{kind}", 1) == 1
    except (RuntimeError, KeyError, ValueError):  # no store
        return True
