"""Export any detector as one ONNX file for pictures of any size; or compile its dense part.

    picture (3, H, W) in [0, 1] --resize, pad--> backbone, pyramid, heads --NMS--> detections

The file does all of inference, including resizing and non-maximum suppression (NMS), and contains
nothing that only training needs. It is traced from the detector's own forward, of which
`augfpn.deploy.graph` replaces some steps.
"""

import copy
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from augfpn.data.pictures import Pictures
from augfpn.deploy.graph import traceable
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.errors import UserError
from augfpn.support.files import check_room, check_writable, whole

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
METADATA = ("category_ids", "classes")  # what a file has beside the graph
TRACES_ALL = "2.13"  # the first torch that traces all; 2.11 traces only Faster and Mask R-CNN
OPSET = 18  # the version of ONNX's operators that the exporter writes without conversion
EXAMPLE = (3, 240, 320)  # the graph is the same for a picture of any size
SAME_BOX, SAME_SCORE = 0.1, 1e-3  # pixels and score by which equal detections may differ
CHECKED = 3  # pictures, each of another size


class OnePicture(nn.Module):
    """A detector in evaluation mode as a function of one picture, ready to be exported.

    Shapes: picture (3, H, W) in [0, 1] -> ``boxes`` (D, 4) in its pixels, ``scores`` (D,),
    ``labels`` (D,) and, with masks, ``masks`` (D, 1, H, W); the best first, as from the detector.
    It holds a traceable copy of the detector on the CPU, whose detections are equal up to rounding.
    """

    def __init__(self, detector: TwoStage | OneStage) -> None:
        super().__init__()
        self.detector = traceable(detector)
        self.names = ("boxes", "scores", "labels")
        if isinstance(detector, TwoStage) and detector.masks is not None:
            self.names += ("masks",)
        self.eval()

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        (found,) = self.detector([picture])
        return tuple(found[name] for name in self.names)


def export(detector: TwoStage | OneStage, path: Path, categories: Mapping[int, str]) -> None:
    """Write the detector as an ONNX file; see `OnePicture` for its input and outputs.

    ``categories`` are the data set's id of each class and its name, in the order of the labels
    1..K; the file's metadata has them as two lists in JSON, `METADATA`. All weights are in the
    file. Raises: UserError for a file that exists, and for packages that are missing.
    """
    need(PACKAGES, "export")
    if path.exists():
        raise UserError(f"{path} exists, and nothing is overwritten: give another name.")
    check_writable(path.parent)
    check_room(path.parent, sum(q.nbytes for q in detector.state_dict().values()), "the ONNX file")
    write_graph(OnePicture(detector), path, categories)


def write_graph(model: OnePicture, path: Path, categories: Mapping[int, str]) -> None:
    """Trace the detector and write it, with its categories, as `export` says."""
    program = traced(model)
    lists = list(categories), list(categories.values())
    for name, values in zip(METADATA, lists, strict=True):
        program.model.metadata_props[name] = json.dumps(values)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial_file:
        program.save(partial_file, external_data=False)


def traced(model: OnePicture) -> torch.onnx.ONNXProgram:
    """The detector as a graph. Raises UserError if this version of torch cannot make one."""
    size = {1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    with torch.no_grad(), traceable_convolutions(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's, about torchvision's operators
        try:
            return torch.onnx.export(
                model,
                (torch.zeros(EXAMPLE),),
                input_names=["picture"],
                output_names=list(model.names),
                dynamic_shapes={"picture": size},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            if torch.__version__ >= TRACES_ALL:
                raise
            raise UserError(
                f"the exporter of torch {torch.__version__} cannot trace sizes such as P7's: "
                f"use torch {TRACES_ALL} or newer, which reads the same records."
            ) from error


def traceable_convolutions() -> AbstractContextManager:
    """Switch mkldnn off in torch 2.11: it asks for a map's size, which tracing does not know."""
    old = torch.__version__ < TRACES_ALL
    return torch.backends.mkldnn.flags(enabled=False) if old else nullcontext()


def need(packages: Sequence[str], extra: str) -> None:
    """Raise ``UserError`` for packages that are not installed; ``extra`` is the one with them."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} missing, needed for this: pip install 'augfpn[{extra}]'."
        )


# --- the check of a file --------------------------------------------------------------------------


class Report(NamedTuple):
    """How far an exported file's detections are from the detector's own.

    Two detections are the same if they have the same label, if their corners differ by at most
    ``SAME_BOX``, and their scores by at most ``SAME_SCORE``.
    """

    sizes: tuple[tuple[int, int], ...]  # of the pictures: width, height
    same: int  # detections that both have
    apart: int  # that only one of them has
    box: float  # the largest differences between same detections: of a corner in pixels ...
    score: float  # ... of a score ...
    mask: float | None  # ... of a mask, thresholded at 0.5: one minus the IoU

    def __str__(self) -> str:
        sizes = ", ".join(f"{width} x {height}" for width, height in self.sizes)
        mask = "" if self.mask is None else f", {100 * self.mask:.2g} % of a mask's pixels"
        return (
            f"pictures of {sizes}: {self.same} equal detections, up to {self.box:.1g} px, "
            f"{self.score:.1g} of a score{mask} apart (allowed: {SAME_BOX} px, {SAME_SCORE}); "
            f"{self.apart} that only one of the two has"
        )


@torch.no_grad()
def check_export(detector: TwoStage | OneStage, path: Path, pictures: Sequence[Tensor]) -> Report:
    """Compare a file, run by onnxruntime, with its detector, on pictures (3, H_i, W_i).

    Both run on the CPU. Raises ``UserError`` for packages that are missing.
    """
    need(PACKAGES, "export")
    session = onnxruntime_session(path)
    names = [output.name for output in session.get_outputs()]
    own = copy.deepcopy(detector).cpu().eval()
    pairs = []
    for picture in pictures:
        ran = session.run(names, {"picture": picture.cpu().numpy()})
        other = {name: torch.from_numpy(x) for name, x in zip(names, ran, strict=True)}
        pairs.append((own([picture.cpu()])[0], other))
    sizes = tuple((picture.shape[2], picture.shape[1]) for picture in pictures)
    return report_on(sizes, pairs)


def onnxruntime_session(path: Path, threads: int = 0) -> Any:
    """A file in onnxruntime on the CPU, by so many threads; 0 are as many as it has by default.

    It is not to report to its makers what it runs: ORT_DISABLE_TELEMETRY is set, unless it is.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at the import
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def report_on(
    sizes: tuple[tuple[int, int], ...], pairs: Sequence[tuple[dict[str, Tensor], dict[str, Tensor]]]
) -> Report:
    """Compare the detections of two detectors, a pair for each picture."""
    same = apart = 0
    box, score, mask = [0.0], [0.0], []
    for a, b in pairs:
        i, j = matched(a, b)
        same += len(i)
        apart += len(a["boxes"]) + len(b["boxes"]) - 2 * len(i)
        box += (a["boxes"][i] - b["boxes"][j]).abs().flatten().tolist()
        score += (a["scores"][i] - b["scores"][j]).abs().tolist()
        for m, n in zip(i, j, strict=True) if "masks" in a else ():
            x, y = a["masks"][m] >= 0.5, b["masks"][n] >= 0.5
            mask.append(((x ^ y).sum() / (x | y).sum().clamp(min=1)).item())
    share = max(mask, default=0.0) if "masks" in pairs[0][0] else None
    return Report(sizes, same, apart, max(box), max(score), share)


def matched(a: dict[str, Tensor], b: dict[str, Tensor]) -> tuple[list[int], list[int]]:
    """The indices of the same detections in both: closest boxes first, each matched once."""
    far = torch.cdist(a["boxes"], b["boxes"], p=torch.inf)  # (D_a, D_b), pixels
    alike = (a["labels"][:, None] == b["labels"]) & (far <= SAME_BOX)
    alike &= (a["scores"][:, None] - b["scores"]).abs() <= SAME_SCORE
    rows, columns = torch.where(alike)
    i: list[int] = []
    j: list[int] = []
    for at in far[rows, columns].argsort().tolist():
        m, n = int(rows[at]), int(columns[at])
        if m not in i and n not in j:
            i.append(m)
            j.append(n)
    return i, j


def pictures_of_three_sizes(test: Pictures) -> list[Tensor]:
    """Pictures (3, H_i, W_i) in [0, 1] of three sizes; if all have one size, two are cropped."""
    first = test[0][0].float() / 255
    by_size = {first.shape: first}
    for entry, i in zip(test.coco["images"], range(len(test)), strict=True):
        shape = torch.Size((3, entry["height"], entry["width"]))
        if len(by_size) < CHECKED and shape not in by_size:
            by_size[shape] = test[i][0].float() / 255
    height, width = first.shape[1:]
    for cut in (first[:, : height // 4 * 3], first[:, :, : width // 2]):
        if len(by_size) < CHECKED:
            by_size[cut.shape] = cut
    return list(by_size.values())


# --- torch.compile --------------------------------------------------------------------------------


def compile_dense(detector: TwoStage | OneStage, **options: object) -> TwoStage | OneStage:
    """Compile backbone, pyramid and dense head in place; the detector is called as before.

    The steps after these have shapes that depend on the detections, and are not compiled.
    ``options`` are torch.compile's.
    """
    head = detector.dense if isinstance(detector, OneStage) else detector.rpn.head
    for part in (detector.backbone, detector.fpn, head):
        part.compile(**options)
    return detector
