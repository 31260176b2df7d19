"""What a detector does well and what it gets wrong: curves, confused classes, error kinds.

hotcoco computes all numbers. ``results`` are detections in COCO's format.
"""

import contextlib
import io
from pathlib import Path
from typing import Literal

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from augfpn.data.masks import with_codes
from augfpn.figures import analysis_plots
from augfpn.figures.theme import THEME
from augfpn.records import Record
from augfpn.support.files import check_writable, write_bytes, write_json
from augfpn.support.launched import rank
from augfpn.training.evaluate import with_hotcoco

SCORE = 0.5  # the least score of a detection in the confusion matrix: what `augfpn predict` draws
IOU = 0.5  # from which a detection and an object match
ERRORS = {  # hotcoco's names of TIDE's kinds of errors, and what they mean
    "Cls": "wrong class",
    "Loc": "box not exact",
    "Both": "wrong class and box",
    "Dupe": "second box of an object",
    "Bkg": "no object there",
    "Miss": "object not found",
}
NUMBERS, DASHBOARD = "analysis.json", "training"


def analyse(coco: dict, results: list[dict], masks: bool = False) -> dict:
    """Precision-recall curves, confusion matrix, error kinds and calibration, of boxes or masks.

    - ``curves``: ``recall`` from 0 to 1, and ``precision`` at each IoU threshold, averaged over
      classes; ``by_class``, that of each class at an IoU of 0.5. Without objects they are empty.
    - ``confusion``: ``counts[i][j]`` objects of class i that were detected as class j, with a score
      of 0.5 or more; the last row are detections where no object is, the last column are objects
      that were not detected.
    - ``errors``: for each kind its ``count``, and by how much AP50 would rise without it. Source:
      TIDE (Bolya et al., ECCV 2020).
    - ``calibration``: for ten ranges of the score how many detections there are, their mean score
      and the share that is right; ``ece`` is the expected calibration error.
    """
    if masks:
        coco = with_codes(coco)
        results = [{k: v for k, v in each.items() if k != "bbox"} for each in results]
    done = with_hotcoco(coco, results, "segm" if masks else "bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        done.evaluate()
        done.accumulate()
        done.summarize()
    return {
        "curves": curves_of(done, coco),
        "confusion": confusion_of(done),
        "errors": errors_of(done),
        "calibration": calibration_of(done),
    }


def curves_of(done: object, coco: dict) -> dict:
    """Precision against recall, averaged over classes, and of each class at an IoU of 0.5."""
    precision = done.eval["precision"][:, :, :, 0, -1]  # (IoU, recall, class)
    names = {each["id"]: each["name"] for each in coco["categories"]}
    there = [i for i in range(precision.shape[2]) if (precision[:, :, i] > -1).all()]
    if not there:
        return {"recall": [], "precision": {}, "by_class": {}}
    mean = precision[:, :, there].mean(axis=2)
    by_threshold = zip(done.params.iouThrs, mean.tolist(), strict=True)
    ids = list(done.params.catIds)
    return {
        "recall": list(done.params.recThrs),
        "precision": {f"{threshold:.2f}": values for threshold, values in by_threshold},
        "by_class": {names[ids[i]]: precision[0, :, i].tolist() for i in there},
    }


def confusion_of(done: object) -> dict:
    """How often objects of each class were detected as which class."""
    found = done.confusion_matrix(iou_thr=IOU, min_score=SCORE)
    return {
        "classes": list(found["cat_names"]),
        "counts": found["matrix"].tolist(),
        "score": SCORE,
        "iou": IOU,
    }


def errors_of(done: object) -> dict[str, dict[str, float]]:
    """The count of each kind of error, and the AP50 that it costs as a fraction."""
    found = done.tide_errors(pos_thr=IOU)
    return {
        meaning: {"count": found["counts"][kind], "AP50": found["delta_ap"][kind]}
        for kind, meaning in ERRORS.items()
    }


def calibration_of(done: object) -> dict:
    """For each range of the score: detections, mean score, share that is right."""
    found = done.calibration(n_bins=10, iou_threshold=IOU)
    bins = [
        {
            "count": each["count"],
            "score": each["avg_confidence"],
            "right": each["avg_accuracy"],
        }
        for each in found["bins"]
        if each["count"]
    ]
    return {"ece": found["ece"], "bins": bins}


def dashboard_of(record: Record) -> Figure:
    """How a record's training went: losses, learning rate, and AP where it was measured."""
    result, batch = record.result, record.experiment.train.batch
    speed = result["steps"] * batch / result["seconds"] if result["seconds"] else None
    rows = result.get("evaluations", {}).get("rows", ())
    return analysis_plots.dashboard(record.curve, rows, speed)


def write_dashboard(record: Record) -> None:
    """Add training.png and training.svg to a record that has none.

    Of several processes that trained it, only rank 0 does.
    """
    if not rank() and not (record.folder / f"{DASHBOARD}.svg").exists():
        write_figure(dashboard_of(record), record.folder / DASHBOARD)


def write_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and as SVG; returns the files."""
    files = []
    for form in ("png", "svg"):
        files.append(stem.with_name(f"{stem.name}.{form}"))
        write_bytes(files[-1], figure_bytes(figure, form))
    return files


def figure_bytes(figure: Figure, form: Literal["png", "svg"]) -> bytes:
    """The content of a file with the figure."""
    content = io.BytesIO()
    with plt.rc_context(THEME):
        metadata = {"Date": None} if form == "svg" else {}
        figure.savefig(content, format=form, dpi=150, metadata=metadata)
    return content.getvalue()


def write_plots(coco: dict, results: list[dict], masks: bool, folder: Path) -> list[Path]:
    """Write an analysis into a folder: figures as PNG and SVG, and all numbers; returns the files.

    With masks there is a second analysis, whose files begin with ``mask_``. Files of the same names
    are replaced. Raises ``UserError`` for a folder that cannot be written to.
    """
    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for prefix, of_masks in (("", False), *([("mask_", True)] if masks else [])):
        found = analyse(coco, results, of_masks)
        write_json(folder / f"{prefix}{NUMBERS}", found)
        written.append(folder / f"{prefix}{NUMBERS}")
        for name, figure in analysis_plots.figures(found).items():
            written += write_figure(figure, folder / f"{prefix}{name}")
    return written
