"""MMDetection's AP of all tests, as a table for `augfpn`."""

import json
from pathlib import Path

with Path("runs.csv").open("w") as rows:
    print("without,with", file=rows)
    for seed in range(8):
        pair = []
        for kind in ("without", "with"):
            folder = Path(f"tested/{kind}-{seed}")
            last = max(folder.glob("*/*.json"))
            found = json.loads(last.read_text())
            pair.append(100 * found["coco/bbox_mAP"])
        print(*pair, sep=",", file=rows)
