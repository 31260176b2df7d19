"""What the variants of a part bring over FPN, beside the paper's Tables 3 to 5."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures.by_situation import OF_LATER, OF_PILOT, by_situation_figure
from augfpn.study.evidence import Evidence
from augfpn.study.results.side_by_side import images_called
from augfpn.study.results.situations import COLUMNS_OF_EFFECTS, effect_row, enough_row, papers_row
from augfpn.study.running import grid
from augfpn.study.running.grid import baseline_of
from augfpn.study.spreads import wider_effect
from augfpn.study.tables import variant_label, variant_row
from augfpn.study.uncertainty.cells import SIZE_OF

ASKED_LATER = {  # of Consistent Supervision on all levels, which is the base
    "one level, λ = 1": "cs_single_lam1",
    "all levels, λ = 1": "cs_lam1",
    "a head for each level": "cs_separate",
}
LABELS_OF_PARTS = {  # where the paper's own choice is one of the variants
    "cs": "all levels, λ = 0.25",
    "rfa": "0.1, 0.2, 0.3",
    "rfa_sum": "0.1, 0.2, 0.3, summed",
    "srs": "weight maps (SRS)",
}
LATER_PANEL = "run later on scenes, minus all levels at λ = 1/4"


def variants_figure(
    part: str,
    by_set: Mapping[str, Evidence],
    numbers: Sequence[str] = ("AP",),
    later: Evidence | None = None,
) -> Figure:
    """The effects of a part's variants on AP, a panel for each set of images.

    ``numbers`` has further panels, by the size of objects, of the first set alone. With ``later``,
    the evidence of scenes with later seeds, a last panel has what was asked of Consistent
    Supervision afterwards. Intervals are the wider of two; an effect needs three seeds.
    """
    return by_situation_figure(variants_frame(part, by_set, numbers, later))


def variants_frame(
    part: str,
    by_set: Mapping[str, Evidence],
    numbers: Sequence[str] = ("AP",),
    later: Evidence | None = None,
) -> pd.DataFrame:
    """The same as a frame with the columns `augfpn.study.results.situations.COLUMNS_OF_EFFECTS`."""
    first = next(iter(by_set))
    panels = [(first, number) for number in numbers]
    panels += [(name, numbers[0]) for name in by_set if name != first]
    rows = [row for name, number in panels for row in of_panel(part, name, by_set[name], number)]
    if later is not None:
        rows += [
            enough_row(LATER_PANEL, label, later, variant, "cs", OF_LATER)
            for label, variant in ASKED_LATER.items()
        ]
    return pd.DataFrame(filter(None, rows), columns=COLUMNS_OF_EFFECTS)


def of_panel(part: str, name: str, of: Evidence, number: str) -> Iterator[tuple | None]:
    """The rows of one panel: each variant minus FPN, and the paper's beside it."""
    title = f"{images_called(name)}, {SIZE_OF.get(number, 'all')} objects"
    for variant in grid.part(part).variants:
        if variant == baseline_of(variant):
            continue
        found = wider_effect(of, variant, number=number)
        if found is not None and found.seeds > 1:
            label = short_label(variant)
            yield effect_row(title, label, found, OF_PILOT)
            yield papers_row(title, label, variant_row(variant, of).printed_gain(number))


def short_label(variant: str) -> str:
    """A variant's label in a figure that is about its part: "single level, λ = 1"."""
    if variant in LABELS_OF_PARTS:
        return LABELS_OF_PARTS[variant]
    _, _, inside = variant_label(variant).rstrip(")").partition(" (")
    return inside.replace("lam ", "all levels, λ = " if inside.startswith("lam") else "λ = ")
