"""The committed_bench bench as tables in Markdown, for the book: they need no GPU and no time."""

import json

from augfpn import records
from augfpn.study.bench.report import Measured, in_table_order, title_of
from augfpn.support.text import markdown

FOLDER = "benchmarks"  # beside records
VARIANT_NAMES = {  # of variants, as the paper has them
    **{"torchvision": "torchvision, FPN", "fpn": "ours, FPN", "augfpn": "ours, AugFPN"},
    **{"cs": "ours, CS", "rfa": "ours, RFA", "srs": "ours, SRS"},
}


def committed_bench(name: str) -> Measured:
    """A measurement that comes with the repository: "goals" or "waits"."""
    files = [folder / FOLDER / f"{name}.json" for folder in records.COMMITTED]
    return next(json.loads(file.read_text()) for file in files if file.exists())


def goals_table(found: Measured) -> str:
    """Each goal, the median ratio and its range over rounds."""
    rows = [
        (
            row["what"],
            f"{row['most']:.2f}",
            f"**{row['median']:.2f}**" if row["reached"] else f"{row['median']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}",
        )
        for row in found["goals"]
    ]
    return markdown(("ratio to torchvision's FPN", "goal", "median; bold: reached", "range"), rows)


def floor_table(found: Measured) -> str:
    """Seconds of a step, the seconds of its multiplications alone, and their ratio.

    Multiplications are those of direct convolutions, at the highest rate that any bench measured.
    """
    rate = max(bench["rates"]["macs_per_second"] for bench in found["benches"].values())
    rows = [
        (
            title_of(use, result),
            bench["settings"]["backbone"] or "resnet50",
            VARIANT_NAMES[name],
            f"{each['median']:.2f}",
            f"{each['floor']['macs'] / rate:.2f}",
            f"{each['median'] * rate / each['floor']['macs']:.1f}",
        )
        for bench in found["benches"].values()
        for use, result in bench["uses"].items()
        for name, each in in_table_order(result["variants"]).items()
    ]
    header = ("step", "backbone", "detector", "seconds", "multiplications", "times as long")
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
    header = ("detector", "", "waits, a training step", "waits, testing", "operators, one more")
    return markdown(header, rows)
