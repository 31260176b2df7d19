"""Peak memory of a training step with each part of AugFPN alone.

``python tests/helpers/part_memory.py`` writes experiments/records/benchmarks/part_memory.json anew:
the step of the goal "small", without its times. Peaks do not depend on what else the machine does.
Each variant is measured in a process of its own.
"""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

from augfpn.study.bench import measure
from augfpn.study.bench.contestants import contestants
from augfpn.study.bench.goals import RUNS
from augfpn.study.bench.settings import VARIANT_FIELDS
from augfpn.study.bench.work import make_work
from augfpn.support.machine import environment

FILE = Path(__file__).parents[2] / "experiments/records/benchmarks/part_memory.json"
STEP = RUNS["small"]


def peak(variant: str) -> dict[str, Any]:
    """The peak of a variant's step in bytes, and the RoIs of each image."""
    settings = replace(STEP, variants=(variant,)).for_use("training")
    with measure.threads(2):
        work = make_work(settings, "training")
        (each,) = contestants(settings, "training", work, [variant], lambda: None)
        each.measure_memory()
    return {"peak_bytes": each.peak_bytes, "rois": each.rois}


def main() -> None:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = dict(zip(VARIANT_FIELDS, pool.map(peak, VARIANT_FIELDS, chunksize=1), strict=True))
    settings = replace(STEP, variants=tuple(VARIANT_FIELDS)).for_use("training")
    content = {
        "variants": found,
        "settings": settings.as_json(),
        "environment": environment("cpu"),
    }
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
