"""Tables and figures of what `augfpn.diagnostics` measured on the records of some variants."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from augfpn.figures import plots
from augfpn.study.evidence import Evidence
from augfpn.study.running.grid import baseline_of
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty.cells import (
    effect_text,
    interval_text,
    loss_text,
    page_table,
    percent,
)
from augfpn.study.uncertainty.intervals import Interval, mean_interval
from augfpn.study.uncertainty.scoring import ERROR_KINDS, SIZES

COMPONENTS = ("fpn", "cs", "rfa", "srs", "augfpn")
GAP_NUMBERS = (
    *("alike before training", "alike", "own level", "spread of levels", "other level", "gap"),
    "gap before training",
)
TOP_NUMBERS = (
    *("C5 lost in M5", "C5 lost in M5 + M6", "C5 lost in P5"),
    *("content from C5", "content from M5", "content from M5 + M6", "content from P5"),
    *("classes from C5", "classes from M5", "classes from M5 + M6", "classes from P5"),
    *("surroundings in C5", "surroundings in P5"),
)
ASSIGNMENT_NUMBERS = (
    *("change across a border", "change elsewhere"),
    *("loss near a border", "loss far from a border"),
    *("loss, level by rule", "loss, level by choice"),
    *("right, level by rule", "right, level by choice"),
    "gain from another level by size",
)

CHOICE_NUMBERS = tuple(
    f"{what}, level by {level}"
    for what in ("loss", "right")
    for level in ("rule", "choice", f"choice minus {what}, level by rule")
)
LABELS = {  # of measured numbers whose names are too short or too long for a row of a table
    "change across a border": "probability moved across a border",
    "change elsewhere": "probability moved elsewhere",
    "loss, level by choice minus loss, level by rule": "loss, choice minus rule",
    "right, level by choice minus right, level by rule": "right, choice minus rule",
}

LOSSES = ("loss", "gain from another level")  # cross-entropies: not in percent
UNITS = {  # of measured numbers, by how their names begin; the others are in percent
    "loss": "nats",
    "gain from another level": "nats",
    "alike": "× 100",
    "gap": "points",
    "spread of levels": "points",
}
ACCURACIES = ("own level", "other level", "classes from")  # of probes: guessing has one, too

ABOUT_NUMBERS = """\
Numbers are means over seeds: losses are cross-entropies, in nats, all others are in percent.
Brackets contain the difference to FPN trained with the same seed, and its interval (95 %,
Student's, for other seeds on the same pictures). A star marks fewer than three seeds."""
ABOUT_GAP = """\
*Own level*: balanced accuracy (averaged over classes) of a linear probe on the level that it was
fitted on. *Spread of levels*: the best level's own accuracy minus the worst one's. *Other level*:
its accuracy on the other levels. *Gap*: own level minus other level. The features of each level are
first standardised to mean 0 and standard deviation 1, so that only their directions count. *Alike*:
linear CKA of two levels, averaged over the pairs."""
ABOUT_TOP = """\
*C5 lost in X*: the share of C5's variance that no linear readout of X recovers. *Content from X*:
the share of the variance of the picture's object counts that a linear readout of a single place of
X recovers. *Classes from X*: balanced accuracy (averaged over classes) of a linear probe of
objects. *Surroundings in X*: how far an object's feature moves, relative to its norm, when
everything outside a box 1.5 times as wide and high as the object is removed."""
ABOUT_ASSIGNMENT = """\
*Change*: the total variation distance (half the sum of absolute changes) between the class
probabilities before and after a box grows by 2 %. *Across a border*: in steps in which the rule
changes the level; *elsewhere*: in all other steps of the same objects. *Loss*: the cross-entropy of
an object's class; *near a border* is within a quarter of an octave. *Right*: the share of objects
whose own class is the most probable one. *Gain from another level by size*: how much the mean loss
would fall if the objects of each level by the rule were all read from the one level that is best
for them."""
ABOUT_SHARES = """\
A level's share is its weight divided by the sum of a RoI's weights. The entropy is 0 if all weight
is on one level, and 100 % if all levels have the same share. Numbers are means over seeds, in
percent. The figure has a panel for each seed."""


def measured_table(of: Evidence, names: Sequence[str], variants: Sequence[str] = COMPONENTS) -> str:
    """Measured numbers, losses as they are and all others in percent: a row for each.

    There is a column for each variant.

    A cell has the mean over seeds; in brackets follow the difference to FPN with the same seed and
    its interval (Student's). Beside an accuracy of a probe stands what guessing reaches.
    """
    there = [v for v in variants if of.measurements(v)]
    if not there:
        return f"Nothing is measured on {of.pictures} at the {of.budget} budget."
    seeds = {v: len(of.measurements(v)) for v in there}
    lines = []
    for name in names:
        cells = [measured_cell(of, variant, name) for variant in there]
        if any(cells):
            floor = chance(name, of, there)
            label = f"{name} (guessing: {floor})" if floor else name
            lines.append([label, *(each or "–" for each in cells)])
    return page_table(["", *(f"{variant_label(v)} ({seeds[v]} seeds)" for v in there)], lines)


def with_unit(name: str) -> str:
    """A measured number's name with its unit, for the label of a row: "own level, %"."""
    return f"{LABELS.get(name, name)}, {unit_of(name)}"


def unit_of(name: str, difference: bool = False) -> str:
    """The unit of a measured number, or of a ``difference`` of two runs in it."""
    unit = next((unit for start, unit in UNITS.items() if name.startswith(start)), "%")
    return "points" if unit == "%" and (difference or " minus " in name) else unit


def measured_cell(of: Evidence, variant: str, name: str) -> str:
    """A number of a variant, and its difference to FPN's; empty if it was not measured."""
    own, base = of.measured([variant], [], name), baseline_of(variant)
    if own is None:
        return ""
    difference = None if variant == base else of.measured([variant], [base], name)
    if " minus " in name and difference is None:  # of numbers that FPN does not have
        return effect_text(own)
    if not name.startswith(LOSSES):
        return with_difference(own.mean, difference)
    return f"{own.mean:.2f}" + ("" if difference is None else f" ({loss_text(difference, True)})")


def measured_alone(of: Evidence, variant: str, name: str) -> str:
    """A number of a variant with its interval over seeds; empty if it was not measured."""
    own = of.measured([variant], [], name)
    if own is None:
        return ""
    signed = " minus " in name
    if name.startswith(LOSSES):
        return loss_text(own, signed)
    return effect_text(own) if signed else interval_text(own)


def with_difference(mean: float, difference: Interval | None) -> str:
    """A number in percent, with its difference to FPN's where there is one."""
    return percent(mean) + ("" if difference is None else f" ({effect_text(difference)})")


def gap_figure(of: Evidence, variants: Sequence[str] = ("fpn", "cs")) -> Figure | None:
    """The accuracy of probes of M, fitted on one level and tested on another.

    There is a panel for the time before training and one for each variant.
    """
    panels = {"before training": of.arrays(variants[0], "semantic_gap_before", "probe")}
    panels |= {variant_label(v): of.arrays(v, "semantic_gap", "probe") for v in variants}
    there = {title: 100 * x for title, x in panels.items() if x is not None}
    if not there:
        return None
    size = len(next(iter(there.values())))
    levels = [f"M{k}" for k in range(6 - size, 6)]
    what = f"accuracy, percent (guessing: {100 * guessing(of):.0f})"
    return plots.matrices(there, levels, "tested on", "fitted on", what)


def guessing(of: Evidence, variants: Sequence[str] = COMPONENTS) -> float:
    """The balanced accuracy of a probe that guesses: one over the number of classes."""
    runs = (r for name in variants for r in of.recorded(name).values())
    return 1 / len(next(runs).classes)


def chance(name: str, of: Evidence, variants: Sequence[str] = COMPONENTS) -> str:
    """The balanced accuracy of guessing, in percent; empty for numbers that are no accuracy."""
    return percent(guessing(of, variants)) if name.startswith(ACCURACIES) else ""


def level_figure(of: Evidence, variant: str = "fpn") -> Figure | None:
    """How often each level has an object's lowest loss, by the level that the rule gives it."""
    table = of.arrays(variant, "assignment", "oracle", "table")
    if table is None:
        return None
    total = table.sum(axis=1, keepdims=True)
    share = np.divide(100 * table, total, out=np.full_like(table, np.nan), where=total > 0)
    levels = [f"P{k}" for k in range(2, 2 + len(table))]
    what = "chosen, percent"
    return plots.matrices(
        {variant_label(variant): share}, levels, "level of choice", "level by rule", what
    )


def mixture_figure(of: Evidence, variant: str = "augfpn") -> Figure | None:
    """Figure 4: the mean weight of each level by the level that the rule gives a RoI."""
    seeds = [mixture["mean"] for mixture in mixtures_of(of, variant)]
    return plots.mixtures(np.array(seeds, float)) if seeds else None


def mixtures_of(of: Evidence, variant: str) -> list[dict]:
    """What was measured of the weights of levels, for each seed that has it."""
    return [
        record.diagnostics["assignment"]["mixture"]
        for record in of.recorded(variant).values()
        if record.diagnostics and "mixture" in record.diagnostics.get("assignment", {})
    ]


def shares_table(of: Evidence, variants: Sequence[str] = ("srs", "augfpn")) -> str:
    """Figure 4's weights as shares of their sum, and their entropy."""
    levels = range(2, 6)
    names = [f"P{k}'s share at P{i}" for i in levels for k in levels]
    names += [f"entropy at P{i}" for i in levels]
    return measured_table(of, [*names, "least share"], variants)


def shares_between(of: Evidence, variant: str) -> tuple[float, float] | None:
    """How much a level's share differs between seeds, and between the panels of one run.

    Both are standard deviations, averaged over levels (and over panels, or seeds). ``None`` with
    fewer than two seeds.
    """
    found = [mixture["share"] for mixture in mixtures_of(of, variant)]
    if len(found) < 2:
        return None
    shares = np.array(found, float)  # (seeds, panels, levels)
    return float(np.nanstd(shares, 0, ddof=1).mean()), float(np.nanstd(shares, 1, ddof=1).mean())


def shares_sentence(of: Evidence, variants: Sequence[str] = ("srs", "augfpn")) -> str:
    """Whether Figure 4's shares are a property of the method: how they differ between runs."""
    said = [
        f"{variant_label(v)}: {100 * found[0]:.0f} points between seeds, "
        f"{100 * found[1]:.0f} between the panels of one run."
        for v in variants
        if (found := shares_between(of, v)) is not None
    ]
    return " ".join(["Standard deviations of a share.", *said]) if said else ""


def errors_table(of: Evidence, variants: Sequence[str] = COMPONENTS) -> str:
    """What each kind of error costs in AP50, by size, with the difference to FPN."""
    found = {v: of.errors(v) for v in variants}
    there = [v for v in variants if found[v]]
    lines = []
    for size in SIZES:
        for kind in ERROR_KINDS.values():
            costs = {
                v: {seed: each[size][kind] for seed, each in by_seed.items() if size in each}
                for v, by_seed in found.items()
            }
            cells = [error_cell(costs, v) for v in there]
            if any(cells):
                lines.append([size, kind, *cells])
    return page_table(["objects", "error", *map(variant_label, there)], lines)


def error_cell(costs: dict[str, dict[int, float]], variant: str) -> str:
    """The mean over a variant's seeds, with the difference to FPN over the seeds that both have.

    ``costs`` are by variant and seed; the cell is empty where there is none.
    """
    own, base = costs[variant], baseline_of(variant)
    if not own:
        return ""
    both = sorted(own.keys() & costs[base].keys()) if variant != base else []
    apart = [own[seed] - costs[base][seed] for seed in both]
    mean = mean_interval(list(own.values())).mean
    return with_difference(mean, mean_interval(apart) if apart else None)
