"""The features that a detector computes for the objects of a picture, on each level."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import roi_align

from augfpn.data.pictures import Pictures
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.pyramid import Levels

Features = NDArray[np.float32]
PLACES = 40  # places of the top level that are kept, chosen at random, to limit memory
BINS = 7  # on each side of a RoI; an object's feature is the mean over all bins


class Maps(NamedTuple):
    """A picture's feature maps, and its objects in pixels of the resized picture."""

    batch: ImageList
    c: Levels
    m: Levels
    p: Levels
    m6: Tensor | None
    boxes: Tensor  # (R, 4)
    labels: Tensor  # (R,) from 1


class Seen(NamedTuple):
    """The features that are kept of a picture.

    Shapes: labels: (R,); objects, by the map's name ("C5", "M2", ..., "P5"): (R, C); places of the
        top level, by the map's name: (places, C). "M5 + M6" exists only with Residual Feature
        Augmentation.
    """

    labels: NDArray[np.int64]
    objects: dict[str, Features]
    places: dict[str, Features]


@torch.no_grad()
def maps(detector: TwoStage | OneStage, image: Tensor, target: dict, device: str) -> Maps:
    """All feature maps of one picture (3, H, W) uint8, and its objects in the resized picture."""
    boxes, labels = target["boxes"].to(device), target["labels"].to(device)
    own = [{"boxes": boxes, "labels": labels}]
    batch, moved = detector.transform([image.to(device).float() / 255], own)
    c = detector.backbone(batch.tensors)
    m, p = detector.fpn(c)
    augment = detector.fpn.augment
    m6 = None if augment is None else augment(c[max(m)])
    return Maps(batch, c, m, p, m6, moved[0]["boxes"], labels)


def look(detector: TwoStage | OneStage, pictures: Pictures, device: str) -> Iterator[Seen]:
    """The features of each picture, by a detector in evaluation mode."""
    drawn = torch.Generator().manual_seed(0)
    for i in range(len(pictures)):
        of = maps(detector, *pictures[i], device)
        top = top_maps(of)
        chosen = torch.randperm(top["C5"][0, 0].numel(), generator=drawn)[:PLACES]
        by_level = {f"M{k}": (x, k) for k, x in of.m.items()}
        by_level |= {name: (x, max(of.m)) for name, x in top.items()}
        yield Seen(
            of.labels.cpu().numpy(),
            {name: box_features(x, of.boxes, k) for name, (x, k) in by_level.items()},
            {name: array(x[0].flatten(1).T[chosen.to(x.device)]) for name, x in top.items()},
        )


def top_maps(of: Maps) -> dict[str, Tensor]:
    """The feature maps of the top level, by name: (1, C, h, w) each."""
    k = max(of.m)
    found = {"C5": of.c[k], "M5": of.m[k], "P5": of.p[k]}
    return found if of.m6 is None else found | {"M5 + M6": of.m[k] + of.m6}


def box_features(x: Tensor, boxes: Tensor, k: int) -> Features:
    """The mean feature of each box on a map of level k: (1, C, h, w) and (R, 4) -> (R, C)."""
    rois = F.pad(boxes, (1, 0))  # picture 0
    return array(roi_align(x.float(), rois, BINS, 2.0**-k, 2, aligned=True).mean(dim=(2, 3)))


def array(x: Tensor) -> Features:
    """A tensor as a single-precision array on the CPU."""
    return x.float().cpu().numpy()
