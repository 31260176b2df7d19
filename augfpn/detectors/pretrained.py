"""A backbone by its name, and ImageNet's weights for it: torchvision's networks, ours and timm's.

``timm/NAME`` is a model of the library timm, an optional extra: see
`augfpn.detectors.timm_backbones`.
"""

import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import torch
import torchvision
from torch import Tensor

from augfpn.config import BackboneName
from augfpn.detectors import backbones, timm_backbones
from augfpn.detectors.backbones import BOTTLENECKS, MOBILENETS, NARROW, RESNETS, Backbone
from augfpn.detectors.timm_backbones import TIMM, TimmBackbone
from augfpn.errors import UserError, one_of

STYLES = ("pytorch", "caffe")
SETTINGS = get_args(get_args(BackboneName)[0])  # the names that a model's settings allow ...
BUILT = (*RESNETS, *MOBILENETS, *NARROW)  # ... and those that `backbone` builds; timm's aside
ANSWER_SECONDS = 10  # how long to wait for an answer of the server that has the weights
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")  # of a repository of timm's weights


def backbone(name: str, norm: str, style: str = "pytorch") -> Backbone:
    """The backbone called ``name`` with randomly drawn weights, in training mode.

    ``norm``: "frozen" keeps the statistics and the affine part of pretrained weights, and
    "frozen_statistics" only the statistics, as the authors do; "batch" and "group" learn from
    scratch, "group" also from batches of one or two pictures.
    ``style``: a bottleneck's stride is in its 3x3 convolution ("pytorch") or, as in the authors'
    FCOS, in its first 1x1 ("caffe").
    Raises ``UserError`` for unknown names, and for a name, norm and style that do not go together.
    """
    if one_of("style", style, STYLES) == "caffe" and name not in BOTTLENECKS:
        raise UserError(
            f"style='caffe' is for the bottleneck blocks of {', '.join(BOTTLENECKS)}, not for "
            f"{name}: use one of them, or style='pytorch'."
        )
    if name in SETTINGS and name not in BUILT:
        raise UserError(
            f"backbone={name!r} is allowed by augfpn/config.py, but nothing builds it: add it to "
            "augfpn/detectors/backbones.py, and to `backbone` in augfpn/detectors/pretrained.py."
        )
    if name.startswith(TIMM):
        net: Backbone = TimmBackbone(name.removeprefix(TIMM), norm)
    elif one_of("backbone", name, (*BUILT, TIMM + "NAME")) in RESNETS:
        net = backbones.resnet(name, backbones.norm_layer(norm), style)
    elif name in MOBILENETS:
        net = backbones.mobilenet(name, backbones.norm_layer(norm))
    else:
        net = backbones.narrow_resnet(backbones.norm_layer(norm))
    net.fixed_statistics = norm in ("frozen", "frozen_statistics")
    return net.train()


# --- ImageNet's weights ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """Pretrained weights: whether they are on this machine, and how to get them."""

    file: Path | None  # None where they have to be downloaded
    by_hand: str  # what to do where the download fails
    ask: Callable[[], None]  # ask the server, for some seconds; ``OSError`` if it does not answer
    state: Callable[[], dict[str, Tensor]]  # download if need be: values by their names in ``body``


def imagenet(name: str, style: str = "pytorch") -> Weights:
    """The ImageNet weights of a backbone, not downloaded yet. Raises ``UserError`` if none exist.

    For torchvision's networks these are the IMAGENET1K_V1 weights, of the time of the paper
    (ResNeXt-101 64x4d has no others).
    """
    if style == "caffe":
        raise UserError(
            f"the ImageNet weights of {name} are for style='pytorch', and there are none for "
            "style='caffe': use style='pytorch', or weights='scratch'."
        )
    if name.startswith(TIMM):
        return timm_weights(name.removeprefix(TIMM))
    if name in NARROW:
        raise UserError(f"there are no ImageNet weights for {name}: use weights='scratch'.")
    if name == "resnext101_32x4d":
        raise UserError(
            f"torchvision has no ImageNet weights for {name}: use weights='scratch', or "
            f"backbone='{TIMM}resnext101_32x4d.gluon_in1k', which is the same network."
        )
    model = "mobilenet_v2" if name in MOBILENETS else name
    enum = torchvision.models.get_model_weights(model)["IMAGENET1K_V1"]

    def state() -> dict[str, Tensor]:
        values = enum.get_state_dict(check_hash=True, progress=False)
        return {k.removeprefix("features."): v for k, v in values.items()}

    return weights_at(enum.url, state)


def weights_at(url: str, state: Callable[[], dict[str, Tensor]]) -> Weights:
    """Weights that PyTorch downloads from an address."""
    file = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[1])

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "torch.hub"})
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()

    by_hand = f"put {file.name} into {file.parent}"
    return Weights(file if file.exists() else None, by_hand, ask, state)


def timm_weights(model: str) -> Weights:
    """timm's weights of a model; they are ImageNet's unless the model's name says otherwise.

    Raises ``UserError`` if timm is missing, for an unknown model and for one without weights.
    """
    config = timm_backbones.the_library().get_pretrained_cfg(timm_backbones.known(model))
    if not config.has_weights:
        raise UserError(f"timm has no weights for {model}: use weights='scratch'.")

    def state(**options: object) -> dict[str, Tensor]:
        return timm_backbones.network(model, pretrained=True, **options).state_dict()

    if not config.hf_hub_id:
        return weights_at(config.url, state)
    import huggingface_hub as hub

    def ask() -> None:
        try:
            url = hub.hf_hub_url(config.hf_hub_id, "config.json")
            hub.get_hf_file_metadata(url, timeout=ANSWER_SECONDS)
        except Exception as error:  # its type depends on the hub's HTTP library
            raise OSError(str(error) or type(error).__name__) from None

    folder = f"models--{config.hf_hub_id.replace('/', '--')}"
    by_hand = f"copy {folder} from another machine's cache into {hub.constants.HF_HUB_CACHE}"
    found = [hub.try_to_load_from_cache(config.hf_hub_id, name) for name in WEIGHT_FILES]
    file = next((path for path in found if isinstance(path, str)), None)
    # Given the file, timm does not ask the server whether it has changed.
    options = {"pretrained_cfg_overlay": {"file": file}} if file else {}
    return Weights(Path(file) if file else None, by_hand, ask, partial(state, **options))


def has_imagenet(name: str, style: str = "pytorch") -> bool:
    """Whether the ImageNet weights are on this machine or their server answers."""
    try:
        weights = imagenet(name, style)
        if weights.file is None:
            weights.ask()
    except (UserError, OSError):
        return False
    return True


def load_imagenet(net: Backbone, name: str, style: str = "pytorch") -> None:
    """Put ImageNet weights, torchvision's or timm's, into ``net`` and freeze its stages up to C2.

    Raises ``UserError`` when there are none for this backbone or they cannot be downloaded.
    """
    weights = imagenet(name, style)
    try:
        if weights.file is None:
            weights.ask()  # ask first: the libraries themselves may retry for a minute
        state = weights.state()
    except OSError as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"the ImageNet weights of {name} could not be downloaded ({why}): connect to the "
            f"network, {weights.by_hand}, or train from scratch with weights='scratch'."
        ) from None
    missing, _ = net.body.load_state_dict(state, strict=False)
    missing = [n for n in missing if not n.endswith("num_batches_tracked")]
    if missing:
        raise RuntimeError(f"the ImageNet weights of {name} lack {missing[:3]} of {len(missing)}")
    net.freeze_up_to(2)
