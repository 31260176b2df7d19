"""Every backbone: shapes, counts, norms, styles, frozen stages, and what is refused."""

from math import ceil

import pytest
import torch
import torch.nn.functional as F
import torchvision
from nets import OURS, TIMM, needs_timm, on_meta, randomise_statistics
from torchvision.models._utils import IntermediateLayerGetter

from augfpn.detectors.cost import parameter_count
from augfpn.detectors.pretrained import backbone
from augfpn.errors import UserError

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
        ("resnet18", 11_689_512 - 513_000),  # torchvision's number includes the classifier
        ("resnet50", 23_508_032),
        ("resnet101", 44_549_160 - 2_049_000),
        ("resnext101_64x4d", 83_455_272 - 2_049_000),
        ("resnext101_32x4d", 44_177_704 - 2_049_000),  # timm's count of the same network
        ("mobilenet_v2", 2_223_872),
        ("mobilenet_v2_320", 1_811_712),
    ],
)
def test_parameters(name: str, count: int) -> None:
    assert parameter_count(on_meta(name)) == count
    assert parameter_count(on_meta(name, "frozen_statistics")) == count


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
    [(name, 2) for name in OURS if "101" not in name]  # 101 is 50 with more blocks
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
