"""The authors' own rows of Tables 1 to 5 by name: for each, all that a COCO run takes but the data.

A recipe is a dict of parameters, as a notebook or a command line has them. Its name is its
detector, backbone, parts and schedule: ``faster_rcnn_r50_augfpn_1x``, ``mask_rcnn_r101_fpn_2x``,
``faster_rcnn_r50_cs_rfa_1x``. All start from ImageNet's weights and follow the authors' settings;
where a recipe differs from what they did, or nobody knows what they did, its notes say so.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from augfpn.config import AUGFPN, FPN, Model
from augfpn.errors import UserError
from augfpn.settings import paper, parameters
from augfpn.settings.experiment import experiment
from augfpn.settings.paper import EPOCHS, Result, Schedule

COMMON = {"data": "coco", "budget": "paper", "dialect": "authors", "weights": "imagenet"}
SHORT = {
    "resnet50": "r50",
    "resnet101": "r101",
    "resnext101_32x4d": "x101_32x4d",
    "resnext101_64x4d": "x101_64x4d",
    "mobilenet_v2": "mnv2",
}
# torchvision has no weights for this network; timm has them, for the same one.
WITH_WEIGHTS = {"resnext101_32x4d": "timm/resnext101_32x4d.gluon_in1k"}
SWITCHED = {  # what does nothing while its part is off
    "cs": ("lam", "supervision"),
    "rfa": ("ratios", "context_pooling", "context_fusion"),
}
EXPRESSED = ("fpn", "augfpn", "srs", "cs_rfa", "panet")  # parts that the authors' code can combine


@dataclass(frozen=True)
class Recipe:
    """Parameters under a name, and the rows of the paper that they are to reproduce."""

    name: str
    words: dict[str, Any]  # of `augfpn.settings.parameters`
    rows: tuple[Result, ...]  # none where the authors printed no number
    notes: tuple[str, ...]
    identity: Model  # `augfpn.settings.paper.identity` of the detector

    @property
    def model(self) -> Model:
        """Its detector, of COCO's 80 classes."""
        return model_of(parameters.parse(self.words))


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by name; those of Table 1 first, as in the paper."""
    by_name: dict[str, list[Result]] = {}
    for result in sorted(paper.results(), key=lambda each: each.table):
        by_name.setdefault(name_of(result.model, result.schedule), []).append(result)
    found = {
        name: recipe(rows[0].model, rows[0].schedule, tuple(rows)) for name, rows in by_name.items()
    }
    panet = recipe(replace(FPN, roi_selection="panet"), "1x", ())
    return found | {panet.name: panet}


def named(name: str) -> Recipe:
    """The recipe called ``name``. Raises ``UserError`` with the one that was meant."""
    if name not in recipes():
        near = difflib.get_close_matches(name, recipes(), 1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"there is no recipe {name!r}: {meant}`augfpn recipes` lists them.")
    return recipes()[name]


def base_of(name: str) -> str:
    """The recipe that another is compared with: FPN with the same detector, backbone, schedule."""
    return name.replace(f"_{parts_of(named(name).identity)}_", "_fpn_")


def with_recipe(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A recipe's parameters, with those that a user gave in their place.

    Raises ``UserError`` for a name that no recipe has, and for a parameter that would do nothing
    because the recipe has its part off.
    """
    words = dict(named(name).words)
    if "steps" in given:
        words.pop("epochs")
    for switch, dependent in SWITCHED.items():
        idle = [word for word in dependent if word in given]
        if idle and not words[switch] and switch not in given:
            raise UserError(
                f"{idle[0]} = {given[idle[0]]!r} would do nothing: the recipe {name} has {switch} "
                f"off; give {switch}=true too."
            )
    return words | given


def model_of(chosen: parameters.Parameters) -> Model:
    """The detector that parameters describe, whatever its data. Looks for no pretrained weights."""
    weights = "scratch" if chosen.weights == "auto" else chosen.weights
    bare = replace(chosen, data="scenes", data_root=None, weights=weights)
    return experiment(bare, "cpu").model


# --- models to recipes ----------------------------------------------------------------------------


def recipe(model: Model, schedule: Schedule, rows: tuple[Result, ...]) -> Recipe:
    """The recipe of a detector that is at its default but for backbone and parts."""
    notes = tuple(notes_on(model, schedule, rows))
    return Recipe(name_of(model, schedule), words_of(model, schedule), rows, notes, model)


def words_of(model: Model, schedule: Schedule) -> dict[str, Any]:
    """A detector's parameters; those of a part that is off are left at their defaults."""
    words = COMMON | {
        "detector": model.detector,
        "backbone": WITH_WEIGHTS.get(model.backbone, model.backbone),
        "cs": bool(model.lam),
        "rfa": bool(model.ratios),
        "roi_selection": model.roi_selection,
        "mask_supervision": model.detector == "mask_rcnn" and bool(model.lam),
        "epochs": EPOCHS[schedule],
    }
    on = [word for switch, dependent in SWITCHED.items() if words[switch] for word in dependent]
    return words | {word: getattr(model, word) for word in on}


def name_of(model: Model, schedule: Schedule) -> str:
    """Detector, backbone, parts and schedule."""
    return f"{model.detector}_{SHORT[model.backbone]}_{parts_of(model)}_{schedule}"


def parts_of(model: Model) -> str:
    """The middle of a name: "fpn", "augfpn", or what is on and how it differs from AugFPN's."""
    if paper.is_augfpn(model):
        return "augfpn"
    parts = []
    if model.lam:
        parts.append("cs")
        single = model.supervision == "single"
        parts += ["single"] if single else []
        parts += [f"lam{model.lam:g}"] if single or model.lam != AUGFPN.lam else []
    if model.ratios:
        parts.append("rfa")
        if model.context_pooling != "ratio_invariant":
            parts.append(model.context_pooling)
        elif model.ratios != AUGFPN.ratios:
            parts += [f"{ratio:g}" for ratio in model.ratios]
        parts += ["sum"] if model.context_fusion == "sum" else []
    chosen = model.roi_selection
    parts += {"hard": [], "soft": ["srs"], "panet": ["panet"]}.get(chosen, ["srs", chosen])
    return "_".join(parts) or "fpn"


def notes_on(model: Model, schedule: Schedule, rows: tuple[Result, ...]) -> Iterator[str]:
    """Where the recipe differs from what the authors did, or what they did is not known."""
    parts, backbone = parts_of(model), model.backbone
    if parts not in EXPRESSED:
        yield "the authors' code cannot be set to this: ours is what the paper says"
    if any(row.row.get("column_assignment", "").startswith("inferred") for row in rows):
        yield "which row of Table 2 this is is inferred from the order of the rows"
    if parts == "panet":
        yield "no number is printed; the authors left its configuration and removed its code"
    if model.detector == "fcos":
        yield (
            "the authors' code for FCOS does not run, and its weights are in caffe's style (BGR): "
            "here what it was meant to be, from torchvision's weights"
        )
    if backbone.startswith("resnext"):
        whose = "timm's" if backbone in WITH_WEIGHTS else "torchvision's"
        yield f"ImageNet's weights are {whose}; theirs were OpenMMLab's"
    heavy = backbone.startswith("resnext") or (model.detector, backbone) == (
        "mask_rcnn",
        "resnet101",
    )
    if heavy and parts == "augfpn" and schedule == "1x":
        yield (
            "their file has 1 picture a GPU and rate 0.01, its FPN's 2 and 0.02: here both have "
            "16 pictures a step and 0.02"
        )
    if backbone == "mobilenet_v2":
        yield (
            "no backbone and no configuration was released: C2 to C4 are the last maps of their "
            "strides, C5 the last 1x1 convolution's"
        )
    if model.detector == "mask_rcnn" and parts == "augfpn":
        yield "masks are supervised too, as in the authors' files; the paper does not mention it"
    if schedule == "2x":
        yield "no configuration was released: 24 epochs, the rate drops after 16 and 22"
