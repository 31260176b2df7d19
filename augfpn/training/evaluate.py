"""From detections to COCO's numbers, computed by pycocotools."""

import contextlib
import io
from collections.abc import Callable, Iterator

import numpy as np
import torch
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

from augfpn.data.masks import Code, with_codes
from augfpn.data.pictures import Pictures

COCO_NUMBERS = (
    *("AP", "AP50", "AP75", "APs", "APm", "APl"),
    *("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"),
)
MASK_THRESHOLD = 0.5  # a pixel belongs to the object from this value on, as in torchvision


@torch.no_grad()
def predict(
    detector: nn.Module,
    pictures: Pictures,
    device: str = "cpu",
    batch: int = 4,
    amp: bool = False,
    tell: Callable[..., None] | None = None,
) -> list[dict]:
    """All detections in COCO's results format, with the data set's own picture and class ids.

    Boxes are [x, y, width, height] in pixels of the original picture, rounded to 0.01; scores to
    0.0001; masks are run-length codes. The detector runs in eval mode, and returns to the mode
    that it was in. ``tell`` is called with the number of pictures that are done.
    """
    was_training = detector.training
    detector.eval()
    results: list[dict] = []
    for some in runs_of(len(pictures), batch):
        results += detect_some(detector, pictures, some, device, amp)
        if tell is not None:
            tell(some[-1] + 1)
    detector.train(was_training)
    return results


def detect_some(
    detector: nn.Module, pictures: Pictures, some: range, device: str, amp: bool
) -> list[dict]:
    """The detections in some of the pictures; memory holds the float masks of these only."""
    images, targets = zip(*(pictures[i] for i in some), strict=True)
    images = [image.to(device).float() / 255 for image in images]
    with torch.autocast(device, torch.bfloat16, enabled=amp):
        found = detector(images)
    return [
        row
        for detections, target in zip(found, targets, strict=True)
        for row in as_results(detections, target["image_id"], pictures.category_of)
    ]


def runs_of(total: int, size: int) -> Iterator[range]:
    """0 .. total - 1, cut into runs of at most ``size``."""
    for start in range(0, total, size):
        yield range(start, min(start + size, total))


def as_results(
    detections: dict[str, Tensor], image_id: int, category_of: dict[int, int]
) -> list[dict]:
    """One picture's detections in COCO's results format.

    Shapes: boxes: (D, 4) x1 y1 x2 y2; labels, scores: (D,); masks, if there are any:
        (D, 1, H, W) in [0, 1], from which each row gets its ``segmentation``.
    """
    boxes = detections["boxes"].float().cpu()
    boxes = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)
    rows = zip(
        boxes.tolist(), detections["labels"].tolist(), detections["scores"].tolist(), strict=True
    )
    results = [
        {
            "image_id": image_id,
            "category_id": category_of[label],
            "bbox": [round(value, 2) for value in box],
            "score": round(score, 4),
        }
        for box, label, score in rows
    ]
    if "masks" in detections:
        for row, code in zip(results, encoded(covered(detections["masks"])), strict=True):
            row["segmentation"] = code
    return results


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


def score(coco: dict, results: list[dict], masks: bool = False) -> dict:
    """COCO's twelve numbers as fractions, and AP by class; of the masks too, under "mask".

    A number is ``None`` if no object has its size or class: pycocotools says -1 there. Source: the
    COCO detection protocol, with 1, 10 and 100 detections a picture. Whether an object is small,
    medium or large depends on its annotated area, for boxes and masks alike; for a detection it
    depends on the area of its box or of its mask.

    Raises: UserError if masks are asked for and an annotation has none.
    """
    numbers = coco_numbers(coco, results, "bbox")
    if masks:
        # Without boxes, because pycocotools would take a detection's area from its box.
        bare = [{k: v for k, v in each.items() if k != "bbox"} for each in results]
        numbers["mask"] = coco_numbers(with_codes(coco), bare, "segm")
    return numbers


def coco_numbers(coco: dict, results: list[dict], kind: str) -> dict:
    """The twelve numbers and AP by class of boxes ("bbox") or of masks ("segm")."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = indexed(coco, coco["annotations"])
        found = truth.loadRes([dict(each) for each in results]) if results else indexed(coco, [])
        judge = COCOeval(truth, found, kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    numbers = {
        name: none_if_absent(value)
        for name, value in zip(COCO_NUMBERS, judge.stats.tolist(), strict=True)
    }
    return numbers | {"by_class": ap_by_class(judge, coco)}


def indexed(coco: dict, annotations: list[dict]) -> COCO:
    """A COCO object over a dict instead of a file; pycocotools writes into its annotations."""
    index = COCO()
    index.dataset = {"info": {}, **coco, "annotations": [dict(each) for each in annotations]}
    index.createIndex()
    return index


def ap_by_class(judge: COCOeval, coco: dict) -> dict[str, float | None]:
    """AP of each class by name, over all sizes, 100 detections a picture."""
    names = {category["id"]: category["name"] for category in coco["categories"]}
    precision = judge.eval["precision"][:, :, :, 0, -1]  # (IoU, recall, class)
    return {
        names[category_id]: mean_precision(precision[:, :, place])
        for place, category_id in enumerate(judge.params.catIds)
    }


def mean_precision(precision: np.ndarray) -> float | None:
    """The mean of the values that exist; pycocotools writes -1 for those that do not."""
    there = precision[precision > -1]
    return float(there.mean()) if there.size else None


def none_if_absent(value: float) -> float | None:
    """The number, or ``None`` for -1, which pycocotools writes if there is none."""
    return None if value == -1 else float(value)
