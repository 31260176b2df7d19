"""What `augfpn.diagnostics` measured on the records of some variants, as tables and figures."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from augfpn.diagnostics.errors import KINDS
from augfpn.figures import plots
from augfpn.study import intervals
from augfpn.study.evidence import Evidence, base_of
from augfpn.study.scoring import SIZES
from augfpn.study.tables import effect_text, label, markdown, percent

COMPONENTS = ("fpn", "cs", "rfa", "srs", "augfpn")
GAP = (
    *("alike before training", "alike", "own level", "other level", "gap"),
    "gap before training",
)
TOP = (
    *("C5 lost in M5", "C5 lost in M5 + M6", "C5 lost in P5"),
    *("content from C5", "content from M5", "content from M5 + M6", "content from P5"),
    *("classes from C5", "classes from M5", "classes from M5 + M6", "classes from P5"),
    *("surroundings in C5", "surroundings in P5"),
)
ASSIGNMENT = (
    *("change across a border", "change elsewhere"),
    *("loss near a border", "loss far from a border"),
    *("loss, level by rule", "loss, level by choice"),
    *("right, level by rule", "right, level by choice"),
    "gain from another level by size",
)

ABOUT = """\
Numbers are times a hundred and means over seeds. In brackets stands the difference to FPN with
the same seed and Student's interval (95 %, for other seeds on these pictures); a star marks fewer
than three seeds."""
ABOUT_GAP = """\
*Own level* is a probe's accuracy on the level that it was fitted on, with each class counting
alike, *other level* that on the others, *gap* the difference. Every level is brought to mean 0
and deviation 1 first, so only the directions of its features count. *Alike*: linear CKA of two
levels, on the mean."""
ABOUT_TOP = """\
*C5 lost in X*: the part of C5's variance that no linear readout of X finds again. *Content from
X*: the part of the variance of the picture's object counts that is read at a single place.
*Classes from X*: accuracy of a probe of objects, each class counting alike. *Surroundings in X*:
how far an object's feature moves, in parts of its length, when all that is further away than half
its size is removed."""
ABOUT_ASSIGNMENT = """\
*Change*: how far the class probabilities move in a step of 2 %, half the sum of their changes,
where the rule changes its level and elsewhere, for the same objects. *Loss*: the cross-entropy of
an object's class; *near* is within a quarter of an octave of a border. *Right*: the share of
objects whose class is the likeliest. *Gain from another level by size*: how much the loss would
fall if all objects of a level were given the best one for them all."""
ABOUT_SHARES = """\
Shares of a RoI's sum of weights; the entropy is 0 if all comes from one level and 1 if all levels
have the same share. Numbers are times a hundred and means over seeds; the spread that the figure
shows is that between RoIs."""


def measured(of: Evidence, names: Sequence[str], variants: Sequence[str] = COMPONENTS) -> str:
    """Measured numbers times a hundred, a row each; a column for each variant, the mean of seeds.

    Behind a number stands its difference to FPN with the same seed, with Student's interval.
    """
    there = [v for v in variants if of.measurements(v)]
    if not there:
        return f"Nothing is measured on {of.pictures} at the {of.budget} budget."
    seeds = {v: len(of.measurements(v)) for v in there}
    lines = [["", *(f"{label(v)} ({seeds[v]} seeds)" for v in there)]]
    for name in names:
        cells = [cell(of, variant, name) for variant in there]
        if any(cells):
            lines.append([name, *(each or "–" for each in cells)])
    return markdown(lines)


def cell(of: Evidence, variant: str, name: str) -> str:
    """A number of a variant, and how far it is from FPN's."""
    own = of.measured([variant], [], name)
    if own is None:
        return ""
    base = base_of(variant)
    less = None if variant == base else of.measured([variant], [base], name)
    return percent(own.mean) + ("" if less is None else f" ({effect_text(less)})")


def gap_figure(of: Evidence, variants: Sequence[str] = ("fpn", "cs")) -> Figure | None:
    """How a probe of one level of M does on another: before training, and for each variant."""
    panels = {"before training": of.arrays(variants[0], "semantic_gap_before", "probe")}
    panels |= {label(v): of.arrays(v, "semantic_gap", "probe") for v in variants}
    there = {title: 100 * x for title, x in panels.items() if x is not None}
    if not there:
        return None
    size = len(next(iter(there.values())))
    levels = [f"M{k}" for k in range(6 - size, 6)]
    return plots.matrices(there, levels, "judged on", "fitted on", "right, percent")


def level_figure(of: Evidence, variant: str = "fpn") -> Figure | None:
    """Which level the loss chooses for objects, by the level that the rule gives."""
    table = of.arrays(variant, "assignment", "oracle", "table")
    if table is None:
        return None
    total = table.sum(axis=1, keepdims=True)
    share = np.divide(100 * table, total, out=np.full_like(table, np.nan), where=total > 0)
    levels = [f"P{k}" for k in range(2, 2 + len(table))]
    what = "chosen, percent"
    return plots.matrices({label(variant): share}, levels, "level of choice", "level by rule", what)


def mixture_figure(of: Evidence, variant: str = "augfpn") -> Figure | None:
    """Figure 4: the mean weight of each level by the level that the rule gives a RoI."""
    mean = of.arrays(variant, "assignment", "mixture", "mean")
    spread = of.arrays(variant, "assignment", "mixture", "spread")
    if mean is None or spread is None:
        return None
    return plots.mixtures(mean, spread, [f"P{k}" for k in range(2, 2 + len(mean))])


def shares(of: Evidence, variants: Sequence[str] = ("srs", "augfpn")) -> str:
    """Figure 4's weights as shares of their sum, and their entropy."""
    levels = range(2, 6)
    names = [f"P{k}'s share at P{i}" for i in levels for k in levels]
    return measured(of, [*names, *(f"entropy at P{i}" for i in levels), "least share"], variants)


def errors(of: Evidence, variants: Sequence[str] = COMPONENTS) -> str:
    """What each kind of error costs in AP50, by size, and how much less than with FPN."""
    found = {v: of.errors(v) for v in variants}
    there = [v for v in variants if found[v]]
    lines = [["objects", "error", *map(label, there)]]
    for size in SIZES:
        for kind in KINDS.values():
            cells = []
            for v in there:
                seeds = {s: x[size][kind] for s, x in found[v].items() if size in x}
                base = {s: x[size][kind] for s, x in found[base_of(v)].items() if size in x}
                cells.append(error_cell(seeds, base if v != base_of(v) else {}))
            if any(cells):
                lines.append([size, kind, *cells])
    return markdown(lines)


def error_cell(own: dict[int, float], base: dict[int, float]) -> str:
    """The mean over seeds, and the difference to FPN over the seeds that both have."""
    if not own:
        return ""
    both = sorted(own.keys() & base.keys())
    less = intervals.mean([own[s] - base[s] for s in both]) if both else None
    text = percent(intervals.mean(list(own.values())).mean)
    return text + ("" if less is None else f" ({effect_text(less)})")
