"""The recorded variants of a part of the study beside the paper's rows, as tables in Markdown."""

from collections.abc import Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from augfpn import records
from augfpn.data.annotations import count_by_size
from augfpn.figures import plots
from augfpn.settings import paper, recipes
from augfpn.settings.components import label_of
from augfpn.study import timed
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid
from augfpn.study.running.controls import CONTROL_VARIANTS
from augfpn.study.running.grid import baseline_of
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import (
    SIZE_OF,
    effect_text,
    interval_text,
    limiting_text,
    objects_text,
    page_table,
    percent,
    ratio_text,
    size_effect_text,
)
from augfpn.study.uncertainty.intervals import Interval

DETECTORS = {"retinanet": "RetinaNet", "fcos": "FCOS", "mask_rcnn": "Mask R-CNN"}
BETTER = {  # a verdict on an effect in words
    "holds": "better than FPN",
    "does not hold": "worse than FPN",
    **{said: said for said in (*intervals.LIMITS, "undecided")},
}


class VariantRow(NamedTuple):
    """A variant in a table: its own numbers and effects, and those of the paper."""

    variant: str
    label: str
    own: dict[str, Interval]  # by number; empty where nothing is recorded
    effect: dict[str, Interval]  # minus FPN; empty for FPN, and where no seed has both
    printed: dict | None  # the paper's row
    base: dict | None  # the paper's FPN
    better: float | None = None  # the probability that a run of it is better than one of FPN
    objects: dict[str, int] | None = None  # by size: how many the test pictures have
    runs: tuple[records.Record, ...] = ()
    alone: Mapping[str, Interval] = MappingProxyType({})  # ``effect`` by its own differences

    @property
    def verdict(self) -> intervals.Verdict:
        """Whether the variant is better than FPN."""
        return intervals.verdict(self.effect["AP"], **self.limits)

    @property
    def probable(self) -> bool:
        """Whether the effect's own differences leave open what the verdict says."""
        return intervals.is_probable(self.effect["AP"], self.alone.get("AP"), **self.limits)

    @property
    def limits(self) -> dict[str, float | None]:
        """Below what an effect on AP counts as small, and the one that the paper prints."""
        papers = None if (gain := self.printed_effect) is None else gain / 100
        return {"small": intervals.SMALL_EFFECT, "papers": papers}

    @property
    def wider(self) -> dict[str, Interval | None]:
        """The effects, each with the wider of its two intervals."""
        return {n: intervals.wider(x, self.alone.get(n)) for n, x in self.effect.items()}

    @property
    def seeds(self) -> int:
        """How many runs there are."""
        return self.own["AP"].seeds if self.own else 0

    @property
    def printed_effect(self) -> float | None:
        """The paper's difference in AP, in percent."""
        return self.printed_gain("AP")

    def printed_gain(self, number: str) -> float | None:
        """The paper's difference in one of its AP numbers, in percent; ``None`` without one."""
        if self.printed is None or self.base is None or not self.effect_asked:
            return None
        return self.printed[number] - self.base[number]

    @property
    def effect_asked(self) -> bool:
        """Whether the variant is compared with another."""
        return self.variant != baseline_of(self.variant)


def variant_rows(name: str, of: Evidence) -> list[VariantRow]:
    """The rows of a part's table on one set of pictures."""
    return [variant_row(variant, of) for variant in grid.part(name).variants]


def variant_row(variant: str, evidence: Evidence) -> VariantRow:
    """One row of a table."""
    own, model = list(evidence.of(variant).values()), grid.model_of_variant(variant)
    epochs = grid.words_of_variant(variant).get("epochs")  # of a whole recipe: 12 or 24
    found = None if variant in CONTROL_VARIANTS else paper.row_of(model, epochs)
    base = baseline_of(variant)
    apart = list(evidence.apart(variant, base).values()) if variant != base else []
    return VariantRow(
        variant=variant,
        label=variant_label(variant),
        own=intervals.single(own) if own else {},
        effect=evidence.effects(variant, base) if variant != base else {},
        alone=intervals.single(apart) if apart else {},
        printed=None if found is None else found[1],
        base=paper.base_row(model, epochs),
        better=evidence.improvement(variant, base) if variant != base else None,
        objects=evidence.objects(),
        runs=tuple(evidence.recorded(variant).values()),
    )


def variant_label(variant: str) -> str:
    """A variant in the paper's words, with its detector unless it is Faster R-CNN.

    A whole recipe keeps its name.
    """
    if variant in recipes.recipes():
        return variant
    if variant in CONTROL_VARIANTS:
        return CONTROL_VARIANTS[variant].title
    detector, _, _ = variant.rpartition(":")
    name = label_of(grid.model_of_variant(variant))
    return f"{DETECTORS[detector]}, {name}" if detector else name


def pictures_sentence(variants: Sequence[str], of: Evidence) -> str:
    """What some variants were trained and tested on: pictures, steps, objects by COCO's sizes."""
    record = next(record for v in variants for record in of.recorded(v).values())
    many, train = record.result["pictures"], record.experiment.train
    count = count_by_size(of.truth(record)["annotations"])
    return (
        f"{record.result['steps']} steps of {train.batch} of {many['train']} pictures; tested on "
        f"{many['test']} with {sum(count.values())} objects, of which {count['small']} are small "
        f"(below 32² px), {count['medium']} medium and {count['large']} large (from 96² px on)."
    )


# --- tables ---------------------------------------------------------------------------------------


def effects_table(rows: Sequence[VariantRow]) -> str:
    """A part's table: AP and effects beside the paper's; for masks, too, if the paper has them."""
    masks = any(each.printed and each.printed.get("mask") for each in rows)
    header = ["", "seeds", "AP", "minus FPN", "verdict", "runs better, percent"]
    header += ["paper: AP", "paper: minus FPN"]
    header += ["mask AP", "mask AP minus FPN", "paper: mask AP"] * masks
    objects = objects_of(rows)
    header += [
        f"{name} minus FPN{objects_text(objects.get(size))}" for name, size in SIZE_OF.items()
    ]
    return page_table(header, [effect_cells(each, masks) for each in rows])


def objects_of(rows: Sequence[VariantRow]) -> dict[str, int]:
    """How many objects of each size the test pictures of a table have; empty without a record."""
    return next((each.objects for each in rows if each.objects), None) or {}


def effect_cells(row: VariantRow, masks: bool) -> list[str]:
    """A variant's cells in `effects_table`."""
    effect, printed = row.effect.get("AP"), row.printed_effect
    return [
        row.label,
        str(row.seeds) if row.seeds else "not run",
        percent(row.own["AP"].mean) if row.own else "–",
        effect_text(effect) if row.effect_asked else "",
        verdict_with_limit(row),
        "" if row.better is None else f"{100 * row.better:.0f}",
        f"{row.printed['AP']:.1f}" if row.printed else "–",
        "" if printed is None else percent(printed / 100, sign=True),
        *(mask_cells(row) if masks else ()),
        *(by_size_cells(row) if row.effect_asked else [""] * len(SIZE_OF)),
    ]


def by_size_cells(row: VariantRow, wider: bool = False) -> list[str]:
    """An effect for each size of objects; with ``wider`` it has the wider of its two intervals."""
    objects, shown = row.objects or {}, row.wider if wider else row.effect
    return [size_effect_text(shown.get(n), objects.get(s)) for n, s in SIZE_OF.items()]


def verdict_with_limit(row: VariantRow, wider: bool = False) -> str:
    """Whether a variant is better than FPN, or the limit of its effect with what supports it."""
    if not row.effect:
        return ""
    said = "probably " * row.probable + BETTER[row.verdict]
    by = " by all runs" if wider and row.probable else ""
    found = (row.wider if wider and not by else row.effect)["AP"]
    return f"{said} {limiting_text(found, by)}" if row.verdict in intervals.LIMITS else said


def mask_cells(row: VariantRow) -> tuple[str, str, str]:
    """A variant's mask AP, its effect and the paper's; empty for detectors without masks."""
    own, printed = row.own.get("mask AP"), (row.printed or {}).get("mask")
    return (
        percent(own.mean) if own else "",
        effect_text(row.effect["mask AP"]) if "mask AP" in row.effect else "",
        f"{printed['AP']:.1f}" if printed else "",
    )


def numbers_table(rows: Sequence[VariantRow]) -> str:
    """All of COCO's AP numbers of a part's recorded variants, with their intervals."""
    objects = objects_of(rows)
    header = [f"{n}{objects_text(objects.get(SIZE_OF.get(n, '')))}" for n in paper.AP_NAMES]
    lines = [
        [each.label, *(interval_text(each.own.get(name)) for name in paper.AP_NAMES)]
        for each in rows
        if each.own
    ]
    return page_table(["", *header], lines)


def median_seconds(name: str, of: Evidence) -> dict[str, float]:
    """The median time of a run, for each variant of a part that has runs."""
    there = {variant: of.recorded(variant).values() for variant in grid.part(name).variants}
    return {v: median(r.result["seconds"] for r in runs) for v, runs in there.items() if runs}


def run_times(timings: Sequence[dict]) -> str:
    """All measurements of `augfpn.study.timing` beside the paper's ratios."""
    lines = []
    for each in timings:
        made, budget = each["environment"], each["budget"]
        device = f"{made['device_name']}; threads: {made['threads']}; commit {made['commit']}"
        names = {"training": f"step, {each['batch']} pictures", "testing": "test picture"}
        for use, printed in paper.printed_time_ratios().items():
            seconds = (each["seconds"][use][variant] for variant in timed.TIMED_VARIANTS)
            middle = [f"{median(x):.3g}" for x in seconds]
            ratio = ratio_text(timed.time_ratio(each, use))
            lines.append([device, budget, names[use], *middle, ratio, f"{printed:.2f}"])
    header = ["device", "budget", "", "FPN, s", "AugFPN, s", "AugFPN / FPN", "paper"]
    return page_table(header, lines)


# --- a table in a sentence and in a figure --------------------------------------------------------


def part_conclusion(rows: Sequence[VariantRow], of: Evidence) -> str:
    """What a table shows, in a few sentences."""
    effects = [each for each in rows if each.effect]
    if not effects:
        return f"Nothing is recorded on {of.pictures} at the {of.budget} budget."
    by_verdict: dict[str, list[str]] = {}
    for each in effects:
        by_verdict.setdefault(each.verdict, []).append(each.label)
    said = [f"{text}: {', '.join(by_verdict[v])}" for v, text in BETTER.items() if v in by_verdict]
    seeds = sorted({each.effect["AP"].seeds for each in effects})
    runs = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
    return f"On {of.pictures}, {of.budget} budget, {runs} seed(s). " + "; ".join(said) + "."


def effects_figure(rows: Sequence[VariantRow], wider: bool = False) -> Figure | None:
    """Effects beside the paper's; ``wider``: with the wider of two intervals; ``None`` if empty."""
    shown = [
        (each.label, *(100 * x for x in effects["AP"][:3]), each.printed_effect)
        for each in rows
        if (effects := each.wider if wider else each.effect)
    ]
    if not shown:
        return None
    runs = runs_table(rows)
    return plots.effects(shown, runs[runs["variant"] != runs["base"]] if len(runs) else None)


def runs_table(rows: Sequence[VariantRow]) -> pd.DataFrame:
    """The runs of a table's rows, for figures: `augfpn.records.frame` with AP in percent.

    Further columns: the row's "label", the variant that is its "base", and "minus FPN", the AP
    minus that of the base's run with the same seed; nan where there is no such run.
    """
    every = [(each, record) for each in rows for record in each.runs]
    if not every:
        return pd.DataFrame()
    table = records.frame(record for _, record in every)
    table["AP"] *= 100
    table["label"] = [each.label for each, _ in every]
    table["variant"] = [each.variant for each, _ in every]
    table["base"] = [baseline_of(each.variant) for each, _ in every]
    fpn = table[table["variant"] == table["base"]].set_index(["base", "seed"])["AP"]
    pairs = pd.MultiIndex.from_frame(table[["base", "seed"]])
    table["minus FPN"] = table["AP"] - fpn.reindex(pairs).to_numpy()
    return table
