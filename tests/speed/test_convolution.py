"""Winograd's algorithm against PyTorch's direct convolution, and where it is not used."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augfpn.speed import convolution
from augfpn.speed.convolution import WinogradConv2d, pays
from augfpn.speed.quick import quicken

NNPACK = pytest.mark.skipif(
    not torch.backends.nnpack.is_available(), reason="this PyTorch has no NNPACK"
)
LARGE, SMALL = (2, 16, 260, 200), (2, 16, 50, 40)  # for 16 output channels


def conv(**options: object) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(16, 16, 3, **({"padding": 1} | options))


def gradients(layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """The output, and gradients of the map and all parameters for one random direction."""
    x = x.clone().requires_grad_()
    y = layer(x)
    torch.manual_seed(2)
    towards = torch.randn_like(y)
    return y, *torch.autograd.grad(y, [x, *layer.parameters()], towards)


@NNPACK
@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_direct_convolution_forward_and_backward(bias: bool) -> None:
    direct = conv(bias=bias)
    quick = quicken(copy.deepcopy(direct))
    x = torch.randn(LARGE)
    assert pays(x, quick.weight)
    for ours, theirs in zip(gradients(quick, x), gradients(direct, x), strict=True):
        assert (ours - theirs).abs().max() <= 5e-5 * theirs.abs().max()


@NNPACK
def test_large_maps_do_take_the_other_algorithm() -> None:
    direct, x = conv(), torch.randn(LARGE)
    assert not torch.equal(quicken(copy.deepcopy(direct))(x), direct(x))


@NNPACK
def test_a_picture_has_the_same_map_alone_and_in_a_batch() -> None:
    quick, x = quicken(conv()), torch.randn(LARGE)
    assert torch.equal(quick(x)[1:], quick(x[1:]))


def test_small_maps_are_bit_for_bit_pytorchs() -> None:
    direct, x = conv(), torch.randn(SMALL)
    for ours, theirs in zip(
        gradients(quicken(copy.deepcopy(direct)), x), gradients(direct, x), strict=True
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 2},
        {"padding": 0},
        {"dilation": 2, "padding": 2},
        {"groups": 2},
        {"padding_mode": "reflect"},
        {"padding": "same"},
    ],
    ids=str,
)
def test_other_convolutions_stay_as_they_are(options: dict) -> None:
    assert type(quicken(conv(**options))) is nn.Conv2d


def test_a_subclass_stays_as_it_is() -> None:
    class Own(nn.Conv2d):
        pass

    assert type(quicken(Own(3, 3, 3, padding=1))) is Own


def test_parameters_keep_their_names_and_values() -> None:
    before = conv()
    after = quicken(copy.deepcopy(before))
    assert isinstance(after, WinogradConv2d)
    assert [name for name, _ in after.named_parameters()] == ["weight", "bias"]
    assert torch.equal(after.weight, before.weight)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_pytorchs(dtype: torch.dtype) -> None:
    layer, x = conv().to(dtype), torch.randn(LARGE, dtype=dtype)
    assert not pays(x, layer.weight)
    assert torch.equal(quicken(copy.deepcopy(layer))(x), layer(x))


def test_under_autocast_it_is_pytorchs() -> None:
    direct, x = conv(), torch.randn(LARGE)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(quicken(copy.deepcopy(direct))(x), direct(x))


def test_without_nnpack_it_is_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.nnpack, "is_available", lambda: False)
    direct, x = conv(), torch.randn(LARGE)
    assert torch.equal(quicken(copy.deepcopy(direct))(x), direct(x))


def test_nothing_of_it_is_traced_into_an_exported_graph() -> None:
    quick = quicken(conv()).eval()
    graph = str(torch.export.export(quick, (torch.randn(LARGE),)).graph)
    assert "conv2d" in graph
    assert "nnpack" not in graph


def test_a_map_without_places_is_no_special_case() -> None:
    assert not pays(torch.randn(1, 16, 0, 5), conv().weight)


@NNPACK
def test_frozen_weights_get_no_gradient_and_pass_one_on() -> None:
    quick, x = quicken(conv()).requires_grad_(False), torch.randn(LARGE, requires_grad=True)
    quick(x).square().sum().backward()
    expected = torch.autograd.grad(
        F.conv2d(x, quick.weight, quick.bias, padding=1).square().sum(), x
    )[0]
    assert (x.grad - expected).abs().max() <= 5e-5 * expected.abs().max()
    assert quick.weight.grad is None


def test_the_limit_counts_places_and_channels() -> None:
    side = int((convolution.LEAST / 16) ** 0.5) + 1
    there = torch.backends.nnpack.is_available()
    assert pays(torch.randn(1, 16, side, side), conv().weight) == there
    assert not pays(torch.randn(1, 16, side // 2, side), conv().weight)
