"""Predictions to AP, many times: which detections match is decided once, by hotcoco.

What remains of a set of pictures for COCO's AP are, for each class, range of sizes and IoU
threshold, the detections in the order of their scores, which of them are right, and how many
objects there are. A draw of pictures, each any number of times, only weighs these anew.
"""

from typing import NamedTuple

import numpy as np
from hotcoco import COCO, COCOeval
from numpy.typing import NDArray

from augfpn.training.evaluate import with_codes

Floats = NDArray[np.float64]
RECALLS = np.linspace(0, 1, 101)  # where COCO reads the precision
SIZES = ("all", "small", "medium", "large")
NUMBERS = {  # name: size, and the places of IoU thresholds 0.50, 0.55, ..., 0.95
    "AP": ("all", slice(None)),
    "AP50": ("all", slice(0, 1)),
    "AP75": ("all", slice(5, 6)),
    "APs": ("small", slice(None)),
    "APm": ("medium", slice(None)),
    "APl": ("large", slice(None)),
}


class Hits(NamedTuple):
    """One class, range of sizes and IoU threshold on all pictures.

    ``right`` and ``counted`` hold a row for each detection that is right, the best first: how many
    right ones, and how many that count at all, each picture has down to its score.
    Shapes: (J, pictures).
    """

    right: Floats
    counted: Floats


class Matches(NamedTuple):
    """A detector's predictions beside the truth of some pictures."""

    classes: tuple[str, ...]
    objects: dict[str, Floats]  # by size: (classes, pictures), how many are to be found
    hits: dict[str, list[list[Hits]]]  # by size: a list for each class of one for each threshold

    @property
    def pictures(self) -> int:
        """How many pictures there are."""
        return self.objects["all"].shape[1]


def matches(coco: dict, results: list[dict], kind: str = "bbox") -> Matches:
    """Match detections to objects as COCO does, at most 100 a picture.

    ``coco`` is the truth in COCO's format, ``results`` detections in its results format, ``kind``
    "bbox" or "segm". Source: the COCO detection protocol, by hotcoco: pycocotools' numbers, to the
    last digit, in a fiftieth of its time.
    """
    judge = compared(coco, results, kind)
    names = {category["id"]: category["name"] for category in coco["categories"]}
    cells = by_class_and_size(judge)  # (class, size, picture)
    thresholds = len(judge.params.iouThrs)
    return Matches(
        classes=tuple(names[each] for each in judge.params.catIds),
        objects={size: np.array([counts(c[i]) for c in cells]) for i, size in enumerate(SIZES)},
        hits={size: [hits(c[i], thresholds) for c in cells] for i, size in enumerate(SIZES)},
    )


def compared(coco: dict, results: list[dict], kind: str = "bbox") -> COCOeval:
    """The matching itself, an object like pycocotools' after its ``evaluate``."""
    if kind == "segm":
        coco = with_codes(coco)
        results = [{k: v for k, v in each.items() if k != "bbox"} for each in results]
    truth = COCO({"info": {}, **coco})
    judge = COCOeval(truth, truth.load_res(results), kind)
    judge.evaluate()
    return judge


def by_class_and_size(judge: COCOeval) -> list[list[list[dict | None]]]:
    """The matches of each class, range of sizes and picture; None where there is nothing."""
    found = {
        (cell["category_id"], tuple(cell["aRng"]), cell["image_id"]): cell
        for cell in judge.evalImgs
        if cell is not None
    }
    sizes = [tuple(each) for each in judge.params.areaRng]
    return [
        [[found.get((number, size, i)) for i in judge.params.imgIds] for size in sizes]
        for number in judge.params.catIds
    ]


def counts(cells: list[dict | None]) -> list[int]:
    """How many objects each picture has that are to be found."""
    return [0 if cell is None else len(cell["gtIgnore"]) - sum(cell["gtIgnore"]) for cell in cells]


def hits(cells: list[dict | None], thresholds: int) -> list[Hits]:
    """All detections of a class in the order of their scores; equal ones as the pictures come."""
    there = [(i, cell) for i, cell in enumerate(cells) if cell is not None]
    if not any(cell["dtScores"] for _, cell in there):
        nothing = np.zeros((0, len(cells)))
        return [Hits(nothing, nothing)] * thresholds
    scores = np.concatenate([cell["dtScores"] for _, cell in there])
    order = np.argsort(-scores, kind="mergesort")
    picture = np.concatenate([np.full(len(cell["dtScores"]), i) for i, cell in there])[order]
    matched, ignored = (
        np.concatenate([np.array(cell[name], bool) for _, cell in there], axis=1)[:, order]
        for name in ("dtMatched", "dtIgnore")
    )
    own = np.arange(len(cells)) == picture[:, None]  # (D, pictures)
    found = []
    for match, ignore in zip(matched, ignored, strict=True):
        right = match & ~ignore
        found.append(
            Hits(
                np.cumsum(own & right[:, None], axis=0)[right].astype(float),
                np.cumsum(own & ~ignore[:, None], axis=0)[right].astype(float),
            )
        )
    return found


def average_precision(of: Matches, weights: Floats) -> dict[str, Floats]:
    """COCO's AP numbers for draws of pictures: fractions, nan where a draw has no such object.

    Shapes: weights (B, pictures), how often each picture is in each draw -> (B,) for each of
        AP, AP50, AP75, APs, APm, APl and for each class's AP under "AP of NAME".
    Differs: where scores are equal, all copies of a picture come together; in a data set in which
    pictures really are repeated they would take turns.
    """
    by_size = {size: by_class(of, size, weights) for size in SIZES}  # (classes, thresholds, B)
    numbers = {
        name: mean_of_existing(by_size[size][:, some]) for name, (size, some) in NUMBERS.items()
    }
    return numbers | {
        f"AP of {name}": ap.mean(axis=0)
        for name, ap in zip(of.classes, by_size["all"], strict=True)
    }


def by_class(of: Matches, size: str, weights: Floats) -> Floats:
    """AP of each class at each threshold and draw: (classes, thresholds, B)."""
    there = weights @ of.objects[size].T  # (B, classes)
    return np.array(
        [
            [one_precision(each, weights, there[:, place]) for each in hits]
            for place, hits in enumerate(of.hits[size])
        ]
    )


def one_precision(of: Hits, weights: Floats, objects: Floats) -> Floats:
    """COCO's interpolated precision, the mean over 101 recalls: (B,); nan without objects."""
    with np.errstate(invalid="ignore", divide="ignore"):
        right, counted = weights @ of.right.T, weights @ of.counted.T  # (B, J)
        precision = np.where(counted > 0, right / counted, 0.0)
        recall = right / objects[:, None]
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(RECALLS, recall, side="right")  # how many of the 101 by then
    steps = np.diff(reached, axis=1, prepend=0)
    return np.where(objects > 0, (best * steps).sum(axis=1) / len(RECALLS), np.nan)


def mean_of_existing(ap: Floats) -> Floats:
    """Over classes and thresholds, without what is nan: (classes, thresholds, B) -> (B,)."""
    there = ~np.isnan(ap)
    with np.errstate(invalid="ignore"):
        return np.where(there, ap, 0).sum(axis=(0, 1)) / there.sum(axis=(0, 1))
