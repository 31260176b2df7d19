"""ImageNet's weights, torchvision's and timm's: loaded, missing, out of reach."""

import importlib.util
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
import torchvision
from nets import needs_timm, on_meta, randomise_statistics

from augfpn.detectors.pretrained import backbone, has_imagenet, load_imagenet
from augfpn.errors import UserError


@pytest.fixture
def offline(monkeypatch, tmp_path) -> Path:
    """No network, and two empty folders: for torchvision's weights and for timm's."""

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
