"""What controls are for: how much better a variant is than its control, at what cost in time."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, median
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from augfpn.figures import costs
from augfpn.settings import paper, recipes
from augfpn.study import timed
from augfpn.study.evidence import Evidence, shared_seeds
from augfpn.study.factorial import EFFECT_NUMBERS, wider_contrast
from augfpn.study.running.controls import CONTROL_VARIANTS
from augfpn.study.running.tries import Tuning, results_of_tuning
from augfpn.study.spreads import wider_text
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty.cells import effect_text, page_table, percent, ratio_text
from augfpn.study.uncertainty.intervals import Interval
from augfpn.study.uncertainty.resampling import Draws

OTHERS = ("authors", "torchvision")  # dialects than ours
AGAINST = (  # the question, and those that controls are for: the first variant minus the second
    ("augfpn", "fpn"),
    ("augfpn", "fpn_2x_steps"),
    ("augfpn", "fpn_wide"),
    ("augfpn_even", "augfpn"),
    ("augfpn_even", "fpn"),
    ("augfpn_4x_steps", "fpn_4x_steps"),
    ("cs_4x_steps", "fpn_4x_steps"),
    ("fpn_tuned", "fpn"),
    ("augfpn_tuned", "augfpn"),
    ("augfpn_tuned", "fpn_tuned"),
    ("augfpn", "fpn_tuned"),
    ("cs", "cs_separate"),
    ("cs_lam1", "cs"),
    ("cs_single_lam1", "cs"),
    ("cs_single_lam1", "fpn"),
    ("pafpn", "fpn"),
    ("bifpn", "fpn"),
    ("augfpn", "bifpn"),
    ("srs_softmax", "srs"),
    ("srs_softmax", "fpn"),
    ("srs_softmax_even", "srs_even"),
    ("srs_softmax_even", "fpn"),
    *((f"{variant}_{way}", variant) for way in OTHERS for variant in ("fpn", "augfpn")),
    *((f"augfpn_{way}", f"fpn_{way}") for way in OTHERS),
)
TIMED = ("augfpn", "cs")  # the variants whose gain at equal time is reckoned


def against_controls(of: Evidence) -> str:
    """What the controls are for: AugFPN minus FPN with as much time, as many parameters, ...

    Each effect has the wider of its two intervals (`augfpn.study.spreads.wider_effect`).
    """
    lines = []
    for variant, control in AGAINST:
        if of.apart(variant, control):
            drawn = {each: of.of(each) for each in (variant, control)}
            seeds = shared_seeds(drawn)
            both = [labelled(each, [by_seed[s] for s in seeds]) for each, by_seed in drawn.items()]
            effects = (wider_text(of, variant, control, name) for name in EFFECT_NUMBERS)
            lines.append([" minus ".join(both), str(len(seeds)), *effects])
    return page_table(["", "seeds", *EFFECT_NUMBERS], lines) if lines else ""


def labelled(variant: str, of: Sequence[Draws]) -> str:
    """A variant with its mean AP over some seeds: "AugFPN (49.4)"."""
    return f"{variant_label(variant)} ({percent(mean(each.observed['AP'] for each in of))})"


def time_figure(of: Evidence) -> Figure | None:
    """AP against the time of training, for FPN and AugFPN at all lengths that were run.

    A line stands at the time of AugFPN with the budget's steps.
    ``None`` if nothing was timed at this budget.
    """
    if not of.timings:
        return None
    ratio = step_ratio(of)
    return costs.ap_against_time(ap_by_time(of, ratio), equal=ratio)


def ap_by_time(of: Evidence, ratio: float) -> pd.DataFrame:
    """Runs of FPN and AugFPN: "detector", "seed", "AP" in percent, and "time", relative.

    The time is 1 for FPN with the budget's steps; ``ratio`` is that of a step of AugFPN.
    """
    rows = []
    for variant, step in (("fpn", 1.0), ("augfpn", ratio)):
        controls = {n: c.longer for n, c in CONTROL_VARIANTS.items() if c.variant == variant}
        longer_ones = {name: longer for name, longer in controls.items() if longer > 1}
        for name, longer in {variant: 1, **longer_ones}.items():
            for seed, record in of.recorded(name).items():
                ap = 100 * record.result["AP"]
                rows.append([variant_label(variant), seed, longer * step, ap])
    return pd.DataFrame(rows, columns=["detector", "seed", "time", "AP"])


def times_of_parts(timing: dict) -> str:
    """FPN's seconds, and how many times as long each part and AugFPN take, with intervals."""
    uses = {"training": "a training step", "testing": "inference"}
    plain = [f"{median(timing['seconds'][use]['fpn']):.3f}" for use in uses]
    lines = [["FPN, seconds", *plain]]
    lines += [
        [
            f"{variant_label(v)} / FPN",
            *(ratio_text(timed.time_ratio(timing, use, v)) for use in uses),
        ]
        for v in timed.IN_TURNS[1:]
        if has_timed(timing, v)
    ]
    return page_table(["", *uses.values()], lines)


def has_timed(timing: dict, variant: str) -> bool:
    """Whether a timing has a variant: older ones have FPN and AugFPN only."""
    return all(variant in of_use for of_use in timing["seconds"].values())


# --- is it worth its time? ------------------------------------------------------------------------


class Doubling(NamedTuple):
    """AP, in points, of FPN, of FPN with twice the steps and of a variant.

    ``ratio`` is the time of the variant's step divided by that of FPN's.
    """

    fpn: float
    fpn_twice: float
    variant: float
    ratio: float

    @property
    def brings(self) -> float:
        """What twice the steps bring FPN."""
        return self.fpn_twice - self.fpn

    @property
    def gain(self) -> float:
        """What the variant brings at an equal number of steps."""
        return self.variant - self.fpn

    @property
    def breaks_even(self) -> float:
        """What a doubling may bring at most, for the variant to be as good as FPN at equal time.

        If AP grows evenly with the logarithm of the steps, FPN with the variant's time gains
        log2(``ratio``) times what a doubling brings.
        """
        return self.gain / math.log2(self.ratio)

    @property
    def at_equal_time(self) -> float:
        """What the variant brings at equal time, under the same assumption."""
        return self.gain - self.brings * math.log2(self.ratio)


def doublings(of: Evidence, ratios: Mapping[str, float] | None = None) -> dict[str, Doubling]:
    """On our pictures, of variants that were timed, and on COCO by the paper's numbers.

    COCO's AP is the paper's; its ratio of times is, too, and each of ``ratios`` besides, by name.
    """
    found = {}
    for variant in TIMED:
        if of.timings and has_timed(of.timings[0], variant):
            runs = [of.recorded(name) for name in ("fpn", "fpn_2x_steps", variant)]
            seeds = set.intersection(*map(set, runs))
            if seeds:
                ap = (100 * mean(each[s].result["AP"] for s in seeds) for each in runs)
                found[title_of(of, variant)] = Doubling(*ap, step_ratio(of, variant))
    printed = {"the paper's ratio": paper.printed_time_ratios()["training"]}
    for name, detector in (("Faster R-CNN", "faster_rcnn"), ("Mask R-CNN", "mask_rcnn")):
        three = (("fpn", "1x"), ("fpn", "2x"), ("augfpn", "1x"))
        named = (recipes.named(f"{detector}_r101_{neck}_{length}") for neck, length in three)
        ap = [each.rows[0].row["AP"] for each in named]
        for whose, ratio in (printed | dict(ratios or {})).items():
            found[f"COCO, AugFPN in {name}, {whose}"] = Doubling(*ap, ratio)
    return found


def at_equal_time(of: Evidence, variant: str) -> Interval | None:
    """A variant's gain at equal time on our pictures, with the wider interval.

    It is a weighted sum of three variants; the ratio of times counts as exact.
    """
    doubled = math.log2(step_ratio(of, variant))
    weights = {variant: 1.0, "fpn": doubled - 1, "fpn_2x_steps": -doubled}
    return wider_contrast(of, weights, "AP")


def doublings_table(of: Evidence, ratios: Mapping[str, float] | None = None) -> str:
    """The same as a table; on our pictures the gain at equal time has its interval."""
    own, lines = {title_of(of, variant): variant for variant in TIMED}, []
    for where, d in doublings(of, ratios).items():
        gain = effect_text(at_equal_time(of, own[where])) if where in own else None
        others = map(points, (d.gain, d.brings, d.breaks_even))
        ap = (f"{each:.1f}" for each in d[:3])
        lines.append([where, gain or points(d.at_equal_time), f"{d.ratio:.2f}", *others, *ap])
    header = ["", "at equal time", "time ratio", "at equal steps", "a doubling brings"]
    return page_table([*header, "breaks even at", "FPN", "FPN, twice", "the variant"], lines)


def title_of(of: Evidence, variant: str) -> str:
    """The name of a row of our pictures."""
    return f"{of.pictures}, {variant_label(variant)}"


def points(x: float) -> str:
    """A difference in points of AP, with its sign."""
    return percent(x / 100, sign=True)


def step_ratio(of: Evidence, variant: str = "augfpn") -> float:
    """How many times as long as FPN's a training step takes, by the first timing."""
    return timed.time_ratio(of.timings[0], "training", variant).mean


def tries_table(budget: str, variant: str) -> str:
    """AP of each try that tuned FPN or AugFPN, in percent: a row for each learning rate.

    The best is bold; a star marks what the budget and the paper have. Empty before the pilot.
    """
    found = {each: ap for each, ap in results_of_tuning(budget).items() if variant in each.variants}
    if not found:
        return ""
    best = max(found, key=found.__getitem__)
    others = sorted({own_setting(each) for each in found})
    lines = []
    for rate in sorted({each.lr for each in found}):
        row = [
            next(x for x in found if (x.lr, own_setting(x)) == (rate, other)) for other in others
        ]
        lines.append([f"{rate:g}", *(try_text(found[x], x == best, x.is_plain) for x in row)])
    name = "λ" if variant == "augfpn" else "canonical size"
    return page_table(["learning rate", *(f"{name} {other:.3g}" for other in others)], lines)


def own_setting(tried: Tuning) -> float:
    """What a try sets besides the learning rate: AugFPN's lambda or FPN's canonical size."""
    return tried.canonical_size if tried.lam is None else tried.lam


def try_text(ap: float, best: bool, plain: bool) -> str:
    """A cell of `tries_table`."""
    text = f"{percent(ap)}{' *' if plain else ''}"
    return f"**{text}**" if best else text
