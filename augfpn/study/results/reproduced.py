"""One pair of runs again: what came out, here and on another processor, and what may differ.

The same seed gives the same bits on one processor. Another one rounds differently, training
magnifies that, and the run becomes one like any other seed's. So a repeated run is judged by the
spread of seeds.
"""

import math
import re
from collections.abc import Sequence

from augfpn import records
from augfpn.settings.components import label_of
from augfpn.study.evidence import Evidence, processor_of, record_number
from augfpn.study.running import grid
from augfpn.study.uncertainty.cells import SIZE_OF, page_table, percent

REPEATED_IN = "other_processor"  # in the committed records: their runs, repeated on another one
EXPECTED = ("AP", "AP50", *SIZE_OF)  # the numbers of `expected_table`
DEVIATIONS = 2  # of the difference of two runs, within which a repeated run is right
MADE_BY = re.compile(r"\((R|TM)\)| Processor")


def expected_table(of: Evidence, pair: Sequence[str], seed: int = 0) -> str:
    """What runs of a seed should give, of two variants and the first minus the second.

    A row for each processor that has runs, in Markdown; the last row is `may_differ_by`.
    """
    own = [of.recorded(variant)[seed] for variant in pair]
    rows: dict[str, list[str]] = {}
    for runs in (own, [run for each in own if (run := elsewhere(each)) is not None]):
        values = [[record_number(run, number) for number in EXPECTED] for run in runs]
        for run, numbers in zip(runs, values, strict=True):
            label = f"{label_of(run.experiment.model)}, {processor_called(run)}"
            rows[label] = [percent(x) for x in numbers]
        if len(runs) == len(pair):
            apart = [percent(a - b, sign=True) for a, b in zip(*values, strict=True)]
            rows[f"difference, {processor_called(runs[0])}"] = apart
    rows["may differ by"] = [percent(may_differ_by(of, number)) for number in EXPECTED]
    objects = of.objects()
    header = [f"{SIZE_OF[n]} ({objects[SIZE_OF[n]]})" if n in SIZE_OF else n for n in EXPECTED]
    return page_table(["", *header], [[label, *cells] for label, cells in rows.items()])


def elsewhere(record: records.Record) -> records.Record | None:
    """The same run on another processor, if one is committed."""
    return records.find(record.id, [folder / REPEATED_IN for folder in records.COMMITTED])


def processor_called(record: records.Record) -> str:
    """A run's processor as people call it: "Intel Xeon"."""
    return MADE_BY.sub("", processor_of(record))


def may_differ_by(of: Evidence, number: str) -> float:
    """By how much a repeated run may miss a number: as two seeds do in 95 of 100 cases.

    These are two standard deviations of the difference of two runs.
    """
    return DEVIATIONS * math.sqrt(2) * spread_of_seeds(of, number)


def spread_of_seeds(of: Evidence, number: str) -> float:
    """The standard deviation between seeds of one setting, pooled over those of Table 2."""
    squares, freedom = 0.0, 0
    for variant in grid.part("table2").variants:
        values = [record_number(run, number) for run in of.recorded(variant).values()]
        mean = sum(values) / max(len(values), 1)
        squares += sum((x - mean) ** 2 for x in values)
        freedom += max(len(values) - 1, 0)
    return math.sqrt(squares / freedom) if freedom else math.nan
