"""Predictions beside the ground truth: AP on many draws of pictures, and kinds of errors.

hotcoco matches detections to objects once. For each class, range of sizes and IoU threshold, COCO's
AP then needs only the detections in the order of their scores, which of them are true positives,
and how many objects there are. A draw of pictures (a bootstrap sample) has each picture any number
of times: this changes the weights of these detections and objects, not the matching.
"""

from typing import NamedTuple

import numpy as np
from hotcoco import COCO, COCOeval
from numpy.typing import NDArray
from scipy import sparse

from augfpn.data.masks import with_codes

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
RECALLS = np.linspace(0, 1, 101)  # where COCO reads the precision
BLOCK = 64  # draws that are computed together: their numbers fit into a processor's cache
SIZES = ("all", "small", "medium", "large")
ERROR_KINDS = {  # hotcoco's word: what is wrong
    "Cls": "class",
    "Loc": "place",
    "Both": "class and place",
    "Dupe": "found twice",
    "Bkg": "nothing there",
    "Miss": "missed",
}
AVERAGED = {  # AP number: its size, and its slice of the IoU thresholds 0.50, 0.55, ..., 0.95
    "AP": ("all", slice(None)),
    "AP50": ("all", slice(0, 1)),
    "AP75": ("all", slice(5, 6)),
    "APs": ("small", slice(None)),
    "APm": ("medium", slice(None)),
    "APl": ("large", slice(None)),
}


class Hits(NamedTuple):
    """The detections of one class, range of sizes and IoU threshold on all pictures.

    They are in descending order of scores; those that COCO ignores are left out. D detections have
    the place of their ``picture``, (D,); ``right`` are the places of the J true positives among
    them, (J,).
    """

    picture: Indices
    right: Indices


class Matches(NamedTuple):
    """A detector's predictions, matched to the ground truth of some pictures."""

    classes: tuple[str, ...]
    objects: dict[str, Floats]  # by size: how many objects there are, (classes, pictures)
    hits: dict[str, list[list[Hits]]]  # by size, then class, then IoU threshold

    @property
    def pictures(self) -> int:
        """How many pictures there are."""
        return self.objects["all"].shape[1]


def matches(coco: dict, results: list[dict], kind: str = "bbox") -> Matches:
    """Match detections to objects as COCO does, at most 100 detections a picture.

    ``coco`` is the ground truth in COCO's format, ``results`` are detections in its results
    format, ``kind`` is "bbox" or "segm". Source: the COCO detection protocol, by hotcoco, which
    gives pycocotools' numbers to the last digit in a fiftieth of its time.
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
    """The matching: an object like pycocotools' ``COCOeval`` after its ``evaluate``."""
    if kind == "segm":
        coco = with_codes(coco)
        results = [{k: v for k, v in each.items() if k != "bbox"} for each in results]
    truth = COCO({"info": {}, **coco})
    judge = COCOeval(truth, truth.load_res(results), kind)
    judge.evaluate()
    return judge


def by_class_and_size(judge: COCOeval) -> list[list[list[dict | None]]]:
    """The matches of each class, range of sizes and picture; ``None`` if there are none."""
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
    """How many objects each picture has, without those that COCO ignores."""
    return [0 if cell is None else len(cell["gtIgnore"]) - sum(cell["gtIgnore"]) for cell in cells]


def hits(cells: list[dict | None], thresholds: int) -> list[Hits]:
    """The detections of a class in the order of their scores, for each of the IoU thresholds.

    Detections with equal scores keep the order of their pictures.
    """
    there = [(i, cell) for i, cell in enumerate(cells) if cell is not None]
    if not any(cell["dtScores"] for _, cell in there):
        nothing = np.zeros(0, np.intp)
        return [Hits(nothing, nothing)] * thresholds
    scores = np.concatenate([cell["dtScores"] for _, cell in there])
    order = np.argsort(-scores, kind="mergesort")
    picture = np.concatenate([np.full(len(cell["dtScores"]), i) for i, cell in there])[order]
    matched, ignored = (
        np.concatenate([np.array(cell[name], bool) for _, cell in there], axis=1)[:, order]
        for name in ("dtMatched", "dtIgnore")
    )
    return [
        Hits(picture[~ignore], np.flatnonzero(match[~ignore]))
        for match, ignore in zip(matched, ignored, strict=True)
    ]


def average_precision(of: Matches, weights: Floats) -> dict[str, Floats]:
    """COCO's AP numbers on draws of pictures, as fractions; a number without objects is nan.

    Shapes: weights (B, pictures), how often each picture is in each draw -> (B,) for each of
        AP, AP50, AP75, APs, APm, APl and for each class's AP under "AP of NAME".
    Differs from COCO's evaluation of a data set that really repeats pictures in the order of
    detections with equal scores: here the copies of a picture follow each other, there they
    alternate.
    """
    by_size = {
        size: class_precision(of, size, weights) for size in SIZES
    }  # (classes, thresholds, B)
    numbers = {
        name: mean_without_nan(by_size[size][:, some]) for name, (size, some) in AVERAGED.items()
    }
    return numbers | {
        f"AP of {name}": ap.mean(axis=0)
        for name, ap in zip(of.classes, by_size["all"], strict=True)
    }


def class_precision(of: Matches, size: str, weights: Floats) -> Floats:
    """AP of each class at each threshold and draw: (classes, thresholds, B)."""
    there = weights @ of.objects[size].T  # (B, classes)
    return np.array(
        [
            [one_precision(each, weights, there[:, place]) for each in hits]
            for place, hits in enumerate(of.hits[size])
        ]
    )


def one_precision(of: Hits, weights: Floats, objects: Floats) -> Floats:
    """COCO's interpolated precision, the mean over 101 recalls; nan without objects: (B,)."""
    segment = np.searchsorted(of.right, np.arange(len(of.picture)))  # the next true positive
    there = segment < len(of.right)
    places = segment[there], of.picture[there]
    shape = len(of.right), weights.shape[1]  # (J true positives, pictures)
    counts = sparse.csr_array((np.ones(len(places[0])), places), shape=shape)
    return np.concatenate(
        [
            precision_on(of, counts, np.ascontiguousarray(weights[i : i + BLOCK].T), objects[i:])
            for i in range(0, len(weights), BLOCK)
        ]
    )


def precision_on(of: Hits, counts: sparse.csr_array, drawn: Floats, objects: Floats) -> Floats:
    """The same for the b first draws: drawn (pictures, b), objects (b or more,) -> (b,)."""
    objects = objects[: drawn.shape[1]]
    counted = np.cumsum(counts @ drawn, axis=0)  # (J, b), as all that follow
    right = np.cumsum(drawn[of.picture[of.right]], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(counted > 0, right / counted, 0.0)
        recall = np.where(objects > 0, right / objects, 0.0)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    steps = np.diff(recalls_reached(recall), axis=0, prepend=0)
    return np.where(objects > 0, (best * steps).sum(axis=0) / len(RECALLS), np.nan)


def recalls_reached(recall: Floats) -> Indices:
    """How many of `RECALLS` are not above each recall: a quicker `numpy.searchsorted`.

    Rounding makes some of `RECALLS` differ from hundredths, so that the first guess can be one off.
    """
    there = np.append(RECALLS, np.inf)
    below = (recall * (len(RECALLS) - 1)).astype(np.intp)
    below -= there[below] > recall
    return below + 1 + (there[below + 1] <= recall)


def mean_without_nan(ap: Floats) -> Floats:
    """The mean over classes and thresholds that are not nan: (classes, thresholds, B) -> (B,)."""
    there = ~np.isnan(ap)
    with np.errstate(invalid="ignore"):
        return np.where(there, ap, 0).sum(axis=(0, 1)) / there.sum(axis=(0, 1))


# --- kinds of errors ------------------------------------------------------------------------------


def error_types(coco: dict, results: list[dict]) -> dict[str, dict[str, float]]:
    """What each kind of error costs in AP50 by size of the objects, as a fraction.

    The cost of a kind is the rise of AP50 if all its errors, and no others, were corrected.
    Sizes ("all", "small", "medium", "large") without objects are left out. ``coco`` is the ground
    truth in COCO's format, ``results`` are detections in its results format.
    Source: Bolya et al., TIDE, ECCV 2020, at an IoU of 0.5, by hotcoco.
    """
    judge = compared(coco, results)
    ranges = dict(zip(SIZES, judge.params.areaRng, strict=True))
    found = {}
    for size, area in ranges.items():
        low, high = area
        there = any(low <= each["area"] <= high for each in coco["annotations"])
        if not there:
            continue
        judge.params.areaRng, judge.params.areaRngLbl = [area], ["all"]
        judge.evaluate()
        cost = judge.tide_errors()["delta_ap"]
        found[size] = {name: cost[word] for word, name in ERROR_KINDS.items()}
    return found
