"""The numbers that the paper prints, from ``paper_tables.json``: COCO AP in percent."""

import json
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

from augfpn import config
from augfpn.config import AUGFPN, FPN, Model

NUMBERS = ("AP", "AP50", "AP75", "APs", "APm", "APl")
Schedule = Literal["1x", "2x"]
EPOCHS: dict[Schedule, int] = {"1x": 12, "2x": 24}
Found = tuple[str, dict]  # a table's name, a row of it
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
    """A row that is the authors' own, and what it is a result of.

    ``model`` has the row's detector, backbone and parts; everything else is at its default.
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

    Rows that are cited from others are left out: nothing here could be compared with them.
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


def identity(model: Model) -> Model:
    """What tells the paper's rows apart: detector, backbone and parts; the rest at its default.

    A backbone that the paper has not, a laptop's, counts as ResNet-50. Mask supervision does not
    count: the paper does not mention it.
    """
    name = model.backbone.removeprefix("timm/").partition(".")[0].removesuffix("_320")
    same = {"detector": model.detector, "roi_selection": model.roi_selection}
    same["backbone"] = name if name in BACKBONES.values() else FPN.backbone
    if model.lam:
        same |= {"lam": model.lam, "supervision": model.supervision}
    if model.ratios:
        by_ratio = model.context_pooling == "ratio_invariant"
        same["ratios"] = model.ratios if by_ratio else AUGFPN.ratios
        same |= {n: getattr(model, n) for n in ("context_pooling", "context_fusion")}
    return replace(FPN, **same)


def is_augfpn(model: Model) -> bool:
    """Whether all of AugFPN's parts that the detector has a place for are on, as proposed."""
    own = {"roi_selection": "hard"} if model.detector in config.ONE_STAGE else {}
    whole = replace(AUGFPN, **own, detector=model.detector, backbone=model.backbone)
    return identity(model) == identity(whole)


def row_of(model: Model, epochs: float | None = None) -> Found | None:
    """The paper's row with the same detector and parts, as (its table's name, the row).

    ``None`` when the paper has no such row. ``epochs`` of the run choose between 1x and 2x where
    both are there. A row of val2017 goes before one of test-dev.
    """
    wanted = identity(model)
    found = {r.schedule: r for r in reversed(results()) if r.model == wanted}
    if not found:
        return None
    twice = epochs is not None and epochs >= EPOCHS["2x"]
    chosen = found.get("2x" if twice else "1x") or next(iter(found.values()))
    return chosen.table, chosen.row


def base_row(model: Model, epochs: float | None = None) -> dict | None:
    """The paper's FPN row beside `row_of`: same detector and backbone. ``None`` for no such row."""
    plain = {name: getattr(FPN, name) for name in ("lam", "ratios", "roi_selection")}
    found = row_of(replace(model, **plain, mask_supervision=False), epochs)
    return None if found is None else found[1]


def source(found: Found) -> str:
    """Where a row stands and what it is of: "Table 1, COCO test-dev, ResNet-50"."""
    table, row = found
    backbone = row.get("backbone", "ResNet-50-FPN").rpartition("-")[0]
    twice = ", 2x" if row.get("schedule") == "2x" else ""
    return f"{table}, COCO {row.get('split', 'val')}, {backbone}{twice}"


def times_as_long() -> dict[str, float]:
    """How many times as long as FPN AugFPN takes, in "training" and in "testing" (section 4.5)."""
    of = tables()["runtime"]
    hours, pictures = of["train_hours_per_epoch"], of["inference_fps"]
    return {
        "training": hours["AugFPN"] / hours["FPN"],
        "testing": pictures["FPN"] / pictures["AugFPN"],
    }
