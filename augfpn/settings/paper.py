"""The numbers that the paper prints, from ``paper_tables.json``: COCO AP in percent."""

import json
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

from augfpn import config
from augfpn.config import AUGFPN, FPN, Model
from augfpn.settings.components import Component, components_of

AP_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl")
Schedule = Literal["1x", "2x"]
EPOCHS: dict[Schedule, int] = {"1x": 12, "2x": 24}
FoundRow = tuple[str, dict]  # the table as printed, "Table 2", and one of its rows
BACKBONES = {
    "ResNet-50": "resnet50",
    "ResNet-101": "resnet101",
    "ResNext-101-32x4d": "resnext101_32x4d",
    "ResNext-101-64x4d": "resnext101_64x4d",
    "MobileNet-v2": "mobilenet_v2",
}
POOLINGS = {"RA-AP": "ratio_invariant", "GAP": "gap", "GMP": "gmp", "PSP": "psp"}
FUSIONS = {"ASF": "soft", "ACF": "acf"}  # of RoIs; the other names are the paper's


class Result(NamedTuple):
    """One of the authors' own rows, and the model and schedule that it reports.

    ``model`` has the row's detector, backbone and components; everything else is at its default.
    """

    table: str  # as printed: "Table 2"
    row: dict
    model: Model
    schedule: Schedule


@cache
def tables() -> dict:
    """All tables: ``table1`` to ``table5`` are lists of rows."""
    return json.loads(resources.files("augfpn.settings").joinpath("paper_tables.json").read_text())


# --- rows to models -------------------------------------------------------------------------------


@cache
def results() -> tuple[Result, ...]:
    """The authors' own rows, those of val2017 (Tables 2 to 5) before those of test-dev (Table 1).

    Rows that the paper cites from others are left out.
    """
    of_table = {"table2": parts2, "table3": parts3, "table4": parts4, "table5": parts5}
    ablations = [
        Result(f"Table {name[-1]}", row, replace(FPN, **parts(row)), "1x")
        for name, parts in of_table.items()
        for row in tables()[name]
    ]
    own = [row for row in tables()["table1"] if not row["cited"]]
    return *ablations, *(Result("Table 1", row, model1(row), row["schedule"]) for row in own)


def model1(row: dict) -> Model:
    """The model of an own row of Table 1. One-stage detectors have no RoI selection."""
    detector = row["method"].lower().replace("-", "").replace(" ", "_")
    name, _, neck = row["backbone"].rpartition("-")
    model = replace({"FPN": FPN, "AugFPN": AUGFPN}[neck], roi_selection="hard", detector=detector)
    if neck == "AugFPN" and detector in config.TWO_STAGE:
        model = replace(model, roi_selection="soft")
    return replace(model, backbone=BACKBONES[name])


def parts2(row: dict) -> dict[str, Any]:
    """Which of the three parts are on."""
    on = {"lam": row["CS"], "ratios": row["RFA"], "roi_selection": row["SRS"]}
    return {name: getattr(AUGFPN, name) for name, wanted in on.items() if wanted}


def parts3(row: dict) -> dict[str, Any]:
    """Consistent Supervision alone: "no supervision", "single level" or "all level"."""
    supervision = row["setting"].split()[0]
    return {"lam": row["lambda"], "supervision": "all" if supervision == "no" else supervision}


def parts4(row: dict) -> dict[str, Any]:
    """Residual Feature Augmentation alone."""
    if row["pooling"] is None:
        return {}
    return {
        "ratios": row["alphas"] or AUGFPN.ratios,
        "context_pooling": POOLINGS[row["pooling"]],
        "context_fusion": row["fusion"].lower(),
    }


def parts5(row: dict) -> dict[str, Any]:
    """A RoI selection alone."""
    fusion = row["fusion"]
    return {} if fusion is None else {"roi_selection": FUSIONS.get(fusion, fusion)}


# --- models to rows -------------------------------------------------------------------------------


class Identity(NamedTuple):
    """What tells the paper's rows apart."""

    detector: str
    backbone: str  # ResNet-50 in place of one that the paper does not have, such as a laptop's
    components: tuple[Component, ...]


def identity(model: Model) -> Identity:
    """What a model has in common with the rows of the paper that it can be compared with."""
    name = model.backbone.removeprefix("timm/").partition(".")[0].removesuffix("_320")
    backbone = name if name in BACKBONES.values() else FPN.backbone
    return Identity(model.detector, backbone, components_of(model))


def row_of(model: Model, epochs: float | None = None) -> FoundRow | None:
    """The paper's row with the same detector and components, as (its table's name, the row).

    ``None`` when the paper has no such row, as for every neck but its own. ``epochs`` of the run
    choose between 1x and 2x where both exist. A row of val2017 is preferred to one of test-dev.
    """
    return find_row(identity(model), epochs)


def base_row(model: Model, epochs: float | None = None) -> dict | None:
    """The paper's FPN row beside `row_of`: same detector and backbone.

    ``None`` when the paper has no such row, and for every neck but its own.
    """
    if model.neck != FPN.neck:
        return None
    found = find_row(identity(model)._replace(components=()), epochs)
    return None if found is None else found[1]


def find_row(wanted: Identity, epochs: float | None) -> FoundRow | None:
    """A row of this identity: 2x for 24 epochs or more, else 1x; if that is missing, the other."""
    found = {each.schedule: each for each in reversed(results()) if identity(each.model) == wanted}
    if not found:
        return None
    twice = epochs is not None and epochs >= EPOCHS["2x"]
    chosen = found.get("2x" if twice else "1x") or next(iter(found.values()))
    return chosen.table, chosen.row


def source(found: FoundRow) -> str:
    """The table, split and backbone of a row: "Table 1, COCO test-dev, ResNet-50"."""
    table, row = found
    backbone = row.get("backbone", "ResNet-50-FPN").rpartition("-")[0]
    twice = ", 2x" if row.get("schedule") == "2x" else ""
    return f"{table}, COCO {row.get('split', 'val')}, {backbone}{twice}"


def printed_time_ratios() -> dict[str, float]:
    """AugFPN's time divided by FPN's, in "training" and at inference, "testing" (section 4.5)."""
    of = tables()["runtime"]
    hours, pictures = of["train_hours_per_epoch"], of["inference_fps"]
    return {
        "training": hours["AugFPN"] / hours["FPN"],
        "testing": pictures["FPN"] / pictures["AugFPN"],
    }
