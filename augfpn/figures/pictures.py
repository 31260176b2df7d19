"""Boxes and masks on pictures, with Pillow alone: for `augfpn predict` and for notebooks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

# Okabe and Ito's palette, told apart with every kind of colour vision; black is kept for edges.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
DARK = "#0072B2"  # the only one that white words are read better on
LEAST_SIDE = 480  # px of the longer side, for words to be small beside what they name
OPACITY = 0.5  # of a mask
SIDES_PER_LINE, SIDES_PER_LETTER = 320, 45  # the picture's longer side in lines, and in letters

Edges = tuple[int, int, int, int]


def draw_boxes(
    image: np.ndarray,
    boxes: Any,
    labels: Any,
    classes: Sequence[str],
    scores: Any = None,
    masks: Any = None,
) -> np.ndarray:
    """The picture with its boxes, each in the colour of its class and named, the surest on top.

    Masks are filled half transparently in the same colour, and lie under all boxes.

    Shapes: image: (H, W, 3) uint8 RGB, which stays as it is; boxes: (R, 4) x1 y1 x2 y2 in its
        pixels; labels: (R,) from 1, label k is ``classes[k - 1]``; scores: (R,); masks: (R, H, W),
        not 0 on the object. Arrays, lists or tensors on the CPU. The result is (f H, f W, 3): a
        picture whose longer side is under 480 px is enlarged by the whole number f, so that its
        words can be read; else f is 1.
    Raises: ValueError for another kind of picture, for boxes, labels, scores and masks of unlike
        lengths, for masks of another size than the picture, and for a label without a class.
    """
    boxes, labels = np.asarray(boxes, dtype=float).reshape(-1, 4), np.asarray(labels, dtype=int)
    masks = None if masks is None else np.asarray(masks).astype(bool)
    _check(image, boxes, labels, classes, scores, masks)
    order = range(len(boxes)) if scores is None else np.argsort(np.asarray(scores), kind="stable")
    colours = [COLOURS[(label - 1) % len(COLOURS)] for label in labels]
    if masks is not None:
        image = _filled(image, [(masks[i], colours[i]) for i in order])
    longer = max(image.shape[:2])
    factor = -(-LEAST_SIDE // longer)
    picture = Image.fromarray(image).resize(
        (image.shape[1] * factor, image.shape[0] * factor), Image.Resampling.NEAREST
    )
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(11, longer * factor / SIDES_PER_LETTER))
    width = max(2, round(longer * factor / SIDES_PER_LINE))
    edges = [_edges(box * factor, picture.size) for box in boxes]
    for i in order:
        _frame(pen, edges[i], colours[i], width)
    for i in order:  # after all frames, so that none crosses a name
        words = classes[labels[i] - 1] + ("" if scores is None else f" {float(scores[i]):.2f}")
        _name(pen, edges[i], words, colours[i], font)
    return np.array(picture)


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
        raise ValueError(f"{counts}: give a label, and all or no scores and masks, for each box.")
    if masks is not None and len(masks) and masks.shape[1:] != image.shape[:2]:
        raise ValueError(
            f"masks of shape {masks.shape} on a picture of {image.shape[:2]}: give (R, H, W)."
        )
    if len(labels) and not 1 <= labels.min() <= labels.max() <= len(classes):
        raise ValueError(
            f"labels from {labels.min()} to {labels.max()} do not fit {len(classes)} classes: "
            f"give labels from 1 to {len(classes)}."
        )


def _filled(image: np.ndarray, masks: list[tuple[np.ndarray, str]]) -> np.ndarray:
    """A copy with masks (H, W) in their colours, the last one on top."""
    image = image.copy()
    for mask, colour in masks:
        paint = OPACITY * np.array(ImageColor.getrgb(colour))
        image[mask] = np.round((1 - OPACITY) * image[mask] + paint)
    return image


def _edges(box: np.ndarray, size: tuple[int, int]) -> Edges:
    """The first and last pixels of a box, as far as it lies in the picture."""
    left, right = np.clip(np.round([box[0], box[2] - 1]), 0, size[0] - 1)
    top, bottom = np.clip(np.round([box[1], box[3] - 1]), 0, size[1] - 1)
    return int(left), int(top), int(max(left, right)), int(max(top, bottom))


def _frame(pen: ImageDraw.ImageDraw, edges: Edges, colour: str, width: int) -> None:
    """A frame with a black rim, to be seen on any ground."""
    left, top, right, bottom = edges
    pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="black", width=width + 2)
    pen.rectangle(edges, outline=colour, width=width)


def _name(
    pen: ImageDraw.ImageDraw, edges: Edges, words: str, colour: str, font: ImageFont.FreeTypeFont
) -> None:
    """Words on the class's colour: above the box, or inside where there is no room above."""
    pad = 2
    width = round(pen.textlength(words, font)) + 2 * pad
    height = sum(font.getmetrics()) + pad
    across, _ = pen.im.size
    left = max(0, min(edges[0], across - width))
    top = edges[1] - height if edges[1] >= height else edges[1]
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour, outline="black")
    ink = "white" if colour == DARK else "black"
    pen.text((left + pad, top + pad // 2), words, fill=ink, font=font)
