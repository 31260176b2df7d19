"""Counts by part against reference.md 4.4: one picture of 800 x 1216, in units of 10^9."""

import sys
from dataclasses import replace

import pytest
import torch

from augfpn.config import AUGFPN, FPN, Model
from augfpn.detectors import cost
from augfpn.detectors.build import build_detector
from augfpn.detectors.cost import parameter_count
from augfpn.errors import UserError
from augfpn.settings import recipes
from augfpn.settings.dialects import in_dialect


def parts(name: str, rois: int | None = None) -> dict[str, cost.PartCost]:
    return {each.part: each for each in cost.part_costs(recipes.named(name).model, rois=rois)}


def giga(macs: int) -> float:
    return macs / 1e9


def test_faster_rcnn_part_by_part() -> None:
    found = parts("faster_rcnn_r50_augfpn_1x", rois=1000)
    inference = {
        name: giga(each.inference) for name, each in found.items() if each.inference is not None
    }
    assert inference == {
        "backbone": pytest.approx(79.24, abs=0.005),
        "FPN": pytest.approx(55.10, abs=0.005),
        "RFA, reductions": pytest.approx(0.0619, abs=5e-5),
        "RFA, fusion": pytest.approx(0.1933, abs=5e-5),
        "proposal head": pytest.approx(48.09, abs=0.006),
        "box RoI selection": pytest.approx(13.30, abs=0.005),
        "box head": pytest.approx(14.31, abs=0.005),
    }
    assert giga(found["Consistent Supervision"].training) == pytest.approx(29.30, abs=0.005)
    assert found["Consistent Supervision"].inference is None


@pytest.mark.parametrize(
    ("name", "rois", "inference"),
    [
        ("faster_rcnn_r50_fpn_1x", 1000, 196.7),
        ("faster_rcnn_r50_fpn_1x", 2000, 211.0),
        ("faster_rcnn_r50_augfpn_1x", 1000, 210.3),
        ("faster_rcnn_r50_augfpn_1x", None, 237.9),
        ("faster_rcnn_mnv2_fpn_1x", 1000, 116.7),
        ("faster_rcnn_mnv2_augfpn_1x", 1000, 130.3),
    ],
)
def test_totals_at_inference(name: str, rois: int | None, inference: float) -> None:
    whole = cost.at_inference(cost.part_costs(recipes.named(name).model, rois=rois))
    assert giga(whole[1]) == pytest.approx(inference, abs=0.06)


def test_totals_in_training() -> None:
    for name, training in (("faster_rcnn_r50_fpn_1x", 189.8), ("faster_rcnn_r50_augfpn_1x", 226.1)):
        whole = cost.in_training(cost.part_costs(recipes.named(name).model))
        assert giga(whole[1]) == pytest.approx(training, abs=0.06)


def test_masks_and_other_selections() -> None:
    found = parts("mask_rcnn_r50_augfpn_1x")
    assert giga(found["mask RoI selection"].inference) == pytest.approx(5.32, abs=0.005)
    assert giga(found["mask head"].inference) / 100 == pytest.approx(0.530, abs=5e-4)
    assert giga(found["mask supervision"].training) == pytest.approx(271, abs=0.5)
    acf = parts("faster_rcnn_r50_srs_acf_1x", rois=1000)
    assert giga(acf["box RoI selection"].inference) == pytest.approx(0.131, abs=5e-4)
    panet = parts("faster_rcnn_r50_panet_1x", rois=1000)
    assert giga(panet["box RoI selection"].inference) == pytest.approx(51.38, abs=0.005)


@pytest.mark.parametrize(("detector", "head"), [("retinanet", 130.93), ("fcos", 99.60)])
def test_one_stage_heads(detector: str, head: float) -> None:
    model = in_dialect(replace(FPN, detector=detector), "ours")
    found = {each.part: each for each in cost.part_costs(model)}
    assert giga(found["dense head"].inference) == pytest.approx(head, abs=0.006)
    below = sum(found[name].inference for name in ("backbone", "FPN", "P6 and P7"))
    assert giga(below) == pytest.approx(94.68, abs=0.006)


@pytest.mark.parametrize(("detector", "share"), [("retinanet", 0.11), ("fcos", 0.13)])
def test_context_costs_a_one_stage_detector_little(detector: str, share: float) -> None:
    without, augmented = (
        cost.at_inference(
            cost.part_costs(in_dialect(replace(FPN, detector=detector, ratios=r), "ours"))
        )
        for r in ((), AUGFPN.ratios)
    )
    assert 100 * (augmented[1] / without[1] - 1) == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize(
    ("backbone", "own", "with_fpn"),
    [("mobilenet_v2", 5.81, 54.34), ("mobilenet_v2_320", 5.42, 53.71)],
)
def test_mobilenets(backbone: str, own: float, with_fpn: float) -> None:
    found = {each.part: each for each in cost.part_costs(replace(FPN, backbone=backbone))}
    assert giga(found["backbone"].inference) == pytest.approx(own, abs=0.005)
    below = found["backbone"].inference + found["FPN"].inference
    assert giga(below) == pytest.approx(with_fpn, abs=0.006)


@pytest.mark.parametrize(
    "model",
    [
        AUGFPN,
        replace(FPN, roi_selection="panet", norm="batch"),
        replace(AUGFPN, detector="mask_rcnn", mask_supervision=True, roi_align="sparse"),
        replace(AUGFPN, detector="retinanet", roi_selection="hard", backbone="mobilenet_v2"),
        replace(AUGFPN, detector="fcos", roi_selection="hard", context_fusion="sum"),
    ],
    ids=lambda model: model.detector,
)
def test_the_parts_are_the_whole_detector(model: Model) -> None:
    with torch.device("meta"):
        whole = build_detector(model)
    assert cost.in_training(cost.part_costs(model))[0] == parameter_count(whole)


def test_timms_resnext_is_counted_as_torchvisions_which_is_the_same(monkeypatch) -> None:
    pytest.importorskip("timm")
    model = recipes.named("faster_rcnn_x101_32x4d_fpn_1x").model
    counted = cost.part_costs(model)
    monkeypatch.setattr(cost, "SAME", {})
    cost.part_costs.cache_clear()
    assert model.backbone.startswith("timm/")
    assert cost.part_costs(model) == counted


def test_resnext_is_counted_where_there_is_no_timm(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    cost.part_costs.cache_clear()
    cost.body.cache_clear()
    kept, _ = cost.at_inference(
        cost.part_costs(recipes.named("faster_rcnn_x101_32x4d_fpn_1x").model)
    )
    assert round(kept / 1e6, 2) == 60.38


@pytest.mark.parametrize(("size", "said"), [((800, 1200), "800 x 1200"), ((0, 32), "0 x 32")])
def test_a_size_that_no_batch_has_is_named(size: cost.Size, said: str) -> None:
    with pytest.raises(UserError, match=f"{said}: give multiples of 32"):
        cost.part_costs(FPN, size)


def test_no_rois_are_refused() -> None:
    with pytest.raises(UserError, match="rois = 0: give 1 or more"):
        cost.part_costs(FPN, rois=0)
