"""The engines that can run one exported detector, in turns: `augfpn bench --engines`.

torch runs the detector as `augfpn predict` runs a record's, OpenVINO and onnxruntime the file that
`augfpn export` writes of it. All get the same picture, the same proposals and the same scores.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from augfpn.config import TWO_STAGE
from augfpn.deploy import engine
from augfpn.deploy.export import (
    PACKAGES,
    OnePicture,
    need,
    onnxruntime_session,
    report_on,
    write_graph,
)
from augfpn.errors import UserError
from augfpn.study.bench import measure
from augfpn.study.bench.detectors import build_variants, tested
from augfpn.study.bench.report import time_cells
from augfpn.study.bench.settings import BenchSettings, variants_of
from augfpn.study.bench.work import fix_scores, force_proposals, make_work
from augfpn.support.text import columns

Detect = Callable[[Tensor], dict[str, Tensor]]  # a picture (3, H, W) in [0, 1] to its detections
ENGINES = ("torch", "OpenVINO", "onnxruntime")


@dataclass
class Runner:
    """An engine that is ready, with what is measured of it, as `measure.run_rounds` asks."""

    name: str
    detect: Detect
    picture: Tensor
    ready_seconds: float  # to read the file and compile it
    device: str = "cpu"
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def run(self, _: int) -> None:
        """Detect in the picture."""
        self.detect(self.picture)

    def forget(self) -> None:
        """There is nothing to free."""


def measure_engines(settings: BenchSettings) -> dict[str, Any]:
    """Seconds of a picture in each engine, for each variant of ours; AugFPN unless they are given.

    Raises: UserError for packages that are missing, and for torchvision's detector, which is not
    exported.
    """
    need((*PACKAGES, "openvino"), "export,openvino")
    settings = replace(settings, variants=settings.variants or ("augfpn",))
    names = variants_of(settings)
    if "torchvision" in names:
        raise UserError("--engines runs our detectors: leave torchvision out of --variants.")
    least = len(names) * len(ENGINES) * (1 + measure.FEWEST_ROUNDS)
    with measure.measuring(settings, "engines", least) as (found, share, told):
        found["engines"] = {
            name: in_turns(name, settings, share(len(names) - n), told)
            for n, name in enumerate(names)
        }
    return found


def in_turns(
    variant: str, settings: BenchSettings, until: float, tell: measure.Tell
) -> dict[str, Any]:
    """Run all engines on one variant in turns; how far their detections are from torch's."""
    work = make_work(settings, "testing")
    detector = build_variants(settings, "testing", (variant,))[variant].eval()
    fix_scores(detector)
    graph, fast = OnePicture(detector), tested(detector)
    if settings.detector in TWO_STAGE:
        force_proposals(fast, work.proposals)
        force_proposals(graph.detector, work.proposals)
    picture = work.images[0].float() / 255
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{variant}{engine.SUFFIX}"
        began = time.monotonic()
        write_graph(graph, file, {1: "object"})
        exported, size = time.monotonic() - began, file.stat().st_size
        runners = [
            ready(name, start, picture)
            for name, start in zip(ENGINES, starts(fast, file), strict=True)
        ]
    first = {}
    for each in runners:
        first[each.name] = each.detect(picture)
        tell()
    measure.run_rounds(runners, settings.rounds, until, tell, by_part=False)
    shape = ((picture.shape[2], picture.shape[1]),)
    return {
        "size": list(settings.size_of("testing")),
        "export_seconds": exported,
        "file_bytes": size,
        "engines": {each.name: engine_result(each, runners[0]) for each in runners},
        "detections": {
            name: report_on(shape, [(first["torch"], own)])._asdict()
            for name, own in first.items()
            if name != "torch"
        },
    }


def starts(detector: nn.Module, file: Path) -> tuple[Callable[[], Detect], ...]:
    """What makes each of `ENGINES` ready to detect."""
    return (
        lambda: with_torch(detector),
        lambda: engine.ExportedDetector(file).detections_in,
        lambda: with_onnxruntime(file),
    )


def ready(name: str, start: Callable[[], Detect], picture: Tensor) -> Runner:
    """An engine, and the seconds until it was ready."""
    began = time.monotonic()
    detect = start()
    return Runner(name, detect, picture, time.monotonic() - began)


def with_torch(detector: nn.Module) -> Detect:
    """Detect with torch, as `augfpn predict` does with a record."""

    def detect(picture: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return detector([picture])[0]

    return detect


def with_onnxruntime(file: Path) -> Detect:
    """Detect with onnxruntime, with as many threads as torch has."""
    session = onnxruntime_session(file, torch.get_num_threads())
    names = [output.name for output in session.get_outputs()]

    def detect(picture: Tensor) -> dict[str, Tensor]:
        found = session.run(names, {"picture": picture.numpy()})
        return {name: torch.from_numpy(x) for name, x in zip(names, found, strict=True)}

    return detect


def engine_result(each: Runner, base: Runner) -> dict[str, Any]:
    """The numbers of an engine; its ratios are to torch."""
    return measure.times_of(each, base) | {"ready_seconds": each.ready_seconds}


def engines_text(found: dict[str, Any]) -> str:
    """A table for each variant: seconds of a picture, ratio to torch, and what had to be done."""
    header = ("", "seconds", "quartiles", "/ torch", "range", "CPU time", "ready after s")
    blocks = []
    for variant, result in found["engines"].items():
        rows = [
            (name, *time_cells(each), f"{each['ready_seconds']:.1f}")
            for name, each in result["engines"].items()
        ]
        height, width = result["size"]
        apart = ", ".join(f"{n} {x['apart']}" for n, x in result["detections"].items())
        blocks.append(
            f"{variant}, one picture of {height} x {width}\n{columns(header, rows)}\n"
            f"export: {result['export_seconds']:.0f} s, {result['file_bytes'] / 1e6:.0f} MB; "
            f"detections that torch does not have, or has alone: {apart}"
        )
    return "\n\n".join(blocks)
