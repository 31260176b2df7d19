"""The command `augfpn bench`: what detectors cost on this machine."""

import argparse
from dataclasses import fields

from augfpn import config
from augfpn.cli import options
from augfpn.cli.options import argument
from augfpn.cli.output import DONE, as_json, progress_apart
from augfpn.errors import UserError
from augfpn.study.bench import settings
from augfpn.study.bench.settings import BenchSettings
from augfpn.support.files import check_writable

ABOUT_VARIANTS = """\
Variants: torchvision is torchvision's own detector with plain FPN, fpn is ours; cs, rfa and srs are
ours with one of AugFPN's components, augfpn with all. Every round runs each variant once.
"""

FREE = {  # what a measurement of its own leaves to its user; the rest is fixed
    "goals": ("device", "threads", "rounds", "seconds"),
    "engines": (
        *("detector", "backbone", "budget", "variants", "size", "rois", "fields"),
        *("threads", "rounds", "seconds"),
    ),
}


def run_bench(given: argparse.Namespace) -> int:
    """Measure what detectors cost on this machine, beside torchvision's: time, parts, memory."""
    instead = [name for name in ("goals", "scaling", "engines") if getattr(given, name)]
    if len(instead) > 1:
        words = " and ".join(f"--{name}" for name in instead)
        raise UserError(f"{words} are different measurements: give one of them.")
    for name in FREE.keys() & instead:
        check_fixed(name, bench_settings(given))
    if given.out is not None:
        check_writable(given.out)
    asked = settings.checked_settings(bench_settings(given))
    from augfpn.study.bench import engines, goals, measure, report, scaling
    from augfpn.training import prepare

    run, text = measure.bench, report.bench_text
    if given.goals:
        run, text = goals.measure_goals, goals.goals_text
    elif given.scaling:
        run, text = scaling.measure_scaling, scaling.scaling_text
    elif given.engines:
        run, text = engines.measure_engines, engines.engines_text
    with progress_apart(given.json):
        prepare.the_device(asked.device)
        found = run(asked)
    print(as_json(found) if given.json else f"\n{text(found)}")
    if given.out is not None:  # after the numbers, which a full disk must not hide
        written = report.write_files(found, given.out)
        if not given.json:
            print("\n".join(map(str, written)))
    return DONE


def check_fixed(measurement: str, asked: BenchSettings) -> None:
    """Raise ``UserError`` for a setting that a measurement has fixed."""
    words = {"uses": "use", "fields": "set"}
    for each in fields(BenchSettings):
        if each.name not in FREE[measurement] and getattr(asked, each.name) != each.default:
            option = words.get(each.name, each.name)
            free = ", ".join(f"--{words.get(name, name)}" for name in FREE[measurement])
            raise UserError(
                f"--{measurement} has its own --{option}: leave it out ({free} may be given)."
            )


def bench_settings(given: argparse.Namespace) -> BenchSettings:
    """The settings, from the options that were given."""
    same = ("detector", "backbone", "budget", "size", "batch", "rois", "sampled", "threads",
            "device", "precision", "layout", "rounds", "seconds")  # fmt: skip
    return BenchSettings(
        **{name: getattr(given, name) for name in same},
        variants=tuple(given.variants) if given.variants else None,
        uses=tuple(given.use or settings.USES),
        fields=tuple(field(word) for word in given.set or ()),
    )


def field(word: str) -> tuple[str, str]:
    """A setting of a detector as it is typed, NAME=VALUE. Raises ``UserError`` for other words."""
    name, equals, value = word.partition("=")
    if not (name and equals and value):
        raise UserError(f"--set {word!r}: give NAME=VALUE, as roi_align=torchvision.")
    return name, value


def chosen(name: str, allowed: tuple[str, ...], what: str, default: str) -> options.Argument:
    """An option with a few allowed words."""
    text = f"{what}: {', '.join(allowed)} [{default}]"
    return argument(f"--{name}", choices=allowed, default=default, help=text)


def from_one(name: str, what: str, most: int = 10**6) -> options.Argument:
    """An option that is a whole number from 1 to ``most``."""
    return argument(f"--{name}", type=options.at_least(1, most), help=what)


MOST_ROIS = 100_000
EVERY_DETECTOR = (*config.TWO_STAGE, *config.ONE_STAGE)
BENCH_OPTIONS = (
    chosen("detector", EVERY_DETECTOR, "the detector", "faster_rcnn"),
    argument(
        "--backbone", metavar="NAME", help="the backbone [resnet50; budget laptop: narrow_resnet]"
    ),
    chosen("budget", settings.BENCH_BUDGETS, "sizes of the detector", "paper"),
    argument(
        "--variants",
        metavar="VARIANT",
        nargs="+",
        choices=settings.VARIANTS,
        help=f"what is measured: {', '.join(settings.VARIANTS)} [all]",
    ),
    argument(
        "--use",
        metavar="USE",
        nargs="+",
        choices=settings.USES,
        help="testing (inference), training [both]",
    ),
    argument(
        "--size", type=options.size, help="height x width [testing 800x1216, training 320x416]"
    ),
    from_one("batch", "images of a step [testing 1, training 2]", options.MOST_AT_ONCE),
    from_one("rois", "proposals of an image at inference [1000]", MOST_ROIS),
    from_one("sampled", "RoIs of an image in training [512]", MOST_ROIS),
    from_one("threads", "threads of torch [its own choice]"),
    argument(
        "--device",
        default="cpu",
        choices=("cpu", "cuda"),
        help="where to compute: %(choices)s [cpu]",
    ),
    chosen("precision", settings.PRECISIONS, "bf16 is autocast", "fp32"),
    chosen("layout", settings.LAYOUTS, "of images and weights", "contiguous"),
    argument("--set", metavar="NAME=VALUE", nargs="+", help="fields of augfpn.config.Model, ours"),
    argument("--rounds", type=options.at_least(2), default=20, help="rounds, at most [20]"),
    argument("--seconds", type=options.at_least(1), default=240, help="for all rounds [240]"),
    argument("--goals", action="store_true", help="measure the goals for AugFPN's price instead"),
    argument(
        "--scaling",
        action="store_true",
        help="measure how time grows with size, batch, RoIs and levels instead; some 17 minutes",
    ),
    argument(
        "--engines",
        action="store_true",
        help="measure torch, OpenVINO and onnxruntime on one exported detector instead",
    ),
    argument("--out", metavar="FOLDER", type=options.as_path, help="for bench.json and bench.svg"),
    options.JSON,
)
