"""Every backbone: shapes, counts, norms, styles, frozen stages, weights, and what is refused."""

import importlib.util
import urllib.error
import urllib.request
from math import ceil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter

from augfpn.detectors import backbones as module
from augfpn.detectors.backbones import MOBILENETS, RESNETS, backbone, has_imagenet, load_imagenet
from augfpn.errors import UserError

OURS = (*RESNETS, *MOBILENETS, "narrow_resnet")
TIMM = {  # channels of C2..C5, from the models' papers
    "timm/resnet18": (64, 128, 256, 512),
    "timm/convnext_atto": (40, 80, 160, 320),
    "timm/mobilenetv3_small_050": (8, 16, 24, 288),
    "timm/regnetx_002": (24, 56, 152, 368),
    "timm/swin_tiny_patch4_window7_224": (96, 192, 384, 768),
    "timm/pvt_v2_b0": (32, 64, 160, 256),
}
needs_timm = pytest.mark.skipif(
    importlib.util.find_spec("timm") is None, reason="timm is not installed: augfpn[backbones]"
)


def on_meta(name: str, norm: str = "batch", style: str = "pytorch") -> module.Backbone:
    """The backbone without numbers: names, shapes and strides alone."""
    with torch.device("meta"):
        return backbone(name, norm, style)


def parameters(net: nn.Module) -> int:
    return sum(q.numel() for q in net.parameters())


def randomise_statistics(net: nn.Module) -> None:
    """So that normalisation does something: affine parts and statistics away from 1 and 0."""
    torch.manual_seed(1)
    for layer in net.modules():
        if isinstance(getattr(layer, "running_mean", None), Tensor):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_(0, 0.1)


# --- shapes and counts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "style"),
    [(name, "pytorch") for name in OURS] + [("resnet50", "caffe"), ("resnext101_64x4d", "caffe")],
)
def test_maps_have_the_strides_of_their_levels(name: str, style: str) -> None:
    net, (height, width) = on_meta(name, style=style), (65, 100)
    c = net(torch.zeros(2, 3, height, width, device="meta"))
    assert list(c) == list(net.channels) == [2, 3, 4, 5]
    for k, c_k in c.items():
        assert c_k.shape == (2, net.channels[k], ceil(height / 2**k), ceil(width / 2**k))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("resnet18", 11_689_512 - 513_000),  # torchvision prints the whole, with the classifier
        ("resnet50", 23_508_032),
        ("resnet101", 44_549_160 - 2_049_000),
        ("resnext101_64x4d", 83_455_272 - 2_049_000),
        ("resnext101_32x4d", 44_177_704 - 2_049_000),  # timm's count of the same network
        ("mobilenet_v2", 2_223_872),
        ("mobilenet_v2_320", 1_811_712),
    ],
)
def test_parameters(name: str, count: int) -> None:
    assert parameters(on_meta(name)) == count
    assert parameters(on_meta(name, "frozen_statistics")) == count


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet101", "resnext101_64x4d"])
def test_parameters_are_torchvisions_without_the_classifier(name: str) -> None:
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name).state_dict()
    ours = on_meta(name).body.state_dict()
    assert theirs.keys() - ours.keys() == {"fc.weight", "fc.bias"}
    assert all(ours[key].shape == theirs[key].shape for key in ours)


def test_maps_are_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18().eval()
    ours = backbone("resnet18", "batch").eval()
    ours.body.load_state_dict(theirs.state_dict(), strict=False)
    x = torch.randn(1, 3, 64, 96)
    expected = IntermediateLayerGetter(theirs, {f"layer{k - 1}": k for k in (2, 3, 4, 5)})(x)
    assert all(torch.equal(c_k, expected[k]) for k, c_k in ours(x).items())


# --- norms and styles -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["resnet18", pytest.param("timm/test_efficientnet", marks=needs_timm)]
)
def test_frozen_statistics_stay_while_the_affine_part_learns(name: str) -> None:
    torch.manual_seed(0)
    net = backbone(name, "frozen_statistics")
    randomise_statistics(net)
    frozen = backbone(name, "frozen")
    frozen.load_state_dict(net.state_dict(), strict=False)
    before = {key: value.clone() for key, value in net.named_buffers()}
    x = torch.randn(2, 3, 64, 64)
    c = net.eval().train()(x)
    for k, expected in frozen.train()(x).items():
        torch.testing.assert_close(c[k], expected, rtol=1e-4, atol=1e-4)
    sum(c_k.sum() for c_k in c.values()).backward()
    assert all(torch.equal(value, before[key]) for key, value in net.named_buffers())
    assert all(q.grad is not None and q.grad.any() for q in net.parameters())
    assert net.state_dict().keys() == backbone(name, "batch").state_dict().keys()
    norms = len([key for key in before if key.endswith("running_mean")])
    assert len(list(net.parameters())) - len(list(frozen.parameters())) == 2 * norms


def test_batch_statistics_move() -> None:
    net = backbone("resnet18", "batch")
    net(torch.randn(2, 3, 64, 64))
    assert net.body.bn1.running_mean.any()


@pytest.mark.parametrize("name", ["resnet50", "resnext101_32x4d"])
def test_caffe_style_strides_in_the_first_convolution(name: str) -> None:
    """The first block of the second stage, written out."""
    net = backbone(name, "frozen_statistics", "caffe")
    randomise_statistics(net.body.layer2[0])
    block = net.body.layer2[0]
    x = torch.randn(1, 256, 14, 17)
    y = F.relu(block.bn1(F.conv2d(x, block.conv1.weight, stride=2)))
    y = F.conv2d(y, block.conv2.weight, padding=1, groups=block.conv2.groups)
    y = block.bn3(F.conv2d(F.relu(block.bn2(y)), block.conv3.weight))
    conv, norm = block.downsample
    y = F.relu(y + norm(F.conv2d(x, conv.weight, stride=2)))
    torch.testing.assert_close(block(x), y)


def test_caffe_style_has_the_same_parameters_and_another_output() -> None:
    torch.manual_seed(0)
    usual, caffe = (backbone("resnet50", "batch", style).eval() for style in ("pytorch", "caffe"))
    caffe.load_state_dict(usual.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        a, b = usual(x), caffe(x)
    assert torch.equal(a[2], b[2])  # no stride there
    assert not any(torch.allclose(a[k], b[k], rtol=0.1) for k in (3, 4, 5))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("resnet5", "batch"), r"backbone 'resnet5' is unknown; did you mean 'resnet50'"),
        (("resnet50", "btch"), r"norm 'btch' is unknown; did you mean 'batch'"),
        (("resnet50", "batch", "cafe"), r"style 'cafe' is unknown; did you mean 'caffe'"),
        (("resnet18", "batch", "caffe"), r"for the bottleneck blocks of resnet50, .* resnet18:"),
        (("mobilenet_v2", "batch", "caffe"), r"not for mobilenet_v2: use one of them, or style="),
        (("timm/resnet50", "batch", "caffe"), r"not for timm/resnet50: use one of them"),
    ],
    ids=str,
)
def test_what_does_not_go_is_refused(arguments: tuple, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        backbone(*arguments)
    assert "\n" not in str(caught.value)


# --- frozen stages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "level"),
    [(name, 2) for name in OURS if "101" not in name]  # 101: those of 50 with more blocks
    + [pytest.param(name, 2, marks=needs_timm) for name in TIMM if "swin" not in name]
    + [("resnet18", 4), pytest.param("timm/convnext_atto", 4, marks=needs_timm)],
)
def test_all_that_gives_a_level_is_frozen_and_nothing_else(name: str, level: int) -> None:
    net = backbone(name, "batch")
    modes = [layer.training for layer in net.modules()]
    for _ in range(2):  # the second time nothing is left to do
        net.freeze_up_to(level)
    assert [layer.training for layer in net.modules()] == modes
    c = net(torch.zeros(2, 3, 64, 64))
    assert [c_k.requires_grad for c_k in c.values()] == [k > level for k in c]
    sum(c_k.sum() for k, c_k in c.items() if k > level).backward()
    assert all(q.requires_grad == (q.grad is not None) for q in net.parameters())
    assert any(q.requires_grad for q in net.parameters())


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


# --- timm -----------------------------------------------------------------------------------------


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
    """So that its weights may stand in for those that torchvision lacks."""
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
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'augfpn\[backbones\]'"):
        backbone("timm/resnet18", "batch")
    assert not has_imagenet("timm/resnet18")


# --- weights --------------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch, tmp_path) -> Path:
    """No network, and an empty folder for torchvision's weights and timm's each."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    if importlib.util.find_spec("timm") is not None:
        import timm
        from huggingface_hub import constants

        def patient(*_: object, **__: object) -> None:
            raise AssertionError("timm asks the server, again and again for most of a minute")

        monkeypatch.setattr(timm.models._hub, "hf_hub_download", patient)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file"),
    [("resnet18", "resnet18-f37072fd.pth"), ("mobilenet_v2_320", "mobilenet_v2-b0353104.pth")],
)
@pytest.mark.parametrize("norm", ["frozen", "frozen_statistics"])
def test_torchvisions_weights_are_loaded(offline, name: str, file: str, norm: str) -> None:
    assert not has_imagenet(name)
    theirs = torchvision.models.get_model(name.removesuffix("_320")).eval()
    randomise_statistics(theirs)
    (offline / "torch/checkpoints").mkdir(parents=True)
    torch.save(theirs.state_dict(), offline / "torch/checkpoints" / file)
    assert has_imagenet(name)
    net = backbone(name, norm)
    load_imagenet(net, name)
    expected = {k.removeprefix("features."): v for k, v in theirs.state_dict().items()}
    assert all(torch.equal(value, expected[key]) for key, value in net.body.state_dict().items())
    c = net(torch.randn(1, 3, 64, 64))
    assert not c[2].requires_grad
    assert c[3].requires_grad


@needs_timm
@pytest.mark.parametrize("norm", ["frozen", "batch"])
def test_timms_weights_are_loaded_from_its_cache(offline, norm: str) -> None:
    import timm
    from safetensors.torch import save_file

    name = "test_efficientnet.r160_in1k"
    assert not has_imagenet(f"timm/{name}")
    theirs = timm.create_model(name)
    randomise_statistics(theirs)
    folder = offline / f"hub/models--timm--{name}"
    (folder / "snapshots/abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text("abc")
    save_file(theirs.state_dict(), folder / "snapshots/abc/model.safetensors")
    assert has_imagenet(f"timm/{name}")
    net = backbone(f"timm/{name}", norm)
    load_imagenet(net, f"timm/{name}")
    expected = theirs.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in net.body.state_dict().items())
    assert not net.body.conv_stem.weight.requires_grad


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("resnet101", r"put resnet101-63fe2227.pth into .*checkpoints, or train from scratch"),
        pytest.param("timm/resnet18", r"copy models--timm--resnet18.a1_in1k", marks=needs_timm),
        pytest.param("timm/legacy_seresnet18", r"put seresnet18-4bb0ce65.pth", marks=needs_timm),
    ],
)
@pytest.mark.timeout(20)
def test_without_a_network_one_sentence_says_what_to_do(offline, name: str, by_hand: str) -> None:
    assert not has_imagenet(name)
    with pytest.raises(UserError, match=by_hand) as caught:
        load_imagenet(on_meta(name), name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "style", "sentence"),
    [
        ("narrow_resnet", "pytorch", "no ImageNet weights for narrow_resnet: use weights='scratch"),
        ("resnext101_32x4d", "pytorch", "or backbone='timm/resnext101_32x4d.gluon_in1k', which"),
        ("resnet50", "caffe", "of resnet50 are for style='pytorch', and there are none for"),
        pytest.param("timm/convnext_atto_rms", "pytorch", "timm has no weights", marks=needs_timm),
    ],
)
def test_where_there_are_no_weights_it_is_said(name: str, style: str, sentence: str) -> None:
    assert not has_imagenet(name, style)
    with pytest.raises(UserError, match=sentence):
        load_imagenet(on_meta(name, style=style), name, style)


@needs_timm
def test_the_weights_that_we_recommend_exist() -> None:
    import timm

    assert "resnext101_32x4d.gluon_in1k" in timm.list_pretrained()


def test_weights_can_be_had_where_the_server_answers(offline, monkeypatch) -> None:
    asked = []

    class Answer:
        def close(self) -> None:
            asked.append(True)

    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: Answer())
    assert has_imagenet("resnet50")
    assert asked
    assert not (offline / "torch").exists()  # nothing was downloaded
