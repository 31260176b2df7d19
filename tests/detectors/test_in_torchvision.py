"""Our pyramid in a torchvision detector: the same with FPN, trained and used with AugFPN."""

from copy import deepcopy
from functools import partial

import pytest
import torch
from small_torchvision import CHANNELS, KINDS, SMALL, pictures, talkative, theirs
from torch import nn
from torchvision.models.detection import FasterRCNN, MaskRCNN, retinanet_resnet50_fpn
from torchvision.ops import FeaturePyramidNetwork

from augfpn.detectors.from_torchvision import PyramidBackbone, RoIPool, our_pyramid
from augfpn.detectors.pretrained import backbone
from augfpn.errors import UserError
from augfpn.pyramid import (
    FPN,
    AdaptiveSpatialFusion,
    HardRoISelection,
    ResidualFeatureAugmentation,
    SoftRoISelection,
    ratio_invariant_pool,
)
from augfpn.speed.roi_align import torchvision_roi_align

LEVELS = (2, 3, 4, 5)


def augmentation(channels: int = 512) -> ResidualFeatureAugmentation:
    pools = [partial(ratio_invariant_pool, ratio=ratio) for ratio in (0.1, 0.2, 0.3)]
    return ResidualFeatureAugmentation(
        channels, CHANNELS, pools, AdaptiveSpatialFusion(CHANNELS, 3)
    )


def soft(bins: int) -> RoIPool:
    fusion = AdaptiveSpatialFusion(CHANNELS, len(LEVELS))
    return RoIPool(SoftRoISelection(LEVELS, bins, torchvision_roi_align, fusion))


def hard(bins: int) -> RoIPool:
    return RoIPool(HardRoISelection(LEVELS, bins, torchvision_roi_align))


def with_pools(model: FasterRCNN, pool) -> FasterRCNN:
    model.roi_heads.box_roi_pool = pool(7)
    if isinstance(model, MaskRCNN):
        model.roi_heads.mask_roi_pool = pool(14)
    return model


@KINDS
def test_with_fpn_and_the_hard_rule_it_is_torchvisions_own_bit_for_bit(kind: type) -> None:
    their = theirs(kind)
    ours = with_pools(deepcopy(their), hard)
    ours.backbone = PyramidBackbone(ours.backbone.body, our_pyramid(ours.backbone.fpn))
    images, targets = pictures()
    losses, found = [], []
    for model in (their, ours):
        torch.manual_seed(2)  # the samplers draw
        losses.append({k: v.item() for k, v in model.train()(images, targets).items()})
        with torch.no_grad():
            found.append(model.eval()(images))
    assert losses[0] == losses[1]
    assert len(losses[0]) == (5 if kind is MaskRCNN else 4)
    assert sum(len(d["boxes"]) for d in found[0]) > 20  # there is something to compare
    for a, b in zip(*found, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)


@KINDS
def test_with_augfpns_parts_it_trains_and_detects(kind: type) -> None:
    torch.manual_seed(0)
    body = backbone("narrow_resnet", "batch")
    fpn = FPN(body.channels, CHANNELS, augmentation(body.channels[5]))
    model = with_pools(kind(PyramidBackbone(body, fpn), **SMALL), soft)
    images, targets = pictures()
    sum(model(images, targets).values()).backward()
    assert [n for n, q in model.named_parameters() if q.grad is None or not q.grad.any()] == []
    with torch.no_grad():
        found = talkative(model).eval()(images)
    assert sum(len(d["boxes"]) for d in found) > 0
    keys = {"boxes", "labels", "scores"} | ({"masks"} if kind is MaskRCNN else set())
    assert all(d.keys() == keys for d in found)


def test_maps_are_p_under_torchvisions_names_and_no_m() -> None:
    body = backbone("narrow_resnet", "batch")
    both = PyramidBackbone(body, FPN(body.channels, CHANNELS))
    x = torch.rand(2, 3, 64, 96)
    maps = both.eval()(x)
    assert list(maps) == ["0", "1", "2", "3", "pool"]
    sides = [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]
    assert [each.shape for each in maps.values()] == [(2, CHANNELS, *side) for side in sides]
    _, p = both.fpn(body(x))
    assert all(torch.equal(maps[name], p[k]) for name, k in zip("0123", LEVELS, strict=True))
    assert torch.equal(maps["pool"], p[5][:, :, ::2, ::2])
    assert both.out_channels == CHANNELS


def test_a_pool_reads_each_level_at_its_own_stride() -> None:
    """The value of each map is its own x coordinate in pixels, so a bin's value is its position."""
    features = {
        name: (torch.arange(512 // 2**k) * 2.0**k).expand(1, 1, 512 // 2**k, -1)
        for name, k in zip("0123", LEVELS, strict=True)
    }
    for side in (64.0, 128.0, 256.0, 448.0):  # one for each level
        pooled = hard(7)(features, [torch.tensor([[0.0, 0.0, side, side]])], [(512, 512)])
        middles = (torch.arange(7) + 0.5) * side / 7
        torch.testing.assert_close(pooled[0, 0, 3], middles, rtol=0, atol=0.01)


def test_a_trained_pyramid_is_copied_not_shared() -> None:
    their = FeaturePyramidNetwork([8, 16, 32, 64], CHANNELS)
    ours = our_pyramid(their, augmentation(64))
    nn.init.zeros_(ours.lateral["2"].weight)
    assert their.inner_blocks[0][0].weight.any()
    assert ours.augment is not None


def test_bodies_and_pyramids_that_do_not_fit_are_named() -> None:
    one_stage = retinanet_resnet50_fpn(weights=None, weights_backbone=None).backbone
    with pytest.raises(UserError, match=r"3 levels have \[1, 1, 1\] layers"):
        our_pyramid(one_stage.fpn)
    normalised = FeaturePyramidNetwork([8, 16, 32, 64], CHANNELS, norm_layer=nn.BatchNorm2d)
    with pytest.raises(UserError, match=r"4 levels have \[2, 2, 2, 2\] layers"):
        our_pyramid(normalised)
    with pytest.raises(UserError, match="returns 3 maps where the pyramid takes 4"):
        PyramidBackbone(one_stage.body, FPN({5: 2048}, CHANNELS))(torch.rand(1, 3, 64, 64))
