"""The counts of `augfpn.detectors.cost` against those of the detector's own forward.

The forward runs on a CPU, on one picture of 128 x 192 px, and torch counts. `cost` knows the parts
by name: a part, a step or a second call that it forgets makes the two differ.
"""

import pytest
import torch
from new_part import with_new_part
from small import augfpn_of, filled, talkative
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from augfpn.config import Model
from augfpn.detectors import cost
from augfpn.errors import UserError

SIZE = (128, 192)
FEW = {"rois": 16, "object_rois": 0.25, "detections": 3}  # so few that they are always found


def settings_of(name: str) -> Model:
    masks = name == "mask_rcnn"
    return augfpn_of(name, mask_supervision=masks, operators="torchvision", **FEW)


def batch() -> tuple[list[Tensor], list[dict]]:
    """A picture with five objects; each ground-truth box is a positive RoI."""
    torch.manual_seed(1)
    corner = torch.arange(5.0)[:, None] * 30
    boxes = torch.cat([corner, corner / 2, corner + 25, corner / 2 + 40], dim=1)
    target = {
        "boxes": boxes,
        "labels": torch.tensor([1, 2, 3, 4, 1]),
        "masks": filled(boxes, *SIZE),
    }
    return [torch.rand(3, *SIZE)], [target]


@torch.no_grad()
def multiplied(detector: nn.Module, training: bool) -> tuple[int, int | None]:
    """Multiply-accumulates of one forward, and the number of RoIs in the box head's first call."""
    seen: list[int] = []
    heads = getattr(detector, "heads", None)
    if heads is not None:
        heads.box_head.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    with FlopCounterMode(display=False) as counter:
        detector.train(training)(*batch())
    return counter.get_total_flops() // 2, seen[0] if seen else None


@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_what_is_counted_is_what_the_forward_multiplies(name: str) -> None:
    model = settings_of(name)
    detector = talkative(model)
    at_inference, proposals = multiplied(detector, training=False)
    in_training, sampled = multiplied(detector, training=True)
    assert sampled in (None, model.rois)
    parts = cost.part_costs(model, SIZE, proposals)
    assert cost.at_inference(parts)[1] == at_inference
    assert cost.in_training(parts)[1] == in_training
    assert cost.in_training(parts)[0] == cost.parameter_count(detector)


@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet"])
def test_a_new_part_that_is_not_counted_is_noticed(name: str) -> None:
    """The count of the test above is too small, and `costs_on` raises."""
    model = settings_of(name)
    detector = with_new_part(talkative(model))
    at_inference, proposals = multiplied(detector, training=False)
    assert cost.at_inference(cost.part_costs(model, SIZE, proposals))[1] < at_inference
    c = {
        k: torch.zeros(1, n, SIZE[0] >> k, SIZE[1] >> k)
        for k, n in detector.backbone.channels.items()
    }
    with pytest.raises(
        UserError, match=r"only [\d,]+ of .* count the new part in augfpn/detectors"
    ):
        cost.costs_on(detector.to("meta"), {k: c_k.to("meta") for k, c_k in c.items()}, 10)
