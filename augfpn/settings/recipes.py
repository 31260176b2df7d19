"""Recipes: the authors' own rows of Tables 1 to 5 by name, each with all parameters but the data.

A recipe is a dict of parameters, as a notebook or a command line has them. Its name is its
detector, backbone, components and schedule: ``faster_rcnn_r50_augfpn_1x``,
``mask_rcnn_r101_fpn_2x``, ``faster_rcnn_r50_cs_rfa_1x``. All start from ImageNet's weights and
follow the authors' settings. Its notes say where a recipe differs from what the authors did, or
where nobody knows what they did.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from augfpn.config import FPN, Model
from augfpn.errors import UserError, did_you_mean
from augfpn.settings import paper, parameters
from augfpn.settings.components import SWITCHED, variant_of
from augfpn.settings.experiment import experiment
from augfpn.settings.paper import EPOCHS, Result, Schedule
from augfpn.settings.parts import in_place, switches_of

COMMON = {"data": "coco", "budget": "paper", "dialect": "authors", "weights": "imagenet"}
SHORT = {
    "resnet50": "r50",
    "resnet101": "r101",
    "resnext101_32x4d": "x101_32x4d",
    "resnext101_64x4d": "x101_64x4d",
    "mobilenet_v2": "mnv2",
}
# torchvision has no weights for this network; timm has weights for the same network.
WITH_WEIGHTS = {"resnext101_32x4d": "timm/resnext101_32x4d.gluon_in1k"}
EXPRESSED = ("fpn", "augfpn", "srs", "cs_rfa", "panet")  # variants that the authors' code can build


@dataclass(frozen=True)
class Recipe:
    """Parameters under a name, and the rows of the paper that a run with them should reproduce."""

    name: str
    words: dict[str, Any]  # of `augfpn.settings.parameters`
    rows: tuple[Result, ...]  # none where the authors printed no number
    notes: tuple[str, ...]
    identity: paper.Identity
    variant: str  # the components in its name

    @property
    def model(self) -> Model:
        """Its detector, of COCO's 80 classes."""
        return model_of_parameters(parameters.parse(self.words))


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by name; those of Table 1 first, as in the paper."""
    by_name: dict[str, list[Result]] = {}
    for result in sorted(paper.results(), key=lambda each: each.table):
        name = recipe_name(result.model, result.schedule)
        by_name.setdefault(name, []).append(result)
    found = {
        name: recipe(rows[0].model, rows[0].schedule, tuple(rows)) for name, rows in by_name.items()
    }
    panet = recipe(replace(FPN, roi_selection="panet"), "1x", ())
    return found | {panet.name: panet}


def named(name: str) -> Recipe:
    """The recipe called ``name``. Raises ``UserError`` that suggests the nearest name."""
    if name not in recipes():
        meant = did_you_mean(name, recipes())
        hint = f"{meant} " if meant else ""
        raise UserError(f"there is no recipe {name!r}: {hint}`augfpn recipes` lists them.")
    return recipes()[name]


def base_recipe(name: str) -> str:
    """The recipe that another is compared with: FPN with the same detector, backbone, schedule."""
    return name.replace(f"_{named(name).variant}_", "_fpn_")


def with_recipe(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A recipe's parameters, with the user's own in place of some.

    Raises ``UserError`` for a name that no recipe has, and for a parameter that would do nothing
    because the recipe has its component off.
    """
    words = dict(named(name).words)
    if "steps" in given:
        words.pop("epochs")
    asked = switches_of(given.get("parts", "none"))
    for switch, dependent in SWITCHED.items():
        idle = [word for word in dependent if word in given]
        if idle and not words[switch] and switch not in given and not asked.get(switch, True):
            hint = f"add {switch} to parts" if "parts" in given else f"give {switch}=true too"
            raise UserError(
                f"{idle[0]} = {given[idle[0]]!r} would do nothing: the recipe {name} has {switch} "
                f"off; {hint}."
            )
    return in_place(words, given)


def model_of_parameters(chosen: parameters.Parameters) -> Model:
    """The detector that parameters describe; neither data nor weights are looked for."""
    weights = "scratch" if chosen.weights == "auto" else chosen.weights
    bare = replace(chosen, data="scenes", data_root=None, weights=weights)
    return experiment(bare, "cpu").model


# --- models to recipes ----------------------------------------------------------------------------


def recipe(model: Model, schedule: Schedule, rows: tuple[Result, ...]) -> Recipe:
    """The recipe of a model that has defaults except for detector, backbone and components."""
    return Recipe(
        name=recipe_name(model, schedule),
        words=recipe_words(model, schedule),
        rows=rows,
        notes=tuple(notes_on(model, schedule, rows)),
        identity=paper.identity(model),
        variant=variant_of(model),
    )


def recipe_words(model: Model, schedule: Schedule) -> dict[str, Any]:
    """A detector's parameters; those of a component that is off are left at their defaults."""
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


def recipe_name(model: Model, schedule: Schedule) -> str:
    """Detector, backbone, components and schedule."""
    return f"{model.detector}_{SHORT[model.backbone]}_{variant_of(model)}_{schedule}"


def notes_on(model: Model, schedule: Schedule, rows: tuple[Result, ...]) -> Iterator[str]:
    """Where the recipe differs from what the authors did, or where that is not known."""
    variant, backbone = variant_of(model), model.backbone
    if variant not in EXPRESSED:
        yield "the authors' code has no setting for this: the recipe follows the paper"
    if any(row.row.get("column_assignment", "").startswith("inferred") for row in rows):
        yield "the paper does not say which row of Table 2 this is: inferred from the order"
    if variant == "panet":
        yield "the paper prints no number; the authors kept a configuration and removed its code"
    if model.detector == "fcos":
        yield (
            "the authors' code for FCOS does not run, and starts from weights in caffe's style "
            "(BGR): the recipe does what that code was meant to do, from torchvision's weights"
        )
    if backbone.startswith("resnext"):
        whose = "timm's" if backbone in WITH_WEIGHTS else "torchvision's"
        yield f"ImageNet's weights are {whose}; the authors used OpenMMLab's"
    mask_r101 = (model.detector, backbone) == ("mask_rcnn", "resnet101")
    if (backbone.startswith("resnext") or mask_r101) and (variant, schedule) == ("augfpn", "1x"):
        yield (
            "the authors train this on 1 picture per GPU at a learning rate of 0.01, their FPN "
            "on 2 at 0.02: here both have 16 pictures per step and 0.02"
        )
    if backbone == "mobilenet_v2":
        yield (
            "the authors released no backbone and no configuration: C2 to C4 are the last maps of "
            "their strides, C5 is the output of the last 1x1 convolution"
        )
    if model.detector == "mask_rcnn" and variant == "augfpn":
        yield "masks are supervised on M, too, as the authors do; the paper does not mention it"
    if schedule == "2x":
        yield (
            "the authors released no configuration: the recipe has 24 epochs, and the learning "
            "rate drops after 16 and 22"
        )
