"""A part's results on several sets of pictures, one below the other, as tables in Markdown.

``by_set`` maps a set of images to its evidence. The sets never share a number: each has its own
detectors, and the rows only stand beside each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures import plots
from augfpn.study.evidence import Evidence
from augfpn.study.results.mechanisms import (
    chance,
    guessing,
    measured_alone,
    measured_cell,
    with_unit,
)
from augfpn.study.running import grid
from augfpn.study.running.grid import baseline_of
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import (
    VariantRow,
    by_size_cells,
    variant_label,
    variant_row,
    verdict_with_limit,
)
from augfpn.study.uncertainty.cells import (
    NO_BREAK_SPACE,
    SIZE_OF,
    effect_text,
    label_text,
    objects_text,
    page_table,
    percent,
    size_effect_text,
)

PAPERS = f"<br>paper:{NO_BREAK_SPACE}"  # the last line of a cell
SET_NAMES = {  # as the pages call them
    "bccd": "blood cells",
    "bccd_learning": "blood cells, backbone learns",
    "bccd_again": "blood cells, later seeds",  # `augfpn.study.gather.from_pretrained`
}


def images_called(pictures: str) -> str:
    """A set of images as the pages call it."""
    return SET_NAMES.get(pictures, pictures)


class EffectRow(NamedTuple):
    """An effect of `effects_drawn`: its row's label, and the paper's effect in points."""

    label: str
    of: Evidence
    variant: str
    base: str = "fpn"
    number: str = "AP"
    papers: float | None = None


def effects_drawn(every: Iterable[EffectRow], headings: Sequence[str] = ()) -> Figure | None:
    """Effects with the wider of their intervals, in points, and a dot for each seed.

    ``None`` without records. See `augfpn.study.spreads.wider_effect`; ``headings`` are those of
    `augfpn.figures.plots.effects`.
    """
    rows, dots = [], []
    for each in every:
        found = wider_effect(each.of, each.variant, each.base, each.number)
        if found is None:
            continue
        rows.append((each.label, *(100 * x for x in found[:3]), each.papers))
        by_seed = each.of.apart(each.variant, each.base).values()
        dots += [(each.label, 100 * one.observed[each.number]) for one in by_seed]
    if not rows:
        return None
    return plots.effects(rows, pd.DataFrame(dots, columns=["label", "minus FPN"]), headings)


def effects_beside(part: str, by_set: Mapping[str, Evidence]) -> str:
    """The effects of a part's variants on AP, and the paper's: a row for each set of images.

    Each effect has the wider of its two intervals, as in `effects_drawn`.
    """
    lines = []
    for variant, rows in rows_beside(part, by_set).items():
        for number, (pictures, row) in enumerate(rows.items()):
            label = "" if number else label_text(variant_label(variant))
            seeds, ap, effect, said, papers = beside_cells(row, wider=True)
            lines.append([label, images_called(pictures), said, effect, papers, ap, seeds])
    header = ["", "images", "verdict", "minus FPN", "paper: minus FPN", "AP", "seeds"]
    return page_table(header, lines)


def rows_beside(part: str, by_set: Mapping[str, Evidence]) -> dict[str, dict[str, VariantRow]]:
    """The rows of a part's variants that are recorded, by variant and set of images."""
    found = {
        variant: {
            name: variant_row(variant, of) for name, of in by_set.items() if of.recorded(variant)
        }
        for variant in grid.part(part).variants
    }
    return {variant: rows for variant, rows in found.items() if rows}


def beside_cells(row: VariantRow, wider: bool = False) -> list[str]:
    """Seeds, AP, effect and verdict of a variant, and the paper's effect.

    With ``wider`` the effect has the wider of its two intervals, else that of all runs together.
    """
    effect, printed = (row.wider if wider else row.effect).get("AP"), row.printed_effect
    return [
        str(row.seeds),
        percent(row.own["AP"].mean),
        effect_text(effect) if row.effect_asked else "",
        verdict_with_limit(row, wider),
        percent(printed / 100, sign=True) if printed is not None else "",
    ]


def sizes_beside(part: str, by_set: Mapping[str, Evidence]) -> str:
    """The effects of a part's variants by the size of objects: a row for each set of images.

    Each effect has the wider of its two intervals. The numbers of a set's test objects stand in the
    row of FPN.
    """
    lines = []
    for variant, rows in rows_beside(part, by_set).items():
        for number, (pictures, row) in enumerate(rows.items()):
            label = "" if number else label_text(variant_label(variant))
            lines.append([label, images_called(pictures), *size_cells(row, wider=True)])
    return page_table(["", "images", *SIZE_OF.values()], lines)


def size_cells(row: VariantRow, wider: bool = False) -> list[str]:
    """An effect for each size; for FPN how many objects of it the test images have."""
    if row.effect_asked:
        return by_size_cells(row, wider)
    objects = row.objects or {}
    return [objects_text(objects.get(size)).strip(" ()") for size in SIZE_OF.values()]


def effects_by_size(part: str, of: Evidence, wider: bool = False) -> str:
    """The effects of a part's variants on one set of images: AP, then by the size of objects.

    The paper's effects stand on lines of their own, without intervals, which it does not have. For
    ``wider`` see `beside_cells`.
    """
    lines = []
    for variant in filter(of.recorded, grid.part(part).variants):
        row = variant_row(variant, of)
        _, ap, effect, said, _ = beside_cells(row, wider)
        cells = zip(("AP", *SIZE_OF), (effect, *size_cells(row, wider)), strict=True)
        with_papers = [f"{cell}{papers_text(row, number)}" for number, cell in cells]
        of_all, *by_size = with_papers
        lines.append([row.label, ap, of_all, said, *by_size])
    return page_table(["", "AP", "minus FPN", "verdict on AP", *SIZE_OF.values()], lines)


def papers_text(row: VariantRow, number: str) -> str:
    """The paper's effect on a number, as a line of a cell: "paper: +0.4"; empty if it has none."""
    gain = row.printed_gain(number)
    return "" if gain is None else f"{PAPERS}{percent(gain / 100, sign=True)}"


def numbers_beside(variant: str, of: Evidence) -> str:
    """A variant of the paper's beside FPN in the same detector: a row for each of its AP numbers.

    These are AP and AP by the size of objects, of boxes and, where there are some, of masks.
    """
    row, base = (variant_row(each, of) for each in (variant, baseline_of(variant)))
    objects, lines = row.objects or {}, []
    for kind, prefix in (("box", ""), ("mask", "mask ")):
        ours, theirs = (
            each.get("mask", {}) if prefix else each for each in (row.printed, row.base)
        )
        for name, size in ({"AP": "all"} | SIZE_OF).items():
            if effect := row.effect.get(prefix + name):
                label = f"{kind} AP, {size}{objects_text(objects.get(size))}"
                means = (percent(each.own[prefix + name].mean) for each in (base, row))
                papers = percent((ours[name] - theirs[name]) / 100, sign=True)
                text = size_effect_text(effect, objects.get(size))
                lines.append([label, *means, text, papers])
    return page_table(["", base.label, row.label, "minus FPN", "paper: minus FPN"], lines)


def measured_beside(
    by_set: Mapping[str, Evidence], names: Sequence[str], variants: Sequence[str]
) -> str:
    """Measured numbers, losses as they are and all others in percent, on each set of images.

    A cell has the mean over seeds, and below it the difference to FPN of the same seed with its
    interval. A single variant has the interval of its mean. Behind an accuracy of a probe stands
    what guessing reaches. The numbers of seeds have a column if they differ.
    """
    lines, cell_of = [], measured_cell if len(variants) > 1 else measured_alone
    for name in names:
        rows = {
            pictures: [cell_of(of, variant, name) for variant in variants]
            for pictures, of in by_set.items()
        }
        rows = {pictures: cells for pictures, cells in rows.items() if any(cells)}
        for number, (pictures, cells) in enumerate(rows.items()):
            of = by_set[pictures]
            filled = [each.replace(" (", "<br>(", 1) or "–" for each in cells]
            label, seeds = "" if number else with_unit(name), len(of.measurements(variants[0]))
            lines.append([label, images_called(pictures), *filled, chance(name, of), str(seeds)])
    header = ["", "images", *map(variant_label, variants), "guessing", "seeds"]
    told = any(line[-2] for line in lines), len({line[-1] for line in lines}) > 1
    shown = [True] * (len(header) - len(told)) + [*told]
    header, *lines = ([*compress(line, shown)] for line in (header, *lines))
    return page_table(header, lines)


def own_level_figure(
    by_set: Mapping[str, Evidence], variants: Sequence[str] = ("fpn", "cs")
) -> Figure | None:
    """The accuracy of probes of M on the level that they were fitted on; ``None`` without records.

    There is a panel for each set of images, and a line before training and for each variant.
    """
    measured = {"before training": (variants[0], "semantic_gap_before")}
    measured |= {variant_label(each): (each, "semantic_gap") for each in variants}
    rows = [
        (images_called(name), f"M{k}", detector, 100 * right)
        for name, of in by_set.items()
        for detector, (variant, key) in measured.items()
        for run in of.recorded(variant).values()
        if run.diagnostics
        for k, right in enumerate(np.diag(run.diagnostics[key]["probe"]), start=2)
    ]
    if not rows:
        return None
    found = pd.DataFrame(rows, columns=["images", "level", "detector", "accuracy"])
    return plots.accuracies(found, 100 * guessing(next(iter(by_set.values()))))
