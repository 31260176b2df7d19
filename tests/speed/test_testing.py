"""The copy that only detects: equal results, and a detector that stays what it was."""

from dataclasses import replace

import pytest
import torch
from small import SMALL, augfpn_of, pictures, talkative
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.ops import FrozenBatchNorm2d

from augfpn.detectors.build import build_detector
from augfpn.detectors.pretrained import backbone
from augfpn.speed.testing import ChannelsLast, folded, for_testing


def with_statistics(net: nn.Module) -> nn.Module:
    """Normalisations as after training: none of their numbers is 0 or 1."""
    torch.manual_seed(4)
    for layer in net.modules():
        if isinstance(layer, (_BatchNorm, FrozenBatchNorm2d)):
            for value, low, high in (
                *((layer.weight, 0.5, 1.5), (layer.bias, -0.5, 0.5)),
                *((layer.running_mean, -0.5, 0.5), (layer.running_var, 0.5, 2.0)),
            ):
                nn.init.uniform_(value, low, high)
    return net


def norms(net: nn.Module) -> int:
    return sum(isinstance(layer, (_BatchNorm, FrozenBatchNorm2d)) for layer in net.modules())


@pytest.mark.parametrize("norm", ["batch", "frozen", "frozen_statistics"])
@pytest.mark.parametrize("name", ["narrow_resnet", "resnet18", "resnet50", "mobilenet_v2"])
def test_folded_backbones_give_the_same_maps(name: str, norm: str) -> None:
    net = with_statistics(backbone(name, norm)).eval()
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = net(x)
        found = ChannelsLast(folded(net))(x)
    assert found.keys() == expected.keys()
    for k, each in expected.items():
        assert found[k].is_contiguous()
        torch.testing.assert_close(found[k], each, rtol=1e-3, atol=1e-4 * each.abs().max().item())


@pytest.mark.parametrize("name", ["narrow_resnet", "resnet50", "mobilenet_v2"])
def test_no_normalisation_is_left(name: str) -> None:
    net = backbone(name, "batch").eval()
    assert norms(net) > 10
    assert norms(folded(net)) == 0


def test_group_normalisation_is_kept() -> None:
    net = backbone("narrow_resnet", "group").eval()
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(folded(net)(x)[5], net(x)[5])


def test_a_timm_backbone_gives_the_same_maps() -> None:
    pytest.importorskip("timm", reason="timm is an extra")
    net = with_statistics(backbone("timm/mobilenetv3_small_050", "batch")).eval()
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = net(x)
        for k, each in ChannelsLast(folded(net))(x).items():
            atol = 1e-4 * expected[k].abs().max().item()
            torch.testing.assert_close(each, expected[k], rtol=1e-3, atol=atol)


def test_a_network_that_cannot_be_traced_is_returned_as_it_is() -> None:
    class Moody(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    net = Moody()
    assert folded(net) is net


@pytest.mark.parametrize("detector", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_the_copy_finds_the_same_and_the_detector_stays_what_it_was(detector: str) -> None:
    own = with_statistics(talkative(augfpn_of(detector))).train()
    before = {name: value.clone() for name, value in own.state_dict().items()}
    quick = for_testing(own)
    assert own.training
    assert not quick.training
    images, _ = pictures()
    with torch.no_grad():
        found, expected = quick(images), own.eval()(images)
    for a, b in zip(found, expected, strict=True):
        assert len(b["boxes"]) > 0
        torch.testing.assert_close(a["scores"], b["scores"], rtol=1e-3, atol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_with_torchvisions_operators_nothing_is_folded() -> None:
    exact = build_detector(replace(SMALL, operators="torchvision"))
    assert norms(for_testing(exact)) == norms(exact) > 0
