"""The defect matrix in Markdown: each component's effect with each dial of scenes turned up."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from augfpn.config import DIALS
from augfpn.data.load import load_pictures
from augfpn.figures.pictures import examples
from augfpn.study.evidence import Evidence, paired
from augfpn.study.gates import dial_title
from augfpn.study.running import grid
from augfpn.study.running.grid import baseline_of
from augfpn.study.spreads import wider_text
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty import intervals, pooling
from augfpn.study.uncertainty.cells import effect_text, page_table, percent
from augfpn.study.uncertainty.intervals import Interval
from augfpn.study.uncertainty.scores import ADDED, OF_DIAL

PLAIN = "scenes"  # every dial at zero


def defect_matrix(by_set: dict[str, Evidence]) -> str:
    """A component's effect on AP, on plain scenes and with each dial turned up.

    A dial that adds classes has a second column: the effect on the AP of these classes alone.
    """
    columns = [(name, name, "AP") for name in by_set]
    columns += [
        (f"{name}: {' and '.join(ADDED[name])}", name, OF_DIAL) for name in ADDED if name in by_set
    ]
    lines = []
    for variant in grid.part("defects").variants[1:]:
        effects = {name: of.effects(variant, baseline_of(variant)) for name, of in by_set.items()}
        cells = [effect_text(effects[name].get(number)) for _, name, number in columns]
        lines.append([variant_label(variant), *cells])
    return page_table(["", *(title for title, _, _ in columns)], lines)


def matrix_minus_plain(by_set: dict[str, Evidence]) -> str:
    """How much larger a component's effect on AP is with a dial turned up than on plain scenes.

    This is the matrix's question: a difference of two effects, with an interval of its own. Bold:
    the dial of the defect that the component should mend.
    """
    dials = [name for name in DIALS if name in by_set]
    lines = []
    for variant in grid.part("defects").variants[1:]:
        cells = {
            d: effect_text(effect_minus_plain(by_set[d], by_set[PLAIN], variant)) for d in dials
        }
        own = grid.OWN_DIAL.get(variant)
        if own in cells:
            cells[own] = f"**{cells[own]}**"
        lines.append([variant_label(variant), *cells.values()])
    return page_table(["", *(f"{name} minus {PLAIN}" for name in dials)], lines)


def parts_on_dials(dials: Sequence[str], by_set: dict[str, Evidence]) -> str:
    """A row for each part on some dials: FPN's AP there, and the part's minus it.

    The interval is the wider of two; see `augfpn.study.spreads.wider_effect`.
    """
    lines = []
    for dial in dials:
        fpn = [percent(of.result["AP"]) for of in by_set[dial].recorded("fpn").values()]
        for number, variant in enumerate(grid.part("regained").variants[1:]):
            shown = ["", ""] if number else [dial_title(dial), ", ".join(fpn)]
            lines.append([*shown, variant_label(variant), wider_text(by_set[dial], variant)])
    return page_table(["dial", "FPN by seed", "", "minus FPN"], lines)


def example_scenes(
    sets: Iterable[str], budget: str, which: Sequence[int]
) -> dict[str, list[np.ndarray]]:
    """For each picture set: some of its test scenes with objects, counted from 0, annotated.

    The set "scenes" is plain; in "detail", "context" and "scale" that dial is turned up. The dial
    "scale" changes training scenes only, so that row begins with as many of these, and says so.
    """
    found, many = {}, 2 * (max(which) + 1)
    for name in sets:
        settings = grid.Run("fpn", name, budget, 0).experiment.data
        some = replace(settings, train_scenes=many, test_scenes=many)
        of = {
            split: examples(load_pictures(some, split), None, max(which) + 1)
            for split in (("train", "test") if settings.scale else ("test",))
        }
        of_training = len(which) // 2 if settings.scale else 0
        split_of = ["train"] * of_training + ["test"] * (len(which) - of_training)
        label = f"{name}: in\ntraining, test" if of_training else name
        found[label] = [of[split][i] for split, i in zip(split_of, which, strict=True)]
    return found


def effect_minus_plain(there: Evidence, plain: Evidence, variant: str) -> Interval | None:
    """An effect on AP on the scenes of ``there`` minus the same effect on plain scenes.

    Over the seeds that both have; ``None`` if they share no seed.
    """
    base = baseline_of(variant)
    more = paired(*(each.apart(variant, base) for each in (there, plain)))
    if not more:
        return None
    alone = intervals.single(list(more.values()))["AP"]
    both = [each.parts({variant: 1.0, base: -1.0}, "AP", list(more)) for each in (there, plain)]
    if None in both:
        return alone
    return pooling.with_parts(alone, [part for parts in both for part in parts or ()])
