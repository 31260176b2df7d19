"""detectron2's AP of all runs, as a table for `augfpn`."""

import json
from pathlib import Path

with Path("runs.csv").open("w") as rows:
    print("without,with", file=rows)
    for seed in range(8):
        pair = []
        for kind in ("without", "with"):
            log = Path(f"runs/{kind}-{seed}/metrics.json")
            lines = map(json.loads, log.open())
            found = [x for x in lines if "bbox/AP" in x]
            pair.append(found[-1]["bbox/AP"])
        print(*pair, sep=",", file=rows)
