"""The committed bench as tables in Markdown, for the book: they need no GPU and no time."""

import json
from collections.abc import Sequence
from statistics import median

from augfpn import records
from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS
from augfpn.study.bench.engines import ENGINES
from augfpn.study.bench.floor import least_seconds
from augfpn.study.bench.goals import floor_cell
from augfpn.study.bench.measure import ratio_of_rounds
from augfpn.study.bench.report import Measured, called, in_table_order, title_of
from augfpn.study.timed import TIMED_VARIANTS
from augfpn.support.text import markdown

FOLDER = "benchmarks"  # beside records
PRICED = ("torchvision", *TIMED_VARIANTS)  # in the table of prices
VARIANT_NAMES = {  # of variants, as the paper has them
    **{"torchvision": "torchvision, FPN", "fpn": "ours, FPN", "augfpn": "ours, AugFPN"},
    **{"cs": "ours, CS", "rfa": "ours, RFA", "srs": "ours, SRS"},
}


def committed_bench(name: str) -> Measured:
    """A measurement that comes with the repository: a file of `FOLDER`, without its ending."""
    files = [folder / FOLDER / f"{name}.json" for folder in records.COMMITTED]
    return next(json.loads(file.read_text()) for file in files if file.exists())


def price_table(found: Measured) -> str:
    """Seconds and peak memory of a step: torchvision's FPN, our FPN and our AugFPN."""
    rows = []
    for bench in found["benches"].values():
        for use, result in bench["uses"].items():
            every = [result["variants"][name] for name in PRICED]
            step = f"{title_of(use, result)}, {measured_backbone(bench['settings'])}"
            seconds = [f"{each['median']:.3g}" for each in every]
            *_, ratio, _ = own_ratio(*(each["seconds"] for each in every[1:]))
            memory = [f"{each['peak_bytes'] / 1e6:.0f}" for each in every]
            rows.append((step, *seconds, ratio, *memory))
    names = [VARIANT_NAMES[name] for name in PRICED]
    header = ("step", *(f"seconds: {name}" for name in names), "AugFPN / our FPN")
    return markdown((*header, *(f"MB: {name}" for name in names)), rows)


def goals_table(found: Measured) -> str:
    """Each goal, the median ratio, its range over rounds, and two ratios that bound it."""
    rows = [
        (
            row["what"],
            f"{row['most']:.2f}",
            f"**{row['median']:.2f}**" if row["reached"] else f"{row['median']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}",
            floor_cell(row["at_their_rate"]),
            floor_cell(row["floor"]),
        )
        for row in found["goals"]
    ]
    header = ("ratio to torchvision's FPN", "goal", "median; bold: reached", "range")
    header += ("at torchvision's rate", "floor")
    return markdown(header, rows)


def goals_reached(found: Measured) -> str:
    """How many goals are reached, and the machine on which they were measured, as a sentence."""
    reached = sum(row["reached"] for row in found["goals"])
    machine = found["laptop"]["environment"]["device_name"]
    return f"{reached} of {len(found['goals'])} goals are reached. Measured on: {machine}."


def floor_table(found: Measured) -> str:
    """Seconds of a step, the seconds of its multiplications alone, and their ratio.

    Multiplications are those of direct convolutions, at the highest rate that any bench measured.
    """
    rows = []
    for bench in found["benches"].values():
        for use, result in bench["uses"].items():
            for name, each in in_table_order(result["variants"]).items():
                least = least_seconds(each["floor"]["macs"], found["benches"])
                rows.append(
                    (
                        title_of(use, result),
                        measured_backbone(bench["settings"]),
                        VARIANT_NAMES[name],
                        f"{each['median']:.2f}",
                        f"{least:.2f}",
                        f"{each['median'] / least:.1f}",
                    )
                )
    header = ("step", "backbone", "detector", "seconds", "multiplications", "times as long")
    return markdown(header, rows)


def own_ratios_table(found: Measured) -> str:
    """Seconds of our FPN and our AugFPN, their ratio round by round, and the paper's ratio."""
    rows = []
    for bench in found["benches"].values():
        for use, result in bench["uses"].items():
            seconds = [result["variants"][name]["seconds"] for name in TIMED_VARIANTS]
            backbone = measured_backbone(bench["settings"])
            rows.append((title_of(use, result), backbone, *own_ratio(*seconds), use))
    small = found["laptop"]
    for use, variants in small["seconds"].items():
        what = f"{called(use)}, the {small['budget']} budget"
        seconds = [variants[name] for name in TIMED_VARIANTS]
        rows.append(
            (what, measured_backbone({"backbone": None} | small), *own_ratio(*seconds), use)
        )
    printed = paper.printed_time_ratios()
    header = ("step", "backbone", "FPN, s", "AugFPN, s", "AugFPN / FPN", "range", "paper")
    return markdown(header, [(*row, f"{printed[use]:.2f}") for *row, use in rows])


def own_ratio(base: Sequence[float], other: Sequence[float]) -> tuple[str, ...]:
    """The medians of two lists of seconds, the median ratio of a round, and its range."""
    ratio = ratio_of_rounds(other, base)
    between = f"{ratio['low']:.2f} to {ratio['high']:.2f}"
    middle = [f"{median(seconds):.3g}" for seconds in (base, other)]
    return *middle, f"{ratio['median']:.2f}", between


def measured_backbone(settings: Measured) -> str:
    """The backbone that a bench's settings name, or else that of its budget."""
    return settings["backbone"] or BUDGETS[settings["budget"]].model.backbone


def engines_table(measured: Sequence[Measured]) -> str:
    """Seconds of a picture in each engine, and the ratio to torch of the processor time."""
    rows = []
    for found in measured:
        for variant, result in found["engines"].items():
            height, width = result["size"]
            network = f"{VARIANT_NAMES[variant]}, {measured_backbone(found['settings'])}"
            for name in ENGINES:
                each = result["engines"][name]
                ratio = f"{each['cpu_ratio']['median']:.2f}"
                rows.append((network, f"{height} x {width}", name, f"{each['median']:.2f}", ratio))
    header = ("detector", "image", "engine", "seconds", "processor time / torch's")
    return markdown(header, rows)


def waits_table(found: Measured) -> str:
    """How often a host waits for a GPU, for 2 and for 4 pictures; operators for a further one."""
    rows = [
        (
            detector,
            VARIANT_NAMES[name],
            *(" and ".join(map(str, each[use])) for use in ("training", "testing")),
            f"{each['operators']:g}",
        )
        for detector, variants in found.items()
        for name, each in variants.items()
    ]
    header = ("detector", "", "waits, a training step", "waits, inference", "operators, one more")
    return markdown(header, rows)
