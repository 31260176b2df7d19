"""Controls: variants that differ from the paper's by something else than its components.

They answer what a comparison of FPN and AugFPN leaves open: whether FPN with as much time, as many
parameters or well chosen settings would do as well, how newer pyramids do, and what the options
are worth in which the authors' code differs from ours. Nothing here needs torch.
"""

from typing import Any, NamedTuple

from augfpn.settings.budgets import BUDGETS
from augfpn.study.running.tries import expect_chosen, tuned_words

WIDTHS = {"smoke": 68, "laptop": 68, "transfer": 69, "gpu": 282, "paper": 282}  # see "fpn_wide"


class Control(NamedTuple):
    """A variant of the grid, changed."""

    variant: str
    title: str
    longer: int = 1  # times the budget's steps or epochs
    wide: bool = False
    tuned: bool = False
    words: tuple[tuple[str, Any], ...] = ()  # other parameters
    part: str = "controls"  # of `augfpn.study.running.grid`


CONTROL_VARIANTS: dict[str, Control] = {
    "fpn_2x_steps": Control("fpn", "FPN, twice the steps", longer=2),
    # The number of channels with which FPN's parameters come closest to AugFPN's.
    "fpn_wide": Control("fpn", "FPN, AugFPN's number of parameters", wide=True),
    "fpn_4x_steps": Control("fpn", "FPN, four times the steps", longer=4),
    "cs_4x_steps": Control("cs", "CS, four times the steps", longer=4),
    "augfpn_4x_steps": Control("augfpn", "AugFPN, four times the steps", longer=4),
    "cs_lam1": Control("cs", "CS (lam 1 on all levels)", words=(("lam", 1.0),)),
    "cs_separate": Control(
        "cs", "CS (a head for each level)", words=(("supervision", "separate"),)
    ),
    "augfpn_even": Control(
        "augfpn", "AugFPN, gates that begin even", words=(("settings", ("model.gates=even",)),)
    ),
    "srs_even": Control(
        "srs", "SRS, gates that begin even", words=(("settings", ("model.gates=even",)),)
    ),
    "srs_softmax": Control(
        "srs", "SRS, softmax", words=(("roi_selection", "softmax"),), part="necks"
    ),
    "srs_softmax_even": Control(
        "srs",
        "SRS, softmax that begins even",
        words=(("roi_selection", "softmax"), ("settings", ("model.gates=even",))),
        part="necks",
    ),
    "pafpn": Control("fpn", "PAFPN", words=(("neck", "pafpn"),), part="necks"),
    "bifpn": Control("fpn", "BiFPN", words=(("neck", "bifpn"),), part="necks"),
    "fpn_authors": Control(
        "fpn", "FPN, dialect authors", words=(("dialect", "authors"),), part="dialects"
    ),
    "augfpn_authors": Control(
        "augfpn", "AugFPN, dialect authors", words=(("dialect", "authors"),), part="dialects"
    ),
    "fpn_torchvision": Control(
        "fpn", "FPN, dialect torchvision", words=(("dialect", "torchvision"),), part="dialects"
    ),
    "augfpn_torchvision": Control(
        "augfpn",
        "AugFPN, dialect torchvision",
        words=(("dialect", "torchvision"),),
        part="dialects",
    ),
    "fpn_tuned": Control("fpn", "FPN, tuned", tuned=True),
    "augfpn_tuned": Control("augfpn", "AugFPN, tuned", tuned=True),
}


def controls_of(part: str, tuned: bool = False) -> tuple[str, ...]:
    """The controls that a part of the study runs."""
    every = CONTROL_VARIANTS.items()
    return tuple(name for name, each in every if each.part == part and each.tuned == tuned)


def changed_by(variant: str) -> str:
    """The variant that a control changes; any other variant is itself."""
    return CONTROL_VARIANTS[variant].variant if variant in CONTROL_VARIANTS else variant


def control_words(variant: str, budget: str) -> dict[str, Any]:
    """The parameters that a control has besides those of its variant; none for another variant.

    Raises ``UserError`` for a tuned variant of a budget whose settings are not chosen.
    """
    if variant not in CONTROL_VARIANTS:
        return {}
    of, schedule = CONTROL_VARIANTS[variant], BUDGETS[budget].train
    words = dict(of.words)
    if of.longer > 1:
        name = "epochs" if schedule.steps is None else "steps"
        words[name] = of.longer * getattr(schedule, name)
    if of.wide:
        words["settings"] = (f"model.channels={WIDTHS[budget]}",)
    if of.tuned:
        words |= expect_chosen(budget)[of.variant]
    return words


def is_settled(variant: str, budget: str) -> bool:
    """Whether a variant has settings at a budget: those of a tuned one may not be chosen yet."""
    return (
        variant not in CONTROL_VARIANTS
        or not CONTROL_VARIANTS[variant].tuned
        or bool(tuned_words(budget))
    )
