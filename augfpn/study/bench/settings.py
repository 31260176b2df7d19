"""What a bench measures: its settings, and the detectors that it compares. Needs no torch.

The variants are torchvision's own detector with plain FPN ("torchvision"), ours with plain FPN
("fpn"), with one of AugFPN's components ("cs", "rfa", "srs"), and with all ("augfpn").
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from pydantic import ValidationError

from augfpn import config
from augfpn.config import AUGFPN, ONE_STAGE, Model
from augfpn.errors import UserError, one_of
from augfpn.settings import parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.recipes import model_of_parameters

Use = Literal["training", "testing"]
USES: tuple[Use, ...] = ("testing", "training")
THEIRS = "torchvision"  # the variant that all others are compared with
VARIANT_FIELDS = {  # variant of ours: the fields of `Model` that have AugFPN's values
    "fpn": (),
    "cs": ("lam",),
    "rfa": ("ratios",),
    "srs": ("roi_selection",),
    "augfpn": ("lam", "ratios", "roi_selection"),
}
VARIANTS = (THEIRS, *VARIANT_FIELDS)
PRECISIONS, LAYOUTS = ("fp32", "bf16"), ("contiguous", "channels_last")
BENCH_BUDGETS = ("paper", "laptop")  # the sizes of the detector: COCO's, or those for two CPU cores
SIDE = 32  # a batch's sides are multiples of this many pixels

# Height and width of a batch, and its number of pictures, unless they are given.
DEFAULT_SIZES: dict[str, dict[Use, tuple[int, int]]] = {
    "paper": {"testing": (800, 1216), "training": (320, 416)},
    "laptop": {"testing": (256, 320), "training": (256, 320)},
}
BATCHES: dict[Use, int] = {"testing": 1, "training": 2}


@dataclass(frozen=True)
class BenchSettings:
    """What is measured. ``None`` stands for a default that depends on the use or the detector."""

    detector: config.Detector = "faster_rcnn"
    backbone: str | None = None  # the budget's own: ResNet-50, or our narrow ResNet
    budget: Literal["paper", "laptop"] = "paper"
    variants: tuple[str, ...] | None = None  # all that the detector has
    uses: tuple[Use, ...] = USES
    size: tuple[int, int] | None = None  # height, width of a batch in pixels, already padded
    batch: int | None = None  # pictures
    rois: int | None = None  # proposals of a picture at inference ...
    sampled: int | None = None  # ... and RoIs of a picture in training
    threads: int | None = None  # torch's own number
    device: config.Device = "cpu"
    precision: Literal["fp32", "bf16"] = "fp32"
    layout: Literal["contiguous", "channels_last"] = "contiguous"
    rounds: int = 20  # at most
    seconds: float = 240.0  # no further round begins after these
    fields: tuple[tuple[str, Any], ...] = ()  # of `augfpn.config.Model`, in our variants only
    roi_levels: int | None = None  # soft RoI selection from so many levels, P2 first; None: all

    def size_of(self, use: Use) -> tuple[int, int]:
        """Height and width of a batch, in pixels."""
        return self.size or DEFAULT_SIZES[self.budget][use]

    def batch_of(self, use: Use) -> int:
        """Pictures of a batch."""
        return self.batch or BATCHES[use]

    def for_use(self, use: Use) -> "BenchSettings":
        """The settings of one use, with its own size and batch."""
        return replace(self, uses=(use,), size=self.size_of(use), batch=self.batch_of(use))

    def as_json(self) -> dict[str, Any]:
        """The settings as plain values, with the variants that they stand for."""
        plain = {n: list(x) if isinstance(x, tuple) else x for n, x in asdict(self).items()}
        return plain | {"variants": list(variants_of(self)), "fields": dict(self.fields)}


def variants_of(settings: BenchSettings) -> tuple[str, ...]:
    """The variants that are compared, in the order of `VARIANTS`."""
    own = (v for v in VARIANTS if not (v == "srs" and settings.detector in ONE_STAGE))
    return tuple(v for v in own if settings.variants is None or v in settings.variants)


def base_of(variants: Sequence[str]) -> str:
    """The variant that the others are compared with: torchvision's detector if it is measured."""
    return THEIRS if THEIRS in variants else variants[0]


def checked_settings(settings: BenchSettings) -> BenchSettings:
    """The settings themselves. Raises ``UserError`` for what cannot be measured, in a sentence."""
    for name in settings.variants or ():
        one_of("variant", name, VARIANTS)
        if name == "srs" and settings.detector in ONE_STAGE:
            raise UserError(
                f"variant 'srs' is no {settings.detector}, which pools no RoIs: leave it out, or "
                "use detector faster_rcnn or mask_rcnn."
            )
    for name in settings.uses:
        one_of("use", name, USES)
    for use in settings.uses:
        height, width = settings.size_of(use)
        if min(height, width) <= 0 or height % SIDE or width % SIDE:
            raise UserError(f"a size of {height} x {width}: give multiples of {SIDE} pixels.")
    cores = os.cpu_count() or 1
    if (settings.threads or 1) > cores:
        raise UserError(
            f"threads = {settings.threads}: this machine has {cores} cores; give at most so many."
        )
    if settings.seconds <= 0:
        raise UserError(f"seconds = {settings.seconds:g}: give more than 0.")
    theirs = settings.backbone or ""
    if theirs.startswith("timm/") and THEIRS in variants_of(settings):
        raise UserError(
            f"backbone {theirs!r} does not fit torchvision's detectors here: leave torchvision "
            "out of the variants, or choose a backbone that is not timm's."
        )
    model_of("fpn", settings, settings.uses[0])
    return settings


def model_of(variant: str, settings: BenchSettings, use: Use) -> Model:
    """A variant's settings. Those of torchvision's detector are those of "fpn", without ``fields``.

    Raises ``UserError`` for a backbone, a detector or a field that does not exist.
    """
    height, width = settings.size_of(use)
    plain = plain_model(settings)
    parts = VARIANT_FIELDS["fpn" if variant == THEIRS else variant]
    own = {name: getattr(AUGFPN, name) for name in parts}
    if settings.detector in ONE_STAGE:  # these pool no RoIs
        own.pop("roi_selection", None)
    changes = own | {
        "short_side": min(height, width),
        "long_side": max(height, width),
        "proposals": (plain.proposals[0], settings.rois or plain.proposals[1]),
        "rois": settings.sampled or plain.rois,
    }
    asked = {} if variant == THEIRS else dict(settings.fields)
    for name in asked:
        one_of("field of a model", name, [each.name for each in fields(Model)])
    try:
        return replace(plain, **changes | asked)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{first['loc'][0]} = {first['input']!r}: {first['msg']}.") from None


def plain_model(settings: BenchSettings) -> Model:
    """The budget's detector with plain FPN, in torchvision's dialect."""
    words = {
        "cs": False,
        "rfa": False,
        "roi_selection": "hard",
        "detector": settings.detector,
        "backbone": settings.backbone,
        "budget": settings.budget,
        "dialect": "torchvision",
        "weights": "imagenet" if settings.budget == "paper" else "scratch",
    }
    data = BUDGETS[settings.budget].data
    found = model_of_parameters(parameters.parse(words))
    return replace(found, classes=len(data.scene_classes)) if data.name == "scenes" else found
