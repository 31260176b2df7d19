"""AugFPN's price at inference with torchvision's operators and with ours, in one process.

``python tests/helpers/operators.py`` writes experiments/records/benchmarks/operators.json anew. FPN
and AugFPN, each with both kinds of operators, take turns on one thread. On a machine that has other
work, trust the processor time: it does not count waiting for a core.
"""

import sys
from dataclasses import replace
from pathlib import Path

from augfpn.study.bench import measure
from augfpn.study.bench.contestants import contestants
from augfpn.study.bench.settings import BenchSettings
from augfpn.study.bench.work import make_work
from augfpn.study.timed import TIMED_VARIANTS
from augfpn.support.files import write_json

FILE = Path(__file__).parents[2] / "experiments/records/benchmarks/operators.json"
KINDS = ("torchvision", "fast")  # of `augfpn.config.Operators`
INFERENCE = BenchSettings(
    variants=TIMED_VARIANTS, uses=("testing",), size=(800, 1216), batch=1, threads=1, rounds=8
)


def measured(asked: BenchSettings) -> dict:
    """The seconds and the processor time of all rounds, by kind of operators and variant."""
    work, every = make_work(asked, "testing"), {}
    with measure.measuring(asked, "operators", asked.rounds) as (found, share, told):
        for kind in KINDS:
            own = replace(asked, fields=(("operators", kind),))
            every[kind] = contestants(own, "testing", work, TIMED_VARIANTS, told)
        flat = [each for both in every.values() for each in both]
        measure.run_rounds(flat, asked.rounds, share(1), told, by_part=False)
        found["operators"] = {
            kind: {
                each.variant: {"seconds": each.seconds, "cpu_seconds": each.cpu_seconds}
                for each in both
            }
            for kind, both in every.items()
        }
    return found


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    write_json(FILE, measured(replace(INFERENCE, seconds=seconds)))
