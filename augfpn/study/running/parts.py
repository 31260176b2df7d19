"""The parts of the study: the paper's tables, and what else is compared. Nothing here needs torch.

`augfpn.study.running.grid` makes runs of them.
"""

from functools import cache
from typing import NamedTuple

from augfpn.config import DIALS
from augfpn.settings import paper, recipes
from augfpn.settings.components import variant_of
from augfpn.study.running.controls import controls_of
from augfpn.study.running.sets import DIALS_OF_DETECTOR, GATES, LEARNING, SETTINGS_OF_SETS


class Part(NamedTuple):
    """A table or figure: which variants are compared, on which pictures; FPN, if any, is first."""

    title: str
    variants: tuple[str, ...]
    sets: tuple[str, ...]  # at all budgets but transfer and the paper's, which only has COCO
    measured: bool = False  # whether it needs what `augfpn measure` writes into records
    transfer: tuple[str, ...] = ()  # at budget transfer
    tuned: bool = False  # whether it needs the settings that a pilot chose


def of_table(table: str) -> tuple[str, ...]:
    """The variants of one of the paper's Tables 2 to 5, in its order: FPN is first."""
    found = (variant_of(each.model) for each in paper.results() if each.table == table)
    return tuple(dict.fromkeys(found))


def whole_recipes() -> tuple[str, ...]:
    """The authors' own rows of Table 1, each a recipe for COCO."""
    own = (each for each in paper.results() if each.table == "Table 1")
    return tuple(recipes.recipe_name(each.model, each.schedule) for each in own)


def comparisons() -> dict[str, Part]:
    """What the paper does not compare: controls, tuned settings, other pyramids and dialects."""
    return {
        "controls": Part(
            "Controls: time, parameters, length, gates",
            ("fpn", "augfpn", *controls_of("controls")),
            ("scenes",),
        ),
        "tuned": Part(
            "FPN and AugFPN, tuned alike",
            ("fpn", "augfpn", *controls_of("controls", tuned=True)),
            ("scenes",),
            tuned=True,
        ),
        "necks": Part(
            "Newer pyramids, and a softmax of levels",
            ("fpn", "augfpn", "srs", *controls_of("necks")),
            (),
            transfer=("bccd",),
        ),
        "dialects": Part(
            "The authors' and torchvision's options",
            ("fpn", "augfpn", *controls_of("dialects")),
            (),
            transfer=("bccd",),
        ),
    }


@cache
def parts() -> dict[str, Part]:
    """All parts of the study by name, in the order in which they are run."""
    both, two_sizes = ("scenes", "bccd"), ("scenes", "bccd", "large_scenes")
    each_alone = ("fpn", "cs", "rfa", "srs", "augfpn")
    one_stage = ("retinanet:fpn", "retinanet:augfpn", "fcos:fpn", "fcos:augfpn")
    masks, real = ("mask_rcnn:fpn", "mask_rcnn:augfpn"), ("bccd", "aquarium")
    begun = ("fpn", "cs", "augfpn", "augfpn_even", "srs_even")
    return {
        "table2": Part("Table 2: the three components", of_table("Table 2"), both, transfer=real),
        "defects": Part("Does each component mend its own defect?", each_alone, ("scenes", *DIALS)),
        "dials": Part(
            "Pilots of the dials: what FPN loses",
            ("fpn",),
            ("scenes", *DIALS, *DIALS_OF_DETECTOR, *SETTINGS_OF_SETS),
        ),
        "regained": Part("What components regain on dials that passed", each_alone, tuple(GATES)),
        "mechanisms": Part("The three defects, measured", each_alone, both, measured=True),
        "figure4": Part(
            "Figure 4: what RoIs take from each level", ("srs", "augfpn"), both, measured=True
        ),
        "pretrained": Part("From pretrained weights", begun, (), transfer=(*real, *LEARNING)),
        "table3": Part("Table 3: Consistent Supervision", of_table("Table 3"), both, transfer=real),
        "table4": Part("Table 4: Residual Feature Augmentation", of_table("Table 4"), two_sizes),
        "table5": Part(
            "Table 5: Soft RoI Selection", (*of_table("Table 5"), "panet"), both, transfer=real
        ),
        "one_stage": Part("Table 1: one-stage detectors", one_stage, both, transfer=real),
        **comparisons(),
        "masks": Part("Table 1: Mask R-CNN", masks, ("scenes",)),
        "table1": Part("Table 1: all detectors, backbones and schedules", whole_recipes(), ()),
    }
