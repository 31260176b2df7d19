"""Where the authors' code, torchvision and we differ: three named sets of the same options.

A dialect sets fields of `augfpn.config.Model`; the code that reads them is the same for all. The
book's page on deviations also lists differences that need no option: conventions of coordinates,
and what makes no difference here.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

from augfpn import config
from augfpn.config import Model, Train

Dialect = Literal["torchvision", "authors", "ours"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
SIZES_OF_BUDGET = ("rpn_candidates", "proposals")  # options that a small budget sets, too


class Option(NamedTuple):
    """One difference: the field that decides it, its value in each dialect, and our reason."""

    field: str  # of `Model`, of its ``retinanet`` or ``fcos``, or of `Train`
    torchvision: Any
    authors: Any
    ours: Any
    why: str  # what it does, and why ours is as it is


OF_EVERY = (  # options of every detector
    Option(
        "initialisation", "torchvision", "authors", "authors",
        "FPN after He or after Glorot; box head with PyTorch's default, or Glorot and small normal "
        "numbers: from scratch, the default learns classes far more slowly",
    ),
    Option(
        "box_beta", 1 / 9, 1.0, 1.0,
        "error from which the RoI heads' smooth L1 is linear: at 1/9, the box loss outweighs the "
        "class loss early in training",
    ),
)  # fmt: skip
OF_PROPOSALS = (  # options of two-stage detectors
    Option(
        "anchor_grid", "corner", "centre", "corner",
        "anchors on corners of cells or on their centres: torchvision's COCO weights were trained "
        "with corners",
    ),
    Option(
        "border_anchors", True, False, True,
        "whether anchors that cross the image's border are trained on: small images have few "
        "others",
    ),
    Option(
        "low_quality", "always", "reassign", "always",
        "what becomes of an object whose best anchor overlaps little "
        "(`augfpn.detectors.anchors.matcher`): every object should have an anchor",
    ),
    Option(
        "low_quality_iou", 0.0, 0.3, 0.0,
        "with \"reassign\", the least IoU at which an object takes its best anchor",
    ),
    Option(
        "rpn_candidates", (2000, 1000), (2000, 2000), (2000, 1000),
        "proposals per level before suppression, in training and in inference",
    ),
    Option(
        "proposals", (2000, 1000), (2000, 2000), (2000, 1000),
        "proposals per image: soft selection pools each four times, so they decide what inference "
        "costs",
    ),
    Option("least_proposal", 1e-3, 0.0, 1e-3, "the least side of a proposal in pixels"),
)  # fmt: skip
OF_RETINANET = (
    Option("p6_from", "p5", "c5", "p5", "what P6 is computed from: P5 takes fewer weights"),
    Option("relu_before_p7", True, False, True, "a ReLU between P6 and P7, or none"),
    Option(
        "context_at_p6", False, True, True,
        "whether the mean of M6 is added to P6: it costs nothing",
    ),
    Option(
        "background_logit", True, False, False,
        "a class 0 that no object ever has: a sigmoid per class needs none",
    ),
    Option(
        "anchor_grid", "corner", "centre", "centre",
        "as for proposals: the receptive field of a place reaches equally far to all sides of its "
        "centre",
    ),
    Option("whole_sizes", True, False, False, "anchor sizes rounded down to whole pixels, or not"),
    Option("low_quality", "always", "reassign", "always", "as for proposals"),
    Option(
        "normaliser", "picture", "batch", "batch",
        "whether a loss is divided by the objects of its image or of the batch: per image, an "
        "image with one object would weigh as much as one with fifty",
    ),
    Option("beta", 0.0, 0.11, 0.11, "beta of smooth L1; 0 is L1, whose gradient never shrinks"),
    Option(
        "candidates_are", "pairs", "places", "pairs",
        "what the thousand best candidates of a level are: pairs of place and class, or places",
    ),
    Option("detections", 300, 100, 100, "detections per image: COCO counts no more than a hundred"),
    Option(
        "supervision_rois", "best", "pairs", "best",
        "RoIs of Consistent Supervision: one box per place, or the same box again for each class "
        "above 0.01; torchvision has no such part",
    ),
)  # fmt: skip
OF_FCOS = (
    Option(
        "context_at_p6", False, True, True,
        "as for RetinaNet; P6 is computed from P5 in all three",
    ),
    Option("background_logit", True, False, False, "as for RetinaNet"),
    Option(
        "anchor_grid", "corner", "centre", "centre",
        "points on corners of cells, or on their centres",
    ),
    Option(
        "distances", "relu", "exp", "exp",
        "distances in strides after a ReLU, whose gradient can die, or in pixels after an "
        "exponential with a learned scale per level",
    ),
    Option(
        "tower_bias", True, False, False,
        "biases before a group normalisation, which removes most of their effect",
    ),
    Option(
        "centerness_on", "box", "class", "box",
        "the tower that centerness is predicted from: it depends on the box",
    ),
    Option(
        "centre_radius", 1.5, None, 1.5,
        "points further from an object's centre, in strides, are background; None: all points in "
        "the box are used",
    ),
    Option(
        "closed_ranges", False, True, True,
        "whether an object whose furthest edge is 64 px away is on both levels, or on none",
    ),
    Option(
        "normaliser", "points", "points_and_pictures", "points",
        "what the focal loss is divided by: points with an object, or those plus the images",
    ),
    Option("box_loss", "giou", "iou", "giou", "generalised IoU, or -log IoU x centerness"),
    Option("candidates_are", "pairs", "places", "pairs", "as for RetinaNet"),
    Option(
        "rank", "root", "product", "root",
        "detections are ranked by the square root of score x centerness, to which the threshold "
        "applies too, or by the product, while the threshold applies to the score alone",
    ),
    Option("score", 0.2, 0.05, 0.05, "this threshold: COCO's AP counts detections of any score"),
    Option("nms", 0.6, 0.5, 0.6, "IoU above which the weaker of two detections is dropped"),
    Option("supervision_rois", "best", "pairs", "best", "as for RetinaNet"),
)  # fmt: skip
# torchvision's reference recipe
REFERENCE = {
    "epochs": 26,
    "drops": (16 / 26, 22 / 26),
    "warmup_steps": 1000,
    "warmup_from": 0.001,
    "clip": None,
}
# Schedules of whole COCO runs, where they differ from the defaults of `augfpn.config.Train`, which
# are the authors' two-stage ones.
TRAINING: dict[str, dict[str, dict[str, Any]]] = {
    "torchvision": dict.fromkeys((*config.TWO_STAGE, *config.ONE_STAGE), REFERENCE),
    "authors": {
        "retinanet": {"lr": 0.01},
        "fcos": {
            "lr": 0.01,
            "bias_lr": 2.0,
            "bias_decay": False,
            "warmup": "constant",
            "clip": None,
        },
    },
    "ours": {"retinanet": {"lr": 0.01}, "fcos": {"lr": 0.01}},
}


def in_dialect(model: Model, name: Dialect, sizes: bool = True) -> Model:
    """The same detector with a dialect's value for every option in which its sources differ.

    Options of other detectors stay as they are, so choose ``detector`` first. Without ``sizes``
    the numbers of proposals stay as they are, too: a small budget has its own.
    """
    chosen = values(OF_EVERY, name)
    if model.detector == "retinanet":
        chosen["retinanet"] = replace(model.retinanet, **values(OF_RETINANET, name))
    elif model.detector == "fcos":
        chosen["fcos"] = replace(model.fcos, **values(OF_FCOS, name))
    else:
        chosen |= values(OF_PROPOSALS, name)
    kept = () if sizes else SIZES_OF_BUDGET
    return replace(model, **{field: v for field, v in chosen.items() if field not in kept})


def values(options: tuple[Option, ...], name: Dialect) -> dict[str, Any]:
    """The options' values in one dialect, by field."""
    return {option.field: getattr(option, name) for option in options}


def options_table(options: tuple[Option, ...]) -> str:
    """The options as a Markdown table, for the book."""
    rows = [
        "| option | " + " | ".join(DIALECTS) + " | what it does, and why ours is so |",
        "|---" * 5 + "|",
    ]
    for option in options:
        shown = (f"`{short(getattr(option, name))}`" for name in DIALECTS)
        rows.append(f"| `{option.field}` | {' | '.join(shown)} | {option.why} |")
    return "\n".join(rows)


def short(value: Any) -> Any:
    """A value as a table shows it."""
    return f"{value:.3g}" if isinstance(value, float) else value


def norm_of_pretrained(detector: str, name: Dialect) -> str:
    """How ImageNet's batch norm is kept: the authors train its affine part, except in FCOS."""
    return "frozen_statistics" if name == "authors" and detector != "fcos" else "frozen"


def schedule(base: Train, detector: str, name: Dialect) -> Train:
    """The schedule of a whole COCO run in a dialect."""
    return replace(base, **TRAINING[name].get(detector, {}))
