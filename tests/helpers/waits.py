"""How often a host waits for a GPU, counted on the pretend one: the book's table.

``python tests/helpers/waits.py`` writes experiments/records/benchmarks/waits.json anew;
`tests.detectors.test_on_gpu` holds that file equal to what is counted now.
"""

import sys
from pathlib import Path

import torch
from pretend_gpu import GPU, PretendGPU, pretend_gpu
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


def batch(count: int) -> tuple[list[Tensor], list[dict]]:
    """Pictures of different heights with two objects or more."""
    torch.manual_seed(0)
    images, targets = [], []
    for i in range(count):
        height = 100 + 8 * i
        corner = torch.arange(2.0 + i)[:, None] * 20
        boxes = torch.cat([corner, corner / 2, corner + 30 + 5 * i, corner / 2 + 40], dim=1)
        labels = torch.arange(len(boxes)) % SMALL.classes + 1
        images.append(torch.rand(3, height, 160))
        targets.append({"boxes": boxes, "labels": labels, "masks": filled(boxes, height, 160)})
    return images, targets


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


def events(gpu: PretendGPU, detector: nn.Module, count: int) -> tuple[int, int, int]:
    """Waits in a training step and at inference, and operators of the training forward."""
    images, targets = batch(count)
    images = [x.to(GPU) for x in images]
    targets = [{k: v.to(GPU) for k, v in target.items()} for target in targets]
    gpu.clear()
    losses = detector.train()(images, targets)
    operators, training = len(gpu.operators), len(gpu.synchronisations)
    gpu.clear()
    gpu.backward(sum(losses.values()))
    training += len(gpu.synchronisations)
    gpu.clear()
    with torch.no_grad():
        detector.eval()(images)
    return training, len(gpu.synchronisations), operators


def counted(detector: nn.Module) -> dict:
    """The counts for each size of batch, after a first step that also copies constants."""
    with pretend_gpu() as gpu:
        there = detector.to(GPU)
        events(gpu, there, BATCHES[0])
        training, testing, operators = zip(
            *(events(gpu, there, count) for count in BATCHES), strict=True
        )
    more = (operators[1] - operators[0]) / (BATCHES[1] - BATCHES[0])
    return {"training": list(training), "testing": list(testing), "operators": more}


def of_detector(name: str) -> dict[str, dict]:
    """The counts of torchvision's detector, and of ours with all of AugFPN's parts."""
    return {"torchvision": counted(theirs(name)), "augfpn": counted(talkative(augfpn_of(name)))}


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    write_json(FILE, {name: of_detector(name) for name in sys.argv[1:] or DETECTORS})
