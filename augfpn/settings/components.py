"""Which components of a detector are on: one description, from which every name is made.

    label     "CS (lam 0.5) + RFA"              in tables, figures and sentences
    variant   "cs_lam0.5_rfa"                   in recipes and in the study
    folder    "scenes-laptop-...-cs+rfa-seed0"  of a record; how a component differs is left out

CS, RFA and SRS are Consistent Supervision, Residual Feature Augmentation and Soft RoI Selection. A
neck, pooling, fusion or selection that is added to `augfpn.config` is described by its own name.
"""

import re
from dataclasses import replace
from typing import Any, NamedTuple

from augfpn import config
from augfpn.config import AUGFPN, FPN, Experiment, Model

SWITCHED = {  # a switch: the parameters that do nothing while it is off
    "cs": ("lam", "supervision"),
    "rfa": ("ratios", "context_pooling", "context_fusion"),
}
FPN_SETTINGS = (  # fields of `Model` that are at their defaults in plain FPN
    *(name for names in SWITCHED.values() for name in names),
    *("roi_selection", "mask_supervision", "neck", "gates"),
)
UNSAFE = re.compile(r"[^A-Za-z0-9_.+]")  # in a file's name, on some system or in some shell
IN_LABELS = {  # words of settings that say little to a reader, or mean something else, too
    "gap": "global average",
    "gmp": "global maximum",
    "psp": "pyramid pooling",
    "acf": "channel weights",
    "panet": "PANet",
    "pafpn": "PAFPN",
    "bifpn": "BiFPN",
}
LETTERS_OF_WORD = 40  # so that a name with ".running" is shorter than the 255 that systems allow
ONE_STAGE_AUGFPN = replace(AUGFPN, roi_selection="hard")  # a one-stage detector pools no RoIs


class Component(NamedTuple):
    """A component that is on. Two are equal if they compute the same."""

    title: str  # for a label: the paper's abbreviation
    differs: tuple[str, ...]  # for a label: how it differs from AugFPN's own
    words: tuple[str, ...]  # for a variant's name: what it is and how it differs
    folder: str  # for the name of a record's folder
    settings: tuple[Any, ...]  # the values that count while it is on


def components_of(model: Model) -> tuple[Component, ...]:
    """The components that are on; none for FPN.

    Supervision of masks does not count: the paper does not mention it.
    """
    every = (
        neck_component(model),
        supervision_component(model),
        augmentation_component(model),
        selection_component(model),
    )
    return tuple(each for each in every if each is not None)


def neck_component(model: Model) -> Component | None:
    """A neck other than the paper's FPN."""
    own = model.neck
    title = IN_LABELS.get(own, own)
    return None if own == FPN.neck else Component(title, (), (own,), own, (own,))


def supervision_component(model: Model) -> Component | None:
    """Consistent Supervision."""
    if not model.lam:
        return None
    differs, words = [], ["cs"]
    if model.supervision != AUGFPN.supervision:
        differs.append({"single": "single level"}.get(model.supervision, model.supervision))
        words.append(model.supervision)
    if differs or model.lam != AUGFPN.lam:
        differs.append(f"lam {model.lam:g}")
        words.append(f"lam{model.lam:g}")
    return Component("CS", tuple(differs), tuple(words), "cs", (model.lam, model.supervision))


def augmentation_component(model: Model) -> Component | None:
    """Residual Feature Augmentation. Only ratio-invariant pooling depends on the ratios' values."""
    if not model.ratios:
        return None
    pooling, fusion = model.context_pooling, model.context_fusion
    ratios = model.ratios if pooling == AUGFPN.context_pooling else AUGFPN.ratios
    differs = [] if pooling == AUGFPN.context_pooling else [pooling]
    differs += [] if ratios == AUGFPN.ratios else [f"{ratio:g}" for ratio in ratios]
    differs += [] if fusion == AUGFPN.context_fusion else [fusion]
    return Component("RFA", tuple(differs), ("rfa", *differs), "rfa", (ratios, pooling, fusion))


def selection_component(model: Model) -> Component | None:
    """Soft RoI Selection, or what Table 5 compares it with."""
    own = model.roi_selection
    if own == FPN.roi_selection:
        return None
    if own == AUGFPN.roi_selection:
        return Component("SRS", (), ("srs",), "srs", (own,))
    words = (own,) if own == "panet" else ("srs", own)  # PANet is a method of its own
    return Component("SRS", (own,), words, own, (own,))


# --- whole models ---------------------------------------------------------------------------------


def is_fpn(model: Model) -> bool:
    """Whether it is FPN with every component off."""
    return not components_of(model)


def is_augfpn(model: Model) -> bool:
    """Whether all of AugFPN's components that fit the detector are on, as the paper has them."""
    whole = ONE_STAGE_AUGFPN if model.detector in config.ONE_STAGE else AUGFPN
    return components_of(model) == components_of(whole)


def without_components(model: Model) -> Model:
    """The same detector with plain FPN."""
    return replace(model, **{name: getattr(FPN, name) for name in FPN_SETTINGS})


# --- names ----------------------------------------------------------------------------------------


def label_of(model: Model) -> str:
    """What is on, in the paper's abbreviations, and how it differs from AugFPN's own."""
    if is_augfpn(model):
        return "AugFPN"
    titles = (
        f"{each.title} ({', '.join(IN_LABELS.get(x, x) for x in each.differs)})"
        if each.differs
        else each.title
        for each in components_of(model)
    )
    return " + ".join(titles) or "FPN"


def variant_of(model: Model) -> str:
    """The same as one word: "fpn", "augfpn", "cs_lam0.5_rfa"."""
    if is_augfpn(model):
        return "augfpn"
    return "_".join(word for each in components_of(model) for word in each.words) or "fpn"


def record_name(experiment: Experiment, run_id: str) -> str:
    """The name of a record's folder, for people: what was run, with the run's id at its end.

    It is a name for one folder on every system, whatever the settings are: "timm/NAME" would make a
    folder in a folder.
    """
    model = experiment.model
    on = "+".join(each.folder for each in components_of(model)) or "fpn"
    words = (experiment.data.name, experiment.budget, model.detector, model.backbone, on)
    safe = (UNSAFE.sub("_", word)[:LETTERS_OF_WORD] for word in words)
    return "-".join((*safe, f"seed{experiment.seed}", run_id))
