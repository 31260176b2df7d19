"""torchvision's weights in our detectors: names of today and of older files, classes, what learns.

The weights themselves need a network to download. In their place the tests use torchvision's models
with random numbers, in files where torchvision's downloads would lie.
"""

import re
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from nets import in_cache
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet, retinanet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from augfpn.config import AUGFPN, FPN
from augfpn.detectors.build import build_detector
from augfpn.detectors.from_torchvision import COCO, coco_weights, load_torchvision, new_parts_only
from augfpn.detectors.pretrained import backbone
from augfpn.errors import UserError

KINDS = {"faster_rcnn": FasterRCNN, "mask_rcnn": MaskRCNN, "retinanet": RetinaNet, "fcos": FCOS}
ONE_STAGE = ("retinanet", "fcos")
FILES = {
    "faster_rcnn": "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
    "mask_rcnn": "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    "retinanet": "retinanet_resnet50_fpn_coco-eeacb38b.pth",
    "fcos": "fcos_resnet50_fpn_coco-99b0c9b7.pth",
}
NAMELESS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # ids up to 90 that COCO does not use
SMALL = {
    "backbone": "narrow_resnet",
    "channels": 64,
    "head_width": 64,
    "short_side": 96,
    "long_side": 128,
}
FEW = {"rpn_candidates": (100, 100), "proposals": (50, 50), "rois": 16}
NEW = {
    "faster_rcnn": {"fpn.augment", "select.fusion", "supervision.head"},
    "mask_rcnn": {"fpn.augment", "select.fusion", "masks.select", "supervision.head"},
    "retinanet": {"fpn.augment", "supervision.head"},
    "fcos": {"fpn.augment", "supervision.head"},
}
per_kind = pytest.mark.parametrize("kind", KINDS)


def augfpn_of(kind: str, **changes):
    selection = "hard" if kind in ONE_STAGE else "soft"
    return replace(AUGFPN, detector=kind, roi_selection=selection, **changes)


def theirs(kind: str, classes: int = 91) -> nn.Module:
    """torchvision's model, small, with random numbers that detect something."""
    torch.manual_seed(0)
    body, width = backbone("narrow_resnet", "frozen"), SMALL["channels"]
    used = (3, 4, 5) if kind in ONE_STAGE else (2, 3, 4, 5)
    stages = {f"layer{k - 1}": str(i) for i, k in enumerate(used)}
    more = LastLevelP6P7(width, width) if kind in ONE_STAGE else None
    channels = [body.channels[k] for k in used]
    pyramid = BackboneWithFPN(body.body, stages, channels, width, more)
    parts = {"min_size": SMALL["short_side"], "max_size": SMALL["long_side"]}
    if kind in ONE_STAGE:
        anchors = {"anchor_generator": retinanet._default_anchorgen()}
        model = KINDS[kind](pyramid, classes, **parts, **(anchors if kind == "retinanet" else {}))
        nn.init.normal_(model.head.classification_head.cls_logits.bias, std=2.0)
        return model
    parts["box_head"] = TwoMLPHead(width * 7**2, SMALL["head_width"])
    parts["box_predictor"] = FastRCNNPredictor(SMALL["head_width"], classes)
    if kind == "mask_rcnn":
        parts["mask_head"] = MaskRCNNHeads(width, (width,) * 4, dilation=1)
        parts["mask_predictor"] = MaskRCNNPredictor(width, width, classes)
    model = KINDS[kind](pyramid, **parts)
    nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=0.5)
    return model


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that puts weights where torchvision's download of a detector would lie."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))

    def put(kind: str, state: dict[str, Tensor]) -> Path:
        meta = torchvision.models.get_model_weights(COCO[kind])["COCO_V1"].meta
        return in_cache(state, "COCO_V1", tmp_path, monkeypatch, meta)

    return put


# --- names ----------------------------------------------------------------------------------------


@per_kind
def test_every_name_of_the_resnet50_models_has_a_place(kind: str) -> None:
    with torch.device("meta"):
        their = getattr(torchvision.models.detection, COCO[kind])(weights_backbone=None)
        fpn = build_detector(replace(FPN, detector=kind, classes=90))
        augfpn = build_detector(augfpn_of(kind, classes=90))
    state = their.state_dict()  # with counters of batches, which a frozen normalisation lacks
    assert load_torchvision(fpn, state) == []
    own = load_torchvision(augfpn, state)
    assert {".".join(name.split(".")[:2]) for name in own} == NEW[kind]


def older(name: str, kind: str) -> str:
    """A name as torchvision wrote it before its convolutions were blocks (version 0.12)."""
    name = re.sub(r"(fpn\.\w+_blocks\.\d)\.0\.", r"\1.", name)
    name = re.sub(r"rpn\.head\.conv\.0\.0\.", "rpn.head.conv.", name)
    name = re.sub(r"mask_head\.(\d)\.0\.", lambda m: f"mask_head.mask_fcn{int(m[1]) + 1}.", name)
    if kind == "retinanet":
        name = re.sub(r"_head\.conv\.(\d)\.0\.", lambda m: f"_head.conv.{2 * int(m[1])}.", name)
    return name


@per_kind
def test_older_files_fill_the_same_places(kind: str) -> None:
    their = theirs(kind, classes=3)
    state = their.state_dict()
    old = {older(name, kind): value for name, value in state.items()}
    assert old.keys() != state.keys()
    assert len(old) == len(state)
    their.load_state_dict(old)  # torchvision reads it: this is what older files look like
    loaded = []
    for each in (state, old):
        ours = build_detector(replace(FPN, detector=kind, classes=2, **SMALL))
        assert load_torchvision(ours, each) == []
        loaded.append(ours.state_dict())
    assert all(torch.equal(value, loaded[1][name]) for name, value in loaded[0].items())


def test_weights_of_another_detector_change_nothing() -> None:
    ours = build_detector(replace(FPN, detector="fcos", classes=2, **SMALL))
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    with pytest.raises(UserError, match=r"dense.classification_head.conv.0.0.bias is .* absent"):
        load_torchvision(ours, theirs("retinanet", classes=3).state_dict())
    assert all(torch.equal(value, before[name]) for name, value in ours.state_dict().items())


def test_only_frozen_normalisations_get_another_eps() -> None:
    their = theirs("faster_rcnn", classes=3).state_dict()
    ours = build_detector(replace(FPN, classes=2, **SMALL))
    load_torchvision(ours, their)
    assert ours.backbone.body.bn1.eps == 1e-5
    load_torchvision(ours, their, eps=0.0)
    assert ours.backbone.body.bn1.eps == 0.0


# --- classes --------------------------------------------------------------------------------------


@per_kind
def test_coco_weights_find_the_same_under_labels_without_gaps(kind: str, download) -> None:
    """The oracle is torchvision's own model, which is kept from predicting unused ids."""
    their = theirs(kind)
    if kind in ONE_STAGE:
        bias, silent = their.head.classification_head.cls_logits.bias, (0, *NAMELESS)
    else:
        bias, silent = their.roi_heads.box_predictor.cls_score.bias, NAMELESS
    bias.data.view(-1, 91)[:, silent] = -1e4
    download(kind, their.state_dict())
    ours = build_detector(replace(FPN, detector=kind, **SMALL))
    assert load_torchvision(ours, coco_weights(kind)) == []
    pictures = [torch.rand(3, 90, 120, generator=torch.Generator().manual_seed(1))]
    with torch.no_grad():
        (expected,), (found,) = (model.eval()(pictures) for model in (their, ours))
    ids = torch.tensor([i for i in range(1, 91) if i not in NAMELESS])
    assert len(ids) == 80
    assert len(expected["labels"].unique()) > 2
    assert torch.equal(ids[found["labels"] - 1], expected["labels"])
    assert found.keys() == expected.keys()
    for name in found.keys() - {"labels"}:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-4)


def test_without_a_network_the_file_and_its_folder_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(UserError) as error:
        coco_weights("retinanet")
    assert f"put {FILES['retinanet']} into {tmp_path}/checkpoints, or" in str(error.value)


def test_a_detector_without_coco_weights_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'faster_rcnn'"):
        coco_weights("faster-rcnn")


@per_kind
def test_classes_of_ones_own_leave_the_last_layers_as_drawn(kind: str) -> None:
    state = theirs(kind).state_dict()
    ours = build_detector(replace(FPN, detector=kind, classes=5, **SMALL))
    with pytest.raises(UserError, match=r"is \((91|819|364)[^)]*\) there .* own_classes=True"):
        load_torchvision(ours, state)
    drawn = {name: value.clone() for name, value in ours.state_dict().items()}
    own = load_torchvision(ours, state, own_classes=True)
    layers = {
        "faster_rcnn": {"heads.box_predictor.cls_score", "heads.box_predictor.bbox_pred"},
        "retinanet": {"dense.classification_head.cls_logits"},
    }
    layers["mask_rcnn"] = layers["faster_rcnn"] | {"masks.predictor.mask_fcn_logits"}
    layers["fcos"] = layers["retinanet"]
    assert {name.rpartition(".")[0] for name in own} == layers[kind]
    now = ours.state_dict()
    assert all(torch.equal(now[name], drawn[name]) for name in own)
    assert not torch.equal(now["fpn.lateral.5.weight"], drawn["fpn.lateral.5.weight"])


# --- what learns ----------------------------------------------------------------------------------


def test_only_new_parts_learn() -> None:
    torch.manual_seed(0)
    detector = build_detector(augfpn_of("faster_rcnn", classes=5, **SMALL, **FEW))
    own = load_torchvision(detector, theirs("faster_rcnn").state_dict(), own_classes=True)
    learn = new_parts_only(detector, own)
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    optimizer = torch.optim.SGD(learn, lr=1e-3)
    target = {"boxes": torch.tensor([[9.0, 9.0, 70.0, 80.0]]), "labels": torch.tensor([4])}
    sum(detector([torch.rand(3, 90, 120)], [target]).values()).backward()
    optimizer.step()
    now = detector.state_dict()
    assert {name for name in now if not torch.equal(now[name], before[name])} == set(own)
    assert {name.split(".")[0] for name in own} == {"fpn", "select", "heads", "supervision"}


def test_nothing_to_learn_is_refused() -> None:
    detector = build_detector(replace(FPN, classes=2, **SMALL))
    own = load_torchvision(detector, theirs("faster_rcnn", classes=3).state_dict())
    with pytest.raises(UserError, match="none of 0 names is a parameter"):
        new_parts_only(detector, own)
    assert all(parameter.requires_grad for parameter in detector.parameters())
