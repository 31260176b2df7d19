"""How often a host waits for a GPU, counted on the pretend one: the book's table.

``python tests/helpers/waits.py`` writes experiments/records/benchmarks/waits.json anew;
`tests.detectors.test_on_gpu` holds that file equal to what is counted now.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import torch
from pretend_gpu import GPU, Event, PretendGPU, pretend_gpu
from small import SMALL, augfpn_of, filled, talkative
from torch import Tensor, nn
from torchvision.models import detection

from augfpn.config import ONE_STAGE, TWO_STAGE
from augfpn.support.files import write_json

FILE = Path(__file__).parents[2] / "experiments/records/benchmarks/waits.json"
DETECTORS = (*TWO_STAGE, *ONE_STAGE)
BATCHES = (2, 4)  # pictures
CLASSES = SMALL.classes + 1  # with the background
THEIRS = {
    "faster_rcnn": detection.fasterrcnn_resnet50_fpn,
    "mask_rcnn": detection.maskrcnn_resnet50_fpn,
    "retinanet": detection.retinanet_resnet50_fpn,
    "fcos": detection.fcos_resnet50_fpn,
}


class Events(NamedTuple):
    """What happened on the pretend GPU with one batch, in each phase."""

    operators: list[Event]  # of the training forward
    training: list[Event]  # what the host waits for
    backward: list[Event]
    inference: list[Event]
    found: list[dict]  # the detections


def batch(count: int, empty: int | None = None) -> tuple[list[Tensor], list[dict]]:
    """Pictures of different heights with two objects or more, but none in the ``empty`` one."""
    torch.manual_seed(0)
    images, targets = [], []
    for i in range(count):
        height = 100 + 8 * i
        corner = torch.arange(0.0 if i == empty else 2.0 + i)[:, None] * 20
        boxes = torch.cat([corner, corner / 2, corner + 30 + 5 * i, corner / 2 + 40], dim=1)
        labels = torch.arange(len(boxes)) % SMALL.classes + 1
        images.append(torch.rand(3, height, 160))
        targets.append({"boxes": boxes, "labels": labels, "masks": filled(boxes, height, 160)})
    return images, targets


def on_gpu(images: list[Tensor], targets: list[dict]) -> tuple[list[Tensor], list[dict]]:
    """A batch, copied to the pretend GPU."""
    return [x.to(GPU) for x in images], [{k: v.to(GPU) for k, v in t.items()} for t in targets]


def theirs(name: str) -> nn.Module:
    """torchvision's detector with random weights that detects something."""
    torch.manual_seed(0)
    made = THEIRS[name](
        weights=None, weights_backbone=None, num_classes=CLASSES, min_size=128, max_size=192
    )
    two = name in TWO_STAGE
    last = (
        made.roi_heads.box_predictor.cls_score if two else made.head.classification_head.cls_logits
    )
    nn.init.normal_(last.weight, std=0.3)
    nn.init.zeros_(last.bias)
    return made


def events(
    gpu: PretendGPU, detector: nn.Module, images: list[Tensor], targets: list[dict]
) -> Events:
    """The events of a training step and of an inference, on a batch that is on the GPU."""
    detector.train().zero_grad()
    gpu.clear()
    losses = detector(images, targets)
    assert all(loss.device == GPU for loss in losses.values())
    operators, training = gpu.operators, gpu.synchronisations
    gpu.clear()
    gpu.backward(sum(losses.values()))
    backward = gpu.synchronisations
    detector.eval()
    gpu.clear()
    with torch.no_grad():
        found = detector(images)
    return Events(operators, training, backward, list(gpu.synchronisations), found)


def counted(detector: nn.Module) -> dict:
    """The counts for each size of batch, after a first step that also copies constants."""
    with pretend_gpu() as gpu:
        there = detector.to(GPU)
        _, few, many = (
            events(gpu, there, *on_gpu(*batch(count))) for count in (BATCHES[0], *BATCHES)
        )
    more = (len(many.operators) - len(few.operators)) / (BATCHES[1] - BATCHES[0])
    return {
        "training": [len(each.training) + len(each.backward) for each in (few, many)],
        "testing": [len(each.inference) for each in (few, many)],
        "operators": more,
    }


def of_detector(name: str) -> dict[str, dict]:
    """The counts of torchvision's detector, and of ours with all of AugFPN's parts."""
    return {"torchvision": counted(theirs(name)), "augfpn": counted(talkative(augfpn_of(name)))}


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    write_json(FILE, {name: of_detector(name) for name in sys.argv[1:] or DETECTORS})
