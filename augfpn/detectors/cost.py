"""Parameters and multiply-accumulates of a detector, part by part, without pictures or weights.

Everything is built and run on torch's meta device, which computes only shapes. The count is half of
the floating-point operations that torch counts for convolutions and fully connected layers.
RoIAlign, interpolation, normalisation and non-maximum suppression are not counted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from augfpn.config import Model
from augfpn.detectors import build
from augfpn.detectors.backbones import Backbone
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.pretrained import backbone
from augfpn.detectors.supervision import SeparateSupervision
from augfpn.detectors.two_stage import TwoStage, with_p6
from augfpn.errors import UserError
from augfpn.pyramid import FPN, HardRoISelection, Levels
from augfpn.settings import recipes

SIDE = 32  # a batch's sides are multiples of this many pixels
META = torch.device("meta")
# timm's networks that torchvision has, too: torchvision's is counted, so timm is not needed.
SAME = {theirs: name for name, theirs in recipes.WITH_WEIGHTS.items()}
Size = tuple[int, int]  # height, width


class PartCost(NamedTuple):
    """A part: its parameters, and multiply-accumulates for one picture.

    ``inference`` and ``training`` are forward passes. ``inference`` is ``None`` for a part that
    only training has.
    """

    part: str
    parameters: int
    inference: int | None
    training: int


@cache
def part_costs(
    model: Model, size: Size = (800, 1216), rois: int | None = None
) -> tuple[PartCost, ...]:
    """What a detector's parts cost for one picture of ``size`` (height, width), already padded.

    At inference the box head is counted for ``rois`` proposals (by default the largest number that
    the detector keeps), in training for the RoIs that it samples. The mask head is counted for the
    largest number of detections, in training for the largest number of positive RoIs.
    Raises ``UserError`` for a size that is not a multiple of 32, and for a detector with a part
    that is not counted here.
    """
    if min(size) <= 0 or any(side % SIDE for side in size):
        raise UserError(f"a size of {size[0]} x {size[1]}: give multiples of {SIDE} pixels.")
    if rois is not None and rois < 1:
        raise UserError(f"rois = {rois}: give 1 or more.")
    name = SAME.get(model.backbone, model.backbone)
    net, macs, c = body(name, model.norm, model.style, size)
    # The meta device has no other RoIAlign; its cost is not counted in any case.
    with META:
        theirs = replace(model, operators="torchvision", roi_align="auto")
        detector = build.build_on(net, theirs).eval()
    below = both("backbone", net, macs)
    return below, *costs_on(detector, c, rois or model.proposals[1])


def costs_on(detector: TwoStage | OneStage, c: Levels, rois: int) -> list[PartCost]:
    """The costs of all parts except the backbone, from the backbone's maps on the meta device.

    Raises ``UserError`` when these parts and the backbone are not the whole detector.
    """
    parts, p = pyramid_costs(detector.fpn, c)
    if isinstance(detector, TwoStage):
        parts += two_stage_costs(detector, p, rois)
    else:
        parts += one_stage_costs(detector, p)
    counted = sum(part.parameters for part in parts) + parameter_count(detector.backbone)
    whole = parameter_count(detector)
    if counted != whole:
        raise UserError(
            f"only {counted:,} of the detector's {whole:,} parameters are counted: count the new "
            "part in augfpn/detectors/cost.py too."
        )
    return parts


@cache
def body(name: str, norm: str, style: str, size: Size) -> tuple[Backbone, int, Levels]:
    """A backbone, its multiply-accumulates, and its maps; cached, because detectors share it."""
    with META:
        net = backbone(name, norm, style).eval()
    c, macs = count(net, torch.zeros(1, 3, *size, device=META))
    return net, macs[""], c


@torch.no_grad()
def count(run: Callable, *inputs: Any) -> tuple[Any, dict[str, int]]:
    """The output of ``run``, and its multiply-accumulates by module; "" is the total."""
    with FlopCounterMode(display=False) as counter:
        given = run(*inputs)
    by_module = {
        name.partition(".")[2]: sum(operations.values()) // 2
        for name, operations in counter.get_flop_counts().items()
        if "." in name
    }
    return given, {**by_module, "": counter.get_total_flops() // 2}


def parameter_count(module: nn.Module) -> int:
    """The number of the module's parameters, including frozen ones."""
    return sum(q.numel() for q in module.parameters())


def both(part: str, module: nn.Module, macs: int) -> PartCost:
    """A part that costs the same at inference and in training."""
    return PartCost(part, parameter_count(module), macs, macs)


def pyramid_costs(fpn: FPN, c: Levels) -> tuple[list[PartCost], Levels]:
    """The costs of the neck, Residual Feature Augmentation, P6 and P7; and the maps P."""
    (_, p), macs = count(fpn, c)
    inner = [module for module in (fpn.augment, fpn.extra) if module is not None]
    own = macs[""] - macs.get("augment", 0) - macs.get("extra", 0)
    parameters = parameter_count(fpn) - sum(parameter_count(module) for module in inner)
    found = [PartCost(type(fpn).__name__, parameters, own, own)]
    if fpn.augment is not None:
        fusion = macs.get("augment.fusion", 0)
        found.append(both("RFA, reductions", fpn.augment.reduce, macs["augment"] - fusion))
        found.append(both("RFA, fusion", fpn.augment.fusion, fusion))
    if fpn.extra is not None:
        found.append(both("P6 and P7", fpn.extra, macs["extra"]))
    return found, p


def two_stage_costs(detector: TwoStage, p: Levels, rois: int) -> Iterator[PartCost]:
    """The costs of what follows the pyramid in Faster and Mask R-CNN."""
    heads = detector.heads
    sampled = heads.fg_bg_sampler.batch_size_per_image
    objects = int(sampled * heads.fg_bg_sampler.positive_fraction)
    _, macs = count(detector.rpn.head, list(with_p6(p).values()))
    yield both("proposal head", detector.rpn.head, macs[""])
    box = nn.Sequential(heads.box_head, heads.box_predictor)
    yield from selection_costs("box", p, detector.select, box, build.BOX_BINS, (rois, sampled))
    if detector.masks is not None:
        masks = detector.masks
        head = nn.Sequential(masks.head, masks.predictor)
        counts = (heads.detections_per_img, objects)
        yield from selection_costs("mask", p, masks.select, head, build.MASK_BINS, counts)
    yield from supervision_costs(detector.supervision, "Consistent Supervision", p, sampled)
    yield from supervision_costs(detector.mask_supervision, "mask supervision", p, objects)


def one_stage_costs(detector: OneStage, p: Levels) -> Iterator[PartCost]:
    """The costs of what follows the pyramid in RetinaNet and FCOS."""
    _, macs = count(detector.dense, list(p.values()))
    yield both("dense head", detector.dense, macs[""])
    if detector.supervision is not None:
        sampled = detector.sampler.fg_bg_sampler.batch_size_per_image
        yield from supervision_costs(detector.supervision, "Consistent Supervision", p, sampled)


def selection_costs(
    kind: str, p: Levels, select: nn.Module, head: nn.Module, bins: int, counts: tuple[int, int]
) -> Iterator[PartCost]:
    """A RoI selection and its head; ``counts`` are the RoIs at inference and in training."""
    runs = []
    for rois in counts:
        features, of_selection = pooled_features(select, p, bins, rois)
        runs.append((of_selection, count(head, features)[1][""]))
    (select_inference, inference), (select_training, training) = runs
    yield PartCost(
        f"{kind} RoI selection", parameter_count(select), select_inference, select_training
    )
    yield PartCost(f"{kind} head", parameter_count(head), inference, training)


def pooled_features(select: nn.Module, p: Levels, bins: int, rois: int) -> tuple[Tensor, int]:
    """The features of ``rois`` RoIs, and the multiply-accumulates of their selection."""
    if isinstance(select, HardRoISelection):  # its loop depends on the boxes; it multiplies nothing
        return torch.zeros(rois, p[max(p)].shape[1], bins, bins, device=META), 0
    features, macs = count(select, p, [torch.zeros(rois, 4, device=META)])
    return features, macs[""]


def supervision_costs(
    module: nn.Module | None, part: str, p: Levels, rois: int
) -> Iterator[PartCost]:
    """A supervision's head, which each loss term applies to each RoI, in training only."""
    if isinstance(module, SeparateSupervision):
        for own in module.parts:
            yield from supervision_costs(own, part, p, rois)
    elif module is not None:
        bins = module.selections[0].size
        asked = len(module.selections) * rois
        features = torch.zeros(asked, p[max(p)].shape[1], bins, bins, device=META)
        macs = count(module.head, features)[1][""]
        yield PartCost(part, parameter_count(module), None, macs)


# --- totals ---------------------------------------------------------------------------------------


def at_inference(parts: Sequence[PartCost]) -> tuple[int, int]:
    """Parameters and multiply-accumulates at inference, without parts that only training has."""
    kept = [part for part in parts if part.inference is not None]
    return sum(part.parameters for part in kept), sum(part.inference for part in kept)


def in_training(parts: Sequence[PartCost]) -> tuple[int, int]:
    """Parameters and multiply-accumulates of a forward pass in training."""
    return sum(part.parameters for part in parts), sum(part.training for part in parts)
