"""From detections to COCO's numbers.

hotcoco computes them, in a hundredth of pycocotools' time and a tenth of its memory. pycocotools is
the reference: tests hold the two equal to the last bit, and ``judge="pycocotools"`` uses it.
"""

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import Literal

import hotcoco
import numpy as np
import torch
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

from augfpn import config
from augfpn.data.batches import in_groups, transpose
from augfpn.data.masks import Code, with_codes
from augfpn.data.pictures import Pictures, Target
from augfpn.speed.testing import for_testing
from augfpn.support.machine import keep_freed_memory
from augfpn.support.transfer import as_fractions, moved
from augfpn.training.precision import autocast

Judge = Literal["hotcoco", "pycocotools"]
COCO_NUMBERS = (
    *("AP", "AP50", "AP75", "APs", "APm", "APl"),
    *("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"),
)
ON_GPU = 4  # pictures at once
MASK_THRESHOLD = 0.5  # a pixel belongs to the object from this value on, as in torchvision


@torch.no_grad()
def predict(
    detector: nn.Module,
    pictures: Pictures,
    device: str = "cpu",
    batch: int | None = None,
    amp: config.Half | None = None,
    tell: Callable[..., None] | None = None,
    workers: int = 0,
) -> list[dict]:
    """All detections in COCO's results format, with the data set's own picture and class ids.

    Boxes are [x, y, width, height] in pixels of the original picture, rounded to 0.01; scores to
    0.0001; masks are run-length codes. A copy of the detector runs, in eval mode, made quicker by
    `augfpn.speed.testing.for_testing`. ``tell`` is called with the number of pictures that are
    done. ``workers`` processes read the pictures: a GPU would wait for one, because it detects
    faster. ``amp`` is the 16-bit type of products, if they are not in float32.

    What is found in a picture does not depend on the others. Up to ``batch`` pictures are detected
    at once only if they have one size when they are resized and padded, because padding beyond
    that changes the maps: Residual Feature Augmentation pools it. By default it is one picture on
    a CPU, where several would be 10 to 30 % quicker, and four on a GPU: products of matrices of
    another size are rounded differently, which changes a score in a thousand by 0.0001.
    """
    keep_freed_memory()
    quick = for_testing(detector)
    groups = of_one_size(pictures, detector, batch or (1 if device == "cpu" else ON_GPU))
    found: dict[int, list[dict]] = {}
    for images, targets in in_groups(pictures, groups, workers):
        for target, rows in zip(
            targets, detections_in(quick, pictures, images, targets, device, amp), strict=True
        ):
            found[target["image_id"]] = rows
        if tell is not None:
            tell(len(found))
    return [row for entry in pictures.coco["images"] for row in found[entry["id"]]]


def of_one_size(pictures: Pictures, detector: nn.Module, most: int) -> list[list[int]]:
    """Indices of pictures that get one size in a batch, resized and padded, ``most`` at a time.

    Groups are in the order of their first pictures. What is no detector of ours may resize as it
    likes, so there only pictures of one size as they are go together.
    """
    transform = getattr(detector, "transform", None)
    padded = getattr(transform, "padded_size", tuple)
    groups: list[list[int]] = []
    last: dict[tuple[int, ...], list[int]] = {}  # the group that a size's next picture joins
    for i, entry in enumerate(pictures.coco["images"]):
        size = padded((entry["height"], entry["width"]))
        if len(last.get(size, range(most))) == most:
            last[size] = []
            groups.append(last[size])
        last[size].append(i)
    return groups


def detect_some(
    detector: nn.Module, pictures: Pictures, some: range, device: str, amp: config.Half | None
) -> list[dict]:
    """The detections in some of the pictures, as `predict` gives them."""
    images, targets = transpose([pictures[i] for i in some])
    found = detections_in(detector, pictures, images, targets, device, amp)
    return [row for rows in found for row in rows]


def detections_in(
    detector: nn.Module,
    pictures: Pictures,
    images: tuple[Tensor, ...],
    targets: tuple[Target, ...],
    device: str,
    amp: config.Half | None,
) -> list[list[dict]]:
    """The detections in each picture of a batch; memory holds the float masks of these only."""
    with autocast(device, amp):
        found = detector(as_fractions(moved(images, device)))
    return [
        as_results(detections, target["image_id"], pictures.category_of)
        for detections, target in zip(on_host(found), targets, strict=True)
    ]


def on_host(found: Sequence[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """The detections of some pictures in RAM; a GPU sends all in one copy, masks as bytes."""
    if all(detections["boxes"].device.type == "cpu" for detections in found):
        return list(found)
    small = [d | ({"masks": covered(d["masks"])[:, None]} if "masks" in d else {}) for d in found]
    values = iter(moved([value for d in small for value in d.values()], "cpu"))
    return [{name: next(values) for name in d} for d in small]


def as_results(
    detections: dict[str, Tensor], image_id: int, category_of: dict[int, int]
) -> list[dict]:
    """One picture's detections in COCO's results format.

    Shapes: boxes: (D, 4) x1 y1 x2 y2; labels, scores: (D,); masks, if there are any:
        (D, 1, H, W) in [0, 1], from which each row gets its ``segmentation``.
    """
    boxes = detections["boxes"].float()
    boxes = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)
    labels = detections["labels"].tolist()
    rows = zip(rounded(boxes, 2), labels, rounded(detections["scores"].float(), 4), strict=True)
    results = [
        {"image_id": image_id, "category_id": category_of[label], "bbox": box, "score": score}
        for box, label, score in rows
    ]
    if "masks" in detections:
        for row, code in zip(results, encoded(covered(detections["masks"])), strict=True):
            row["segmentation"] = code
    return results


def rounded(values: Tensor, digits: int) -> list:
    """float32 values as Python's ``round`` gives them: their products with 10^digits are exact."""
    return values.double().round(decimals=digits).tolist()


def covered(masks: Tensor) -> Tensor:
    """The pixels that belong to the objects: masks (D, 1, H, W) in [0, 1] to (D, H, W) uint8."""
    return (masks[:, 0] >= MASK_THRESHOLD).view(torch.uint8)


def encoded(masks: Tensor) -> list[Code]:
    """Masks (D, H, W) uint8 as compressed run-length codes; as text, because JSON has no bytes."""
    if not len(masks):
        return []
    columns = (
        masks.transpose(1, 2).contiguous().cpu().numpy()
    )  # (D, W, H): runs go down the columns
    return [
        {"size": list(code["size"]), "counts": code["counts"].decode()}
        for code in rle.encode(columns.transpose(2, 1, 0))
    ]


def score(coco: dict, results: list[dict], masks: bool = False, judge: Judge = "hotcoco") -> dict:
    """COCO's twelve numbers as fractions, and AP by class; of the masks too, under "mask".

    A number is ``None`` if no object has its size or class: ``judge``, the library that computes
    the numbers, says -1 there. Source: the COCO detection protocol, with 1, 10 and 100 detections a
    picture. Whether an object is small, medium or large depends on its annotated area, for boxes
    and masks alike; for a detection it depends on the area of its box or of its mask.

    Raises: UserError if masks are asked for and an annotation has none.
    """
    numbers = coco_numbers(coco, results, "bbox", judge)
    if masks:
        # Without boxes, because both judges would take a detection's area from its box.
        bare = [{k: v for k, v in each.items() if k != "bbox"} for each in results]
        numbers["mask"] = coco_numbers(with_codes(coco), bare, "segm", judge)
    return numbers


def coco_numbers(coco: dict, results: list[dict], kind: str, judge: Judge = "hotcoco") -> dict:
    """The twelve numbers and AP by class of boxes ("bbox") or of masks ("segm")."""
    with contextlib.redirect_stdout(io.StringIO()):
        done = JUDGES[judge](coco, results, kind)
        done.evaluate()
        done.accumulate()
        done.summarize()
    numbers = {
        name: none_if_absent(value)
        for name, value in zip(COCO_NUMBERS, done.stats.tolist(), strict=True)
    }
    return numbers | {"by_class": ap_by_class(done, coco)}


def with_hotcoco(coco: dict, results: list[dict], kind: str) -> hotcoco.COCOeval:
    """hotcoco's evaluation, before it runs."""
    truth = hotcoco.COCO({"info": {}, **coco})
    return hotcoco.COCOeval(truth, truth.load_res(results), kind)


def with_pycocotools(coco: dict, results: list[dict], kind: str) -> COCOeval:
    """pycocotools' evaluation, before it runs. It writes into annotations, here into copies."""
    truth = indexed(coco, coco["annotations"])
    found = truth.loadRes([dict(each) for each in results]) if results else indexed(coco, [])
    return COCOeval(truth, found, kind)


JUDGES = {"hotcoco": with_hotcoco, "pycocotools": with_pycocotools}


def indexed(coco: dict, annotations: list[dict]) -> COCO:
    """pycocotools' index over a dict instead of a file."""
    index = COCO()
    index.dataset = {"info": {}, **coco, "annotations": [dict(each) for each in annotations]}
    index.createIndex()
    return index


def ap_by_class(done: hotcoco.COCOeval | COCOeval, coco: dict) -> dict[str, float | None]:
    """AP of each class by name, over all sizes, 100 detections a picture."""
    names = {category["id"]: category["name"] for category in coco["categories"]}
    precision = done.eval["precision"][:, :, :, 0, -1]  # (IoU, recall, class)
    return {
        names[category_id]: mean_precision(precision[:, :, place])
        for place, category_id in enumerate(done.params.catIds)
    }


def mean_precision(precision: np.ndarray) -> float | None:
    """The mean of the values that exist; -1 stands for those that do not."""
    there = precision[precision > -1]
    return float(there.mean()) if there.size else None


def none_if_absent(value: float) -> float | None:
    """The number, or ``None`` for -1, which stands for a number that does not exist."""
    return None if value == -1 else float(value)
