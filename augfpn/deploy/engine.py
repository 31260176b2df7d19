"""The engine that a detector runs in: torch runs a record, OpenVINO a file of `augfpn export`.

What is given decides, so that there is no option that could contradict it. To export takes as long
as to detect in dozens of pictures; therefore it is done once, by a command, and not at each start.
"""

import functools
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from augfpn.deploy.export import METADATA, need
from augfpn.detectors.targets import Detections
from augfpn.errors import UserError
from augfpn.speed.testing import for_testing
from augfpn.training import prepare, reopen

SUFFIX = ".onnx"  # of an exported file


def detector_of(path: Path, device: str) -> tuple[nn.Module, dict[int, str]]:
    """The detector of a record, its weights or a file of `augfpn export`, and its categories.

    The categories are the data set's id of each class and its name, in the order of the labels.
    ``device`` is "auto", "cpu" or "cuda". Raises: UserError for a file that is to run on a GPU, and
    as `ExportedDetector` and `augfpn.training.reopen.load_detector` do.
    """
    if path.suffix == SUFFIX:
        if device == "cuda":
            raise UserError(f"{path} runs on a CPU only: leave --device out, or give the record.")
        exported = ExportedDetector(path)
        return exported, exported.categories
    detector, record = reopen.load_detector(path, prepare.the_device(device))
    return for_testing(detector), reopen.categories_of(record)


class ExportedDetector(nn.Module):
    """An exported file as a detector on the CPU: pictures (3, H_i, W_i) in [0, 1] to detections.

    It needs no record. It computes in float32, with as many threads as torch has; the detections
    equal those of the record's detector up to the rounding that `augfpn export` allows.
    ``categories`` are as in `detector_of`. Raises: UserError if OpenVINO is missing, and for a file
    that `augfpn export` has not written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        need(["openvino"], "openvino")
        from openvino.frontend import FrontEndManager

        if not path.is_file():
            raise UserError(f"{path} does not exist: give a file that `augfpn export` has written.")
        reader = FrontEndManager().load_by_framework("onnx")
        try:
            graph = reader.convert(reader.load(str(path)))
            self.categories = categories_in(graph)
        except Exception as error:  # the errors of OpenVINO share no narrower class
            raise UserError(
                f"{path} is not a whole file of this version's `augfpn export`: export the record "
                "again."
            ) from error
        self.names = [output.any_name for output in graph.outputs]
        # By default OpenVINO rounds to bfloat16 where the processor has it.
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self.compiled = openvino_core().compile_model(graph, "CPU", settings)

    def forward(self, pictures: list[Tensor]) -> Detections:
        """The detections in each picture; the file takes one at a time."""
        return [self.detections_in(picture) for picture in pictures]

    def detections_in(self, picture: Tensor) -> dict[str, Tensor]:
        """The detections in one picture."""
        found = self.compiled({"picture": picture.contiguous().numpy()})
        return {name: torch.from_numpy(found[name]) for name in self.names}


@functools.cache
def openvino_core() -> Any:
    """The process's one `openvino.Core`.

    A core gives its thread a stack for the handlers of signals and, when it is deleted, restores
    the stack that it had found. With two cores that may be the stack of the other, deleted before:
    the next signal ended the process by a segmentation fault.
    """
    import openvino

    return openvino.Core()


def categories_in(graph: Any) -> dict[int, str]:
    """The id and the name of each class, in the order of the labels, from a graph's metadata.

    Raises: an error of some class for a graph without them.
    """
    ids, names = (json.loads(graph.get_rt_info(["framework", key]).value) for key in METADATA)
    return dict(zip(ids, names, strict=True))
