"""With AugFPN's parts off and in torchvision's dialect, each detector computes the same as
torchvision's, bit for bit on a CPU."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from augfpn.config import AUGFPN, FPN, Model
from augfpn.detectors.build import build_detector
from augfpn.detectors.from_torchvision import load_torchvision
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.errors import UserError
from augfpn.settings.dialects import in_dialect

SIZES = {"short_side": 128, "long_side": 208}
CLASSES = 6
ROIS = 64  # per picture instead of 512, in both detectors
Pair = tuple[nn.Module, TwoStage | OneStage]
LOSSES = {  # torchvision's names of losses that we name otherwise
    "classification": "loss_classifier",
    "bbox_regression": "loss_box_reg",
    "bbox_ctrness": "loss_centerness",
}


def body() -> nn.Module:
    """torchvision's ResNet-50 as its weights are meant to be used: frozen norms, random numbers."""
    net = torchvision.models.resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    for layer in net.modules():  # so that frozen norms do something
        if isinstance(layer, FrozenBatchNorm2d):
            layer.weight.uniform_(0.5, 1)
            layer.bias.normal_(0, 0.1)
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return net


def two_stage(make: Callable[..., nn.Module]) -> nn.Module:
    return make(_resnet_fpn_extractor(body(), trainable_layers=5))


def one_stage(make: Callable[..., nn.Module]) -> nn.Module:
    levels = {"returned_layers": [2, 3, 4], "extra_blocks": LastLevelP6P7(256, 256)}
    return make(_resnet_fpn_extractor(body(), trainable_layers=5, **levels))


def retinanet_anchors() -> AnchorGenerator:
    sizes = tuple(
        (x, int(x * 2 ** (1 / 3)), int(x * 2 ** (2 / 3))) for x in (32, 64, 128, 256, 512)
    )
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5)


def theirs(detector: str) -> nn.Module:
    """torchvision's detector with random weights, small pictures and our number of classes."""
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "num_classes": CLASSES + 1,
        "min_size": SIZES["short_side"],
        "max_size": SIZES["long_side"],
    }
    if detector == "retinanet":
        return one_stage(partial(RetinaNet, anchor_generator=retinanet_anchors(), **settings))
    if detector == "fcos":
        return one_stage(partial(FCOS, **settings))
    make = {"faster_rcnn": FasterRCNN, "mask_rcnn": MaskRCNN}[detector]
    return two_stage(partial(make, box_batch_size_per_image=ROIS, **settings))


def settings_of(detector: str) -> Model:
    model = replace(FPN, detector=detector, classes=CLASSES, rois=ROIS, **SIZES)
    return replace(in_dialect(model, "torchvision"), operators="torchvision")


@pytest.fixture(scope="module", params=["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def pair(request: pytest.FixtureRequest) -> Pair:
    their = theirs(request.param)
    ours = build_detector(settings_of(request.param))
    assert load_torchvision(ours, their.state_dict()) == []
    for model in (their, ours):  # in both, so that enough scores are above the threshold
        for name, bias in model.named_parameters():
            if name.endswith(("cls_score.bias", "cls_logits.bias")) and "rpn" not in name:
                nn.init.zeros_(bias)
    return their, ours


@pytest.fixture(scope="module")
def faster() -> Pair:
    their, ours = theirs("faster_rcnn"), build_detector(settings_of("faster_rcnn"))
    load_torchvision(ours, their.state_dict())
    return their, ours


def pictures() -> tuple[list[Tensor], list[dict]]:
    torch.manual_seed(1)
    images = [torch.rand(3, 150, 230), torch.rand(3, 201, 133), torch.rand(3, 99, 170)]
    boxes = [
        torch.tensor(
            [[5.0, 9.0, 120.0, 140.0], [50.0, 60.0, 75.0, 91.0], [52.0, 60.0, 90.0, 99.0]]
        ),
        torch.tensor([[20.0, 30.0, 100.0, 190.0]]),
        torch.zeros(0, 4),
    ]
    labels = [torch.tensor([3, 6, 1]), torch.tensor([1]), torch.zeros(0, dtype=torch.int64)]
    masks = [
        (torch.rand(len(b), *image.shape[1:]) > 0.5).byte()
        for b, image in zip(boxes, images, strict=True)
    ]
    names = ("boxes", "labels", "masks")
    return images, [
        dict(zip(names, parts, strict=True)) for parts in zip(boxes, labels, masks, strict=True)
    ]


def test_features_are_equal(pair: Pair) -> None:
    their, ours = pair
    x = torch.randn(2, 3, 160, 224)
    expected = list(their.backbone(x).values())
    _, p = ours.fpn(ours.backbone(x))
    first = 3 if isinstance(ours, OneStage) else 2
    assert list(p) == ([3, 4, 5, 6, 7] if first == 3 else [2, 3, 4, 5])
    for k in p:
        assert torch.equal(p[k], expected[k - first])


def test_losses_and_gradients_are_equal(pair: Pair) -> None:
    their, ours = pair
    images, targets = pictures()
    losses = []
    for model in (their, ours):
        model.train()
        model.zero_grad()
        torch.manual_seed(2)  # for the samplers, which draw
        losses.append(model(images, targets))
        sum(losses[-1].values()).backward()
    expected = {LOSSES.get(k, k): v.item() for k, v in losses[0].items()}
    assert {k: v.item() for k, v in losses[1].items()} == expected
    a, b = their.backbone.body.layer2[0].conv1, ours.backbone.body.layer2[0].conv1
    torch.testing.assert_close(a.weight.grad, b.weight.grad, rtol=1e-4, atol=1e-7)


def test_detections_are_equal(pair: Pair) -> None:
    their, ours = pair
    images, _ = pictures()
    with torch.no_grad():
        expected, found = (model.eval()(images) for model in (their, ours))
    objects = [d["labels"] > 0 for d in expected]  # torchvision's one-stage models give 0 too
    expected = [{k: v[o] for k, v in d.items()} for d, o in zip(expected, objects, strict=True)]
    assert sum(len(d["boxes"]) for d in expected) > 20  # there is something to compare
    for a, b in zip(expected, found, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_sparse_roi_align_gives_the_same_losses_to_rounding(faster: Pair) -> None:
    _, ours = faster
    sparse = build_detector(replace(settings_of("faster_rcnn"), roi_align="sparse"))
    sparse.load_state_dict(ours.state_dict())
    images, targets = pictures()
    values = []
    for model in (ours.train(), sparse.train()):
        torch.manual_seed(3)
        values.append({k: v.item() for k, v in model(images, targets).items()})
    assert values[1] == pytest.approx(values[0], rel=1e-4)


def test_torchvisions_weights_fit_augfpn_and_leave_its_own_parts(faster: Pair) -> None:
    augfpn = build_detector(replace(AUGFPN, classes=CLASSES))
    own = load_torchvision(augfpn, faster[0].state_dict(), eps=0.0)
    assert {name.split(".")[0] for name in own} == {"fpn", "select", "supervision"}
    assert all("augment" in name for name in own if name.startswith("fpn"))
    assert augfpn.backbone.body.bn1.eps == 0.0


def test_weights_that_do_not_fit_are_named(faster: Pair) -> None:
    with pytest.raises(UserError, match=r"heads.box_predictor.cls_score.weight is \(7, 1024\)"):
        load_torchvision(build_detector(replace(FPN, classes=80)), faster[0].state_dict())
