"""The committed bench as tables in Markdown, for the book: they need no GPU and no time."""

import json
from collections.abc import Iterator, Sequence
from statistics import median

from augfpn import records
from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS
from augfpn.study.bench.engines import ENGINES
from augfpn.study.bench.floor import least_seconds
from augfpn.study.bench.measure import ratio_of_rounds
from augfpn.study.bench.report import VARIANT_NAMES, Measured, called, in_table_order, title_of
from augfpn.study.timed import TIMED_VARIANTS
from augfpn.support.text import markdown

FOLDER = "benchmarks"  # beside records
PRICED = ("torchvision", *TIMED_VARIANTS)  # in the table of prices


def committed_bench(name: str) -> Measured:
    """A measurement that comes with the repository: a file of `FOLDER`, without its ending."""
    files = [folder / FOLDER / f"{name}.json" for folder in records.COMMITTED]
    return next(json.loads(file.read_text()) for file in files if file.exists())


def price_table(found: Measured) -> str:
    """AugFPN's time by our FPN's and by torchvision's, and the paper's ratio.

    The last rows are the steps of a small detector, which torchvision does not have.
    """
    rows = []
    for step, use, every in priced_steps(found):
        *theirs, ours, other = every
        ratio, rounds, between = own_ratio(ours, other)
        printed = f"{paper.printed_time_ratios()[use]:.2f}"
        to_theirs = own_ratio(theirs[0], other)[0] if theirs else "–"
        rows.append((step, ratio, between, rounds, printed, to_theirs))
    header = ("step", "AugFPN / our FPN", "of single rounds", "rounds", "paper")
    return markdown((*header, "AugFPN / torchvision's FPN"), rows)


def price_seconds_table(found: Measured) -> str:
    """The seconds behind the ratios of `price_table`: medians over rounds."""
    rows = []
    for step, _, every in priced_steps(found):
        seconds = [f"{median(each):.3g}" for each in every]
        rows.append((step, *["–"] * (len(PRICED) - len(every)), *seconds))
    return markdown(("step", *(VARIANT_NAMES[name] for name in PRICED)), rows)


def priced_steps(found: Measured) -> Iterator[tuple[str, str, list[list[float]]]]:
    """Each step with its backbone, its use, and the seconds of all rounds, as in `PRICED`.

    Those of the small detector are of our FPN and AugFPN only.
    """
    for bench in found["benches"].values():
        for use, result in bench["uses"].items():
            seconds = [result["variants"][name]["seconds"] for name in PRICED]
            yield f"{title_of(use, result)}, {measured_backbone(bench['settings'])}", use, seconds
    small = found["laptop"]
    for use, variants in small["seconds"].items():
        step = f"{called(use)}, the {small['budget']} budget"
        name = measured_backbone({"backbone": None} | small)
        yield f"{step}, {name}", use, [variants[each] for each in TIMED_VARIANTS]


def memory_table(found: Measured) -> str:
    """Peak memory of a step in MB, and our AugFPN's divided by those of both FPNs."""
    rows = []
    for step, every in priced(found):
        theirs, ours, other = peaks = [each["peak_bytes"] for each in every]
        ratios = [f"{other / base:.2f}" for base in (ours, theirs)]
        rows.append((step, *ratios, *(f"{each / 1e6:.0f}" for each in peaks)))
    header = ("step", "AugFPN / our FPN", "AugFPN / torchvision's FPN")
    return markdown((*header, *(f"MB: {VARIANT_NAMES[name]}" for name in PRICED)), rows)


def priced(found: Measured) -> Iterator[tuple[str, list[Measured]]]:
    """Each step with its backbone, and what was measured of it, in the order of `PRICED`."""
    for bench in found["benches"].values():
        for use, result in bench["uses"].items():
            every = [result["variants"][name] for name in PRICED]
            yield f"{title_of(use, result)}, {measured_backbone(bench['settings'])}", every


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


def own_ratio(base: Sequence[float], other: Sequence[float]) -> tuple[str, str, str]:
    """Of two lists of seconds the median ratio of a round, the rounds, and their ratios.

    Of two rounds both ratios are given, of more the lowest and the highest.
    """
    ratio, rounds = ratio_of_rounds(other, base), len(base)
    between = f"{ratio['low']:.2f} {'and' if rounds == 2 else 'to'} {ratio['high']:.2f}"
    return f"{ratio['median']:.2f}", str(rounds), between


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
