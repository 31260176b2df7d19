"""What a trained AugFPN computes of one scene: the numbers behind the drawings of parts.py.

The detector is the one whose weights the book keeps, the scenes are of its own test images.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augfpn.data.load import load_pictures
from augfpn.detectors import build
from augfpn.detectors.build import BOX_BINS, ROI_LEVELS
from augfpn.detectors.two_stage import TwoStage
from augfpn.diagnostics.objects import Maps, maps
from augfpn.pyramid import (
    ConsistentSupervision,
    HardRoISelection,
    Levels,
    SoftRoISelection,
)
from augfpn.study import gather
from augfpn.training import reopen

SCENE, OBJECT = 25, 5  # of the test scenes; a cross of 83 px
MIDDLE = 39  # the test scene in the middle by M6's norm relative to M5's (`context_weights`)
Values = NDArray[np.float32]


class Supervised(NamedTuple):
    """Consistent Supervision: maps M, what RoIAlign cuts out of each, and each level's losses."""

    maps: dict[int, Values]
    crops: dict[int, Values]
    losses: dict[int, tuple[float, float]]  # class and box
    weight: float  # lambda


class Augmented(NamedTuple):
    """Residual Feature Augmentation of a scene (H, W, 3), in the order of the ratios."""

    image: NDArray[np.uint8]
    c5: Values
    ratios: tuple[float, ...]
    pooled: list[Values]  # after the 1x1 convolution
    enlarged: list[Values]
    weights: list[Values]
    m6: Values
    m5: Values


class Selected(NamedTuple):
    """Soft RoI Selection: maps P, crops, weight maps; level by level what the sum is made of."""

    maps: dict[int, Values]
    crops: dict[int, Values]
    weights: dict[int, Values]
    mixed: Values
    shares: dict[int, Values]  # of the levels in each bin of ``mixed``
    by_rule: int  # the level that FPN's rule gives the box


class Computed(NamedTuple):
    """The scene (H, W, 3), the box x1, y1, x2, y2 in px, and what each part makes of them."""

    image: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    channels: int
    cs: Supervised
    rfa: Augmented
    srs: Selected


@torch.no_grad()
def computed() -> Computed:
    """All that the drawings show."""
    record = gather.committed("scenes").recorded("augfpn")[0]
    detector, _ = reopen.load_detector(record.folder, "cpu")
    pictures = load_pictures(
        replace(record.experiment.data, test_scenes=max(SCENE, MIDDLE) + 1), "test"
    )
    image, every = pictures[SCENE]
    target = {name: every[name][OBJECT : OBJECT + 1] for name in ("boxes", "labels")}
    of = maps(detector, image, target, "cpu")
    rule = build.hard_selection(record.experiment.model, ROI_LEVELS, BOX_BINS)
    return Computed(
        image.permute(1, 2, 0).numpy(),
        tuple(target["boxes"][0].tolist()),
        of.m[5].shape[1],
        supervised(detector.supervision, of),
        augmented(detector, pictures[MIDDLE], record.experiment.model.ratios),
        selected(detector.select, of, rule),
    )


def supervised(supervision: ConsistentSupervision, of: Maps) -> Supervised:
    """Consistent Supervision of a box that is an object's own, so that its offsets are 0."""
    crops, losses = {}, {}
    for k, select in zip(ROI_LEVELS, supervision.selections, strict=True):
        crop = select(of.m, [of.boxes])
        logits, deltas = supervision.head(crop)
        terms = supervision.criterion(logits, deltas, [of.labels], [torch.zeros(1, 4)])
        crops[k], losses[k] = size(crop), tuple(term.item() for term in terms)
    return Supervised(sizes(of.m), crops, losses, supervision.weight)


def augmented(
    detector: TwoStage, picture: tuple[Tensor, dict], ratios: tuple[float, ...]
) -> Augmented:
    """Residual Feature Augmentation of a picture's C5."""
    image, augment = picture[0], detector.fpn.augment
    of = maps(detector, *picture, "cpu")
    steps = zip(augment.reduce, augment.pools, strict=True)
    pooled = [size(reduce(pool(of.c[5]))) for reduce, pool in steps]
    contexts = augment.contexts(of.c[5])
    weights = [*augment.fusion.weights(contexts)[0].numpy()]
    enlarged = [size(each) for each in contexts]
    ends = size(of.m6), size(of.m[5])
    shown = image.permute(1, 2, 0).numpy()
    return Augmented(shown, size(of.c[5]), ratios, pooled, enlarged, weights, *ends)


def selected(select: SoftRoISelection, of: Maps, rule: HardRoISelection) -> Selected:
    """Soft RoI Selection, and the level that FPN's rule would give the box."""
    pooled = select.pool(of.p, [of.boxes])
    weights = dict(zip(ROI_LEVELS, select.fusion.weights(pooled)[0].numpy(), strict=True))
    crops = {k: size(each) for k, each in zip(ROI_LEVELS, pooled, strict=True)}
    parts = {k: weights[k] * crops[k] for k in ROI_LEVELS}
    shares = {k: each / sum(parts.values()) for k, each in parts.items()}
    by_rule = int(rule.level_of(of.boxes))
    return Selected(sizes(of.p), crops, weights, size(select.fusion(pooled)), shares, by_rule)


def size(x: Tensor) -> Values:
    """How large the features are at each place: the norm over channels, (1, C, h, w) -> (h, w)."""
    return x[0].norm(dim=0).numpy()


def sizes(levels: Levels) -> dict[int, Values]:
    """`size` of each of the levels that RoIs are pooled from."""
    return {k: size(levels[k]) for k in ROI_LEVELS}
