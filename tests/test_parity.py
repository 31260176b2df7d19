"""With AugFPN's parts off, the detector is torchvision's Faster R-CNN, bit for bit on a CPU."""

from dataclasses import replace

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from augfpn.build import build_detector
from augfpn.config import AUGFPN, FPN
from augfpn.detectors import TwoStage
from augfpn.errors import UserError
from augfpn.weights import load_torchvision

SIZES = {"short_side": 192, "long_side": 320}


def theirs(classes: int = 7) -> FasterRCNN:
    """torchvision's model as its weights are meant to be used: frozen norms, random numbers."""
    torch.manual_seed(0)
    body = torchvision.models.resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    for layer in body.modules():  # so that frozen norms do something
        if isinstance(layer, FrozenBatchNorm2d):
            layer.weight.uniform_(0.5, 1)
            layer.bias.normal_(0, 0.1)
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    backbone = _resnet_fpn_extractor(body, trainable_layers=5)
    return FasterRCNN(backbone, classes, min_size=SIZES["short_side"], max_size=SIZES["long_side"])


@pytest.fixture(scope="module")
def pair() -> tuple[FasterRCNN, TwoStage]:
    their = theirs()
    ours = build_detector(replace(FPN, classes=6, **SIZES))
    assert load_torchvision(ours, their.state_dict()) == []
    for predictor in (their.roi_heads.box_predictor, ours.heads.box_predictor):
        nn.init.zeros_(predictor.cls_score.bias)  # both alike: enough scores above the threshold
    return their, ours


def pictures() -> tuple[list[Tensor], list[dict]]:
    torch.manual_seed(1)
    images = [torch.rand(3, 150, 230), torch.rand(3, 201, 133)]
    targets = [
        {
            "boxes": torch.tensor([[5.0, 9.0, 120.0, 140.0], [50.0, 60.0, 75.0, 91.0]]),
            "labels": torch.tensor([3, 6]),
        },
        {"boxes": torch.tensor([[20.0, 30.0, 100.0, 190.0]]), "labels": torch.tensor([1])},
    ]
    return images, targets


def test_features_are_equal(pair: tuple) -> None:
    their, ours = pair
    x = torch.randn(2, 3, 160, 224)
    expected = their.backbone(x)
    _, p = ours.fpn(ours.backbone(x))
    assert list(p) == [2, 3, 4, 5]
    for k, name in zip(p, "0123", strict=True):
        assert torch.equal(p[k], expected[name])


def test_losses_and_gradients_are_equal(pair: tuple) -> None:
    their, ours = pair
    images, targets = pictures()
    losses = []
    for model in (their, ours):
        model.train()
        model.zero_grad()
        torch.manual_seed(2)  # the samplers draw
        losses.append(model(images, targets))
        sum(losses[-1].values()).backward()
    assert {k: v.item() for k, v in losses[0].items()} == {
        k: v.item() for k, v in losses[1].items()
    }
    a, b = their.backbone.body.layer2[0].conv1, ours.backbone.body.layer2[0].conv1
    torch.testing.assert_close(a.weight.grad, b.weight.grad, rtol=1e-4, atol=1e-7)


def test_detections_are_equal(pair: tuple) -> None:
    their, ours = pair
    images, _ = pictures()
    with torch.no_grad():
        expected, found = (model.eval()(images) for model in (their, ours))
    assert sum(len(d["boxes"]) for d in expected) > 20  # there is something to compare
    for a, b in zip(expected, found, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_sparse_roi_align_gives_the_same_losses_to_rounding(pair: tuple) -> None:
    _, ours = pair
    sparse = build_detector(replace(FPN, classes=6, roi_align="sparse", **SIZES))
    sparse.load_state_dict(ours.state_dict())
    images, targets = pictures()
    values = []
    for model in (ours.train(), sparse.train()):
        torch.manual_seed(3)
        values.append({k: v.item() for k, v in model(images, targets).items()})
    assert values[1] == pytest.approx(values[0], rel=1e-4)


def test_torchvisions_weights_fit_augfpn_and_leave_its_own_parts() -> None:
    augfpn = build_detector(replace(AUGFPN, classes=6))
    own = load_torchvision(augfpn, theirs().state_dict(), eps=0.0)
    assert {name.split(".")[0] for name in own} == {"fpn", "select", "supervision"}
    assert all("augment" in name for name in own if name.startswith("fpn"))
    assert augfpn.backbone.body.bn1.eps == 0.0


def test_weights_that_do_not_fit_are_named() -> None:
    with pytest.raises(UserError, match=r"heads.box_predictor.cls_score.weight is \(7, 1024\)"):
        load_torchvision(build_detector(replace(FPN, classes=80)), theirs().state_dict())
