"""The words that a user types in a notebook, for papermill or on the command line, as `Parameters`.

`parse` converts the values, or refuses them with one sentence that names the parameter, its value
and what to do. `augfpn.settings.experiment` then adds a budget's sizes. Nothing here needs torch.
"""

import difflib
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from augfpn import config
from augfpn.errors import UserError
from augfpn.settings import dialects

MEANT = {  # what people call a parameter elsewhere
    "lambda": "lam",
    "alpha": "ratios",
    "alphas": "ratios",
    "srs": "roi_selection",
    "dataset": "data",
    "root": "data_root",
}


def not_boolean(value: object) -> object:
    """The value. Raises for true and false, which Python would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


def listed(value: object) -> object:
    """A tuple from "0.1, 0.2", "[0.1, 0.2]" or a single number, as papermill passes them."""
    if isinstance(value, str):
        return tuple(part for part in value.strip("[]() ").replace(",", " ").split() if part)
    return (value,) if isinstance(value, int | float) else value


Float = Annotated[float, BeforeValidator(not_boolean)]
Int = Annotated[int, BeforeValidator(not_boolean)]
Path_ = Annotated[str | None, Field(strict=True)]


def about(text: str, **limits: Any) -> Any:
    """What a parameter is, for help and error messages, and its limits."""
    return Field(description=text, **limits)


@dataclass(frozen=True, config=config.FROZEN)
class Parameters:
    """What a user may choose. Defaults: AugFPN on scenes, sized for this machine."""

    cs: Annotated[bool, about("Consistent Supervision, on or off")] = True
    lam: Annotated[
        Float,
        about("weight lambda of Consistent Supervision, 0 or more", ge=0, allow_inf_nan=False),
    ] = 0.25
    supervision: Annotated[
        config.Supervision, about("levels of M that each RoI is supervised on (Table 3)")
    ] = "all"
    rfa: Annotated[bool, about("Residual Feature Augmentation, on or off")] = True
    ratios: Annotated[
        Annotated[tuple[Annotated[Float, Field(gt=0, le=1)], ...], Field(min_length=1)],
        BeforeValidator(listed),
        about("RFA's pooling ratios alpha, as fractions of the sides of C5"),
    ] = config.PAPER_RATIOS
    context_pooling: Annotated[config.ContextPooling, about("how RFA pools C5 (Table 4)")] = (
        "ratio_invariant"
    )
    context_fusion: Annotated[
        config.ContextFusion, about("how RFA fuses its context maps (Table 4)")
    ] = "asf"
    roi_selection: Annotated[
        config.RoISelection,
        about("hard: FPN's rule (one-stage detectors have only this); soft: AugFPN's"),
    ] = "soft"
    mask_supervision: Annotated[
        bool, about("supervise masks on M too, as the authors do; needs mask_rcnn")
    ] = False
    detector: Annotated[config.Detector, about("the detector on the pyramid")] = "faster_rcnn"
    neck: Annotated[config.Neck, about("what turns the backbone's maps into a pyramid")] = "fpn"
    dialect: Annotated[
        Literal["auto", *dialects.DIALECTS],
        about("whose choices to follow; auto: the authors' at budget paper, else ours"),
    ] = "auto"
    backbone: Annotated[config.BackboneName | None, about("the backbone; None: the budget's")] = (
        None
    )
    weights: Annotated[
        Literal["auto", "imagenet", "scratch"],
        about("initial weights of the backbone; auto: ImageNet's if they are available"),
    ] = "auto"
    data: Annotated[config.DataName, about("the data set")] = "scenes"
    data_root: Annotated[
        Path_, about("the folder of the data set; without one, bccd is downloaded")
    ] = None
    detail: Annotated[
        Float,
        about("dial of scenes: share of objects that only fine texture tells apart", ge=0, le=1),
    ] = 0.0
    context: Annotated[
        Float,
        about(
            "dial of scenes: share of objects that only their surroundings tell apart", ge=0, le=1
        ),
    ] = 0.0
    scale: Annotated[
        Float,
        about(
            "dial of scenes: how surely training shows a class at only half its sizes", ge=0, le=1
        ),
    ] = 0.0
    budget: Annotated[
        Literal["auto", "smoke", "laptop", "gpu", "paper"],
        about("size of model, data and training; auto: gpu if there is one, else laptop"),
    ] = "auto"
    steps: Annotated[Int | None, about("training steps; None: the budget's", gt=0)] = None
    epochs: Annotated[
        Float | None,
        about("passes over the training images, instead of steps", gt=0, allow_inf_nan=False),
    ] = None
    limit: Annotated[Int | None, about("use only the first N images of each split", gt=0)] = None
    test_split: Annotated[
        str | None, about("the split to evaluate on; None: the data set's own")
    ] = None
    seed: Annotated[Int, about("seed of initial weights, order and flips", ge=0, lt=2**31)] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda"], about("the device; auto: a GPU if there is one")
    ] = "auto"
    deterministic: Annotated[
        bool, about("train with operators that give the same bits each time, on a GPU too")
    ] = False
    records: Annotated[str, about("the folder that runs are recorded in")] = "runs"
    baseline: Annotated[
        Literal["record", "train", "none"],
        about("the FPN run to compare with: recorded, trained if missing, or none"),
    ] = "record"
    again: Annotated[bool, about("repeat a run that is already recorded")] = False


PARAMETERS = TypeAdapter(Parameters)
NAMES = tuple(field.name for field in fields(Parameters))


def defaults() -> dict[str, Any]:
    """Every parameter with its default."""
    return {f.name: f.default for f in fields(Parameters) if f.default is not MISSING}


def describe(name: str) -> str:
    """The line that explains a parameter."""
    found = [
        getattr(item, "description", None) or ""
        for item in getattr(Parameters.__annotations__[name], "__metadata__", ())
    ]
    return next(text for text in found if text)


def parse(values: dict[str, Any]) -> Parameters:
    """Typed parameters from what a user typed. Raises ``UserError`` with one sentence."""
    for name in values:
        check_name(name)
    if values.get("detector") in config.ONE_STAGE:
        values = {"roi_selection": "hard"} | values  # they pool no RoIs, so nothing is selected
    try:
        parameters = PARAMETERS.validate_python(values)
    except ValidationError as error:
        raise UserError(sentence(error, values)) from None
    check_together(parameters)
    return parameters


def check_name(name: str, names: Sequence[str] = NAMES) -> None:
    """Raise ``UserError`` for a name that is not a parameter; it suggests the one meant."""
    if name in names:
        return
    meant = MEANT.get(name)
    near = [meant] if meant in names else difflib.get_close_matches(name, names, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(names)}."
    raise UserError(f"there is no parameter '{name}': {hint}")


def check_together(chosen: Parameters) -> None:
    """Raise ``UserError`` for parameters that are right alone and wrong together."""
    if chosen.detector in config.ONE_STAGE and chosen.roi_selection != "hard":
        raise UserError(
            f"roi_selection = {chosen.roi_selection!r} does not go with the one-stage detector "
            f"{chosen.detector}, which pools no RoIs: use roi_selection='hard', or "
            "detector='faster_rcnn'."
        )
    if chosen.mask_supervision and (chosen.detector != "mask_rcnn" or not chosen.cs):
        raise UserError(
            f"mask_supervision = True does not go with detector={chosen.detector!r} and "
            f"cs={chosen.cs}: it needs detector='mask_rcnn' and cs=True."
        )
    turned_up = [name for name in config.DIALS if getattr(chosen, name)]
    if turned_up and chosen.data != "scenes":
        raise UserError(
            f"{turned_up[0]} = {getattr(chosen, turned_up[0]):g} does not go with "
            f"data={chosen.data!r}: it is a dial of scenes; leave it at 0, or use data='scenes'."
        )
    if chosen.detail + chosen.context > 1:
        raise UserError(
            f"detail = {chosen.detail:g} and context = {chosen.context:g} are shares of the same "
            "objects: their sum may be 1 at most."
        )
    if chosen.steps is not None and chosen.epochs is not None:
        raise UserError(
            f"steps = {chosen.steps} and epochs = {chosen.epochs:g} are both given: choose one."
        )


def sentence(error: ValidationError, values: dict[str, Any]) -> str:
    """The first thing that is wrong, as one sentence."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] == "literal_error":
        options = [
            option.strip("'")
            for option in first["ctx"]["expected"].replace(" or ", ", ").split(", ")
        ]
        near = difflib.get_close_matches(str(values.get(name)), options, 1)
        expected += f" (did you mean '{near[0]}'?)" if near else ""
    return f"{name} = {values.get(name)!r}: expected {expected} ({name}: {describe(name)})."
