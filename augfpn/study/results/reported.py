"""What the paper reports: AugFPN beside FPN in its Table 1, and every row of its Tables 2 to 5.

The numbers are those of `augfpn.settings.paper`, as printed. Nothing here was measured by us.
"""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from augfpn.settings import paper
from augfpn.study.uncertainty.cells import SIZE_OF, page_table

NOISE = 0.3  # points of AP by which two trainings of one COCO setting may differ: mmdetection's
# pull request 1142 saw 0.1 to 0.2, and issue 39 of facebookresearch/moco calls 0.3 usual.
# It is of a difference; `of_one_run` has the deviation of a single run that belongs to it.
BY_SIZE = paper.AP_NAMES[3:]
ABBREVIATIONS = {
    "GMP": "global maximum",
    "GAP": "global average",
    "RA-AP": "ratios",
    "PSP": "pyramid pooling, PSP",
    "ACF": "channel weights, ACF",
    "ASF": "gates, ASF",
}


class Pair(NamedTuple):
    """A detector of Table 1 with plain FPN and with AugFPN."""

    detector: str
    backbone: str
    schedule: str
    fpn: dict
    augfpn: dict

    def gain(self, number: str = "AP") -> float:
        """AugFPN minus FPN in points, rounded as printed numbers are."""
        return round(self.augfpn[number] - self.fpn[number], 1)

    @property
    def words(self) -> tuple[str, str]:
        """The detector; the backbone and, if it is not the usual one, the schedule."""
        longer = f", {paper.EPOCHS[self.schedule]} epochs" if self.schedule != "1x" else ""
        return self.detector, f"{self.backbone}{longer}"

    @property
    def label(self) -> str:
        """Detector, backbone and, if it is not the usual one, the schedule."""
        return ", ".join(self.words)


class AblationRow(NamedTuple):
    """A row of Tables 2 to 5: the same detector with a change, minus the FPN of that table."""

    table: str
    label: str
    ap: float
    gain: float

    @property
    def short(self) -> str:
        """The label of Table 4 or 5 without the paper's abbreviations."""
        words = self.label.removesuffix(", sum")
        kind, _, ratios = words.partition(" ")
        end = ", sum" * (words != self.label)
        if self.table in ("Table 4", "Table 5") and kind in ABBREVIATIONS:
            return f"{ABBREVIATIONS[kind]} {ratios}".strip() + end
        return self.label


def pairs(masks: bool = False) -> list[Pair]:
    """FPN and AugFPN of the same detector, backbone and schedule; of boxes or of masks.

    Those with the lowest AP of FPN come first.
    """
    own = [row for row in paper.tables()["table1"] if not row["cited"]]
    found: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in own:
        backbone, _, neck = row["backbone"].rpartition("-")
        key = (row["method"], backbone.replace("ResNext", "ResNeXt"), row["schedule"])
        numbers = row["mask"] if masks else row
        if numbers:
            found.setdefault(key, {})[neck] = numbers
    both = (Pair(*key, each["FPN"], each["AugFPN"]) for key, each in found.items())
    return sorted(both, key=lambda each: each.fpn["AP"])


def gains_table(masks: bool = False) -> str:
    """AP of FPN and AugFPN in Table 1 and the gain, also by the size of objects."""
    lines = [
        [
            each.label,
            *(f"{of['AP']:.1f}" for of in (each.fpn, each.augfpn)),
            *(f"{each.gain(number):+.1f}" for number in ("AP", *BY_SIZE)),
        ]
        for each in sorted(pairs(masks), key=Pair.gain, reverse=True)
    ]
    return page_table(["", "FPN", "AugFPN", "gain", "small", "medium", "large"], lines)


def parts_label(row: dict) -> str:
    """The parts of a row of Table 2 that are on: "CS + RFA", "AugFPN", "FPN"."""
    on = [name for name in ("CS", "RFA", "SRS") if row[name]]
    return "FPN" if not on else "AugFPN" if len(on) == 3 else " + ".join(on)


def components_table() -> str:
    """The paper's Table 2: AP of each combination of the parts, and the gain over FPN in brackets.

    The paper marks parts by ticks whose columns the text layer loses: a row whose parts follow from
    their order alone has a star.
    """
    fpn, *rows = paper.tables()["table2"]
    lines = [["FPN", *(f"{fpn[number]:.1f}" for number in ("AP", *BY_SIZE))]]
    for row in rows:
        star = " *" * row["column_assignment"].startswith("inferred")
        cells = (f"{row[n]:.1f} ({row[n] - fpn[n]:+.1f})" for n in ("AP", *BY_SIZE))
        lines.append([parts_label(row) + star, *cells])
    return page_table(["", "AP", *SIZE_OF.values()], lines)


def printed_main_effect(part: str, number: str = "AP") -> float:
    """The mean of with a part minus without it over the paper's Table 2, in points of AP.

    ``part`` is one of `augfpn.study.factorial.FACTORS`. The paper prints the table's eight rows,
    and not this mean.
    """
    rows = paper.tables()["table2"]
    return sum(row[number] if row[part.upper()] else -row[number] for row in rows) / (len(rows) / 2)


def supervision_label(row: dict) -> str:
    """A row of Table 3."""
    return f"{row['setting'].removesuffix(' level')}, λ = {row['lambda']:g}"


def context_label(row: dict) -> str:
    """A row of Table 4: how C5 is pooled, and how the contexts are added."""
    ratios = ", ".join(f"{each:g}" for each in row["alphas"] or ())
    return f"{row['pooling']} {ratios}".strip() + (", sum" if row["fusion"] == "sum" else "")


TABLES = {
    "Table 2": ("table2", parts_label),
    "Table 3": ("table3", supervision_label),
    "Table 4": ("table4", context_label),
    "Table 5": ("table5", lambda row: row["fusion"]),
}


def ablations() -> list[AblationRow]:
    """All rows of Tables 2 to 5 but their FPN, which is the same in each."""
    found = []
    for title, (name, label) in TABLES.items():
        first, *others = paper.tables()[name]
        gains = ((row, round(row["AP"] - first["AP"], 1)) for row in others)
        found += [AblationRow(title, label(row), row["AP"], gain) for row, gain in gains]
    return found


def printed_ap() -> dict[str, list[float]]:
    """AP of all rows of Tables 2 to 5, FPN first, by table."""
    return {
        title: [row["AP"] for row in paper.tables()[name]] for title, (name, _) in TABLES.items()
    }


def pairs_within(ap: list[float], noise: float) -> tuple[int, int]:
    """How many pairs of rows differ by no more than ``noise``, and how many pairs there are."""
    apart = [abs(round(a - b, 1)) for a, b in combinations(ap, 2)]
    return sum(each <= noise for each in apart), len(apart)


def of_one_run(noise: float) -> float:
    """The standard deviation of one run's AP where two of the same setting differ by ``noise``.

    It is half of ``noise``: two such runs then differ by less than ``noise`` in 84 of 100 cases.
    """
    return noise / 2


def best_again(ap: list[float], noise: float, repeats: int = 10_000) -> float:
    """How often the best row would be best again if every row were trained once more.

    The printed numbers count as true, and a run deviates from the truth as `of_one_run` says. Of
    equal best rows any may win.
    """
    truth = np.array(ap)
    runs = truth + np.random.default_rng(0).normal(0, of_one_run(noise), (repeats, len(ap)))
    return float(np.mean(truth[runs.argmax(1)] == truth.max()))


def noise_table(noise: float = NOISE) -> str:
    """By table: how many pairs of rows noise could swap, and whether the best row stays so.

    The last column takes twice the deviation of one run, for nobody has measured it exactly.
    """
    lines = []
    for title, ap in printed_ap().items():
        close, all_pairs = pairs_within(ap, noise)
        again = (share_text(best_again(ap, times * noise)) for times in (1, 2))
        lines.append([title, str(len(ap)), f"{close} of {all_pairs}", *again])
    header = ["", "rows", "pairs within the noise", "best row best again"]
    return page_table([*header, "by twice the deviation"], lines)


def share_text(share: float) -> str:
    """A share of many draws in percent; one that rounds to all of them is "more than 99.9 %"."""
    return "more than 99.9 %" if share > 0.999 else f"{100 * share:.0f} %"


class Interaction(NamedTuple):
    """What parts together gain beyond the sum of what each gains alone, in points of AP.

    ``deviation`` is its standard deviation, if every row is of one run.
    """

    beyond: float
    deviation: float


def interactions(noise: float = NOISE) -> dict[str, Interaction]:
    """The interactions of the parts in Table 2, by the names of the parts.

    With n parts it is the row of all, minus the n rows of one, plus n - 1 times that of FPN.
    """
    gains = {each.label: each.gain for each in ablations() if each.table == "Table 2"}
    together = {name: name.split(" + ") for name in gains if "+" in name}
    together["AugFPN"] = ["CS", "RFA", "SRS"]
    factors = {name: math.sqrt(1 + len(of) + (len(of) - 1) ** 2) for name, of in together.items()}
    return {
        name: Interaction(points, factors[name] * of_one_run(noise))
        for name, points in beyond(gains, together).items()
    }


def beyond(gains: Mapping[str, float], together: Mapping[str, list[str]]) -> dict[str, float]:
    """The gain of each combination minus the sum of the gains of what it consists of."""
    return {
        name: round(gains[name] - sum(gains[part] for part in parts), 1) + 0.0
        for name, parts in together.items()
    }


def time_table() -> str:
    """Time of training and inference, as the paper has them for one GPU."""
    said = paper.tables()["runtime"]
    lines = []
    for name, of, better in (
        ("hours an epoch of training", said["train_hours_per_epoch"], "AugFPN"),
        ("images a second at inference", said["inference_fps"], "FPN"),
    ):
        ratio = of[better] / of["FPN" if better == "AugFPN" else "AugFPN"]
        lines.append([name, f"{of['FPN']:.1f}", f"{of['AugFPN']:.1f}", f"{ratio:.2f}"])
    return page_table(["", "FPN", "AugFPN", "AugFPN takes so many times as long"], lines)
