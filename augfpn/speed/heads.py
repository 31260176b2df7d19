"""A box head that takes one image after the other, and keeps no features of RoIs.

The first layer of a box head needs the features of all RoIs again for the gradient of its weights,
and Soft RoI Selection needs some more of the same size: those of 512 RoIs of four images are 100 MB
each. Here the backward pass takes one image after the other: it pools the image's RoIs again, adds
to the gradient of the weights where it lies, and has passed the gradient of the features on to the
image's maps before the next image's turn. To pool once more takes a tenth of the layer's time.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.autograd.graph import get_gradient_edge
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from augfpn.pyramid import Boxes, HardRoISelection, Levels, SoftRoISelection

LITTLE = 2**25  # bytes of features that are kept, as without all this
SOFT_ROIS = 256  # RoIs that soft selection takes at a time: it needs several maps of their size
Selection = HardRoISelection | SoftRoISelection


class LeanHead(TwoMLPHead):
    """torchvision's box head; its `of_rois` pools the RoIs by itself."""

    def suits(self, selections: Sequence[nn.Module], maps: Levels, boxes: Boxes) -> bool:
        """Whether `of_rois` can take these, and they have features that are worth it."""
        x = next(iter(maps.values()))
        return (
            torch.is_grad_enabled()  # nor exported, where the number of RoIs is not a number
            and self.fc6.weight.requires_grad
            and x.device.type == "cpu"
            and x.dtype == self.fc6.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and all(isinstance(select, Selection) for select in selections)
            and len(selections) * sum(map(len, boxes)) * self.fc6.in_features * x.element_size()
            > LITTLE
        )

    def of_rois(self, selections: Sequence[Selection], maps: Levels, boxes: Boxes) -> Tensor:
        """The head of the RoIs as each selection pools them, one below the other.

        Shapes: maps (N, C, h, w), boxes N x (R_i, 4) -> (selections R, F).
        """
        inputs = [maps[k] for select in selections for k in select.levels]
        inputs += [each for select in selections for each in learnt(select)]
        hidden = FirstLayer.apply(selections, boxes, self.fc6.weight, self.fc6.bias, *inputs)
        return F.relu_(self.fc7(F.relu_(hidden)))


def head_of_rois(head: nn.Module, select: nn.Module, maps: Levels, boxes: Boxes) -> Tensor:
    """The hidden features (R, F) of a box head, of RoIs pooled by ``select``."""
    if isinstance(head, LeanHead) and head.suits([select], maps, boxes):
        return head.of_rois([select], maps, boxes)
    return head(select(maps, boxes))


class FirstLayer(torch.autograd.Function):
    """A fully connected layer on RoIs, of which neither pass keeps the features.

    Takes selections, boxes N x (R_i, 4), weights (F, C S S) and bias (F,); then the maps
    (N, C, h, w) of all selections, and what of their parameters is learnt. Gives (selections R, F).
    """

    @staticmethod
    def forward(
        ctx: Any,
        selections: Sequence[Selection],
        boxes: Boxes,
        weight: Tensor,
        bias: Tensor,
        *maps_and_learnt: Tensor,
    ) -> Tensor:
        maps = maps_and_learnt[: sum(len(select.levels) for select in selections)]
        ctx.save_for_backward(weight, *maps)
        ctx.selections, ctx.boxes = selections, boxes
        hidden = weight.new_empty(len(selections) * sum(map(len, boxes)), len(weight))
        rows = iter(hidden.split(sizes(selections, boxes)))
        for select, own in zip(selections, by_selection(selections, maps), strict=True):
            for i, each in by_parts(select, boxes):
                features = select({k: x[i : i + 1] for k, x in own.items()}, [each])
                torch.addmm(bias, features.flatten(1), weight.t(), out=next(rows))
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, *maps = ctx.saved_tensors
        selections, boxes = ctx.selections, ctx.boxes
        of_weight, of_maps = torch.zeros_like(weight), [torch.zeros_like(x) for x in maps]
        of_learnt = [[torch.zeros_like(x) for x in learnt(select)] for select in selections]
        rows = iter(gradient.split(sizes(selections, boxes)))
        for select, own, of_own, of_its in zip(
            selections,
            by_selection(selections, maps),
            by_selection(selections, of_maps),
            of_learnt,
            strict=True,
        ):
            for i, each in by_parts(select, boxes):
                image = {k: x[i : i + 1].detach().requires_grad_() for k, x in own.items()}
                totals = [*(x[i : i + 1] for x in of_own.values()), *of_its]
                found = gradients(select, image, each, next(rows), weight, of_weight)
                torch._foreach_add_(totals, list(found))
        return None, None, of_weight, gradient.sum(dim=0), *of_maps, *chain(*of_learnt)


def gradients(
    select: Selection,
    image: Levels,
    boxes: Tensor,
    gradient: Tensor,
    weight: Tensor,
    of_weight: Tensor,
) -> tuple[Tensor, ...]:
    """Of an image's maps and of what ``select`` learns; that of the weights is added in place."""
    with torch.enable_grad():
        features = select(image, [boxes])
    of_weight.addmm_(gradient.t(), features.detach().flatten(1))
    end, shape = get_gradient_edge(features), features.shape
    del features  # the graph that ends there needs them no longer
    of_features = (gradient @ weight).view(shape).contiguous(memory_format=torch.channels_last)
    return torch.autograd.grad(end, [*image.values(), *learnt(select)], of_features)


def by_parts(select: Selection, boxes: Boxes) -> list[tuple[int, Tensor]]:
    """The RoIs that are taken at a time, in order, each part with the place of its image."""
    most = SOFT_ROIS if isinstance(select, SoftRoISelection) else None
    return [
        (i, some) for i, each in enumerate(boxes) for some in each.split(most or len(each) or 1)
    ]


def sizes(selections: Sequence[Selection], boxes: Boxes) -> list[int]:
    """How many RoIs are taken at a time, over all selections."""
    return [len(some) for select in selections for _, some in by_parts(select, boxes)]


def by_selection(selections: Sequence[Selection], maps: Sequence[Tensor]) -> list[Levels]:
    """The maps of each selection, by level."""
    each = iter(maps)
    return [{k: next(each) for k in select.levels} for select in selections]


def learnt(select: nn.Module) -> list[nn.Parameter]:
    """The parameters that are not frozen."""
    return [each for each in select.parameters() if each.requires_grad]
