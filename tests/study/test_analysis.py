"""What a detector gets wrong: numbers beside counts by hand and pycocotools; any names."""

import json
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from augfpn.figures import analysis_plots
from augfpn.study import analysis
from augfpn.training import evaluate

LONG = "a very long class name that never ends"


def box(image: int, label: int, x: float, **more: object) -> dict:
    return {"image_id": image, "category_id": label, "bbox": [x, 10.0, 40.0, 40.0]} | more


def truth(objects: list[dict], names: list[str]) -> dict:
    """Annotations of two pictures."""
    images = [{"id": i, "width": 400, "height": 100, "file_name": f"{i}.png"} for i in (1, 2)]
    annotations = [
        each | {"id": i, "area": 1600.0, "iscrowd": 0} for i, each in enumerate(objects, start=1)
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(names, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


COCO = truth([box(1, 1, 10.0), box(1, 2, 100.0), box(2, 1, 10.0), box(2, 2, 200.0)], ["cat", "dog"])
FOUND = [
    box(1, 1, 10.0, score=0.9),  # right
    box(1, 1, 100.0, score=0.8),  # a dog called cat
    box(2, 1, 10.0, score=0.7),  # right
    box(2, 2, 300.0, score=0.6),  # where no object is; the dog of this picture is not found
    box(2, 2, 200.0, score=0.3),  # under the least score of the confusion matrix
]


def test_confusion_is_counted_as_by_hand() -> None:
    found = analysis.analyse(COCO, FOUND)["confusion"]
    assert found["classes"] == ["cat", "dog"]
    assert found["counts"] == [[2, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_curves_are_pycocotools_precision() -> None:
    found = analysis.analyse(COCO, FOUND)["curves"]
    done = evaluate.with_pycocotools(COCO, FOUND, "bbox")
    done.evaluate()
    done.accumulate()
    precision = done.eval["precision"][:, :, :, 0, -1]
    assert found["recall"] == pytest.approx(done.params.recThrs)
    assert found["precision"].keys() == {f"{x:.2f}" for x in done.params.iouThrs}
    assert found["precision"]["0.50"] == pytest.approx(precision[0].mean(axis=1))
    assert found["by_class"]["dog"] == pytest.approx(precision[0, :, 1])


def test_each_kind_of_error_is_counted_once() -> None:
    found = analysis.analyse(COCO, FOUND)
    counts = {kind: each["count"] for kind, each in found["errors"].items() if each["count"]}
    assert counts == {"wrong class": 1, "no object there": 1}
    assert all(each["AP50"] >= 0 for each in found["errors"].values())


def test_a_perfect_detector_makes_no_errors() -> None:
    perfect = [each | {"score": 1.0} for each in COCO["annotations"]]
    found = analysis.analyse(COCO, perfect)
    assert not any(each["count"] for each in found["errors"].values())
    assert np.array_equal(found["confusion"]["counts"], np.diag([2, 2, 0]))
    assert set(found["curves"]["precision"]["0.95"]) == {1.0}
    assert found["calibration"]["ece"] == pytest.approx(0)


def test_calibration_is_the_share_that_is_right() -> None:
    bins = analysis.analyse(COCO, FOUND)["calibration"]["bins"]
    assert sum(each["count"] for each in bins) == len(FOUND)
    right = sum(each["count"] * each["right"] for each in bins)
    assert right == pytest.approx(3)  # two cats, and the dog with a score of 0.3


@pytest.mark.parametrize(
    ("coco", "results"),
    [(COCO, []), (truth([], ["cat", "dog"]), FOUND), (truth([], ["cat", "dog"]), [])],
    ids=["nothing detected", "no objects", "neither"],
)
def test_empty_cases_are_drawn(coco, results, tmp_path: Path) -> None:
    files = analysis.write_plots(coco, results, False, tmp_path)
    assert all(file.stat().st_size for file in files)


def test_files_hold_numbers_and_figures_and_are_the_same_bytes_twice(tmp_path: Path) -> None:
    first = analysis.write_plots(COCO, FOUND, False, tmp_path / "a")
    second = analysis.write_plots(COCO, FOUND, False, tmp_path / "b")
    assert [file.name for file in first] == [
        "analysis.json",
        *(
            f"{name}.{form}"
            for name in ("precision_recall", "confusion", "errors", "calibration")
            for form in ("png", "svg")
        ),
    ]
    assert json.loads(first[0].read_text()) == analysis.analyse(COCO, FOUND)
    assert [a.read_bytes() for a in first] == [b.read_bytes() for b in second]


def test_masks_have_an_analysis_of_their_own(tmp_path: Path) -> None:
    square = [[10.0, 10.0, 50.0, 10.0, 50.0, 50.0, 10.0, 50.0]]
    coco = truth([box(1, 1, 10.0, segmentation=square)], ["cat"])
    codes = evaluate.encoded(mask_of_a_square())
    results = [box(1, 1, 10.0, score=0.9, segmentation=codes[0])]
    files = [file.name for file in analysis.write_plots(coco, results, True, tmp_path)]
    assert "mask_confusion.png" in files
    assert analysis.analyse(coco, results, masks=True)["confusion"]["counts"] == [[1, 0], [0, 0]]


def mask_of_a_square():
    torch = pytest.importorskip("torch")
    mask = torch.zeros(1, 100, 400, dtype=torch.uint8)
    mask[0, 10:50, 10:50] = 1
    return mask


# --- figures --------------------------------------------------------------------------------------


def test_names_that_no_font_has_become_latin_and_long_ones_short(monkeypatch) -> None:
    monkeypatch.setattr(analysis_plots, "font_with", lambda _: None)
    shown, fonts = analysis_plots.readable(["собака", "狗", LONG, "café", "\x1b[2J"])
    assert shown[0] == "собака"
    assert shown[1].isascii()
    assert shown[2:] == ["a very long class…", "café", "\\x1b[2J"]
    assert fonts == ["DejaVu Sans"]


def test_a_font_that_has_the_letters_is_taken(monkeypatch) -> None:
    serif = font_manager.findfont("DejaVu Serif")
    monkeypatch.setattr(analysis_plots, "font_with", lambda _: serif)
    assert analysis_plots.readable(["狗"]) == (["狗"], ["DejaVu Sans", "DejaVu Serif"])


ODD = ["$x^2$", "_hidden", r"a\$b$", r"\frac{1}{2}", "<b>x</b>", "a_b_c", "100 % {0}"]


def test_names_are_drawn_literally() -> None:
    objects = [box(1, i, 40.0 * i) for i in range(1, len(ODD) + 1)]
    coco = truth(objects, ODD)
    figures = analysis_plots.figures(analysis.analyse(coco, [x | {"score": 0.9} for x in objects]))
    assert set(words_of(figures["confusion"])) >= set(ODD)
    shown = [name for name in ODD if name in words_of(figures["precision_recall"])]
    assert len(shown) == analysis_plots.MOST_CURVES


def words_of(figure: Figure) -> list[str]:
    """What an SVG of a figure has as text; mathematics would be taken apart there."""
    with plt.rc_context({"svg.fonttype": "none"}):
        root = ElementTree.fromstring(analysis.figure_bytes(figure, "svg"))
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_of_many_classes_the_confused_ones_are_kept_and_no_object_is_lost() -> None:
    counts = np.zeros((81, 81))
    np.fill_diagonal(counts, 10)
    counts[70, 3] = 5
    less, names = analysis_plots.fewer_classes(counts, [f"class {i}" for i in range(80)])
    assert len(names) == analysis_plots.MOST_CLASSES
    assert {"class 3", "class 70", "61 others"} <= set(names)
    assert less.sum() == counts.sum()
    assert less.shape == (len(names) + 1, len(names) + 1)


def test_a_dashboard_shows_ap_where_it_was_measured() -> None:
    curve = [{"step": i, "lr": 0.1, "loss_classifier": 1 / i} for i in range(1, 81)]
    assert len(analysis_plots.dashboard(curve).axes) == 2
    rows = [{"step": 40, "AP": 0.25}, {"step": 80, "AP": None}]
    figure = analysis_plots.dashboard(curve, rows, 12.34)
    (line,) = figure.axes[2].lines
    assert line.get_xydata().tolist() == [[40, 25]]
    assert (
        figure.axes[0].get_legend().get_title().get_text() == "training at 12.3 images per second"
    )
