"""Mask R-CNN, RetinaNet and FCOS with and without AugFPN's parts, in every dialect."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from small import SMALL, filled, pictures

from augfpn.config import FPN, ONE_STAGE, Model
from augfpn.detectors.build import build_detector
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import without_supervision
from augfpn.errors import UserError
from augfpn.settings.dialects import DIALECTS, in_dialect

BOXES = {"loss_classifier", "loss_box_reg"}
LOSSES = {
    "mask_rcnn": {*BOXES, "loss_objectness", "loss_rpn_box_reg", "loss_mask"},
    "retinanet": BOXES,
    "fcos": {*BOXES, "loss_centerness"},
}
EXTRA = {"loss_supervision_class", "loss_supervision_box"}


def family(
    detector: str, lam: float, ratios: tuple, dialect: str = "ours", **more: object
) -> Model:
    soft = bool(ratios) and detector not in ONE_STAGE
    model = replace(
        SMALL, detector=detector, lam=lam, ratios=ratios, **more,
        roi_selection="soft" if soft else "hard",
    )  # fmt: skip
    return in_dialect(model, dialect, sizes=False)


def trains(detector: torch.nn.Module, targets: list[dict], names: set[str]) -> None:
    """Losses have these names and are finite; every parameter receives a gradient."""
    losses = detector(pictures()[0], targets)
    assert losses.keys() == names
    assert all(loss.ndim == 0 and loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    assert [n for n, q in detector.named_parameters() if q.grad is None] == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("lam", "ratios"), list(product([0.0, 0.25], [(), (0.1, 0.3)])))
@pytest.mark.parametrize("name", list(LOSSES))
def test_every_detector_and_combination_trains(
    name: str, lam: float, ratios: tuple, dialect: str
) -> None:
    detector = build_detector(family(name, lam, ratios, dialect))
    trains(detector, pictures()[1], LOSSES[name] | (EXTRA if lam else set()))


@pytest.mark.parametrize("name", ["faster_rcnn", *LOSSES])
def test_pictures_without_objects_train_on(name: str) -> None:
    more = {"mask_supervision": True} if name == "mask_rcnn" else {}
    detector = build_detector(family(name, 0.25, (0.1,), **more))
    images, targets = pictures()
    empty = [targets[1] | {"masks": filled(torch.zeros(0, 4), *x.shape[1:])} for x in images]
    losses = detector(images, empty)
    assert all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    assert [n for n, q in detector.named_parameters() if q.grad is None] == []


@pytest.mark.parametrize("objects", [True, False])
@pytest.mark.parametrize("name", ONE_STAGE)
def test_a_detector_that_finds_nothing_trains_on(name: str, objects: bool) -> None:
    detector = build_detector(family(name, 0.25, (0.1,)))
    torch.nn.init.constant_(detector.dense.classification_head.cls_logits.bias, -20.0)
    targets = pictures()[1] if objects else [pictures()[1][1]] * 2
    trains(detector, targets, LOSSES[name] | EXTRA)


def test_one_stage_supervision_looks_at_three_levels_with_the_detectors_own_boxes() -> None:
    detector = build_detector(family("retinanet", 0.25, ()))
    assert isinstance(detector, OneStage)
    assert [select.levels for select in detector.supervision.selections] == [(3,), (4,), (5,)]
    torch.nn.init.normal_(detector.dense.classification_head.cls_logits.weight, std=0.5)
    seen = []
    detector.supervision.register_forward_pre_hook(lambda _, given: seen.append(given))
    losses = detector(*pictures())
    ((m, samples),) = seen
    assert sorted(m) == [3, 4, 5]
    (first, _) = samples.boxes
    assert not first.requires_grad
    own = pictures()[1][0]["boxes"]
    assert len(first) > len(own)  # the objects, and what was detected
    sum(losses[name] for name in EXTRA).backward()
    assert detector.dense.regression_head.bbox_reg.weight.grad is None


def test_mask_supervision_is_weighted_and_training_only() -> None:
    values = []
    for lam in (0.25, 0.5):
        torch.manual_seed(0)
        detector = build_detector(family("mask_rcnn", lam, (), mask_supervision=True))
        torch.manual_seed(1)
        values.append(detector(*pictures())["loss_supervision_mask"].item())
    assert values[1] == pytest.approx(2 * values[0])
    names = without_supervision(detector).state_dict()
    assert not any("supervision" in name for name in names)


def test_mask_rcnn_needs_masks() -> None:
    images, targets = pictures()
    del targets[1]["masks"]
    with pytest.raises(UserError, match="target 1 has no masks"):
        build_detector(family("mask_rcnn", 0.0, ()))(images, targets)


def test_masks_come_back_in_pixels_of_the_picture() -> None:
    detector = build_detector(family("mask_rcnn", 0.0, ())).eval()
    torch.nn.init.normal_(detector.heads.box_predictor.cls_score.weight, std=0.5)
    with torch.no_grad():
        (found,) = detector([torch.rand(3, 90, 210)])
    assert len(found["boxes"]) > 0
    assert found["masks"].shape == (len(found["boxes"]), 1, 90, 210)


@pytest.mark.parametrize("selection", ["soft", "acf", "panet"])
def test_one_stage_detectors_select_no_rois(selection: str) -> None:
    with pytest.raises(ValueError, match="fcos pools no RoIs"):
        replace(FPN, detector="fcos", roi_selection=selection)


def test_half_precision_keeps_boxes_exact() -> None:
    """bfloat16 has 8 bits: a coordinate of 150 px would be rounded to whole pixels."""
    for name in ("faster_rcnn", "retinanet", "fcos"):
        detector = build_detector(family(name, 0.0, ())).eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            (found,) = detector([torch.rand(3, 128, 190)])
        assert found["boxes"].dtype == torch.float32
