"""How many times as long as FPN AugFPN takes: every ratio that was measured, and the paper's.

Each row names its network, its processor and its number of rounds, because the ratio depends on the
network and on the processor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import mean, median
from typing import NamedTuple

from augfpn.config import AUGFPN, FPN
from augfpn.detectors import cost
from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS
from augfpn.study.bench.pages import PRICED, in_page_order, ratio_with_range, step_of
from augfpn.study.bench.report import Measured, called
from augfpn.study.bench.settings import USES, VARIANT_FIELDS
from augfpn.study.tables import variant_label
from augfpn.study.timed import TIMED_VARIANTS, time_ratio
from augfpn.study.uncertainty.cells import ratio_text
from augfpn.support.text import markdown

PAPERS_GPU = "Tesla V100, the paper"
PAPERS_SIZE = [800, 1216]
GLANCE = ("the paper, GPU", "CPU, ResNet-50, 800 × 1216 px", "CPU, our small detectors")
WORD_BY_WORD = "inference / FPN, both word by word, as in torchvision's model after `add_augfpn`"
IMAGES = (1, 2, 4)
FLOAT_BYTES, HELD = 4, 3  # weights, gradients and momentum
IN_BENCH = {"torchvision": "torchvision's FPN", "fpn": "our FPN"}
OPERATORS = {"fast": "", "torchvision": ", word by word"}


class Price(NamedTuple):
    """One row: seconds of each round by detector, and on what they were measured."""

    step: str
    seconds: Mapping[str, Sequence[float]]
    measured: str
    of_rounds: Callable[[Sequence[float]], float] = median  # or the mean, where a page uses it

    def ratio(self, base: str) -> str:
        """AugFPN's time divided by another's; below it the lowest and the highest of a round."""
        if base not in self.seconds:
            return "–"
        both = self.seconds[base], self.seconds["augfpn"]
        return ratio_with_range(*both, self.of_rounds).replace(" (", "<br>(")

    def row(self) -> tuple[str, ...]:
        """Its cells: what matters to a reader first."""
        rounds = str(len(self.seconds["augfpn"]))
        return self.step, self.ratio("fpn"), self.ratio("torchvision"), self.measured, rounds


def price_glance(found: Measured, operators: Measured, timing: Measured) -> str:
    """The four ratios that matter: training and inference, by our FPN and by torchvision's.

    A column is the paper's, one is at its size, and one of the study's small detectors.
    """
    rows = []
    for base, name in (("fpn", "our FPN"), ("torchvision", "torchvision's FPN")):
        for use in reversed(USES):
            printed, small = "–", "–"
            turns = at_the_papers_size(found, use)
            here = [ratio_with_range(turns[base]["seconds"], turns["augfpn"]["seconds"])]
            if base == "fpn":
                printed = f"{paper.printed_time_ratios()[use]:.2f}"
                small = ratio_text(time_ratio(timing, use))
                here += processor_ratios(operators, use)
            rows.append((f"{called(use)} / {name}", printed, "<br>".join(here), small))
    plain = processor_ratios(operators, "testing", "torchvision")
    rows.append((WORD_BY_WORD, "–", "<br>".join(plain), "–"))
    return markdown(("AugFPN's time", *GLANCE), rows)


def at_the_papers_size(found: Measured, use: str) -> Measured:
    """What was measured of the detectors on images of 800 x 1216 px with the paper's backbone."""
    return next(
        result["variants"]
        for settings, each, result in in_page_order(found)
        if each == use and settings["backbone"] is None and result["size"] == PAPERS_SIZE
    )


def processor_ratios(operators: Measured, use: str, kind: str = "fast") -> list[str]:
    """AugFPN's processor time by our FPN's, with one kind of operators, if this was measured."""
    if use not in operators["settings"]["uses"]:
        return []
    fpn, other = (operators["operators"][kind][name]["cpu_seconds"] for name in TIMED_VARIANTS)
    return [f"{ratio_with_range(fpn, other)}: another CPU"]


def parts_at_full_size(found: Measured) -> str:
    """A training step of each part at the paper's size: its time by FPN's, and its tensors.

    ``found`` is a committed bench of one image a step. Tensors are the most bytes at a time, with
    weights, gradients and the optimiser's state.
    """
    variants = found["uses"]["training"]["variants"]
    rows = []
    for name in sorted(variants, key=found["settings"]["variants"].index):
        ratios = (time_by(variants, base, name) for base in ("fpn", "torchvision"))
        label = IN_BENCH.get(name) or variant_label(name)
        rows.append((label, *ratios, megabytes(variants[name])))
    header = ("a training step", "time / our FPN's", "/ torchvision's FPN's", "tensors, MB")
    return markdown(header, rows)


def memory_of_batches(found: Measured) -> str:
    """GB of all tensors in a training step, by its number of images, from one that was measured.

    Weights, gradients and momentum stay the same; all other tensors are taken to grow with the
    batch. ``found`` is a committed bench of 32 bits, with SGD and momentum.
    """
    step, rows = found["uses"]["training"], []
    for name in sorted(step["variants"], key=found["settings"]["variants"].index):
        count = trained_parameters(name)
        held = HELD * FLOAT_BYTES * count
        of_image = (step["variants"][name]["peak_bytes"] - held) / step["batch"]
        sizes = [held, *(held + n * of_image for n in IMAGES)]
        shown = (f"{size / 1e9:.1f}" for size in sizes)
        rows.append((variant_label(name), f"{count / 1e6:.0f} M", *shown))
    images = [f"{n} image{'s' * (n > 1)}" for n in IMAGES]
    images[IMAGES.index(step["batch"])] += ", measured"
    return markdown(("", "parameters", "weights, gradients, momentum", *images), rows)


def trained_parameters(variant: str) -> int:
    """A variant's parameters in training, with a ResNet-50 and the classes of COCO."""
    own = {field: getattr(AUGFPN, field) for field in VARIANT_FIELDS[variant]}
    return cost.in_training(cost.part_costs(replace(FPN, classes=80, **own)))[0]


def time_by(variants: Measured, base: str, name: str) -> str:
    """One variant's time by another's, round by round; by its own, 1."""
    seconds = (variants[each]["seconds"] for each in (base, name))
    return "1" if name == base else ratio_with_range(*seconds)


def megabytes(of: Measured) -> str:
    """The peak of a variant's tensors."""
    return f"{of['peak_bytes'] / 1e6:,.0f}"


def price_table(found: Measured, operators: Measured, timing: Measured) -> str:
    """AugFPN's time by torchvision's and by our FPN's, of all that was timed; training first.

    ``found`` and ``operators`` are committed benches, ``timing`` is of the study's small detectors.
    The paper's ratios stand first.
    """
    rows = []
    for use in reversed(USES):
        printed = f"{paper.printed_time_ratios()[use]:.2f}"
        backbone = BUDGETS["paper"].model.backbone
        name = f"{called(use)}, 800 px, {backbone}"
        rows.append((name, printed, "–", PAPERS_GPU, "–"))
        rows += [each.row() for each in prices(found, operators, timing, use)]
    header = ("step", "AugFPN / our FPN", "AugFPN / torchvision's FPN", "measured on", "rounds")
    return markdown(header, rows)


def prices(found: Measured, operators: Measured, timing: Measured, use: str) -> Iterator[Price]:
    """What was measured of one kind of step."""
    for bench in sorted(found["benches"].values(), key=lambda x: x["settings"]["backbone"] or ""):
        if result := bench["uses"].get(use):
            seconds = {name: result["variants"][name]["seconds"] for name in PRICED}
            step = step_of(bench["settings"], use, result)
            yield Price(step, seconds, machine_of(bench["environment"]))
    small = f"{called(use)}, small detectors"
    yield Price(small, timing["seconds"][use], machine_of(timing["environment"]), mean)
    if use in operators["settings"]["uses"]:
        step = step_of(operators["settings"], use, operators["settings"])
        machine = f"{machine_of(operators['environment'])}, processor time"
        for kind, name in OPERATORS.items():
            seconds = {v: x["cpu_seconds"] for v, x in operators["operators"][kind].items()}
            yield Price(f"{step}{name}", seconds, machine)


def machine_of(environment: Measured) -> str:
    """A processor and how many threads torch had: "Intel Xeon, 2 threads"."""
    name = environment["device_name"].split(",")[0].replace("(R)", "").removesuffix(" Processor")
    count = environment["threads"]
    return f"{name}, {count} thread{'s' * (count > 1)}"
