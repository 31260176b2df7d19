"""Typed, frozen, validated settings of one experiment. Only `augfpn.detectors.build` reads `Model`.

    FPN = Model()
    AUGFPN = replace(FPN, lam=0.25, ratios=(0.1, 0.2, 0.3), roi_selection="soft")

``lam=0`` builds no auxiliary head, and empty ``ratios`` build no augmentation.
"""

from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

FROZEN = ConfigDict(extra="forbid", validate_default=True)
PAPER_RATIOS = (0.1, 0.2, 0.3)
PAPER_LAM = 0.25

Positive = Annotated[int, Field(gt=0)]
FiveSizes = Annotated[tuple[Positive, ...], Field(min_length=5, max_length=5)]
Fraction = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MOST_SCENES = 1_000_000  # a record that asks for more is not believed
Extent = Annotated[int, Field(gt=0, le=10_000)]  # of layers and images: no room for more
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class DataSet(NamedTuple):
    """A source of pictures. `augfpn.data.load` says how each is loaded."""

    splits: tuple[str, ...]
    test: str = "val"  # the split to evaluate on, unless the user names another
    needs_root: bool = False  # whether the user has to name its folder
    tune: str | None = None  # the split to choose settings on ...
    fit: str = "train"  # ... and the split to train on then: they have no picture in common


DATA_SETS = {
    "scenes": DataSet(("train", "val", "tune"), tune="tune"),
    "bccd": DataSet(("train", "val", "test"), test="test", tune="val"),
    "aquarium": DataSet(("train", "val", "fit", "tune"), tune="tune", fit="fit"),
    "coco": DataSet(("train", "val", "test"), needs_root=True),
    "folder": DataSet(("train", "val", "test"), needs_root=True),  # in any layout that is known
}
DIALS = ("detail", "context", "scale")  # of scenes, from 0 to 1: see `augfpn.data.scenes`
NEW_DIALS = ("arrangement",)  # no parameters yet: their pilots decide whether the study uses them

TWO_STAGE, ONE_STAGE = ("faster_rcnn", "mask_rcnn"), ("retinanet", "fcos")
Device = Literal["cpu", "cuda"]
TIMM_NAME = r"^timm/[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?$"  # a network of timm, and which of its weights
DataName = Literal[tuple(DATA_SETS)]
Detector = Literal["faster_rcnn", "mask_rcnn", "retinanet", "fcos"]
BackboneName = (
    Literal[
        "resnet50",
        "resnet18",
        "resnet101",
        "resnext101_32x4d",
        "resnext101_64x4d",
        "mobilenet_v2",
        "mobilenet_v2_320",
        "narrow_resnet",
        "efficientnet_lite0",
    ]
    | Annotated[str, Field(pattern=TIMM_NAME), "timm/NAME"]  # the name in help texts
)
Norm = Literal["frozen", "frozen_statistics", "batch", "group"]
Supervision = Literal["all", "single", "separate"]
InitialWeights = Literal["scratch", "imagenet", "coco"]  # of the backbone, or all that fit
ContextPooling = Literal["ratio_invariant", "gap", "gmp", "psp"]
ContextFusion = Literal["asf", "sum"]
RoISelection = Literal["hard", "soft", "softmax", "acf", "sum", "max", "panet"]
Neck = Literal["fpn", "pafpn", "bifpn"]
AnchorGrid = Literal["corner", "centre"]
Operators = Literal["fast", "torchvision"]
Half = Literal["bf16", "fp16"]
Augment = Literal["flip", "scale_jitter", "crop", "colour", "strong"]
LowQuality = Literal["always", "reassign"]


@dataclass(frozen=True, config=FROZEN)
class Dense:
    """Settings that RetinaNet and FCOS share; the authors' values: `augfpn.settings.dialects`."""

    p6_from: Literal["c5", "p5"] = "p5"  # the map that P6 is computed from
    relu_before_p7: bool = True  # whether P6 passes a ReLU before P7 is computed from it
    context_at_p6: bool = False  # add the mean of M6 to P6, where there is an M6
    background_logit: bool = True  # a class 0 that no object ever has, as in torchvision
    anchor_grid: AnchorGrid = "corner"  # of cells: where anchors, or points, are
    candidates: Positive = 1000  # per level before NMS ...
    candidates_are: Literal["pairs", "places"] = "pairs"  # ... (place, class) pairs, or places
    score: Fraction = 0.05  # the least score of a detection
    nms: Fraction = 0.5  # IoU above which the weaker of two detections is dropped
    detections: Positive = 300  # per picture
    supervision_rois: Literal["pairs", "best"] = "best"  # per place: classes over 0.01, or the best


@dataclass(frozen=True, config=FROZEN)
class RetinaNet(Dense):
    """RetinaNet's own choices. The defaults are torchvision's."""

    octave_steps: Extent = 3  # anchor sizes per level: its own, times 2^(i / octave_steps)
    whole_sizes: bool = True  # truncate these sizes to whole pixels
    low_quality: LowQuality = "always"  # see `augfpn.detectors.anchors.matcher`
    low_quality_iou: Annotated[float, Field(ge=0, le=1)] = 0.0  # least IoU for "reassign"
    normaliser: Literal["picture", "batch"] = "picture"  # whose positive anchors divide a loss
    beta: NotNegative = 0.0  # of smooth L1; 0 is L1


@dataclass(frozen=True, config=FROZEN)
class FCOS(Dense):
    """FCOS's own choices. The defaults are torchvision's."""

    score: Fraction = 0.2
    nms: Fraction = 0.6
    detections: Positive = 100
    distances: Literal["relu", "exp"] = "relu"  # in strides, or in pixels with a scale per level
    tower_bias: bool = True  # of the convolutions before a group normalisation
    centerness_on: Literal["box", "class"] = "box"  # the tower that predicts it
    centre_radius: Rate | None = 1.5  # in strides; a box matches no point farther from its centre
    closed_ranges: bool = False  # the limit between two levels' ranges is in both, or in neither
    normaliser: Literal["points", "points_and_pictures"] = "points"  # of the focal loss
    box_loss: Literal["giou", "iou"] = "giou"  # "iou": -log IoU, weighted by centerness
    rank: Literal["root", "product"] = "root"  # score x centerness: its root, or the product itself


@dataclass(frozen=True, config=FROZEN)
class Model:
    """A detector. The defaults are torchvision's, except for the initialisation.

    Four groups: the paper's parts; the detector around them; sizes; and options in which
    torchvision and the authors' code differ: `augfpn.settings.dialects` sets those by name.
    """

    lam: NotNegative = 0.0  # lambda of Eq. (1); 0 builds no auxiliary head
    supervision: Supervision = "all"  # on all M levels, on one (Table 3), or by a head for each
    ratios: tuple[Fraction, ...] = ()  # alpha of 3.2; empty builds no augmentation
    context_pooling: ContextPooling = "ratio_invariant"  # the others ignore the ratios' values
    context_fusion: ContextFusion = "asf"
    roi_selection: RoISelection = "hard"  # "soft" is ASF over all levels; the rest is Table 5

    detector: Detector = "faster_rcnn"
    neck: Neck = "fpn"  # makes M and P from C; the book shows how to add one
    backbone: BackboneName = "resnet50"
    style: Literal["pytorch", "caffe"] = "pytorch"  # caffe: stride in the 1x1, BGR of 0..255
    weights: InitialWeights = "scratch"
    norm: Norm = "frozen"  # normalisation of the backbone: `augfpn.detectors.pretrained.backbone`
    frozen: Annotated[int, Field(ge=1, le=5)] = 2  # pretrained parts up to C_frozen do not learn
    mask_supervision: bool = False  # the authors' Consistent Supervision of masks (Mask R-CNN)
    operators: Operators = "fast"  # fast ones equal torchvision's up to rounding
    roi_align: Literal["auto", "torchvision", "sparse"] = "auto"  # auto: sparse if fast, on CPUs

    classes: Positive = 80  # without the background
    channels: Extent = 256  # of each map of the pyramid
    head_width: Extent = 1024  # outputs of each fully connected layer of the box head
    short_side: Extent = 800  # pixels: a picture is resized to this shorter side ...
    long_side: Extent = 1333  # ... unless its longer side would then exceed this one
    anchor_sizes: FiveSizes = (32, 64, 128, 256, 512)  # pixels, one for each of P2..P6
    anchor_ratios: Annotated[tuple[Rate, ...], Field(min_length=1)] = (0.5, 1.0, 2.0)  # h / w
    canonical_size: Rate = 224.0  # side of the box that hard selection sends to level 4
    rpn_candidates: tuple[Positive, Positive] = (2000, 1000)  # per level before NMS: train, test
    proposals: tuple[Positive, Positive] = (2000, 1000)  # per picture after NMS: train, test
    rpn_batch: Positive = 256  # anchors per picture that the RPN's loss samples
    rois: Positive = 512  # sampled per picture for the heads' losses ...
    object_rois: Fraction = 0.25  # ... and the largest share of positives among them
    detections: Positive = 100  # per picture

    box_beta: Rate = 1 / 9  # of the RoI heads' smooth L1
    initialisation: Literal["torchvision", "authors"] = "authors"  # of pyramid and box head
    gates: Literal["random", "even"] = "random"  # of ASF before training: even ones are all 0.5
    anchor_grid: AnchorGrid = "corner"  # of the proposal network, like the next four settings
    border_anchors: bool = True  # train on anchors that cross the picture's border, too
    low_quality: LowQuality = "always"  # see `augfpn.detectors.anchors.matcher`
    low_quality_iou: Annotated[float, Field(ge=0, le=1)] = 0.0  # least IoU for "reassign"
    least_proposal: NotNegative = 1e-3  # pixels: least width and height of a proposal
    retinanet: RetinaNet = RetinaNet()
    fcos: FCOS = FCOS()

    @model_validator(mode="after")
    def has_what_its_parts_need(self) -> "Model":
        if self.detector in ONE_STAGE and self.roi_selection != "hard":
            raise ValueError(
                f"{self.detector} pools no RoIs to detect: use roi_selection='hard' with it, "
                f"not {self.roi_selection!r}"
            )
        if self.mask_supervision and (self.detector != "mask_rcnn" or not self.lam):
            raise ValueError(
                "mask_supervision needs detector='mask_rcnn' and lam above 0, "
                f"not {self.detector} and {self.lam:g}"
            )
        return self


FPN = Model()
AUGFPN = replace(FPN, lam=PAPER_LAM, ratios=PAPER_RATIOS, roi_selection="soft")


@dataclass(frozen=True, config=FROZEN)
class Data:
    """The pictures for training and for evaluation."""

    name: DataName = "scenes"
    root: str | None = None  # the user's folder; scenes need none
    train: str = "train"  # the split to train on
    test: str = "val"
    limit: Positive | None = None  # use at most this many pictures of each split, the first ones
    scene_size: tuple[Extent, Extent] = (320, 256)  # width, height
    scene_objects: tuple[Extent, Extent] = (3, 8)  # fewest, most
    scene_classes: tuple[str, ...] = ("disk", "square", "triangle", "star", "cross")  # silhouettes
    scene_tilt: Annotated[float, Field(ge=0, le=1)] = 1.0  # how far objects are turned
    own_colours: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of objects in the class's colour
    detail: Annotated[float, Field(ge=0, le=1)] = 0.0  # one of `DIALS`, like the next two
    context: Annotated[float, Field(ge=0, le=1)] = 0.0
    scale: Annotated[float, Field(ge=0, le=1)] = 0.0
    arrangement: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of objects that spots tell apart
    told_by_colour: bool = False  # a control: colour tells the classes that dials add, too
    scene_seed: Annotated[int, Field(ge=0)] = 0  # of training scenes; test scenes are always 0's
    train_scenes: Annotated[int, Field(gt=0, le=MOST_SCENES)] = 800  # how many are drawn
    test_scenes: Annotated[int, Field(gt=0, le=MOST_SCENES)] = 100  # how many are drawn


@dataclass(frozen=True, config=FROZEN)
class Train:
    """How the detector learns. The defaults are the authors' schedule on COCO."""

    steps: Positive | None = None  # either steps ...
    epochs: Rate | None = 12  # ... or passes over the training pictures
    batch: Positive = 16  # pictures a step
    optimizer: Literal["sgd", "adamw"] = "sgd"  # sgd has a momentum of 0.9
    lr: Rate = 0.02  # for lr_batch pictures a step; scaled linearly for other batches
    lr_batch: Positive = 16  # pictures a step that lr is for
    weight_decay: NotNegative = 1e-4  # of the optimizer
    bias_lr: Rate = 1.0  # the learning rate of biases is this multiple of the rate ...
    bias_decay: bool = True  # ... and weight decay applies to them, or does not
    schedule: Literal["step", "cosine"] = "step"  # the rate falls at drops, or along half a cosine
    drops: tuple[Fraction, ...] = (8 / 12, 11 / 12)  # where in the run the rate falls to a tenth
    warmup: Literal["linear", "constant"] = "linear"  # the rate rises to its full value, or jumps
    warmup_steps: Annotated[int, Field(ge=0)] = 500  # before the rate has its full value
    warmup_from: Fraction = 1 / 3  # share of the full rate that the first step has
    clip: Rate | None = 35.0  # the largest L2 norm of all gradients
    accumulate: Positive = 1  # parts in which a step's batch is computed, one after the other
    amp: bool = False  # mixed precision: matrix products and convolutions in ``half``
    half: Half = "bf16"
    deterministic: bool = False  # the same bits each time on a GPU too: `training.repeatable`
    fpn_start: bool = False  # what FPN has too starts from the numbers that FPN starts from
    flip: Annotated[float, Field(ge=0, le=1)] = 0.5  # probability that a picture is mirrored
    by_shape: bool = False  # no batch has wide and high pictures; the trainer sets it for such data
    workers: Annotated[int, Field(ge=0)] = 4
    checkpoint_seconds: Rate = 60.0
    augment: Augment = "flip"  # how pictures are changed in training: `augfpn.data.augment`
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0  # decay of the weights' average; 0: no average
    evaluate_every: Positive | None = None  # steps from one evaluation while training to the next
    patience: Positive | None = None  # end after so many evaluations without a better AP
    tensorboard: bool = False  # write the curves as TensorBoard's event files, too
    processes: Positive = 1  # that trained together; the trainer sets it

    @model_validator(mode="after")
    def fits_together(self) -> "Train":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs, and set the other to None")
        if self.accumulate > self.batch:
            raise ValueError(f"{self.accumulate} parts of a batch of {self.batch}: give fewer")
        if self.patience is not None and self.evaluate_every is None:
            raise ValueError("patience counts evaluations: give evaluate_every too")
        return self


@dataclass(frozen=True, config=FROZEN)
class Experiment:
    """Everything that decides what a run computes. Equal experiments are the same run."""

    model: Model = AUGFPN
    data: Data = Data()
    train: Train = Train()
    budget: str = "paper"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Device = "cpu"

    @model_validator(mode="after")
    def can_learn(self) -> "Experiment":
        if self.model.weights == "scratch" and self.model.norm == "frozen":
            raise ValueError("from scratch, norm='frozen' cannot learn: use 'batch' or 'group'")
        return self


EXPERIMENT = TypeAdapter(Experiment)
DEFAULTS = {  # of the parts, as JSON
    name: TypeAdapter(kind).dump_python(kind(), mode="json")
    for name, kind in (("model", Model), ("data", Data), ("train", Train))
}


def to_dict(experiment: Experiment) -> dict:
    """The settings as plain JSON values."""
    return EXPERIMENT.dump_python(experiment, mode="json")


def from_dict(settings: dict) -> Experiment:
    """The inverse of `to_dict`. Raises pydantic's ``ValidationError`` for what does not fit."""
    return EXPERIMENT.validate_python(settings)
