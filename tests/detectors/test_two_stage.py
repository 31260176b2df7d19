"""Faster R-CNN: the eight combinations of AugFPN's parts, its variants, and what it refuses."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from small import SMALL, pictures

from augfpn.detectors.build import build_detector
from augfpn.detectors.two_stage import without_supervision
from augfpn.errors import UserError

PARTS = list(product([0.0, 0.25], [(), (0.1, 0.2, 0.3)], ["hard", "soft"]))


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
        {"lam": 0.5, "supervision": "separate"},
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


def test_separate_heads_with_the_same_weights_lose_as_much_as_one_shared_head() -> None:
    one = build_detector(replace(SMALL, lam=0.25))
    separate = build_detector(replace(SMALL, lam=0.25, supervision="separate"))
    assert len(separate.supervision.parts) == 4
    separate.load_state_dict(one.state_dict(), strict=False)
    for part in separate.supervision.parts:
        part.head.load_state_dict(one.supervision.head.state_dict())
    images, targets = pictures()
    shared, own = ({} for _ in range(2))
    for detector, found in ((one, shared), (separate, own)):
        torch.manual_seed(0)
        found.update(detector(images, targets))
    assert shared.keys() == own.keys()
    for name, loss in shared.items():
        assert loss.item() == pytest.approx(own[name].item(), rel=1e-5)


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
