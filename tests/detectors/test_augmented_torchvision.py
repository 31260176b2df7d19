"""All three parts in a torchvision detector that is trained already."""

from pathlib import Path

import pytest
import torch
from small_torchvision import CHANNELS, KINDS, pictures, talkative, theirs
from torch import nn
from torchvision.models.detection import FasterRCNN, MaskRCNN, fasterrcnn_resnet50_fpn_v2

from augfpn.detectors.augmented_torchvision import add_augfpn
from augfpn.detectors.from_torchvision import RoIPool
from augfpn.errors import UserError
from augfpn.pyramid import HardRoISelection
from augfpn.speed.roi_align import torchvision_roi_align

NEW = (".augment.", ".select.", ".supervision.")


def values(model: nn.Module) -> list[tuple[float, ...]]:
    """Every parameter by its first numbers and its size, whatever its name is."""
    return sorted((q.numel(), *q.flatten()[:3].tolist()) for q in model.parameters())


@KINDS
def test_all_that_was_trained_keeps_its_weights(kind: type) -> None:
    their = theirs(kind)
    before, count = values(their), sum(q.numel() for q in their.parameters())
    model = add_augfpn(their)
    assert model is their
    old = [q for name, q in model.named_parameters() if not any(part in name for part in NEW)]
    assert sum(q.numel() for q in old) == count
    assert sorted((q.numel(), *q.flatten()[:3].tolist()) for q in old) == before


def test_without_context_and_with_the_hard_rule_it_detects_what_it_did() -> None:
    """So what changes are the parts, and not what stands around them."""
    images, _ = pictures()
    their = theirs(FasterRCNN).eval()
    with torch.no_grad():
        before = their(images)
        model = add_augfpn(their, weight=0)
        for reduce in model.backbone.fpn.augment.reduce:
            nn.init.zeros_(reduce.weight)
            nn.init.zeros_(reduce.bias)
        rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
        model.roi_heads.box_roi_pool = RoIPool(rule)
        after = model(images)
    for a, b in zip(before, after, strict=True):
        assert len(a["boxes"]) > 10
        assert all(torch.equal(a[name], b[name]) for name in a)


@KINDS
def test_it_trains_all_parts_and_detects(kind: type) -> None:
    model = add_augfpn(theirs(kind)).train()
    images, targets = pictures()
    losses = model(images, targets)
    assert {"loss_supervision_class", "loss_supervision_box"} < losses.keys()
    sum(losses.values()).backward()
    still = {name for name, q in model.named_parameters() if q.grad is None or not q.grad.any()}
    assert all("fusion.reduce" in name for name in still)  # behind gates that begin at zero
    with torch.no_grad():
        found = talkative(model).eval()(images)
    keys = {"boxes", "labels", "scores"} | ({"masks"} if kind is MaskRCNN else set())
    assert all(each.keys() == keys and len(each["boxes"]) for each in found)


@KINDS
def test_in_16_bits_its_losses_and_gradients_are_finite(kind: type) -> None:
    model = add_augfpn(theirs(kind)).train()
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(*pictures())
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    assert all(q.grad is None or q.grad.isfinite().all() for q in model.parameters())


@pytest.mark.slow
@KINDS
def test_its_onnx_file_finds_the_same(kind: type, tmp_path: Path) -> None:
    """For one size of images, by torch's exporter that traces."""
    onnxruntime = pytest.importorskip("onnxruntime")
    model = talkative(add_augfpn(theirs(kind))).eval()
    images = pictures()[0]
    with torch.no_grad():
        given = ([images[0]],)
        torch.onnx.export(model, given, tmp_path / "own.onnx", opset_version=18, dynamo=False)
        session = onnxruntime.InferenceSession(tmp_path / "own.onnx")
        (name,) = (each.name for each in session.get_inputs())
        for image in (images[0], images[0].flip(-1)):
            boxes, *_ = session.run(None, {name: image.numpy()})
            (found,) = model([image])
            assert len(boxes) > 10
            assert torch.allclose(torch.from_numpy(boxes), found["boxes"], atol=0.01)


@KINDS
def test_every_gate_begins_at_one_half_and_each_pool_has_its_own(kind: type) -> None:
    model = add_augfpn(theirs(kind))
    fusions = {n: m for n, m in model.named_modules() if n.endswith("fusion")}
    assert len(fusions) == (3 if kind is MaskRCNN else 2)
    for fusion in fusions.values():
        maps = torch.rand(fusion.score.out_channels, 1, CHANNELS, 3, 3)
        assert fusion.weights(maps).unique().tolist() == [0.5]
    if kind is MaskRCNN:
        pools = model.roi_heads.box_roi_pool, model.roi_heads.mask_roi_pool
        assert [pool.select.size for pool in pools] == [7, 14]
        assert pools[0].select.fusion is not pools[1].select.fusion


def test_frozen_layers_stay_frozen_and_the_mode_is_kept() -> None:
    their = theirs(FasterRCNN).eval()
    their.backbone.body.requires_grad_(False)
    model = add_augfpn(their)
    assert not any(q.requires_grad for q in model.backbone.body.parameters())
    assert all(q.requires_grad for q in model.backbone.fpn.parameters())
    assert not any(module.training for module in model.modules())


def test_what_does_not_fit_is_refused_before_anything_changes() -> None:
    normalised = fasterrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    backbone, heads = normalised.backbone, normalised.roi_heads
    with pytest.raises(UserError, match="the _v2 models normalise in theirs"):
        add_augfpn(normalised)
    assert normalised.backbone is backbone
    assert normalised.roi_heads is heads
    twice = add_augfpn(theirs(FasterRCNN))
    with pytest.raises(UserError, match="call this once"):
        add_augfpn(twice)
    twice = add_augfpn(theirs(FasterRCNN), weight=0)
    with pytest.raises(UserError, match="pyramid is a FPN and not torchvision's"):
        add_augfpn(twice)
