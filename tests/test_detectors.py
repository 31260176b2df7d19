"""Counts of parameters, the eight combinations of AugFPN's parts, and what a detector refuses."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from augfpn.budgets import BUDGETS
from augfpn.build import build_detector
from augfpn.config import AUGFPN, FPN, Model
from augfpn.detectors import parameter_count, without_supervision
from augfpn.errors import UserError

SMALL = replace(BUDGETS["smoke"].model, classes=4, short_side=128, long_side=192)
PARTS = list(product([0.0, 0.25], [(), (0.1, 0.2, 0.3)], ["hard", "soft"]))


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
    return images, targets


@pytest.mark.parametrize(
    ("model", "inference", "training_only"),
    [
        (FPN, 41_704_036, 0),
        (AUGFPN, 43_753_067, 14_310_805),
        (replace(FPN, classes=90), 41_755_286, 0),
        (replace(AUGFPN, classes=90), 43_804_317, 14_362_055),
        (replace(FPN, norm="batch"), 41_757_156, 0),
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
    counted = 0 if detector.supervision is None else parameter_count(detector.supervision)
    assert counted == training_only
    assert parameter_count(detector) - counted == inference


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
    [{"roi_selection": name} for name in ("acf", "sum", "max")]
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
