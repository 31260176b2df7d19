"""What a part changes inside trained detectors: measured differences, drawn for both sets."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_set import by_set_figure
from augfpn.study.evidence import Evidence
from augfpn.study.results.mechanisms import CHOICE_NUMBERS, LOSSES, TOP_NUMBERS
from augfpn.study.results.side_by_side import images_called

COLUMNS_OF_SETS = ("panel", "across", "row", "images", "mean", "low", "high")
IN_M5, IN_BOTH, IN_P5 = TOP_NUMBERS[:3]


class MeasuredRow(NamedTuple):
    """A row: its panel, the label of the panel's axis, its own label, and what is compared.

    Without a ``base`` the number is a variant's own.
    """

    panel: str
    across: str
    row: str
    number: str
    variant: str
    base: str | None = "fpn"


OF_CS = tuple(
    MeasuredRow("", "CS minus FPN, points", row, number, "cs")
    for row, number in {
        "own level": "own level",
        "spread of levels": "spread of levels",
        "other level": "other level",
        "gap": "gap",
        "levels alike (100 CKA)": "alike",
    }.items()
)
OF_RFA = tuple(
    MeasuredRow(f"detectors with {name}", "share of C5 lost, points", *row[:2], variant, row[2])
    for name, variant in {"RFA alone": "rfa", "all three parts": "augfpn"}.items()
    for row in (
        ("M5, minus FPN's M5", IN_M5, "fpn"),
        ("P5, minus FPN's P5", IN_P5, "fpn"),
        ("M5 + M6, minus M5", f"{IN_BOTH} minus {IN_M5}", None),
    )
)
MOVES = "how far probabilities move", "SRS minus FPN, points"
LOSS_AXIS = "loss of the class", "difference, nats"
OF_SRS = (
    MeasuredRow(*MOVES, "across a border", "change across a border", "srs"),
    MeasuredRow(*MOVES, "elsewhere", "change elsewhere", "srs"),
    MeasuredRow(*LOSS_AXIS, "SRS minus FPN, near a border", "loss near a border", "srs"),
    MeasuredRow(*LOSS_AXIS, "SRS minus FPN, elsewhere", "loss far from a border", "srs"),
    MeasuredRow(*LOSS_AXIS, "FPN: chosen level minus rule's", CHOICE_NUMBERS[2], "fpn", None),
)


def measured_figure(by_set: Mapping[str, Evidence], asked: Iterable[MeasuredRow]) -> Figure | None:
    """Measured differences with their intervals, a mark for each set; ``None`` without records.

    Losses are in nats, all others in points; intervals are Student's, for other seeds.
    """
    rows = [
        found
        for each in asked
        for name, of in by_set.items()
        if (found := measured_row(each, name, of)) is not None
    ]
    return by_set_figure(pd.DataFrame(rows, columns=COLUMNS_OF_SETS)) if rows else None


def measured_row(asked: MeasuredRow, name: str, of: Evidence) -> tuple | None:
    """A row of the frame that is drawn; ``None`` where nothing was measured."""
    found = of.measured([asked.variant], [asked.base] if asked.base else [], asked.number)
    if found is None:
        return None
    times = 1 if asked.number.startswith(LOSSES) else 100
    ends = (times * x for x in found[:3])
    return asked.panel, asked.across, asked.row, images_called(name), *ends
