"""Draw results.png, the README's picture, from the committed records.

python book/figures/results.py [BCCD's folder; its pictures are downloaded without one]
"""

import sys
from dataclasses import replace
from pathlib import Path

from augfpn import records
from augfpn.data import load
from augfpn.figures import plots
from augfpn.figures.pictures import examples
from augfpn.study.running import grid, recorded

HERE = Path(__file__).parent
EACH = 2  # pictures of each data set


def trained(name: str) -> records.Record:
    """The committed AugFPN record of a data set at the laptop budget, seed 0."""
    found = recorded.collect(records.COMMITTED).record(grid.Run("augfpn", name, "laptop", 0))
    if found is None:
        raise SystemExit(f"there is no AugFPN record of {name} in {records.COMMITTED}")
    return found


def main(bccd: str | None) -> None:
    annotated, found = [], []
    for name in ("scenes", "bccd"):
        record = trained(name)
        pictures = load.load_pictures(replace(record.experiment.data, root=bccd), "test")
        annotated += examples(pictures, None, EACH)
        found += examples(pictures, record, EACH)
    figure = plots.gallery({"annotated": annotated, "found by AugFPN": found}, width=12)
    figure.savefig(HERE / "results.png", dpi=110)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
