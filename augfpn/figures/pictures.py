"""Boxes and masks drawn on pictures; test pictures with their annotations or detections.

torchvision draws frames and masks. It writes names into the box, where they hide a small object, so
names are drawn here, where they hide neither each other nor small objects.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.utils import draw_bounding_boxes, draw_segmentation_masks

from augfpn.data.masks import decoded
from augfpn.data.pictures import Pictures
from augfpn.figures.colours import BLUE, CLASS_COLOURS
from augfpn.figures.letters import drawable
from augfpn.figures.names import places_of_names
from augfpn.records import Record
from augfpn.support.text import shortened

THRESHOLD = 0.5  # of the score, for a detection to be drawn
IN_ROW = 2.6  # scale of names and lines on examples, which are shown small: several in a row
READABLE_SIDE = 480  # px of the longer side; smaller pictures are enlarged, so that names fit
LETTERS_ON_PICTURE = 40  # of a class's name
OPACITY = 0.5  # of a mask
SIDES_PER_LINE, SIDES_PER_LETTER = 320, 45  # longer side / width of a line, size of a letter


def examples(pictures: Pictures, run: Record | None, count: int) -> list[np.ndarray]:
    """The first ``count`` pictures with objects, drawn on: (H, W, 3) uint8 each.

    The annotations are drawn if ``run`` is ``None``, else the run's detections with a score of 0.5
    or more. Masks are drawn if the pictures (`Pictures.with_masks`) or the detections have some.
    """
    chosen = pictures.with_objects()[:count]
    return [annotated(pictures, i) if run is None else detected(pictures, i, run) for i in chosen]


def annotated(pictures: Pictures, index: int) -> np.ndarray:
    """One picture with its objects."""
    image, target = pictures[index]
    boxes, labels, masks = target["boxes"], target["labels"], target.get("masks")
    return draw_boxes(
        channels_last(image), boxes, labels, pictures.classes, masks=masks, scale=IN_ROW
    )


def detected(pictures: Pictures, index: int, run: Record) -> np.ndarray:
    """One picture with a run's detections."""
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
    return draw_boxes(
        channels_last(image), corners, labels, pictures.classes, scores, masks, scale=IN_ROW
    )


def channels_last(image: Tensor) -> np.ndarray:
    """(3, H, W) tensor to (H, W, 3) array."""
    return image.permute(1, 2, 0).numpy()


def draw_boxes(
    image: np.ndarray,
    boxes: Any,
    labels: Any,
    classes: Sequence[str],
    scores: Any = None,
    masks: Any = None,
    colours: Sequence[str] = CLASS_COLOURS,
    scale: float = 1,
) -> np.ndarray:
    """The picture with its boxes, each in the colour of its class and with its class's name.

    The box with the highest score is on top. Masks are half transparent and lie under all boxes;
    where masks overlap, that with the highest score is shown. A picture whose longer side is under
    480 px is enlarged by a whole number f, so that its names can be read. ``scale`` enlarges names
    and lines, for pictures that are shown small.

    Shapes: image: (H, W, 3) uint8 RGB, which stays as it is; boxes: (R, 4) x1 y1 x2 y2 in its
        pixels; labels: (R,) from 1, label k is ``classes[k - 1]``; scores: (R,); masks: (R, H, W),
        not 0 on the object; the result: (f H, f W, 3). Arrays, lists or tensors on the CPU.
    Raises: ValueError for another kind of picture, for boxes, labels, scores and masks of different
        lengths, for masks of another size than the picture, and for a label without a class.
    """
    boxes, labels = np.asarray(boxes, dtype=float).reshape(-1, 4), np.asarray(labels, dtype=int)
    masks = None if masks is None else np.asarray(masks).astype(bool)
    _check(image, boxes, labels, classes, scores, masks)
    names = [shortened(classes[label - 1], LETTERS_ON_PICTURE) for label in labels]
    order = np.arange(len(boxes))
    if scores is not None:
        names = [f"{name} {float(score):.2f}" for name, score in zip(names, scores, strict=True)]
        order = np.argsort(np.asarray(scores), kind="stable")
    own = [colours[(label - 1) % len(colours)] for label in labels[order]]
    picture = torch.from_numpy(image.copy()).permute(2, 0, 1)
    if masks is not None and len(masks):
        picture = _filled(picture, torch.from_numpy(masks[order]), own)
    factor = -(-READABLE_SIDE // max(image.shape[:2]))
    picture = picture.repeat_interleave(factor, dim=1).repeat_interleave(factor, dim=2)
    return _framed(picture, factor * boxes[order], [names[i] for i in order], own, scale)


def draw_named(
    image: np.ndarray, boxes: Any, names: Sequence[str], colours: Sequence[str], scale: float = 1
) -> np.ndarray:
    """As `draw_boxes`, with a name and a colour of its own for each box in place of its class's."""
    labels = range(1, len(boxes) + 1)
    return draw_boxes(image, boxes, labels, names, colours=colours, scale=scale)


def _check(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    scores: Any,
    masks: np.ndarray | None,
) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(
            f"the picture is {image.dtype} of shape {image.shape}: give (H, W, 3) of uint8."
        )
    counts = {"boxes": len(boxes), "labels": len(labels)}
    for name, values in (("scores", scores), ("masks", masks)):
        if values is not None:
            counts[name] = len(values)
    if len(set(counts.values())) > 1:
        raise ValueError(f"{counts}: give one label per box, and scores and masks for all or none.")
    if masks is not None and len(masks) and masks.shape[1:] != image.shape[:2]:
        raise ValueError(
            f"masks of shape {masks.shape} on a picture of {image.shape[:2]}: give (R, H, W)."
        )
    if len(labels) and not 1 <= labels.min() <= labels.max() <= len(classes):
        raise ValueError(
            f"labels from {labels.min()} to {labels.max()} do not fit {len(classes)} classes: "
            f"give labels from 1 to {len(classes)}."
        )


def _filled(picture: Tensor, masks: Tensor, colours: list[str]) -> Tensor:
    """The picture with masks (R, H, W) in their colours; a later one hides those before it.

    torchvision paints pixels that belong to several masks black, so it gets disjoint masks.
    """
    covering = masks.flip(0).cumsum(dim=0).flip(0)  # at mask i: itself and all later ones
    return draw_segmentation_masks(picture, masks & (covering == 1), OPACITY, colours)


def _framed(
    picture: Tensor,
    boxes: np.ndarray,
    names: Sequence[str],
    colours: Sequence[str],
    scale: float,
) -> np.ndarray:
    """The picture (3, H, W) with frames that have black rims, and with names; the last on top."""
    if not len(boxes):
        return channels_last(picture)
    _, height, width = picture.shape
    longer = max(height, width)
    line = round(max(2, longer / SIDES_PER_LINE) * scale)
    last = [width - 1, height - 1]
    edges = np.clip(np.round(boxes - [0, 0, 1, 1]), 0, [*last, *last])  # first and last pixels
    edges[:, 2:] = np.maximum(edges[:, :2], edges[:, 2:])
    frames = torch.from_numpy(edges)
    rims = frames + torch.tensor([-1, -1, 1, 1])
    picture = draw_bounding_boxes(picture, rims, colors="black", width=line + 2)
    picture = draw_bounding_boxes(picture, frames, colors=list(colours), width=line)
    drawn = Image.fromarray(channels_last(picture))
    pen = ImageDraw.Draw(drawn)
    size = max(11, longer / SIDES_PER_LETTER) * scale
    shown = [
        (edge, *drawable(name, size), c)
        for edge, name, c in zip(edges, names, colours, strict=True)
        if name
    ]
    _write(pen, shown, drawn.size)
    return np.array(drawn)


def _write(
    pen: ImageDraw.ImageDraw,
    names: Sequence[tuple[np.ndarray, str, Any, str]],
    size: tuple[int, int],
) -> None:
    """Names on grounds of their colours; ``names`` has each one's box, text, font and colour."""
    pad = 2
    boxes = np.array([edge for edge, *_ in names]).reshape(-1, 4)
    sizes = [
        (round(pen.textlength(text, font)) + 2 * pad, sum(font.getmetrics()) + pad)
        for _, text, font, _ in names
    ]
    places = places_of_names(boxes, sizes, size)
    for (_, text, font, colour), (width, height), (left, top) in zip(
        names, sizes, places, strict=True
    ):
        ground = (left, top, left + width - 1, top + height - 1)
        pen.rectangle(ground, fill=colour, outline="black")
        ink = "white" if colour == BLUE else "black"  # black is read better on all lighter colours
        pen.text((left + pad, top + pad // 2), text, fill=ink, font=font)
