"""A small bench for tests: its settings, and variants after their first step."""

from augfpn.study.bench.contestants import Contestant, contestants
from augfpn.study.bench.settings import BenchSettings, variants_of
from augfpn.study.bench.work import make_work

SMALL_BENCH = BenchSettings(
    budget="laptop", size=(128, 160), batch=2, rois=60, sampled=40, rounds=2, seconds=1
)


def ready(settings: BenchSettings, use: str) -> dict[str, Contestant]:
    """All variants after their first step, by name."""
    work = make_work(settings, use)
    every = contestants(settings, use, work, variants_of(settings), lambda: None)
    return {each.variant: each for each in every}
