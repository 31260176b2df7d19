"""The bench itself: variants in turns, rounds until the time is up, and what they say.

A round runs each variant once; every other round runs them in the opposite order. A ratio belongs
to a round, so that other work of the machine affects both of its times alike. Times by part are
measured in rounds of their own, because measuring them takes time.
"""

import contextlib
import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch

from augfpn.study import timing
from augfpn.study.bench import floor, parts
from augfpn.study.bench.contestants import Contestant, contestants
from augfpn.study.bench.floor import Rates
from augfpn.study.bench.settings import (
    BenchSettings,
    Use,
    base_of,
    checked_settings,
    variants_of,
)
from augfpn.study.bench.work import make_work, pretended
from augfpn.support.machine import environment, keep_freed_memory
from augfpn.support.progress import Progress

FIRST_STEPS, FEWEST_ROUNDS = 2, 2  # the first steps count layers and measure memory
PARTS_EVERY = 4  # before every fourth round, there is one of times by part
PRECISION = {"fp32": torch.float32, "bf16": torch.bfloat16}  # of the products that bound a step
Tell = Callable[[], None]


class Timed(Protocol):
    """What is timed in rounds: a contestant, or an engine."""

    device: str
    seconds: list[float]
    cpu_seconds: list[float]

    def run(self, seed: int) -> None:
        """One step; the seed decides what is random in it."""

    def forget(self) -> None:
        """Free what a step leaves."""


def bench(settings: BenchSettings) -> dict[str, Any]:
    """Measure everything that the settings ask for, as plain values.

    No further round begins after ``settings.seconds``; the first steps and `FEWEST_ROUNDS` rounds
    are run in any case. Raises ``UserError`` for settings that cannot be measured.
    """
    checked_settings(settings)
    least = len(settings.uses) * len(variants_of(settings)) * (FIRST_STEPS + 1 + FEWEST_ROUNDS)
    with measuring(settings, "bench", least) as (found, share, told):
        rates = floor.measured_rates(settings.device, PRECISION[settings.precision])
        uses = {}
        for left, use in zip(range(len(settings.uses), 0, -1), settings.uses, strict=True):
            uses[use] = bench_use(settings.for_use(use), use, share(left), rates, told)
        found |= {
            "assumed": pretended(settings),
            "rates": {"macs_per_second": rates.macs, "bytes_per_second": rates.bytes},
            "uses": uses,
        }
    return found


@contextlib.contextmanager
def measuring(
    settings: BenchSettings, what: str, least: int
) -> Iterator[tuple[dict[str, Any], Callable[[int], float], Tell]]:
    """What every measurement begins and ends with: threads, progress, machine and settings.

    It gives a dict, to which settings and machine are added at the end; a function that says until
    when, on the monotonic clock, the next of so many equal shares of the time lasts; and a function
    to be called after each step, which shows the progress. ``least`` steps are run even if the time
    is up.
    """
    keep_freed_memory()
    began, load, found, done = time.monotonic(), load_average(), {}, itertools.count(1)

    def share(left: int) -> float:
        now = time.monotonic()
        return now + (began + settings.seconds - now) / left

    with threads(settings.threads), Progress(100, f"{what}, percent") as tell:

        def told() -> None:
            of_time = (time.monotonic() - began) / settings.seconds
            tell(min(99, int(100 * min(of_time, next(done) / least))))

        yield found, share, told
        tell(100)
        about = environment(settings.device) | {"load_average": [load, load_average()]}
        seconds = round(time.monotonic() - began, 1)
        found |= {"settings": settings.as_json(), "environment": about, "seconds": seconds}


def bench_use(
    settings: BenchSettings, use: Use, until: float, rates: Rates, tell: Tell = lambda: None
) -> dict[str, Any]:
    """Measure one use of all variants, and stop at ``until`` of the monotonic clock."""
    names = variants_of(settings)
    every = contestants(settings, use, make_work(settings, use), names, tell)
    for each in every:
        each.measure_memory()
        tell()
    run_rounds(every, settings.rounds, until, tell)
    return {
        "size": list(settings.size_of(use)),
        "batch": settings.batch_of(use),
        "base": base_of(names),
        "variants": {e.variant: result_of(e, every, rates) for e in every},
    }


def run_rounds(
    every: Sequence[Any], rounds: int, until: float, tell: Tell, by_part: bool = True
) -> None:
    """Measure rounds of times and, between them, rounds of times by part."""
    done, longest = 0, 0.0
    while done < rounds and (done < FEWEST_ROUNDS or time.monotonic() + longest < until):
        began = time.monotonic()
        turn = timing.in_turn(every, done)
        if by_part and done % PARTS_EVERY == 0:
            for each in turn:
                each.measure_parts(done)
                tell()
        for each in turn:
            time_step(each, done)
            tell()
        done += 1
        longest = time.monotonic() - began


def time_step(each: Timed, seed: int) -> None:
    """Time one step, until the device has finished it; also the time that processors worked."""
    began, worked = time.monotonic(), time.process_time()
    each.run(seed)
    each.seconds.append(timing.elapsed(began, each.device))
    each.cpu_seconds.append(time.process_time() - worked)
    each.forget()


# --- what the rounds say --------------------------------------------------------------------------


def result_of(each: Contestant, every: Sequence[Contestant], rates: Rates) -> dict[str, Any]:
    """All numbers of one variant. Its ratios are to the variant `base_of`."""
    base = next(e for e in every if e.variant == base_of([e.variant for e in every]))
    least = floor.as_floor(each.work, rates)
    times = times_of(each, base)
    return times | {
        "parts": mean_of_parts([parts.with_backward_whole(x) for x in each.parts]),
        "backward_parts": mean_of_parts([parts.backward_only(x) for x in each.parts]),
        "peak_bytes": each.peak_bytes,
        "peak_ratio": each.peak_bytes / base.peak_bytes,
        "rois": each.rois,
        "floor": least | {"times": times["median"] / least["seconds"]},
    }


def times_of(each: Timed, base: Timed) -> dict[str, Any]:
    """Seconds of all rounds, their median and quartiles, and two ratios to ``base``'s.

    The ratio of processor time, ``cpu_ratio``, varies less on a busy machine; it does not count
    waiting, and on a GPU it says little.
    """
    return {
        "seconds": each.seconds,
        "median": statistics.median(each.seconds),
        "quartiles": quartiles(each.seconds),
        "ratio": ratio_of_rounds(each.seconds, base.seconds),
        "cpu_ratio": ratio_of_rounds(each.cpu_seconds, base.cpu_seconds),
    }


def ratio_of_rounds(seconds: Sequence[float], base: Sequence[float]) -> dict[str, float]:
    """The ratio to another variant's seconds: the median over rounds, the lowest, the highest."""
    ratios = [a / b for a, b in zip(seconds, base, strict=True)]
    return {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}


def quartiles(seconds: Sequence[float]) -> list[float]:
    """The first and the third quartile."""
    if len(seconds) < 2:
        return [seconds[0], seconds[0]]
    first, _, third = statistics.quantiles(seconds, n=4, method="inclusive")
    return [first, third]


def mean_of_parts(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Each part's mean seconds over rounds, so that the means add up to the mean of the sums."""
    names = dict.fromkeys(name for each in rounds for name in each)
    return {name: statistics.mean(each.get(name, 0.0) for each in rounds) for name in names}


# --- the machine ----------------------------------------------------------------------------------


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let torch use so many threads inside; ``None`` leaves its own number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_average() -> float | None:
    """How many processes wanted a core during the last minute; None where it is not known."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
