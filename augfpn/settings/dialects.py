"""Where the authors' code, torchvision and we differ: three named sets of the same options.

A dialect sets fields of `augfpn.config.Model`; the code that reads them is the same for all. What
no option is needed for, because it cannot be told apart here or is a convention of coordinates, is
in the book's page on deviations.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

from augfpn import config
from augfpn.config import Model, Train

Dialect = Literal["torchvision", "authors", "ours"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
SIZES_OF_BUDGET = ("rpn_candidates", "proposals")  # that are options too


class Option(NamedTuple):
    """One difference: the field that decides it, its value in each dialect, and our reason."""

    field: str  # of `Model`, of its ``retinanet`` or ``fcos``, or of `Train`
    torchvision: Any
    authors: Any
    ours: Any
    why: str  # what it does, and why ours is as it is


OF_EVERY = (  # detector
    Option(
        "initialisation", "torchvision", "authors", "authors",
        "FPN He or Glorot; box head PyTorch's default, or Glorot and small normal numbers: from "
        "scratch, the default learns classes far more slowly",
    ),
    Option(
        "box_beta", 1 / 9, 1.0, 1.0,
        "where the RoI heads' smooth L1 turns into a line: at 1/9 boxes outweigh classes early",
    ),
)  # fmt: skip
OF_PROPOSALS = (  # of two-stage detectors
    Option(
        "anchor_grid", "corner", "centre", "corner",
        "anchors on corners of cells or on their middles: torchvision's COCO weights know corners",
    ),
    Option(
        "border_anchors", True, False, True,
        "learn from anchors over the picture's border or not: small pictures have few others",
    ),
    Option(
        "low_quality", "always", "reassign", "always",
        "what an object does whose best anchor is bad (`augfpn.detectors.anchors.matcher`): every "
        "object should have an anchor",
    ),
    Option("low_quality_iou", 0.0, 0.3, 0.0, "the least IoU for that, with \"reassign\""),
    Option(
        "rpn_candidates", (2000, 1000), (2000, 2000), (2000, 1000),
        "proposals per level before suppression, in training and in inference",
    ),
    Option(
        "proposals", (2000, 1000), (2000, 2000), (2000, 1000),
        "proposals per picture: soft selection pools each four times, so they are what a test "
        "costs",
    ),
    Option("least_proposal", 1e-3, 0.0, 1e-3, "the least side of a proposal in pixels"),
)  # fmt: skip
OF_RETINANET = (
    Option("p6_from", "p5", "c5", "p5", "what P6 is computed from: from P5 it takes fewer weights"),
    Option("relu_before_p7", True, False, True, "a ReLU between P6 and P7, or none"),
    Option(
        "context_at_p6", False, True, True,
        "the mean of M6 added to P6: with P6 from P5, which holds M6, it costs nothing",
    ),
    Option(
        "background_logit", True, False, False,
        "a class 0 that is never right: a sigmoid per class needs none",
    ),
    Option(
        "anchor_grid", "corner", "centre", "centre",
        "as for proposals: a place of the map sees as far to each side of its middle",
    ),
    Option("whole_sizes", True, False, False, "anchor sizes without their fractions, or with"),
    Option("low_quality", "always", "reassign", "always", "as for proposals"),
    Option(
        "normaliser", "picture", "batch", "batch",
        "whose objects a loss is divided by: a picture with one object would weigh as much as one "
        "with fifty",
    ),
    Option("beta", 0.0, 0.11, 0.11, "of smooth L1; 0 is L1, whose gradient never shrinks"),
    Option("candidates_are", "pairs", "places", "pairs", "what the best thousand of a level are"),
    Option("detections", 300, 100, 100, "per picture: COCO counts no more than a hundred"),
    Option(
        "supervision_rois", "best", "pairs", "best",
        "the supervision's RoIs: each class of a place above 0.01 gives the same box once more; "
        "torchvision has no such thing",
    ),
)  # fmt: skip
OF_FCOS = (
    Option("context_at_p6", False, True, True, "as for RetinaNet; P6 is from P5 in all three"),
    Option("background_logit", True, False, False, "as for RetinaNet"),
    Option("anchor_grid", "corner", "centre", "centre", "points on corners of cells, or middles"),
    Option(
        "distances", "relu", "exp", "exp",
        "distances in strides behind a ReLU, whose gradient can die, or in pixels behind an "
        "exponential with a learned scale per level",
    ),
    Option(
        "tower_bias", True, False, False,
        "biases before a group normalisation, which takes most of them away again",
    ),
    Option(
        "centerness_on", "box", "class", "box",
        "the tower that centerness is read from: it depends on the box",
    ),
    Option(
        "centre_radius", 1.5, None, 1.5,
        "points further from an object's middle, in strides, are background, or all points in the "
        "box are used",
    ),
    Option("closed_ranges", False, True, True, "a furthest edge of 64 px: on both levels, or none"),
    Option(
        "normaliser", "points", "points_and_pictures", "points",
        "what the focal loss is divided by: points with an object, or those and the pictures",
    ),
    Option("box_loss", "giou", "iou", "giou", "generalised IoU, or -log IoU x centerness"),
    Option("candidates_are", "pairs", "places", "pairs", "as for RetinaNet"),
    Option(
        "rank", "root", "product", "root",
        "detections are ranked by the root of score x centerness, which is also held against the "
        "threshold, or by the product, where the threshold looks at the score alone",
    ),
    Option("score", 0.2, 0.05, 0.05, "that threshold: COCO's AP counts detections of any score"),
    Option("nms", 0.6, 0.5, 0.6, "IoU from which the weaker of two detections is dropped"),
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

    Those of other detectors stay as they are: choose ``detector`` first. Without ``sizes`` the
    numbers of proposals stay too: those of a small budget.
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
    """A value for a table."""
    return f"{value:.3g}" if isinstance(value, float) else value


def norm_of_pretrained(detector: str, name: Dialect) -> str:
    """How ImageNet's normalisation is kept: the authors let its affine part learn, but for OF_FCOS."""
    return "frozen_statistics" if name == "authors" and detector != "fcos" else "frozen"


def schedule(base: Train, detector: str, name: Dialect) -> Train:
    """A whole COCO run's schedule as a dialect has it."""
    return replace(base, **TRAINING[name].get(detector, {}))
