"""What the study has on photographs besides its tables: sizes of objects, gains, the tries."""

import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from statistics import mean

import pandas as pd
import torch
from matplotlib.figure import Figure

from augfpn import records
from augfpn.detectors.backbones import LEVELS
from augfpn.detectors.build import hard_selection
from augfpn.detectors.transform import size_after_resize
from augfpn.study.evidence import Evidence
from augfpn.study.results.side_by_side import EffectRow, effects_drawn, images_called
from augfpn.study.running import grid
from augfpn.study.running.tries import committed_rows
from augfpn.study.tables import (
    VariantRow,
    by_size_cells,
    variant_label,
    variant_row,
    verdict_with_limit,
)
from augfpn.study.uncertainty.cells import (
    SIZE_OF,
    effect_text,
    label_text,
    marked,
    page_table,
    percent,
)

ALONE_AND_ALL = ("cs", "rfa", "srs", "augfpn")  # in the table of sizes
ORDER_OF_TRIES = ("pictures", "short_side", "steps", "lr")


def sides_on(by_set: Mapping[str, Evidence]) -> pd.DataFrame:
    """The objects that FPN is tested on: "images", "side", "level" and "canonical", its size.

    The side is the square root of the box's area in pixels of the image as FPN's network gets it,
    divided by the canonical size, which is in these pixels, too; the level is that of FPN's rule. A
    set on which FPN is not recorded has no rows.
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
    own = {"images": images_called(of.pictures), "canonical": model.canonical_size}
    return pd.DataFrame(own | {"side": side / model.canonical_size, "level": level})


def gains_figure(by_set: Mapping[str, Evidence]) -> Figure | None:
    """Every variant minus FPN, beside the paper's gain, set by set; ``None`` without records."""
    names = {name: images_called(of.pictures) for name, of in by_set.items()}
    rows = [
        EffectRow(f"{names[name]}, {row.label}", of, row.variant, papers=row.printed_effect)
        for name, of in by_set.items()
        for row in compared_rows(of)
    ]
    return effects_drawn(rows, [*names.values()])


def compared_rows(of: Evidence) -> list[VariantRow]:
    """The variants that have a run with the seed of one of FPN's."""
    return with_pairs((*grid.part("table2").variants, *grid.part("pretrained").variants), of)


def with_pairs(variants: Iterable[str], of: Evidence) -> list[VariantRow]:
    """Those of some variants that have a run with the seed of one of FPN's, once each."""
    rows = (variant_row(variant, of) for variant in dict.fromkeys(variants))
    return [row for row in rows if row.effect]


def pairs_on_photographs(by_set: Mapping[str, Evidence]) -> str:
    """AP of each variant and of FPN at the same seeds, their difference and its verdict.

    AP has two decimals, so that a reader who subtracts finds the difference that is printed.
    """
    lines = []
    for of in by_set.values():
        for number, row in enumerate(compared_rows(of)):
            pairs = of.apart(row.variant, "fpn")
            means = (
                mean(of.of(name)[seed].observed["AP"] for seed in pairs)
                for name in (row.variant, "fpn")
            )
            lines.append([
                "" if number else images_called(of.pictures),
                label_text(row.label),
                effect_text(row.wider["AP"]),
                verdict_with_limit(row, wider=True),
                "–" if row.printed_effect is None else percent(row.printed_effect / 100, sign=True),
                *(f"{100 * each:.2f}" for each in means),
                str(len(pairs)),
            ])  # fmt: skip
    header = ["images", "", "minus FPN", "verdict", "paper: minus FPN", "AP"]
    return page_table([*header, "FPN at the same seeds", "pairs"], lines)


def sizes_on_photographs(by_set: Mapping[str, Evidence]) -> str:
    """The effects of each part alone and of AugFPN by the size of objects, and their numbers."""
    lines = []
    for of in by_set.values():
        counts = [str(of.objects().get(size, 0)) for size in SIZE_OF.values()]
        lines.append([images_called(of.pictures), "objects in the test images", *counts])
        lines += [
            ["", row.label, *by_size_cells(row, wider=True)]
            for row in compared_rows(of)
            if row.variant in ALONE_AND_ALL
        ]
    return page_table(["images", "", *SIZE_OF.values()], lines)


def ways_to_select(of: Evidence) -> str:
    """Each way to select a box's features minus FPN, on all and on medium objects, and the pairs.

    ``of`` is the evidence of the seeds after those that were planned.
    """
    lines = [
        [
            row.label,
            *(marked(row.wider[number]) for number in ("AP", "APm")),
            str(len(of.apart(row.variant, "fpn"))),
        ]
        for row in with_pairs(("srs", "srs_even", *grid.part("table5").variants[1:]), of)
    ]
    return page_table(["", "AP", "medium objects", "pairs"], lines)


def gates_of_runs(of: Evidence) -> pd.DataFrame:
    """AugFPN's measured runs: "gates" before training, "seed", "minus FPN" and "fine".

    "minus FPN" is their AP minus that of FPN's run with the same seed. "fine" is the weight of P2
    and P3, as a share of all weights, in the boxes that FPN's rule reads from P2. Both numbers are
    in percent.
    """
    rows = []
    for gates, variant in (("random", "augfpn"), ("even", "augfpn_even")):
        runs = of.recorded(variant)
        for seed, apart in of.apart(variant, "fpn").items():
            if runs[seed].is_measured:
                share = runs[seed].diagnostics["assignment"]["mixture"]["share"][0]
                rows.append((gates, seed, 100 * apart.observed["AP"], 100 * sum(share[:2])))
    return pd.DataFrame(rows, columns=["gates", "seed", "minus FPN", "fine"])


def tries_on_photographs() -> str:
    """AP of each try of budget transfer's pilot, in percent, from the committed pilots."""
    lines = [
        [
            images_called(row["pictures"]),
            variant_label(row["variant"]),
            *(f"{row[name]:g}" for name in ("short_side", "steps", "lr")),
            f"up to C{row['frozen']}",
            *(percent(row[name]) for name in ("AP", "APs", "APm", "APl")),
        ]
        for row in sorted(committed_rows("transfer"), key=itemgetter(*ORDER_OF_TRIES))
    ]
    header = ["images", "", "short side, px", "steps", "learning rate", "frozen"]
    return page_table([*header, "AP", "APs", "APm", "APl"], lines) if lines else ""
