"""ImageNet's weights, torchvision's and timm's: loaded, missing, out of reach."""

import hashlib
import importlib.util
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
import torchvision
from nets import in_cache, in_hub_cache, needs_timm, on_meta, randomise_statistics

from augfpn.detectors.pretrained import backbone, imagenet, load_imagenet, why_no_imagenet
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


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2_320"])
@pytest.mark.parametrize("norm", ["frozen", "frozen_statistics"])
def test_torchvisions_weights_are_loaded(offline, monkeypatch, name: str, norm: str) -> None:
    assert why_no_imagenet(name) is not None
    theirs = torchvision.models.get_model(name.removesuffix("_320")).eval()
    randomise_statistics(theirs)
    in_cache(theirs.state_dict(), "IMAGENET1K_V1", offline, monkeypatch)
    assert why_no_imagenet(name) is None
    net = backbone(name, norm)
    load_imagenet(net, name)
    expected = {k.removeprefix("features."): v for k, v in theirs.state_dict().items()}
    assert all(torch.equal(value, expected[key]) for key, value in net.body.state_dict().items())
    c = net(torch.randn(1, 3, 64, 64))
    assert not c[2].requires_grad
    assert c[3].requires_grad


def believed(name: str, match: str) -> None:
    """Asking for weights, and loading them, each raise the sentence; they do not fall back."""
    for use in (why_no_imagenet, lambda name: load_imagenet(on_meta(name), name)):
        with pytest.raises(UserError, match=match) as caught:
            use(name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2"])
@pytest.mark.parametrize("content", [b"<!DOCTYPE html>\n", b"PK\3\4" + bytes(9000), b""])
def test_a_file_in_the_cache_is_not_believed(offline, name: str, content: bytes) -> None:
    """Another file under the true name: cut short, a proxy's page, another network's weights."""
    url = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url
    file = offline / "torch/checkpoints" / url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    believed(name, rf"{file} does not hold the ImageNet weights .* remove it, and it is downlo")


def test_weights_of_another_network_are_one_sentence(offline, monkeypatch) -> None:
    """With the right SHA-256, which tells nothing of what is inside."""
    of_34 = torchvision.models.resnet34().state_dict()  # it has all of ResNet-18's names and sizes
    file = in_cache(of_34, "IMAGENET1K_V1", offline, monkeypatch)
    with pytest.raises(UserError, match=rf"{file} cannot be read as the ImageNet weights of resn"):
        load_imagenet(backbone("resnet18", "batch"), "resnet18")


def test_code_in_the_cache_is_not_executed(offline, monkeypatch) -> None:
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(offline / "trapped"),)

    in_cache({"conv1.weight": Trap()}, "IMAGENET1K_V1", offline, monkeypatch)
    with pytest.raises(UserError, match=r"cannot be read as the ImageNet weights of resnet18 \("):
        load_imagenet(backbone("resnet18", "batch"), "resnet18")
    assert not (offline / "trapped").exists()


@needs_timm
@pytest.mark.parametrize("norm", ["frozen", "batch"])
def test_timms_weights_are_loaded_from_its_cache(offline, norm: str) -> None:
    import timm

    name = "test_efficientnet.r160_in1k"
    assert why_no_imagenet(f"timm/{name}") is not None
    theirs = timm.create_model(name)
    randomise_statistics(theirs)
    in_hub_cache(theirs.state_dict(), name, offline)
    assert why_no_imagenet(f"timm/{name}") is None
    net = backbone(f"timm/{name}", norm)
    load_imagenet(net, f"timm/{name}")
    expected = theirs.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in net.body.state_dict().items())
    assert not net.body.conv_stem.weight.requires_grad


@needs_timm
def test_the_origin_of_weights_is_their_file_and_its_revision(offline) -> None:
    name = "test_efficientnet.r160_in1k"
    assert imagenet(f"timm/{name}").origin() == {}  # nothing is on this machine
    blob = in_hub_cache({"a": torch.zeros(9)}, name, offline)
    expected = hashlib.sha256(blob.read_bytes()).hexdigest()
    assert imagenet(f"timm/{name}").origin() == {
        "file": "model.safetensors",
        "file_sha256": expected,
        "revision": "abc",  # of the snapshot
    }


@needs_timm
def test_what_the_hub_sends_is_checked_before_it_is_loaded(offline, monkeypatch) -> None:
    """timm itself would load it unseen."""
    import huggingface_hub as hub
    import timm

    name = "test_efficientnet.r160_in1k"
    theirs = timm.create_model(name)
    sent = []

    def download(repository: str, file: str) -> None:
        sent.append((repository, file))
        blob = in_hub_cache(theirs.state_dict(), name, offline)
        if damaged:
            blob.write_bytes(blob.read_bytes()[:-1] + b"?")

    monkeypatch.setattr(hub, "get_hf_file_metadata", lambda url, timeout: None)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    damaged = True
    with pytest.raises(UserError, match=r"/model.safetensors does not hold .*SHA-256 begins"):
        imagenet(f"timm/{name}").load()
    shutil.rmtree(offline / "hub")
    damaged = False
    state = imagenet(f"timm/{name}").load()
    assert all(torch.equal(state[key], theirs.state_dict()[key]) for key in state)
    assert sent == 2 * [(f"timm/{name}", "model.safetensors")]
    assert imagenet(f"timm/{name}").origin()["revision"] == "abc"


def test_torchvisions_weights_have_no_revision(offline, monkeypatch) -> None:
    theirs = torchvision.models.resnet18().state_dict()
    file = in_cache(theirs, "IMAGENET1K_V1", offline, monkeypatch)
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    assert imagenet("resnet18").origin() == {"file": file.name, "file_sha256": expected}


@needs_timm
def test_the_hubs_cache_is_not_believed(offline) -> None:
    """It names each file by its SHA-256; a copy of a cache without links is read to be checked."""
    name = "test_efficientnet.r160_in1k"
    blob = in_hub_cache({"a": torch.zeros(9)}, name, offline)
    content = blob.read_bytes()
    blob.write_bytes(content[:-1] + b"?")
    match = r"does not hold .* remove the folder .*models--timm--test_efficientnet.r160_in1k, and"
    believed(f"timm/{name}", match)
    blob.write_bytes(content)
    with pytest.raises(UserError, match=r"of timm/test_efficientnet.r160_in1k"):  # another network
        load_imagenet(backbone(f"timm/{name}", "batch"), f"timm/{name}")
    link = offline / f"hub/models--timm--{name}/snapshots/abc/model.safetensors"
    link.unlink()
    link.write_bytes(content[:-1])
    with pytest.raises(UserError, match=r"cannot be read as .*: remove the folder"):
        load_imagenet(backbone(f"timm/{name}", "batch"), f"timm/{name}")


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("resnet101", r"put resnet101-63fe2227.pth into .*checkpoints, or train from scratch"),
        pytest.param("timm/resnet18", r"copy models--timm--resnet18.a1_in1k", marks=needs_timm),
        pytest.param("timm/legacy_seresnet18", r"put seresnet18-4bb0ce65.pth", marks=needs_timm),
    ],
)
@pytest.mark.timeout(120)  # it does not wait for a network; other work may slow it
def test_without_a_network_one_sentence_says_what_to_do(offline, name: str, by_hand: str) -> None:
    assert why_no_imagenet(name) is not None
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
    assert why_no_imagenet(name, style) is not None
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
    assert why_no_imagenet("resnet50") is None
    assert asked
    assert not (offline / "torch").exists()  # nothing was downloaded
