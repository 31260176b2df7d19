"""Counts of parameters, the eight combinations of AugFPN's parts, and what a detector refuses."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from augfpn.config import AUGFPN, FCOS, FPN, ONE_STAGE, Model
from augfpn.detectors.build import build_detector
from augfpn.detectors.two_stage import OneStage, parameter_count, without_supervision
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.dialects import NAMES, in_dialect

SMALL = replace(BUDGETS["smoke"].model, classes=4, short_side=128, long_side=192)
PARTS = list(product([0.0, 0.25], [(), (0.1, 0.2, 0.3)], ["hard", "soft"]))


MASK = replace(AUGFPN, detector="mask_rcnn", mask_supervision=True)
DENSE = replace(AUGFPN, roi_selection="hard")


def pictures() -> tuple[list[Tensor], list[dict]]:
    torch.manual_seed(0)
    images = [torch.rand(3, 128, 160), torch.rand(3, 100, 192)]
    targets = [
        {
            "boxes": torch.tensor([[5.0, 9.0, 120.0, 100.0], [50.0, 60.0, 75.0, 91.0]]),
            "labels": torch.tensor([3, 4]),
        },
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    for image, target in zip(images, targets, strict=True):
        target["masks"] = filled(target["boxes"], *image.shape[1:])
    return images, targets


def filled(boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks that fill their boxes: (R, H, W)."""
    masks = torch.zeros(len(boxes), height, width, dtype=torch.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks


@pytest.mark.parametrize(
    ("model", "inference", "training_only"),
    [
        (FPN, 41_704_036, 0),
        (AUGFPN, 43_753_067, 14_310_805),
        (replace(FPN, classes=90), 41_755_286, 0),
        (replace(AUGFPN, classes=90), 43_804_317, 14_362_055),
        (replace(FPN, norm="batch"), 41_757_156, 0),
        (replace(FPN, roi_selection="panet"), 80_242_276, 0),
        (replace(FPN, detector="mask_rcnn"), 44_347_573, 0),
        (MASK, 46_668_224, 63_622_566 - 46_668_224),
        (replace(MASK, classes=90), 46_722_044, 63_730_206 - 46_722_044),
        (replace(FPN, detector="retinanet", classes=90), 34_014_999, 0),
        (in_dialect(replace(FPN, detector="retinanet"), "ours"), 33_786_804, 0),
        (in_dialect(replace(DENSE, detector="retinanet"), "ours"), 35_564_215, 14_310_805),
        (in_dialect(replace(DENSE, detector="retinanet"), "authors"), 39_692_983, 14_310_805),
        (replace(FPN, detector="fcos", classes=90), 32_269_600, 0),
        (replace(FPN, detector="fcos", fcos=FCOS(background_logit=False)), 32_244_245, 0),
        (replace(FPN, backbone="mobilenet_v2", norm="batch"), 19_856_548, 0),
        (replace(FPN, backbone="mobilenet_v2_320", norm="batch"), 19_198_628, 0),
        (replace(AUGFPN, backbone="mobilenet_v2", norm="batch"), 21_315_755, 14_310_805),
        (replace(AUGFPN, backbone="mobilenet_v2_320", norm="batch"), 19_920_555, 14_310_805),
    ],
)
def test_parameters_of_the_whole(model: Model, inference: int, training_only: int) -> None:
    """reference.md 4.2 and 4.3; frozen normalisation holds no parameters."""
    with torch.device("meta"):
        detector = build_detector(model)
    whole = parameter_count(detector)
    kept = parameter_count(without_supervision(detector))
    assert (kept, whole - kept) == (inference, training_only)


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"ratios": (0.1, 0.2, 0.3)}, 1_777_411),
        ({"ratios": (0.1,)}, 592_641),
        ({"ratios": (0.1, 0.2)}, 1_185_026),
        ({"ratios": (0.1, 0.2, 0.3, 0.4)}, 2_369_796),
        ({"ratios": (0.1, 0.2, 0.3), "context_fusion": "sum"}, 1_573_632),
        ({"ratios": (0.1,), "context_pooling": "gap", "context_fusion": "sum"}, 524_544),
        ({"ratios": (0.1,), "context_pooling": "gmp", "context_fusion": "sum"}, 524_544),
        ({"ratios": (0.1,), "context_pooling": "psp"}, 1_777_411),
        ({"ratios": (0.1, 0.2, 0.3), "backbone": "mobilenet_v2"}, 1_187_587),
        ({"ratios": (0.1, 0.2, 0.3), "backbone": "mobilenet_v2_320"}, 450_307),
        ({"roi_selection": "soft"}, 271_620),
        ({"roi_selection": "acf"}, 132_160),
        ({"roi_selection": "panet"}, 38_538_240),
        ({"roi_selection": "sum"}, 0),
        ({"roi_selection": "max"}, 0),
        ({"lam": 0.25}, 14_310_805),
        ({"lam": 0.25, "supervision": "single"}, 14_310_805),
    ],
)
def test_parameters_of_the_parts(change: dict, parameters: int) -> None:
    """reference.md 4.1: what a part adds to FPN."""
    with torch.device("meta"):
        base = build_detector(replace(FPN, backbone=change.get("backbone", "resnet50")))
        more = build_detector(replace(FPN, **change))
    assert parameter_count(more) - parameter_count(base) == parameters


@pytest.mark.parametrize("roi_align", ["torchvision", "sparse"])
@pytest.mark.parametrize(("lam", "ratios", "roi_selection"), PARTS)
def test_all_eight_combinations_train(
    lam: float, ratios: tuple, roi_selection: str, roi_align: str
) -> None:
    model = replace(SMALL, lam=lam, ratios=ratios, roi_selection=roi_selection, roi_align=roi_align)
    detector = build_detector(model)
    losses = detector(*pictures())
    main = {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}
    extra = {"loss_supervision_class", "loss_supervision_box"} if lam else set()
    assert losses.keys() == main | extra
    assert all(loss.ndim == 0 and loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    without = [name for name, q in detector.named_parameters() if q.grad is None]
    assert without == []
    silent = [name for name, q in detector.named_parameters() if not q.grad.any()]
    assert silent == []


@pytest.mark.parametrize(
    "change",
    [{"roi_selection": name} for name in ("acf", "sum", "max", "panet")]
    + [{"ratios": (0.1,), "context_pooling": name} for name in ("gap", "gmp", "psp")]
    + [
        {"ratios": (0.1, 0.3), "context_fusion": "sum"},
        {"lam": 0.5, "supervision": "single"},
        {"backbone": "resnet18"},
        {"backbone": "resnet18", "norm": "group"},
        {"backbone": "mobilenet_v2_320"},
    ],
    ids=str,
)
def test_every_variant_trains_and_detects(change: dict) -> None:
    detector = build_detector(replace(SMALL, **change))
    images, targets = pictures()
    sum(detector(images, targets).values()).backward()
    assert [n for n, q in detector.named_parameters() if q.grad is None] == []
    with torch.no_grad():
        found = detector.eval()(images)
    assert [sorted(d) for d in found] == [["boxes", "labels", "scores"]] * 2


def test_detections_do_not_need_the_auxiliary_head() -> None:
    model = replace(SMALL, lam=0.25, ratios=(0.1, 0.2, 0.3), roi_selection="soft")
    detector = build_detector(model).eval()
    torch.nn.init.normal_(detector.heads.box_predictor.cls_score.weight, std=0.5)
    images, _ = pictures()
    with torch.no_grad():
        before = detector(images)
        after = without_supervision(detector)(images)
    assert sum(len(d["boxes"]) for d in before) > 0
    for a, b in zip(before, after, strict=True):
        assert all(torch.equal(a[k], b[k]) for k in a)
    assert not any("supervision" in name for name in detector.state_dict())


def test_boxes_come_back_in_pixels_of_the_picture() -> None:
    detector = build_detector(replace(SMALL, short_side=64, long_side=96)).eval()
    torch.nn.init.normal_(detector.heads.box_predictor.cls_score.weight, std=0.5)
    with torch.no_grad():
        (found,) = detector([torch.rand(3, 256, 384)])
    assert len(found["boxes"]) > 0
    assert found["boxes"][:, 2].max() > 96  # the network saw 64 x 96
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"] <= torch.tensor([384, 256, 384, 256])).all()


def test_a_box_without_area_is_named() -> None:
    images, targets = pictures()
    targets[0]["boxes"][1] = torch.tensor([50.0, 60.0, 50.0, 91.0])
    with pytest.raises(UserError, match=r"target 0 holds the box \[50.0, 60.0, 50.0, 91.0\]"):
        build_detector(SMALL)(images, targets)


def test_training_without_targets_is_refused() -> None:
    with pytest.raises(UserError, match="targets are missing"):
        build_detector(SMALL)(pictures()[0])


# --- the whole family -----------------------------------------------------------------------------

LOSSES = {
    "mask_rcnn": {"loss_mask"},
    "retinanet": {"loss_classifier", "loss_box_reg"},
    "fcos": {"loss_classifier", "loss_box_reg", "loss_centerness"},
}
LOSSES["mask_rcnn"] |= {
    *("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"),
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


@pytest.mark.parametrize("dialect", NAMES)
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
