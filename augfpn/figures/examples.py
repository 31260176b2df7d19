"""Pictures of a test set with what is annotated on them, or with what a run found."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from torch import Tensor

from augfpn.data.masks import decoded
from augfpn.data.pictures import Pictures
from augfpn.figures.pictures import draw_boxes
from augfpn.records import Record
from augfpn.study import grid
from augfpn.training import train

THRESHOLD = 0.5  # of the score, for a detection to be drawn


def examples(pictures: Pictures, run: Record | None, count: int) -> list[np.ndarray]:
    """The first ``count`` pictures with objects, drawn on: (H, W, 3) uint8 each.

    With the annotations where ``run`` is ``None``, else with its detections above 0.5; with masks
    where the pictures (`Pictures.with_masks`) or the detections have some.
    """
    chosen = pictures.with_objects()[:count]
    return [annotated(pictures, i) if run is None else detected(pictures, i, run) for i in chosen]


def annotated(pictures: Pictures, index: int) -> np.ndarray:
    """One picture with its objects."""
    image, target = pictures[index]
    boxes, labels, masks = target["boxes"], target["labels"], target.get("masks")
    return draw_boxes(plain(image), boxes, labels, pictures.classes, masks=masks)


def detected(pictures: Pictures, index: int, run: Record) -> np.ndarray:
    """One picture with what a run found on it."""
    image, target = pictures[index]
    found = [
        each
        for each in run.predictions
        if each["image_id"] == target["image_id"] and each["score"] >= THRESHOLD
    ]
    corners = [(x, y, x + w, y + h) for x, y, w, h in (each["bbox"] for each in found)]
    labels = [pictures.label_of[each["category_id"]] for each in found]
    scores = [each["score"] for each in found]
    codes = [each["segmentation"] for each in found if "segmentation" in each]
    masks = decoded(codes, *image.shape[1:]) if codes else None
    return draw_boxes(plain(image), corners, labels, pictures.classes, scores, masks)


def plain(image: Tensor) -> np.ndarray:
    """(3, H, W) tensor to (H, W, 3) array."""
    return image.permute(1, 2, 0).numpy()


def of_sets(sets: Iterable[str], budget: str, count: int) -> dict[str, list[np.ndarray]]:
    """The first ``count`` annotated test scenes with objects of some of the study's sets, by name.

    "scenes" are plain ones; "detail", "context" and "scale" have that dial turned up.
    """
    found = {}
    for name in sets:
        settings = grid.Run("fpn", name, budget, 0).experiment.data
        some = replace(settings, test_scenes=2 * count)
        found[name] = examples(train.load_pictures(some, "test"), None, count)
    return found
