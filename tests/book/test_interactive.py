"""Interactive figures: what they compute is what the package computes."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from browser import chromium
from PIL import Image
from pycocotools.cocoeval import COCOeval
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.detectors import build
from augfpn.diagnostics.objects import maps
from augfpn.figures.colours import LEVEL_COLOURS
from augfpn.pyramid import AdaptiveSpatialFusion, HardRoISelection, ratio_invariant_pool
from augfpn.settings import paper
from augfpn.speed.roi_align import torchvision_roi_align
from augfpn.study import gather
from augfpn.study.uncertainty import intervals, planning
from augfpn.training import reopen
from augfpn.training.evaluate import with_pycocotools

BOOK = Path(__file__).resolve().parents[2] / "book"
DATA = BOOK / "extra" / "interactive"
CLASSES_OF_SCENES = ("disk", "triangle", "cross")  # of the study's, by their ids from 1


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """An empty page with the script of all figures."""
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(f'<script src="{(BOOK / "_static" / "interactive.js").as_uri()}"></script>')
    with chromium() as browser:
        opened = browser.new_page()
        opened.goto(file.as_uri())
        yield opened


def data(name: str) -> dict:
    """A figure's data."""
    text = (DATA / f"{name}.js").read_text()
    return json.loads(text[text.index("= ") + 2 :].rstrip().rstrip(";"))


def test_the_level_of_a_box(page) -> None:
    canonical = 224 * 256 / 800
    rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align, canonical)
    sizes = [(w, h) for w in range(1, 330, 7) for h in range(1, 260, 11)]
    boxes = torch.tensor([(0, 0, w, h) for w, h in sizes]).float()
    code = "([sizes, c]) => sizes.map(([w, h]) => augfpn.arithmetic.levelOf(w, h, c))"
    assert page.evaluate(code, [sizes, canonical]) == rule.level_of(boxes).tolist()


def test_levels_have_the_colours_of_all_other_figures(page) -> None:
    shown = page.evaluate("LEVEL_COLOURS")
    assert shown == {str(k): LEVEL_COLOURS[k] for k in (2, 3, 4, 5)}


def test_the_sides_of_c5(page) -> None:
    transform = GeneralizedRCNNTransform(1, 1, [0.0], [1.0])
    backbone_strides = (2, 2, 2, 2, 2)  # stem, pooling, three stages
    sides = list(range(160, 1345, 37))
    expected = []
    for side in sides:
        size = transform.batch_images([torch.zeros(1, side, 32)], 32).shape[2]
        for stride in backbone_strides:
            size = -(-size // stride)
        expected.append(size)
    assert page.evaluate("sides => sides.map(augfpn.arithmetic.c5Side)", sides) == expected


def test_pooled_sides_are_those_of_ratio_invariant_pooling(page) -> None:
    ratios = [round(0.05 * i, 2) for i in range(1, 11)]
    pairs = [(side, ratio) for side in range(1, 60) for ratio in ratios]
    code = "pairs => pairs.map(([s, r]) => augfpn.arithmetic.pooledSide(s, r))"
    expected = [ratio_invariant_pool(torch.zeros(1, 1, s, 3), r).shape[2] for s, r in pairs]
    assert page.evaluate(code, pairs) == expected


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 7), (7, 11)])
def test_pooled_colours_are_adaptive_averages(page, rows: int, columns: int) -> None:
    values = torch.rand(25, 38, 3, generator=torch.Generator().manual_seed(0)).double()
    code = "([x, h, w]) => augfpn.arithmetic.pool(x, h, w)"
    found = torch.tensor(page.evaluate(code, [values.tolist(), rows, columns]))
    expected = F.adaptive_avg_pool2d(values.permute(2, 0, 1), (rows, columns)).permute(1, 2, 0)
    torch.testing.assert_close(found.double(), expected)


@pytest.mark.parametrize("seeds", [2, 3, 9, 30])
@pytest.mark.parametrize("of_images", [0.0, 0.3])
def test_the_interval_of_a_study(page, seeds: int, of_images: float) -> None:
    values = np.random.default_rng(seeds).normal(1, 1, seeds)
    expected = intervals.around(values.mean(), seeds, values.std(ddof=1) / seeds**0.5, of_images)
    code = "([x, e, f]) => augfpn.arithmetic.interval(x, e, f)"
    found = page.evaluate(code, [values.tolist(), of_images, data("studies")["factors"]])
    assert found == pytest.approx(expected[:3], abs=1e-4)
    words = {"holds": "above zero", "does not hold": "below zero", "undecided": "undecided"}
    said = page.evaluate("([x, n]) => augfpn.arithmetic.verdict(x, n)", [found, seeds])
    assert said == words[intervals.verdict(expected)]


@pytest.mark.parametrize("pairs", [2, 3, 8, 30])
@pytest.mark.parametrize(("spread", "of_images"), [(1.7, 0.1), (0.4, 0.5), (3.0, 0.0)])
def test_the_chance_that_a_test_shows_a_gain(
    page, pairs: int, spread: float, of_images: float
) -> None:
    gains = [0.0, 0.5, 0.9, 2.4, 4.0]
    code = "([n, gains, s, e, d]) => gains.map((g) => augfpn.arithmetic.chance(n, g, s, e, d))"
    found = page.evaluate(code, [pairs, gains, spread, of_images, data("plan")])
    expected = [planning.power_of(pairs, spread, gain, of_images) for gain in gains]
    assert found == pytest.approx(expected, abs=0.01)


def test_the_papers_gains_in_the_planning_figure() -> None:
    ap = {(row["CS"], row["RFA"], row["SRS"]): row["AP"] for row in paper.tables()["table2"]}
    with_parts = {"cs": (True, False, False), "augfpn": (True, True, True)}
    gains = {name: round(ap[parts] - ap[(False,) * 3], 1) for name, parts in with_parts.items()}
    assert data("plan")["papers"] == gains


@pytest.fixture(scope="module")
def judged() -> COCOeval:
    """pycocotools' evaluation of the scene that the figure shows."""
    of, scene = gather.committed("scenes"), 9
    record = of.recorded("fpn")[0]
    coco = of.truth(record)
    found = [each for each in record.predictions if each["image_id"] == scene]
    there = [each for each in coco["annotations"] if each["image_id"] == scene]
    images = [each for each in coco["images"] if each["id"] == scene]
    judge = with_pycocotools(coco | {"images": images, "annotations": there}, found, "bbox")
    judge.evaluate()
    judge.accumulate()
    return judge


@pytest.mark.parametrize("place", range(10))
def test_boxes_are_matched_and_counted_as_by_pycocotools(page, judged, place: int) -> None:
    shown = data("precision")
    number = CLASSES_OF_SCENES.index(shown["wanted"]) + 1
    of_all = next(e for e in judged.evalImgs if e and e["category_id"] == number)
    assert shown["scores"] == of_all["dtScores"]
    code = "([x, t]) => augfpn.arithmetic.matched(x, t)"
    threshold = round(0.5 + 0.05 * place, 2)  # as the slider has it
    right = page.evaluate(code, [shown["ious"], threshold])
    assert right == (of_all["dtMatches"][place] > 0).tolist()
    code = "([x, n]) => augfpn.arithmetic.averagePrecision(x, n)"
    found = page.evaluate(code, [right, len(shown["objects"])])
    expected = judged.eval["precision"][place, :, judged.params.catIds.index(number), 0, -1]
    assert found == pytest.approx(expected.mean(), abs=1e-9)


@pytest.mark.parametrize("objects", [1, 7, 30])
def test_average_precision_of_any_list(page, objects: int) -> None:
    """Against the chapter's formula, also where not all objects are found."""
    right = np.random.default_rng(objects).random(2 * objects) < 0.4
    right[right.cumsum() > objects] = False
    hits = right.cumsum()
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / objects
    expected = [precision[recall >= k / 100].max(initial=0) for k in range(101)]
    code = "([x, n]) => augfpn.arithmetic.averagePrecision(x, n)"
    found = page.evaluate(code, [right.tolist(), objects])
    assert found == pytest.approx(np.mean(expected), abs=1e-9)


def test_the_gates_are_those_of_the_committed_detector() -> None:
    shown = data("levels")
    record = gather.committed("scenes").recorded("augfpn")[0]
    detector, record = reopen.load_detector(record.folder, "cpu")
    pixels = torch.from_numpy(np.array(Image.open(DATA / "scene.png")))
    image = pixels.permute(2, 0, 1)
    whole = torch.tensor([[0.0, 0, shown["width"], shown["height"]]])
    of = maps(detector, image, {"boxes": whole, "labels": torch.tensor([1])}, "cpu")
    scale = of.boxes[0, 2] / shown["width"]
    generator = np.random.default_rng(0)
    for index in generator.integers(0, len(shown["weights"]), 5):
        i, rest = divmod(int(index), len(shown["xs"]) * len(shown["ys"]))
        j, k = divmod(rest, len(shown["xs"]))
        x, y, half = shown["xs"][k], shown["ys"][j], shown["sides"][i] / 2
        box = torch.tensor([
            max(0, x - half), max(0, y - half),
            min(shown["width"], x + half), min(shown["height"], y + half),
        ])  # fmt: skip
        pooled = detector.select.pool(of.p, [scale * box[None]])
        gates = detector.select.fusion.weights(pooled).mean(dim=(2, 3))[0]
        np.testing.assert_allclose(shown["weights"][index], gates.tolist(), atol=2e-3)
    rule = build.hard_selection(record.experiment.model, build.ROI_LEVELS, build.BOX_BINS)
    assert shown["canonical"] == pytest.approx(rule.canonical_size / float(scale))


def test_gates_are_sigmoids_of_values_that_grow_with_the_maps(page) -> None:
    values = data("gates")["values"][0][0]
    found = page.evaluate("x => augfpn.arithmetic.gates(x, 8)", values)
    assert found == pytest.approx((8 * torch.tensor(values).double()).sigmoid().tolist())
    words = [page.evaluate("g => augfpn.arithmetic.begins(g)", x) for x in ([0.01, 0.01, 0.9],
             [0.99, 0.5, 0.96], [0.01, 0.5, 0.99])]  # fmt: skip
    assert words == ["shut", "open", "can learn"]


def test_the_draws_of_gates_are_those_of_a_detector_before_training(monkeypatch) -> None:
    monkeypatch.syspath_prepend(BOOK / "figures")
    lottery = importlib.import_module("gate_lottery")
    shown = np.array(data("gates")["values"])
    assert shown.shape == (lottery.DRAWS, 4, lottery.BOXES)
    np.testing.assert_allclose(shown[:1], lottery.first_values(1), atol=2e-3)


def test_a_gate_of_larger_maps_is_that_of_the_formula() -> None:
    """What the figure rests on: before the sigmoid, a gate grows as the maps do."""
    torch.manual_seed(0)
    fusion = AdaptiveSpatialFusion(8, 4)
    small = torch.randn(4, 2, 8, 7, 7)
    once, often = (fusion.weights(list(scale * small)).logit() for scale in (0.1, 0.7))
    torch.testing.assert_close(often, 7 * once, atol=1e-4, rtol=1e-4)


def test_the_growing_object_is_read_as_by_the_committed_detectors(monkeypatch) -> None:
    monkeypatch.syspath_prepend(BOOK / "figures")
    one_object = importlib.import_module("one_object")
    shown, nets = data("sizes"), one_object.detectors()
    assert shown["canonical"] == pytest.approx(nets["fpn"].select.canonical_size)
    for side in (30, 71, 73, 150):
        place, of = shown["sides"].index(side), one_object.read(side, nets)
        for name, chance in of.chances.items():
            assert shown[name][place] == pytest.approx(chance, abs=0.01)
        assert shown["weights"][place] == pytest.approx(of.weights, abs=0.01)


@pytest.mark.parametrize("angle", [0, 40, 90, 110, 175])
def test_two_languages_and_their_probes(page, monkeypatch, angle: int) -> None:
    monkeypatch.syspath_prepend(BOOK / "figures")
    languages = importlib.import_module("languages")
    noise = languages.noises()
    np.testing.assert_allclose(data("languages")["noise"], noise)
    expected = {
        name: languages.accuracy(*of) for name, of in languages.levels(angle, noise).items()
    }
    code = """([by, x]) => Object.fromEntries(Object.entries(augfpn.arithmetic.languages(by, x))
        .map(([name, of]) => [name, augfpn.arithmetic.nearestIsOwn(of)]))"""
    assert page.evaluate(code, [angle, data("languages")]) == pytest.approx(expected)
