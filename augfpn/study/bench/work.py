"""What a bench gives to all variants: pictures, objects, proposals and class scores.

A detector with random weights proposes and detects little, so that it would be measured at work
that no user has. Therefore all variants get the same proposals, in place of their own (which they
still compute), and in testing the same class scores, so that as many boxes reach the
post-processing as in a trained detector. `pretended` says what is assumed.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.ops import box_iou

from augfpn.config import ONE_STAGE, Model
from augfpn.study.bench.settings import BenchSettings, Use, model_of

OBJECTS = 12  # of a picture; about 7 in COCO's, more in those with small objects
LEAST_OBJECT, LARGEST_OBJECT = 16.0, 600.0  # sides in pixels
SURE = 0.06  # probability of the first class in every box: above the threshold of a detection
IMPOSSIBLE = -10.0  # logit of the other classes
FIXED_LAYERS = ("cls_score", "bbox_pred", "cls_logits")  # of our detectors and of torchvision's


class Work(NamedTuple):
    """What every variant is given.

    Shapes: ``images`` N x (3, H, W) uint8; ``targets`` as detectors take them; ``proposals``
    N x (R, 4) pixels.
    """

    images: list[Tensor]
    targets: list[dict]
    proposals: list[Tensor]


def make_work(settings: BenchSettings, use: Use, seed: int = 0) -> Work:
    """Random pictures with objects, and the proposals that all variants get, on the CPU.

    At inference these are exactly as many as the detector keeps. In training they are as many as
    it keeps then, among them enough near objects and enough background for a full sample.
    """
    draw = torch.Generator().manual_seed(seed)
    size, model = settings.size_of(use), model_of("fpn", settings, use)
    work = Work([], [], [])
    for i in range(settings.batch_of(use)):
        objects = random_boxes(OBJECTS, size, draw)
        labels = torch.randint(1, model.classes + 1, (OBJECTS,), generator=draw)
        target = {"boxes": objects, "labels": labels, "image_id": i}
        if model.detector == "mask_rcnn":
            target["masks"] = filled_masks(objects, size)
        work.images.append(torch.randint(256, (3, *size), dtype=torch.uint8, generator=draw))
        work.targets.append(target)
        work.proposals.append(proposals_of(objects, model, use, size, draw))
    return work


def random_boxes(count: int, size: tuple[int, int], draw: torch.Generator) -> Tensor:
    """Boxes (count, 4): log-uniform sides of 16 to 600 px, but inside a picture of ``size``."""
    height, width = size
    a, b, c, d = torch.rand(4, count, generator=draw)
    side = LEAST_OBJECT * (LARGEST_OBJECT / LEAST_OBJECT) ** a
    shape = 2 ** (b - 0.5)  # the root of width / height
    w, h = (side * shape).clamp(max=0.9 * width), (side / shape).clamp(max=0.9 * height)
    x, y = c * (width - w), d * (height - h)
    return torch.stack([x, y, x + w, y + h], dim=1)


def proposals_of(
    objects: Tensor, model: Model, use: Use, size: tuple[int, int], draw: torch.Generator
) -> Tensor:
    """A picture's proposals (R, 4) in pixels.

    In training, enough of them are objects that are moved a little, and all others overlap no
    object by half, so that every sample is full and has its full share of objects.
    """
    if use == "testing":
        return random_boxes(model.proposals[1], size, draw)
    count = model.proposals[0]
    copies = int(2 * model.rois * model.object_rois) // len(objects) + 1
    near = objects.repeat(copies, 1)
    sides = (near[:, 2:] - near[:, :2]).repeat(1, 2)
    near = near + 0.1 * sides * (torch.rand(near.shape, generator=draw) - 0.5)
    near = near.clamp(min=0).minimum(torch.tensor([size[1], size[0]] * 2))
    far = random_boxes(20 * count, size, draw)
    far = far[box_iou(far, objects).amax(dim=1) < 0.5]
    return torch.cat([near, far[: max(count, model.rois) - len(near)]])


def filled_masks(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks that fill their boxes: (R, H, W) uint8."""
    masks = torch.zeros(len(boxes), *size, dtype=torch.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks


def force_proposals(detector: nn.Module, boxes: Sequence[Tensor]) -> None:
    """Let a two-stage detector compute its own proposals, and then use these instead.

    They depend on its own by nothing: an exporter leaves out what no output depends on.
    Raises ``RuntimeError`` when the detector's proposals have another form than a list of boxes.
    """
    find = detector.rpn.forward

    def forward(*inputs: Any, **named: Any) -> tuple[list[Tensor], dict[str, Tensor]]:
        own, losses = find(*inputs, **named)
        if not isinstance(own, list) or len(own) != len(boxes):
            raise RuntimeError(
                f"detector.rpn returned {type(own).__name__} where a list of {len(boxes)} tensors "
                "was expected: adapt force_proposals in augfpn/study/bench/detectors.py."
            )
        return [b.to(p.device) + 0 * p.sum() for b, p in zip(boxes, own, strict=True)], losses

    detector.rpn.forward = forward


def release_proposals(detector: nn.Module) -> None:
    """Undo `force_proposals`."""
    del detector.rpn.forward


def fix_scores(detector: nn.Module) -> None:
    """Set the last layers so that every box has the first class with probability `SURE`.

    Then the same number of boxes reaches the post-processing of all variants: in a two-stage
    detector one for each proposal, which also stays where it is; in a one-stage detector as many
    as each level may have.
    """
    with torch.no_grad():
        for name, values in detector.named_parameters():
            layer, _, kind = name.rpartition(".")
            if layer.startswith("rpn.") or not layer.endswith(FIXED_LAYERS):
                continue
            values.zero_()
            if kind == "bias" and layer.endswith("cls_score"):
                values[1:] = IMPOSSIBLE
                values[1] = math.log(SURE / (1 - SURE))
            elif kind == "bias" and layer.endswith("cls_logits"):
                per_class = values.view(anchors_of(detector), -1)
                per_class[:] = IMPOSSIBLE
                per_class[:, 1] = 0.0  # channel 0 is torchvision's unused background


def anchors_of(detector: nn.Module) -> int:
    """Anchors at a place of a one-stage detector's maps, ours or torchvision's."""
    anchors = getattr(detector, "anchors", None) or detector.anchor_generator
    return anchors.num_anchors_per_location()[0]


def pretended(settings: BenchSettings) -> list[str]:
    """What a bench assumes instead of a trained detector and real pictures, in sentences."""
    model = model_of("fpn", settings, "testing")
    shared = "Random pictures of the final size; random weights, the same in all variants."
    if settings.detector in ONE_STAGE:
        return [shared, "In testing, every level has as many candidates as it may keep."]
    return [
        shared,
        f"In testing, the proposals are replaced by {model.proposals[1]} boxes of a picture with "
        f"sides of {LEAST_OBJECT:g} to {LARGEST_OBJECT:g} px, log-uniform, and one class of each "
        "is above the score threshold.",
        f"In training, {model.rois} RoIs of a picture are sampled from {model.proposals[0]} given "
        f"proposals near and away from its {OBJECTS} objects.",
    ]
