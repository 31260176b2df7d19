"""Processes that score records: one for each core, each of one thread."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

LOOK_FOR_PARENT = 1.0  # seconds


def scoring_processes() -> ProcessPoolExecutor:
    """A process for each core; they end when this process is killed."""
    spawn = get_context("spawn")
    return ProcessPoolExecutor(None, spawn, begin_worker, (os.getpid(),))


def begin_worker(parent: int) -> None:
    """Keep a process to one thread, because there is a process for each core."""
    os.environ["RAYON_NUM_THREADS"] = "1"  # hotcoco's
    threadpool_limits(1)  # numpy's
    threading.Thread(target=end_without, args=(parent,), daemon=True).start()


def end_without(parent: int) -> None:
    """End this process when its parent has ended: a killed one cannot ask for that."""
    while os.getppid() == parent:
        time.sleep(LOOK_FOR_PARENT)
    os._exit(1)
