"""The numbers that the paper prints, from ``paper_tables.json``: COCO AP in percent."""

import json
from functools import cache
from importlib import resources

from augfpn import config

NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl")


@cache
def tables() -> dict:
    """All tables: ``table1`` to ``table5`` are lists of rows."""
    return json.loads(resources.files("augfpn").joinpath("paper_tables.json").read_text())


def row_of(model: config.Model) -> tuple[str, dict] | None:
    """The paper's row with the same parts switched on, as (its table's name, the row).

    ``None`` when the paper has no such row. All rows are Faster R-CNN, ResNet-50, COCO val2017.
    """
    parts = {"CS": bool(model.lam), "RFA": bool(model.ratios), "SRS": model.roi_selection != "hard"}
    if matches_table2(model):
        return "Table 2", first("table2", parts)
    alone = [name for name, on in parts.items() if on]
    if len(alone) != 1:
        return None
    table, wanted = {"CS": table3_row, "RFA": table4_row, "SRS": table5_row}[alone[0]](model)
    row = first(table, wanted)
    return None if row is None else (f"Table {table[-1]}", row)


def matches_table2(model: config.Model) -> bool:
    """Whether each part is absent or as the paper proposes it."""
    return (
        model.lam in (0, config.PAPER_LAM)
        and model.supervision == "all"
        and model.ratios in ((), config.PAPER_RATIOS)
        and model.context_pooling == "ratio_invariant"
        and model.context_fusion == "asf"
        and model.roi_selection in ("hard", "soft")
    )


def table3_row(model: config.Model) -> tuple[str, dict]:
    """Where Consistent Supervision alone stands."""
    return "table3", {"setting": f"{model.supervision} level", "lambda": model.lam}


def table4_row(model: config.Model) -> tuple[str, dict]:
    """Where Residual Feature Augmentation alone stands."""
    pooling = {"ratio_invariant": "RA-AP"}.get(model.context_pooling, model.context_pooling.upper())
    fusion = model.context_fusion
    wanted = {"pooling": pooling, "fusion": "ASF" if fusion == "asf" else fusion}
    if pooling == "RA-AP":
        wanted["alphas"] = list(model.ratios)
    return "table4", wanted


def table5_row(model: config.Model) -> tuple[str, dict]:
    """Where a RoI selection alone stands."""
    name = {"soft": "ASF", "acf": "ACF"}.get(model.roi_selection, model.roi_selection)
    return "table5", {"fusion": name}


def first(table: str, wanted: dict) -> dict | None:
    """The first row of a table with these values."""
    return next((row for row in tables()[table] if wanted == {k: row[k] for k in wanted}), None)
