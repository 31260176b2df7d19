"""timm's networks as backbones: maps, frozen stages, and networks that are refused."""

import sys

import pytest
import torch
from nets import TIMM, needs_timm, on_meta
from torch import nn

from augfpn.detectors.pretrained import backbone, why_no_imagenet
from augfpn.errors import UserError


@needs_timm
@pytest.mark.parametrize("name", TIMM)
def test_timm_gives_the_four_levels(name: str) -> None:
    net = on_meta(name, "frozen")
    assert tuple(net.channels.values()) == TIMM[name]
    c = net(torch.zeros(2, 3, 96, 160, device="meta"))
    shapes = {k: (2, n, 96 >> k, 160 >> k) for k, n in net.channels.items()}
    assert {k: c_k.shape for k, c_k in c.items()} == shapes
    assert not [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert net.training


@needs_timm
def test_timms_resnext_is_ours() -> None:
    """Therefore its weights can replace those that torchvision lacks."""
    ours, theirs = on_meta("resnext101_32x4d"), on_meta("timm/resnext101_32x4d.gluon_in1k")
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, v.shape) for k, v in theirs.state_dict().items()
    ]
    for a, b in zip(convolutions(ours), convolutions(theirs), strict=True):
        assert str(a) == str(b)  # sizes, strides, paddings and groups


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]


@needs_timm
@pytest.mark.slow
def test_timms_resnext_computes_what_ours_does() -> None:
    ours = backbone("resnext101_32x4d", "frozen")
    theirs = backbone("timm/resnext101_32x4d.gluon_in1k", "frozen")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        a, b = ours(x), theirs(x)
    for k in a:
        torch.testing.assert_close(a[k], b[k])


@needs_timm
def test_maps_of_channels_last_networks_are_turned() -> None:
    """Against the maps (N, H, W, C) that the stages give when they are run by hand."""
    torch.manual_seed(0)
    net = backbone("timm/test_mambaout", "batch").eval()
    y = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        c = net(y)
        for k, stage in zip((None, 2, 3, 4, 5), net.body.children(), strict=True):
            y = stage(y)
            if k is not None:
                assert torch.equal(c[k][0, :, 1, 0], y[0, 1, 0, :])


@needs_timm
def test_pictures_are_normalised_as_the_weights_expect() -> None:
    assert on_meta("timm/resnet18").mean == backbone("resnet18", "batch").mean
    assert on_meta("timm/resnetv2_50x1_bit").mean == (0.5, 0.5, 0.5)


@needs_timm
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("resnet5", r"timm has no model 'resnet5': did you mean timm/resnet50 or"),
        ("swin_tiny", r"did you mean timm/swin_tiny_patch4_window7_224\?"),
        ("qqqqqq", r"timm has no model 'qqqqqq': timm.list_models\(\) has the names"),
        ("resnet18.a9", r"no weights 'a9' for resnet18; there are: timm/resnet18.a1_in1k, "),
        ("vit_tiny_patch16_224", r"has maps of stride 16 but none of 4, 8, 32: choose"),
        ("visformer_tiny", r"has maps of stride 8, 16, 32 but none of 4: choose"),
        ("mobilevitv2_050", r"does not take pictures of every size"),  # makes sides even
        ("test_maxvit", r"does not take pictures of every size"),
    ],
)
def test_what_timm_cannot_give_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        backbone(f"timm/{name}", "batch")
    assert "\n" not in str(caught.value)


@needs_timm
def test_timm_takes_no_group_normalisation() -> None:
    with pytest.raises(UserError, match="norm='group' is not for timm/resnet18"):
        backbone("timm/resnet18", "group")


def test_without_timm_its_command_is_given(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'augfpn\[backbones\]'"):
        backbone("timm/resnet18", "batch")
    assert why_no_imagenet("timm/resnet18") is not None


@needs_timm
def test_timm_freezes_the_stages_that_torchvision_has() -> None:
    frozen = []
    for name in ("resnet18", "timm/resnet18"):
        net = backbone(name, "batch")
        net.freeze_up_to(2)
        frozen.append({n for n, q in net.named_parameters() if not q.requires_grad})
    assert frozen[0] == frozen[1]
    assert {n.split(".")[1] for n in frozen[0]} == {"conv1", "bn1", "layer1"}


@needs_timm
def test_a_network_that_mixes_its_levels_cannot_be_frozen() -> None:
    net = backbone("timm/hrnet_w18_small", "batch")
    with pytest.raises(UserError, match="mixes its levels to the end"):
        net.freeze_up_to(2)
    assert all(q.requires_grad for q in net.parameters())


@needs_timm
@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "../x",
        "..",
        "a/b",
        "resnet18 ",
        "resnet18\n",
        "hf-hub:x/y",
        "local-dir:/x",
        ".",
        "é",
    ],
)
def test_names_that_no_network_of_timm_has_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="names no network of timm: give timm/NAME") as caught:
        backbone(f"timm/{name}", "batch")
    assert "\n" not in str(caught.value)
