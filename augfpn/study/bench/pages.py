"""The committed bench as tables in Markdown, for the book: they need no GPU and no time."""

import json
from collections.abc import Callable, Sequence
from statistics import median

from augfpn import records
from augfpn.settings.budgets import BUDGETS
from augfpn.study.bench.engines import ENGINES
from augfpn.study.bench.floor import least_seconds
from augfpn.study.bench.measure import ratio_of_rounds
from augfpn.study.bench.report import VARIANT_NAMES, Measured, in_table_order, use_and_images
from augfpn.study.timed import TIMED_VARIANTS
from augfpn.support.text import markdown

FOLDER = "benchmarks"  # beside records
PRICED = ("torchvision", *TIMED_VARIANTS)  # in the table of prices


def committed_bench(name: str) -> Measured:
    """A measurement that comes with the repository: a file of `FOLDER`, without its ending."""
    files = [folder / FOLDER / f"{name}.json" for folder in records.COMMITTED]
    return next(json.loads(file.read_text()) for file in files if file.exists())


def in_page_order(found: Measured) -> list[tuple[Measured, str, Measured]]:
    """Settings, use and result of each step: training first, then by backbone."""
    every = [
        (bench["settings"], use, result)
        for bench in found["benches"].values()
        for use, result in bench["uses"].items()
    ]
    return sorted(every, key=lambda each: (each[1] != "training", each[0]["backbone"] or ""))


def step_of(settings: Measured, use: str, result: Measured) -> str:
    """A step with its images and its backbone, as a row of a table is called."""
    return f"{use_and_images(use, result)}, {measured_backbone(settings)}"


def ratio_with_range(
    base: Sequence[float],
    other: Sequence[float],
    middle: Callable[[Sequence[float]], float] = median,
) -> str:
    """The middle ratio of the rounds, with the lowest and the highest in brackets."""
    ratios = [b / a for a, b in zip(base, other, strict=True)]
    return f"{middle(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def operators_table(found: Measured) -> str:
    """AugFPN's processor time by FPN's, with torchvision's operators and with ours; seconds too."""
    rows = []
    for kind, name in (("torchvision", "torchvision's"), ("fast", "ours")):
        fpn, other = (found["operators"][kind][each]["cpu_seconds"] for each in TIMED_VARIANTS)
        seconds = (f"{median(each):.2f}" for each in (fpn, other))
        rows.append((name, *seconds, ratio_with_range(fpn, other)))
    header = ("operators", "FPN, seconds", "AugFPN, seconds", "AugFPN / FPN")
    return markdown(header, rows)


def memory_table(found: Measured) -> str:
    """Our AugFPN's peak memory of a step divided by those of both FPNs, and all three in MB."""
    rows = []
    for settings, use, result in in_page_order(found):
        peaks = [result["variants"][name]["peak_bytes"] for name in PRICED]
        theirs, ours, other = peaks
        ratios = [f"{other / base:.2f}" for base in (theirs, ours)]
        megabytes = (f"{each / 1e6:.0f}" for each in peaks)
        rows.append((step_of(settings, use, result), *ratios, *megabytes))
    header = ("step", "AugFPN / torchvision's FPN", "AugFPN / our FPN")
    return markdown((*header, *(f"{VARIANT_NAMES[name]}, MB" for name in PRICED)), rows)


def ratio_at_the_papers_size(found: Measured) -> float:
    """How many times as long as with our FPN a training step of AugFPN takes, at 800 px."""
    variants = found["benches"]["large"]["uses"]["training"]["variants"]
    base, other = (variants[name]["seconds"] for name in TIMED_VARIANTS)
    return ratio_of_rounds(other, base)["median"]


def floor_table(found: Measured) -> str:
    """Seconds of a step, the seconds of its multiplications alone, and their ratio.

    Multiplications are those of direct convolutions, at the highest rate that any bench measured.
    """
    rows = []
    for settings, use, result in in_page_order(found):
        for name, each in in_table_order(result["variants"]).items():
            least = least_seconds(each["floor"]["macs"], found["benches"])
            times = f"{each['median'] / least:.1f}"
            step, detector = step_of(settings, use, result), VARIANT_NAMES[name]
            rows.append((step, detector, f"{each['median']:.2f}", f"{least:.2f}", times))
    header = ("step", "detector", "seconds", "seconds, multiplications alone", "times as long")
    return markdown(header, rows)


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
