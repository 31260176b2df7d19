"""The words that a user types in a notebook, for papermill or on the command line, as `Parameters`.

`parse` converts the values, or refuses them with one sentence that names the parameter, its value
and what to do. `augfpn.settings.experiment` then adds a budget's sizes. Nothing here needs torch.
"""

from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from augfpn import config
from augfpn.errors import UserError, choice_of, did_you_mean
from augfpn.settings import dialects, typed
from augfpn.settings.any_setting import check_settings
from augfpn.settings.parts import Parts, check_parts, name_of_parts, parts_on, switches_of
from augfpn.settings.typed import Batch, Float, Folder, Int, PlainText, about, shown

MEANT = {  # what people call a parameter elsewhere
    "lambda": "lam",
    "alpha": "ratios",
    "alphas": "ratios",
    "srs": "roi_selection",
    "dataset": "data",
    "root": "data_root",
}


@dataclass(frozen=True, config=config.FROZEN)
class Parameters:
    """What a user may choose. Defaults: AugFPN on scenes, sized for this machine."""

    parts: Annotated[Parts, about("the paper's parts, as cs+srs; none: plain FPN")] = "all"
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
        BeforeValidator(typed.listed),
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
        about(
            "whose choices to follow; auto: torchvision's for COCO's weights, the authors' at "
            "budget paper, else ours"
        ),
    ] = "auto"
    backbone: Annotated[
        config.BackboneName | None,
        BeforeValidator(typed.name_in_timm),
        about("the backbone; None: the budget's"),
    ] = None
    weights: Annotated[
        Literal["auto", "imagenet", "coco", "scratch"],
        about("initial weights; auto: ImageNet's if there are any; coco: torchvision's"),
    ] = "auto"
    short_side: Annotated[
        Int | None,
        about(
            "shorter side in pixels of a resized image; anchors follow; None: budget's",
            ge=32,
            le=8192,
        ),
    ] = None
    long_side: Annotated[
        Int | None,
        about(
            "longest side in pixels of a resized image; None: follows short_side", ge=32, le=8192
        ),
    ] = None
    data: Annotated[config.DataName, about("the data set")] = "scenes"
    data_root: Annotated[
        Folder | None, about("the folder of the data set; bccd and aquarium can be downloaded")
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
        Literal["auto", "smoke", "laptop", "transfer", "gpu", "paper"],
        about("size of model, data and training; auto: gpu if there is one, else laptop"),
    ] = "auto"
    steps: Annotated[
        Int | None, about("training steps; None: the budget's", gt=0, le=typed.MOST)
    ] = None
    epochs: Annotated[
        Float | None,
        about("passes over the training images, instead of steps", gt=0, le=1e6),
    ] = None
    batch: Annotated[
        Batch | None,
        about("images per step; auto: the budget's, in parts that fit; None: the budget's"),
    ] = None
    accumulate: Annotated[
        Int | None, about("parts in which a step's images are computed, to save memory", gt=0)
    ] = None
    lr: Annotated[
        Float | None,
        about("learning rate at this batch; None: the budget's, scaled with batch", gt=0, le=1e6),
    ] = None
    amp: Annotated[
        Literal["auto", "off", "bf16", "fp16"],
        about("mixed precision; auto: bf16 or fp16 as the GPU has it, at budgets gpu and paper"),
    ] = "auto"
    ema: Annotated[
        Float | None,
        about(
            "decay of the average of weights that is evaluated, as 0.999; None: none", gt=0, lt=1
        ),
    ] = None
    augment: Annotated[
        config.Augment, about("how training images are changed; flip: as in the paper")
    ] = "flip"
    evaluate_every: Annotated[
        Int | None,
        about("steps between evaluations while training; None: none", gt=0, le=typed.MOST),
    ] = None
    patience: Annotated[
        Int | None,
        about(
            "stop after this many evaluations without a better AP; None: never", gt=0, le=typed.MOST
        ),
    ] = None
    limit: Annotated[
        Int | None, about("use only the first N images of each split", gt=0, le=typed.MOST)
    ] = None
    test_split: Annotated[
        PlainText | None, about("the split to evaluate on; None: the data set's own")
    ] = None
    seed: Annotated[Int, about("seed of initial weights, order and flips", ge=0, lt=2**31)] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        BeforeValidator(typed.known_device),
        about("the device; auto: a GPU if there is one"),
    ] = "auto"
    deterministic: Annotated[
        bool, about("train with operators that give the same bits each time, on a GPU too")
    ] = False
    workers: Annotated[
        Int | None, about("processes that read images; None: the budget's", ge=0, le=256)
    ] = None
    checkpoint_seconds: Annotated[
        Float | None, about("seconds between checkpoints; None: the budget's", gt=0, le=1e6)
    ] = None
    tensorboard: Annotated[bool, about("write the curves for TensorBoard, too")] = False
    settings: Annotated[
        tuple[PlainText, ...],
        BeforeValidator(typed.in_words),
        about("any other setting of augfpn.config by its name, as model.channels=32"),
    ] = ()
    records: Annotated[Folder, about("the folder that runs are recorded in")] = "runs"
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
    values = switches_of(values.get("parts")) | values
    if values.get("detector") in config.ONE_STAGE:
        values = {"roi_selection": "hard"} | values  # they pool no RoIs, so nothing is selected
    if values.get("data_root") is not None:
        values = {"data": "folder"} | values  # whoever names a folder alone means its pictures
    try:
        parameters = PARAMETERS.validate_python(values)
    except ValidationError as error:
        raise UserError(typed.sentence(error, values, {n: describe(n) for n in NAMES})) from None
    if "parts" in values:
        check_parts(parameters)
    check_together(parameters)
    check_training(parameters)
    check_settings(parameters.settings, NAMES)
    return replace(parameters, parts=name_of_parts(parts_on(parameters)))


def check_name(name: str, names: Sequence[str] = NAMES) -> None:
    """Raise ``UserError`` for a name that is not a parameter; it suggests the one meant."""
    if name in names:
        return
    meant = MEANT.get(name)
    hint = f"did you mean {meant!r}?" if meant in names else did_you_mean(name, names)
    raise UserError(f"there is no parameter {shown(name)}: {hint or choice_of(name, names)}")


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
            f"cs={chosen.cs}: it needs detector='mask_rcnn' and Consistent Supervision, cs=True."
        )
    if chosen.weights == "coco" and chosen.backbone not in (None, "resnet50"):
        raise UserError(
            f"weights = 'coco' does not go with backbone={chosen.backbone!r}: torchvision's COCO "
            "weights are of ResNet-50; use backbone='resnet50', or weights='imagenet'."
        )
    if chosen.data_root is not None and chosen.data == "scenes":
        raise UserError(
            f"data_root = {chosen.data_root!r} does not go with data='scenes', which are drawn: "
            "leave data out to use the folder, or leave out data_root."
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
    if chosen.short_side and chosen.long_side and chosen.short_side > chosen.long_side:
        raise UserError(
            f"short_side = {chosen.short_side} is longer than long_side = {chosen.long_side}: "
            "exchange them."
        )


def check_training(chosen: Parameters) -> None:
    """Raise ``UserError`` for parameters of the training that do not go together."""
    if chosen.steps is not None and chosen.epochs is not None:
        raise UserError(
            f"steps = {chosen.steps} and epochs = {chosen.epochs:g} are both given: choose one."
        )
    if chosen.batch == "auto" and chosen.accumulate is not None:
        raise UserError(
            f"batch = 'auto' and accumulate = {chosen.accumulate} are both given: 'auto' finds how "
            "many parts fit the GPU; leave accumulate out, or give the batch as a number."
        )
    if chosen.patience is not None and chosen.evaluate_every is None:
        raise UserError(
            f"patience = {chosen.patience} counts evaluations while training: give evaluate_every, "
            "the steps between them, too."
        )
