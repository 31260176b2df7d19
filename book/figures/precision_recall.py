"""Draw how boxes are scored: python book/figures/precision_recall.py.

Writes iou.svg, precision_recall.svg, and the data of the interactive figure: one committed record's
boxes of one class in one test scene.
"""

from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from interactive import STATIC, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from pycocotools import mask

from augfpn.data.load import load_pictures
from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import GREY, INK, WIDTH, themed, write_svg
from augfpn.records import Record
from augfpn.study import gather

HERE = Path(__file__).parent
SCENE, CLASS = 9, "triangle"  # the id of the scene, as the chapter has it
THRESHOLD = 0.5  # of the IoU
SIDE = 1.0  # of the squares that overlap
SHIFTS = {"a third": SIDE / 3, "a seventh": SIDE / 7, "a nineteenth": SIDE / 19}


@themed
def overlaps() -> Figure:
    """A square and the same square, shifted: three pairs, with what they share."""
    figure, axes = plt.subplots(1, len(SHIFTS), figsize=(WIDTH, 2.1))
    for axis, (name, shift) in zip(axes, SHIFTS.items(), strict=True):
        shared = (SIDE - shift) * SIDE
        axis.add_patch(Rectangle((shift, 0), SIDE - shift, SIDE, color=GREEN, alpha=0.3, lw=0))
        for left, colour in ((0, INK), (shift, ORANGE)):
            axis.add_patch(Rectangle((left, 0), SIDE, SIDE, fill=False, ec=colour, lw=2))
        iou = shared / (2 * SIDE**2 - shared)
        axis.set_title(f"IoU {iou:.2f}", size="medium")
        axis.set_xlabel(f"shifted by\n{name}", size="small")
        axis.set(xlim=(-0.06, SIDE * 4 / 3 + 0.06), ylim=(-0.06, SIDE + 0.06), aspect="equal")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def in_the_scene(run: Record, truth: dict) -> tuple[list[dict], list[dict]]:
    """The scene's objects of the class, and its boxes of the class, best score first."""
    (number,) = (each["id"] for each in truth["categories"] if each["name"] == CLASS)
    objects, boxes = (
        [e for e in every if e["image_id"] == SCENE and e["category_id"] == number]
        for every in (truth["annotations"], run.predictions)
    )
    return objects, sorted(boxes, key=itemgetter("score"), reverse=True)


def matched(ious: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Which boxes are right, of IoUs (boxes, objects), best score first."""
    free, right = ious.copy(), np.zeros(len(ious), dtype=bool)
    for i, row in enumerate(free):
        best = row.argmax()
        right[i] = row[best] >= threshold
        if right[i]:
            free[:, best] = 0
    return right


@themed
def curve(right: np.ndarray, objects: int) -> Figure:
    """Precision against recall box by box, and the envelope, which has its area filled."""
    hits = right.cumsum()
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / objects
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    last = hits.searchsorted(hits[-1]) + 1  # where the greatest recall is reached
    figure, axis = plt.subplots(figsize=(WIDTH, 3.2))
    steps, heights = [0, *recall[:last]], [envelope[0], *envelope[:last]]
    axis.fill_between(steps, heights, step="pre", color=BLUE, alpha=0.15, lw=0)
    axis.plot(steps, heights, drawstyle="steps-pre", color=BLUE, lw=2, label="envelope")
    axis.plot(recall, precision, color=GREY, lw=1, label="box by box")
    for kind, colour in ((right, GREEN), (~right, ORANGE)):
        axis.plot(recall[kind], precision[kind], "o", color=colour, ms=6)
    numbered(axis, recall[:last], precision[:last])
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1.06), ylim=(0, 1.09))
    axis.legend(loc="lower left")
    return figure


def numbered(axis: Axes, recall: np.ndarray, precision: np.ndarray) -> None:
    """The rank of each box beside its dot."""
    for rank, place in enumerate(zip(recall, precision, strict=True), start=1):
        axis.annotate(str(rank), place, (6, 3), textcoords="offset points", size="small")


def main() -> None:
    of = gather.committed("scenes")
    run = of.recorded("fpn")[0]
    objects, boxes = in_the_scene(run, of.truth(run))
    ious = mask.iou(*([e["bbox"] for e in some] for some in (boxes, objects)), [0] * len(objects))
    settings = replace(run.experiment.data, test_scenes=SCENE)
    image, _ = load_pictures(settings, "test")[SCENE - 1]
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(STATIC / "scored.png", optimize=True)
    write("precision", {
        "width": image.shape[2], "height": image.shape[1], "wanted": CLASS,
        "objects": [each["bbox"] for each in objects],
        "boxes": [each["bbox"] for each in boxes], "scores": [each["score"] for each in boxes],
        "ious": ious.round(4).tolist(),
    })  # fmt: skip
    write_svg(overlaps(), HERE / "iou.svg")
    write_svg(curve(matched(ious), len(objects)), HERE / "precision_recall.svg")


if __name__ == "__main__":
    main()
