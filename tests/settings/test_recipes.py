"""Every own row of the paper has a recipe; each builds, counts right, trains a step and detects."""

from dataclasses import replace

import pytest
import torch

from augfpn.config import Experiment, Model, Train
from augfpn.data import load
from augfpn.data.batches import batches
from augfpn.detectors.build import build_detector
from augfpn.detectors.cost import parameter_count
from augfpn.errors import UserError
from augfpn.settings import paper, parameters, recipes
from augfpn.training import evaluate, prepare, schedule, train

NAMES = list(recipes.recipes())
# An eighth of the size, anchors and FPN's rule of thumb too, so that every level has its boxes.
TINY = {
    "short_side": 96,
    "long_side": 128,
    "anchor_sizes": (4, 8, 16, 32, 64),
    "canonical_size": 28.0,
    "rois": 32,
    "weights": "scratch",
    "norm": "batch",  # as `settings.experiment` has it without ImageNet's statistics
}
# Parameters at inference, and those only in training: reference.md 4.1 to 4.3, 80 classes. The
# reference leaves out the 53,120 affine parameters of ResNet-50's normalisation; here they learn,
# so they count.
AFFINE = 53_120
FASTER = 41_704_036 + AFFINE
HEAD = 14_310_805
P6_FROM_C5 = 4_128_768
TOWERS = -8 * 256 + 5  # FCOS: no biases before group normalisation, a scale a level
COUNTS = {
    "faster_rcnn_r50_fpn_1x": (FASTER, 0),
    "faster_rcnn_r50_augfpn_1x": (43_753_067 + AFFINE, HEAD),
    "faster_rcnn_r50_cs_1x": (FASTER, HEAD),
    "faster_rcnn_r50_cs_single_lam1_1x": (FASTER, HEAD),
    "faster_rcnn_r50_cs_lam0.125_1x": (FASTER, HEAD),
    "faster_rcnn_r50_rfa_1x": (FASTER + 1_777_411, 0),
    "faster_rcnn_r50_rfa_0.1_1x": (FASTER + 592_641, 0),
    "faster_rcnn_r50_rfa_0.1_0.2_1x": (FASTER + 1_185_026, 0),
    "faster_rcnn_r50_rfa_0.1_0.2_0.5_1x": (FASTER + 1_777_411, 0),
    "faster_rcnn_r50_rfa_0.1_0.2_0.3_0.4_1x": (FASTER + 2_369_796, 0),
    "faster_rcnn_r50_rfa_psp_1x": (FASTER + 1_777_411, 0),
    "faster_rcnn_r50_rfa_sum_1x": (FASTER + 1_573_632, 0),
    "faster_rcnn_r50_rfa_gap_sum_1x": (FASTER + 524_544, 0),
    "faster_rcnn_r50_rfa_gmp_sum_1x": (FASTER + 524_544, 0),
    "faster_rcnn_r50_srs_1x": (FASTER + 271_620, 0),
    "faster_rcnn_r50_srs_acf_1x": (FASTER + 132_160, 0),
    "faster_rcnn_r50_srs_sum_1x": (FASTER, 0),
    "faster_rcnn_r50_srs_max_1x": (FASTER, 0),
    "faster_rcnn_r50_panet_1x": (FASTER + 38_538_240, 0),
    "faster_rcnn_mnv2_fpn_1x": (19_856_548, 0),
    "faster_rcnn_mnv2_augfpn_1x": (21_315_755, HEAD),
    "mask_rcnn_r50_fpn_1x": (44_347_573 + AFFINE, 0),
    "mask_rcnn_r50_augfpn_1x": (46_668_224 + AFFINE, 63_622_566 - 46_668_224),
    "retinanet_r50_fpn_1x": (33_786_804 + P6_FROM_C5 + AFFINE, 0),
    "retinanet_r50_augfpn_1x": (39_692_983 + AFFINE, HEAD),
    "fcos_r50_fpn_1x": (32_244_245 + TOWERS, 0),  # all of its normalisation is frozen
    "fcos_r50_augfpn_1x": (34_021_656 + TOWERS, HEAD),
}


def test_every_own_row_is_the_row_of_exactly_one_recipe() -> None:
    tables = paper.tables()
    own = [row for row in tables["table1"] if row["ours"] or row["reimplemented_baseline"]]
    own += [row for n in (2, 3, 4, 5) for row in tables[f"table{n}"]]
    listed = [id(result.row) for each in recipes.recipes().values() for result in each.rows]
    assert sorted(listed) == sorted(map(id, own))
    assert len(own) == 24 + 8 + 8 + 11 + 5


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_the_papers_model_and_schedule(name: str) -> None:
    recipe = recipes.recipes()[name]
    settings = parameters.parse(recipe.words | {"data_root": "/data/coco", "weights": "scratch"})
    experiment = prepare.experiment_here(settings)
    assert paper.identity(experiment.model) == recipe.identity
    assert experiment.train.batch == 16
    one_stage = experiment.model.detector in ("retinanet", "fcos")
    assert experiment.train.lr == (0.01 if one_stage else 0.02)
    twice = name.endswith("_2x")
    assert experiment.train.epochs == (24 if twice else 12)
    drops = [drop * experiment.train.epochs for drop in experiment.train.drops]
    assert drops == pytest.approx([16, 22] if twice else [8, 11])
    if recipe.rows:
        found = paper.row_of(experiment.model, experiment.train.epochs)
        assert found in [(row.table, row.row) for row in recipe.rows]


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name: str) -> None:
    model = recipes.named(name).model
    with torch.device("meta"):
        detector = build_detector(replace(model, weights="scratch"))
    whole = parameter_count(detector)
    for part in ("supervision", "mask_supervision"):
        if getattr(detector, part, None) is not None:
            setattr(detector, part, None)
    kept = parameter_count(detector)
    assert (kept, whole - kept) == COUNTS[name]


def tiny(model: Model) -> Model:
    """The recipe's detector with small pictures and few proposals."""
    counts = {"rpn_candidates": (50, 50), "proposals": (50, 50), "detections": 5}
    return replace(model, **TINY, **counts)


def start_blocks(detector: torch.nn.Module) -> None:
    """Without weights timm begins each block at zero, so that the layers in it would not learn."""
    for layer in detector.modules():
        if isinstance(layer, torch.nn.BatchNorm2d) and not layer.weight.any():
            torch.nn.init.ones_(layer.weight)


def show_all(detector: torch.nn.Module) -> None:
    """Let detections of any score through: an untrained detector has no others."""
    if hasattr(detector, "heads"):
        detector.heads.score_thresh = 0.0
    else:
        detector.limits = detector.limits._replace(score=0.0)


def a_step(name: str, root: str) -> None:
    """One step on coco-mini pictures: every parameter that learns gets a gradient; it evaluates."""
    model = tiny(recipes.named(name).model)
    pictures = load.load("coco", "train", root).first(4)
    if model.detector == "mask_rcnn":
        pictures = pictures.with_masks()
    torch.manual_seed(0)
    detector = build_detector(model)
    start_blocks(detector)
    settings = replace(Train(), batch=2, workers=0)
    experiment = Experiment(model=model, train=settings)
    optimizer = schedule.make_optimizer(detector, settings)
    feed = batches(pictures, pictures.with_objects(), 2, range(1), seed=0, flip=0.5, workers=0)
    ((images, targets),) = feed
    losses = train.one_step(detector, optimizer, 1e-4, images, targets, experiment, 0)
    assert all(value >= 0 for value in losses.values())
    learn = {n: q for n, q in detector.named_parameters() if q.requires_grad}
    assert [n for n, q in learn.items() if q.grad is None or not q.grad.any()] == []
    show_all(detector)
    two = pictures.first(2)
    results = evaluate.predict(detector, two)
    assert {row["image_id"] for row in results} == {entry["id"] for entry in two.coco["images"]}
    score = evaluate.score(two.coco, results, masks=two.masks)
    assert ("mask" in score) == (model.detector == "mask_rcnn")


QUICK = [f"{d}_r50_augfpn_1x" for d in ("faster_rcnn", "mask_rcnn", "retinanet", "fcos")]


@pytest.mark.coco
@pytest.mark.parametrize("name", QUICK)
def test_a_step_of_each_detector(name: str, real_data) -> None:
    a_step(name, str(real_data("coco-mini")))


@pytest.mark.slow
@pytest.mark.coco
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [n for n in NAMES if n not in QUICK and not n.endswith("_2x")])
def test_a_step_of_every_other_recipe(name: str, real_data) -> None:
    a_step(name, str(real_data("coco-mini")))


def test_an_unknown_recipe_gets_the_one_that_was_meant() -> None:
    with pytest.raises(UserError, match=r"did you mean 'faster_rcnn_r50_augfpn_1x'"):
        recipes.named("faster_rcnn_r50_augfpn")


def test_given_words_win_and_idle_ones_are_refused() -> None:
    words = recipes.with_recipe("faster_rcnn_r50_augfpn_1x", {"lam": 0.5, "steps": 10})
    assert words["lam"] == 0.5
    assert "epochs" not in words
    with pytest.raises(UserError, match="would do nothing: the recipe faster_rcnn_r50_fpn_1x"):
        recipes.with_recipe("faster_rcnn_r50_fpn_1x", {"lam": 0.5})
