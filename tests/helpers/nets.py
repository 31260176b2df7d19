"""Backbones for tests: names, random statistics, weights in caches, a mark for what needs timm."""

import hashlib
import importlib.util
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models._api import Weights, WeightsEnum

from augfpn.detectors.backbones import MOBILENETS, NARROW, RESNETS, Backbone
from augfpn.detectors.pretrained import backbone

OURS = (*RESNETS, *MOBILENETS, *NARROW)
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


def on_meta(name: str, norm: str = "batch", style: str = "pytorch") -> Backbone:
    """The backbone without numbers: names, shapes and strides alone."""
    with torch.device("meta"):
        return backbone(name, norm, style)


def randomise_statistics(net: nn.Module) -> None:
    """So that normalisation does something: affine parts and statistics away from 1 and 0."""
    torch.manual_seed(1)
    for layer in net.modules():
        if isinstance(getattr(layer, "running_mean", None), Tensor):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.5, 1.5)
            layer.bias.data.normal_(0, 0.1)


def in_cache(
    state: dict, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, meta: dict | None = None
) -> Path:
    """Put a state dict into torch's cache in ``folder``, as torchvision's weights called ``name``.

    The file has the first digits of its SHA-256 in its name, as torchvision's files have.
    """
    cache = folder / "torch/checkpoints"
    cache.mkdir(parents=True, exist_ok=True)
    torch.save(state, cache / "new")
    digest = hashlib.sha256((cache / "new").read_bytes()).hexdigest()
    file = (cache / "new").rename(cache / f"made-{digest[:8]}.pth")
    made = Weights(f"https://nowhere.invalid/{file.name}", transforms=None, meta=meta or {})
    enum = WeightsEnum("Made", {name: made})
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda _: enum)
    return file


def in_hub_cache(state: dict[str, Tensor], name: str, folder: Path) -> Path:
    """Put a state dict into the Hugging Face Hub's cache in ``folder``; returns the file itself."""
    from safetensors.torch import save

    content = save(state)
    cache = folder / f"hub/models--timm--{name}"
    for part in ("snapshots/abc", "refs", "blobs"):
        (cache / part).mkdir(parents=True)
    (cache / "refs/main").write_text("abc")
    blob = cache / "blobs" / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content)
    (cache / "snapshots/abc/model.safetensors").symlink_to(blob)
    return blob
