"""What the study has on photographs besides its tables: sizes of objects, gains, the tries."""

import math
from collections.abc import Mapping
from operator import itemgetter

import pandas as pd
import torch
from matplotlib.figure import Figure

from augfpn import records
from augfpn.detectors.backbones import LEVELS
from augfpn.detectors.build import hard_selection
from augfpn.detectors.transform import size_after_resize
from augfpn.study.cells import SIZE_OF, page_table, percent
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import EFFECT_NUMBERS
from augfpn.study.intervals import FEWEST_OBJECTS
from augfpn.study.side_by_side import EffectRow, effects_drawn, images_called
from augfpn.study.tables import variant_label, variant_row
from augfpn.study.tries import committed_rows


def sides_on(by_set: Mapping[str, Evidence]) -> pd.DataFrame:
    """The objects that FPN is tested on: "images", "side" / canonical size and "level".

    The side is the square root of the box's area, in the image as FPN's network gets it; the level
    is that of FPN's rule. A set on which FPN is not recorded has no rows.
    """
    runs = {name: next(iter(of.recorded("fpn").values()), None) for name, of in by_set.items()}
    tables = [sides(run, by_set[name]) for name, run in runs.items() if run is not None]
    return pd.concat(tables, ignore_index=True)


def sides(record: records.Record, of: Evidence) -> pd.DataFrame:
    """The same of a record's test images."""
    model, truth = record.experiment.model, of.truth(record)
    sizes = {each["id"]: (each["height"], each["width"]) for each in truth["images"]}
    sides = []
    for each in truth["annotations"]:
        old = sizes[each["image_id"]]
        new = size_after_resize(old, model.short_side, model.long_side)
        sides.append((math.prod(each["bbox"][2:]) * math.prod(new) / math.prod(old)) ** 0.5)
    side = torch.tensor(sides, dtype=torch.float64)
    squares = torch.stack([torch.zeros_like(side), torch.zeros_like(side), side, side], dim=1)
    level = hard_selection(model, LEVELS, bins=1).level_of(squares)
    return pd.DataFrame(
        {"images": images_called(of.pictures), "side": side / model.canonical_size, "level": level}
    )


def gains_figure(by_set: Mapping[str, Evidence]) -> Figure | None:
    """AugFPN minus FPN, by the size of objects, beside the paper's; ``None`` without records.

    Sizes of which there are too few objects for a verdict are left out.
    """
    printed = variant_row("augfpn", next(iter(by_set.values())))
    drawn = []
    for of in by_set.values():
        for number in EFFECT_NUMBERS:
            objects = of.fewest_objects(number)
            if objects is None or objects >= FEWEST_OBJECTS:
                label = f"{images_called(of.pictures)}, {SIZE_OF.get(number, 'all')}"
                papers = printed.printed[number] - printed.base[number]
                drawn.append(EffectRow(label, of, "augfpn", number=number, papers=papers))
    return effects_drawn(drawn)


def gates_of_runs(of: Evidence) -> pd.DataFrame:
    """AP and gates of AugFPN's measured runs: "gates" before training, "seed", "AP" and "fine".

    "fine" is the weight of P2 and P3, as a share of all weights, in the boxes that FPN's rule reads
    from P2. Both numbers are in percent.
    """
    rows = []
    for gates, variant in (("random", "augfpn"), ("even", "augfpn_even")):
        for seed, record in of.recorded(variant).items():
            if record.is_measured:
                share = record.diagnostics["assignment"]["mixture"]["share"][0]
                rows.append((gates, seed, 100 * record.result["AP"], 100 * sum(share[:2])))
    return pd.DataFrame(rows, columns=["gates", "seed", "AP", "fine"])


def tries_on_photographs() -> str:
    """AP of each try of budget transfer's pilot, in percent, from the committed pilots."""
    lines = [
        [
            images_called(row["pictures"]),
            variant_label(row["variant"]),
            *(f"{row[name]:g}" for name in ("steps", "lr")),
            f"up to C{row['frozen']}",
            *(percent(row[name]) for name in ("AP", "APs", "APm", "APl")),
        ]
        for row in sorted(committed_rows("transfer"), key=itemgetter("pictures"))
    ]
    header = ["images", "", "steps", "learning rate", "frozen", "AP", "APs", "APm", "APl"]
    return page_table(header, lines) if lines else ""
