"""A start from torchvision's COCO detectors: what is taken over, what is new, what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from nets import in_cache, randomise_statistics
from torch import nn

from augfpn.config import AUGFPN, FPN, ONE_STAGE, Model
from augfpn.detectors.build import build_detector
from augfpn.detectors.coco_start import coco_sentence
from augfpn.detectors.from_torchvision import COCO
from augfpn.errors import UserError
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import parse

NEW = {
    "faster_rcnn": "fpn.augment, select.fusion, supervision.head",
    "mask_rcnn": "fpn.augment, select.fusion, supervision.head, masks.select",
    "retinanet": "fpn.augment, supervision.head",
    "fcos": "fpn.augment, supervision.head",
}
CLASSES = {
    "faster_rcnn": "heads.box_predictor",
    "mask_rcnn": "heads.box_predictor, masks.predictor",
    "retinanet": "dense.classification_head",
    "fcos": "dense.classification_head",
}
per_kind = pytest.mark.parametrize("kind", COCO)


def of_coco(kind: str, **changes: object) -> Model:
    return replace(FPN, detector=kind, weights="coco", **changes)


def augfpn_of(kind: str, **changes: object) -> Model:
    selection = "hard" if kind in ONE_STAGE else "soft"
    return replace(AUGFPN, detector=kind, weights="coco", roi_selection=selection, **changes)


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that makes torchvision's detector of a kind, and puts it where downloads lie."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))

    def make(kind: str) -> nn.Module:
        torch.manual_seed(0)
        meta = torchvision.models.get_model_weights(COCO[kind])["COCO_V1"].meta
        net = torchvision.models.get_model(COCO[kind], weights=None, weights_backbone=None)
        randomise_statistics(net)
        in_cache(net.state_dict(), "COCO_V1", tmp_path, monkeypatch, meta)
        return net

    return make


@per_kind
def test_the_sentence_counts_what_is_new(kind: str) -> None:
    with torch.device("meta"):
        plain, ours, other = (
            build_detector(model, start=False)
            for model in (of_coco(kind), augfpn_of(kind), of_coco(kind, classes=3))
        )
    count = len(plain.state_dict())
    said = coco_sentence(plain, of_coco(kind))
    assert said.startswith(f"{count} of {count} tensors start from torchvision's COCO weights of ")
    assert said.endswith(f"{COCO[kind]}.")
    said = coco_sentence(ours, augfpn_of(kind))
    assert said.startswith(f"{count} of {len(ours.state_dict())} tensors")
    assert said.endswith(f"; these start from scratch: {NEW[kind]}.")
    said = coco_sentence(other, of_coco(kind, classes=3))
    assert said.endswith(f"; these start from scratch: {CLASSES[kind]}.")


@pytest.mark.parametrize("kind", ["faster_rcnn", "fcos"])
def test_what_fits_is_theirs_and_the_rest_is_drawn(kind: str, theirs) -> None:
    net = theirs(kind)
    model = augfpn_of(kind, classes=3)
    torch.manual_seed(7)
    ours = build_detector(model)
    torch.manual_seed(7)
    drawn = build_detector(model, start=False)
    assert torch.equal(
        ours.backbone.body.layer4[0].conv1.weight, net.backbone.body.layer4[0].conv1.weight
    )
    assert torch.equal(
        ours.fpn.output["3"].weight,
        net.backbone.fpn.layer_blocks[3 - min(map(int, ours.fpn.output))][0].weight,
    )
    for name, value in drawn.fpn.augment.state_dict().items():
        assert torch.equal(value, ours.fpn.augment.state_dict()[name])
    frozen = {n.split(".")[2] for n, q in ours.named_parameters() if not q.requires_grad}
    assert frozen == {"conv1", "layer1"}


@pytest.mark.parametrize(("kind", "eps"), [("retinanet", 0.0), ("fcos", 1e-5)])
def test_a_detector_that_is_read_again_normalises_as_the_one_that_was_trained(
    kind: str, eps: float, theirs
) -> None:
    """The epsilon stands in no file of weights."""
    theirs(kind)
    model = of_coco(kind, short_side=64, long_side=96)
    trained, again = build_detector(model).eval(), build_detector(model, start=False).eval()
    again.load_state_dict(trained.state_dict())
    assert {trained.backbone.body.bn1.eps, again.backbone.body.bn1.eps} == {eps}
    x = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        one, two = trained.backbone(x), again.backbone(x)
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_another_backbone_is_refused() -> None:
    for changes in ({"backbone": "resnet18"}, {"style": "caffe"}):
        with pytest.raises(UserError, match=r"weights='coco' does not go with backbone='resnet"):
            build_detector(of_coco("faster_rcnn", **changes))
    with pytest.raises(UserError, match=r"use backbone='resnet50', or weights='imagenet'"):
        parse({"weights": "coco", "backbone": "narrow_resnet"})


def test_a_page_in_the_cache_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    url = torchvision.models.get_model_weights(COCO["fcos"])["COCO_V1"].url
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / url.rpartition("/")[2]).write_text("<!DOCTYPE html>")
    with pytest.raises(UserError, match=r"does not hold torchvision's COCO weights of fcos, or is"):
        build_detector(of_coco("fcos"))


@per_kind
@pytest.mark.parametrize("budget", ["smoke", "laptop", "gpu", "paper"])
def test_one_option_takes_all_that_torchvision_has(kind: str, budget: str) -> None:
    """Also at a small budget: its detector then has torchvision's sizes."""
    words = {"weights": "coco", "detector": kind, "budget": budget, "cs": False, "rfa": False}
    words |= {"roi_selection": "hard", "data_root": "x", "data": "coco"}
    model = experiment(parse(words), "cpu").model
    with torch.device("meta"):
        detector = build_detector(model, start=False)
    count = len(detector.state_dict())
    assert coco_sentence(detector, model).startswith(f"{count} of {count} tensors")
    assert model.norm == "frozen"
