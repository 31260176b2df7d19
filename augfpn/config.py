"""Typed, frozen, validated settings of one experiment. Only `augfpn.build` reads `Model`.

    FPN = Model()
    AUGFPN = replace(FPN, lam=0.25, ratios=(0.1, 0.2, 0.3), roi_selection="soft")

A switch is its value: ``lam=0`` builds no auxiliary head, no ``ratios`` no augmentation.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

FROZEN = ConfigDict(extra="forbid", validate_default=True)
PAPER_RATIOS = (0.1, 0.2, 0.3)
PAPER_LAM = 0.25

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]

Detector = Literal["faster_rcnn"]
BackboneName = Literal["resnet50", "resnet18", "mobilenet_v2", "mobilenet_v2_320", "narrow_resnet"]
Supervision = Literal["all", "single"]
ContextPooling = Literal["ratio_invariant", "gap", "gmp", "psp"]
ContextFusion = Literal["asf", "sum"]
RoISelection = Literal["hard", "soft", "acf", "sum", "max"]


@dataclass(frozen=True, config=FROZEN)
class Model:
    """A detector. The defaults are torchvision's Faster R-CNN with FPN, ImageNet weights apart.

    The first group are the paper's parts, the second the detector around them, the third sizes.
    """

    lam: Weight = 0.0  # lambda of Eq. (1); 0 builds no auxiliary head
    supervision: Supervision = "all"  # each RoI from every M level, or from its own (Table 3)
    ratios: tuple[Fraction, ...] = ()  # alpha of 3.2; empty builds no augmentation
    context_pooling: ContextPooling = "ratio_invariant"  # the others ignore the ratios' values
    context_fusion: ContextFusion = "asf"
    roi_selection: RoISelection = "hard"  # "soft" is ASF over all levels; the rest is Table 5

    detector: Detector = "faster_rcnn"
    backbone: BackboneName = "resnet50"
    weights: Literal["scratch", "imagenet"] = "scratch"
    norm: Literal["frozen", "batch", "group"] = "frozen"
    roi_align: Literal["torchvision", "sparse"] = "torchvision"  # equal to rounding; CPUs: sparse

    classes: Positive = 80  # without the background
    channels: Positive = 256
    head_width: Positive = 1024
    short_side: Positive = 800  # pixels that a picture's shorter side is brought to ...
    long_side: Positive = 1333  # ... unless the longer one would be more than this
    anchor_sizes: Annotated[tuple[Positive, ...], Field(min_length=5, max_length=5)] = (
        32,
        64,
        128,
        256,
        512,
    )  # one for each of P2..P6
    anchor_ratios: Annotated[tuple[Rate, ...], Field(min_length=1)] = (0.5, 1.0, 2.0)
    canonical_size: Rate = 224.0  # side of the box that hard selection sends to level 4
    rpn_candidates: tuple[Positive, Positive] = (2000, 1000)  # per level before NMS: train, test
    proposals: tuple[Positive, Positive] = (2000, 1000)  # per picture after NMS: train, test
    rpn_batch: Positive = 256  # anchors per picture that the proposal loss looks at
    rois: Positive = 512  # per picture that the heads learn from ...
    object_rois: Fraction = 0.25  # ... and how many of them may hold an object
    detections: Positive = 100  # per picture
    box_beta: Rate = 1 / 9  # of the heads' smooth L1: torchvision's; the authors' is 1


FPN = Model()
AUGFPN = replace(FPN, lam=PAPER_LAM, ratios=PAPER_RATIOS, roi_selection="soft")


@dataclass(frozen=True, config=FROZEN)
class Data:
    """Pictures to learn from and pictures to be measured on."""

    name: Literal["scenes", "bccd", "coco"] = "scenes"
    root: str | None = None  # the user's folder; scenes need none
    train: str = "train"
    test: str = "val"
    limit: Positive | None = None  # take the first so many pictures of each split
    scene_size: tuple[Positive, Positive] = (320, 256)  # width, height
    scene_objects: tuple[Positive, Positive] = (3, 8)  # fewest, most
    scene_classes: tuple[str, ...] = ("disk", "square", "triangle", "star", "cross")
    scene_tilt: Annotated[float, Field(ge=0, le=1)] = 1.0  # how far objects are turned
    own_colours: Annotated[float, Field(ge=0, le=1)] = 0.0  # how many wear their class's colour
    train_scenes: Positive = 800
    test_scenes: Positive = 100


@dataclass(frozen=True, config=FROZEN)
class Train:
    """How the detector learns. The defaults are the authors' schedule on COCO."""

    steps: Positive | None = None  # either steps ...
    epochs: Rate | None = 12  # ... or passes over the training pictures
    batch: Positive = 16  # pictures a step
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: Rate = 0.02  # for lr_batch pictures a step; scaled linearly for other batches
    lr_batch: Positive = 16
    weight_decay: Weight = 1e-4
    schedule: Literal["step", "cosine"] = "step"
    drops: tuple[Fraction, ...] = (8 / 12, 11 / 12)  # of the run, each to a tenth ("step")
    warmup_steps: Annotated[int, Field(ge=0)] = 500
    warmup_from: Fraction = 1 / 3
    clip: Rate | None = 35.0  # L2 norm of all gradients
    amp: bool = False  # bfloat16 autocast
    flip: Annotated[float, Field(ge=0, le=1)] = 0.5
    workers: Annotated[int, Field(ge=0)] = 4
    checkpoint_seconds: Rate = 60.0

    @model_validator(mode="after")
    def one_length(self) -> "Train":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs, and set the other to None")
        return self


@dataclass(frozen=True, config=FROZEN)
class Experiment:
    """Everything that decides what a run computes. Equal experiments are the same run."""

    model: Model = AUGFPN
    data: Data = Data()
    train: Train = Train()
    budget: str = "paper"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Literal["cpu", "cuda"] = "cpu"

    @model_validator(mode="after")
    def can_learn(self) -> "Experiment":
        if self.model.weights == "scratch" and self.model.norm == "frozen":
            raise ValueError("from scratch, norm='frozen' cannot learn: use 'batch' or 'group'")
        return self


EXPERIMENT = TypeAdapter(Experiment)


def to_dict(experiment: Experiment) -> dict:
    """The settings as plain JSON values."""
    return EXPERIMENT.dump_python(experiment, mode="json")


def from_dict(settings: dict) -> Experiment:
    """The inverse of `to_dict`. Raises pydantic's ``ValidationError`` for what does not fit."""
    return EXPERIMENT.validate_python(settings)
