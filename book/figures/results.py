"""Draw results.png, the README's picture, from the committed records.

python book/figures/results.py [BCCD's folder; its pictures are downloaded without one]
"""

import sys
from dataclasses import replace
from pathlib import Path

from augfpn import compare, plots, records, train
from augfpn.examples import examples

HERE = Path(__file__).parent
EACH = 2  # pictures of each data set


def newest(name: str) -> records.Record:
    """The AugFPN record of a data set at the laptop budget."""
    for record in records.records_in(records.COMMITTED):
        settings = record.experiment
        if (settings.data.name, settings.budget) == (name, "laptop") and not compare.is_fpn(
            settings.model
        ):
            return record
    raise SystemExit(f"there is no AugFPN record of {name} in {records.COMMITTED}")


def main(bccd: str | None) -> None:
    annotated, found = [], []
    for name in ("scenes", "bccd"):
        record = newest(name)
        pictures = train.load_pictures(replace(record.experiment.data, root=bccd), "test")
        annotated += examples(pictures, None, EACH)
        found += examples(pictures, record, EACH)
    figure = plots.gallery({"annotated": annotated, "found by AugFPN": found}, width=12)
    figure.savefig(HERE / "results.png", dpi=110)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
