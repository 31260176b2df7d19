"""The second defect: what does the top level lose? (paper, section 3.2)"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augfpn.data.pictures import Pictures
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.diagnostics import probes
from augfpn.diagnostics.objects import Features, Seen, box_features, maps, top_maps
from augfpn.diagnostics.semantic_gap import picture_of

EDGE = 1  # places at each edge of a weight map, which the convolution's padding reaches
AROUND = 1.5  # times the object's box: the part that stays when the surroundings are removed


def top_level(seen: Sequence[Seen], learned: Sequence[Seen], classes: int) -> dict:
    """What linear probes read from each map of the top level (`augfpn.diagnostics.probes`).

    ``c5``: the share of C5's variance that M5, "M5 + M6" and P5 explain, place by place.
    ``content``: the share of the variance of the picture's content (its number of objects of each
    class) that the feature of a single place explains. Many pictures are needed to fit it, so it is
    fitted on the training pictures, ``learned``. ``classes``: the balanced accuracy of a probe of
    objects' classes.
    """
    names = sorted(seen[0].places)
    places, of_place = at_places(seen)
    labels, of_object = np.concatenate([each.labels for each in seen]), picture_of(seen)
    of_objects = {name: np.concatenate([each.objects[name] for each in seen]) for name in names}
    before, of_before = at_places(learned)
    counts, wanted = held(learned, classes)[of_before], held(seen, classes)[of_place]
    return {
        "c5": {
            name: probes.explained(places[name], places["C5"], of_place)
            for name in names
            if name != "C5"
        },
        "content": {
            name: probes.explained_elsewhere((before[name], counts, of_before), x, wanted)
            for name, x in places.items()
        },
        "classes": {name: probes.accuracy(x, labels, of_object) for name, x in of_objects.items()},
    }


def at_places(seen: Sequence[Seen]) -> tuple[dict[str, Features], NDArray[np.int64]]:
    """The features of all places, (n, C) by the map's name, and the picture of each place, (n,)."""
    names = seen[0].places
    found = {name: np.concatenate([each.places[name] for each in seen]) for name in names}
    return found, np.repeat(np.arange(len(seen)), [len(each.places["C5"]) for each in seen])


def held(seen: Sequence[Seen], classes: int) -> Features:
    """How many objects of each class each picture holds: (pictures, classes)."""
    counts = [np.bincount(each.labels, minlength=classes + 1)[1:] for each in seen]
    return np.array(counts, np.float32)


class ContextWeights(NamedTuple):
    """How far Adaptive Spatial Fusion opens for each context map, in n pictures.

    Shapes: weights: (n, ratios), means of the weight maps without their edges; size: (n,), M6's
        norm divided by M5's, the mean over places; brightness: (n,), the mean of all pixels' values
        in percent of the largest.
    """

    weights: NDArray[np.float64]
    size: NDArray[np.float64]
    brightness: NDArray[np.float64]


@torch.no_grad()
def context_weights(detector: TwoStage, pictures: Pictures, device: str) -> ContextWeights:
    """The weights of Residual Feature Augmentation in each picture.

    The detector must have this part, with a fusion that has weights.
    """
    rows, augment = [], detector.fpn.augment
    for i in range(len(pictures)):
        image, target = pictures[i]
        of = maps(detector, image, target, device)
        weights = augment.fusion.weights(augment.contexts(of.c[max(of.c)]))[0]
        inside = weights[:, EDGE:-EDGE, EDGE:-EDGE].mean(dim=(1, 2)).tolist()
        size = (of.m6.norm(dim=1) / of.m[max(of.m)].norm(dim=1)).mean()
        rows.append([*inside, float(size), 100 * float(image.float().mean()) / 255])
    *weights, size, brightness = np.array(rows).T
    return ContextWeights(np.stack(weights, axis=1), size, brightness)


def surroundings(detector: TwoStage | OneStage, pictures: Pictures, device: str) -> dict:
    """How far an object's feature moves when the object's surroundings are removed.

    Everything outside of a box that is 1.5 times as wide and high as the object's gets the mean
    colour of the picture. Only the first object of each picture is measured. The distance is
    relative to the feature's norm. ``surroundings``: the mean over objects, by map.
    """
    moved: dict[str, list[float]] = {}
    for i in pictures.with_objects():
        image, target = pictures[i]
        one = {"boxes": target["boxes"][:1], "labels": target["labels"][:1]}
        whole = features(detector, image, one, device)
        alone = features(detector, without_surroundings(image, one["boxes"][0]), one, device)
        for name, x in whole.items():
            apart = np.linalg.norm(alone[name] - x) / np.linalg.norm(x)
            moved.setdefault(name, []).append(float(apart))
    return {"surroundings": {name: float(np.mean(each)) for name, each in moved.items()}}


def features(
    detector: TwoStage | OneStage, image: Tensor, target: dict, device: str
) -> dict[str, Features]:
    """The features of the objects on the maps of the top level."""
    of = maps(detector, image, target, device)
    return {name: box_features(x, of.boxes, max(of.m)) for name, x in top_maps(of).items()}


def without_surroundings(image: Tensor, box: Tensor) -> Tensor:
    """The picture (3, H, W) with its mean colour outside of the enlarged box."""
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * AROUND
    left, top = (centre - half).floor().clamp(min=0).int().tolist()
    right, bottom = (centre + half).ceil().int().tolist()
    mean = image.float().mean(dim=(1, 2), keepdim=True).round().to(image.dtype)
    bare = torch.ones_like(image) * mean
    bare[:, top:bottom, left:right] = image[:, top:bottom, left:right]
    return bare
