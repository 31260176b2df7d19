"""The study's grid: which runs each of the paper's tables needs.

    part (table2) x picture set (scenes, bccd) x variant (fpn, cs, ..., augfpn) x seed -> one run

A run is a dict of parameters, as a notebook or a command line has them, so that each run can be
repeated by hand. `augfpn.study.running.recorded` says which of them are recorded. Nothing here
needs torch.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from augfpn import config, records
from augfpn.config import DATA_SETS
from augfpn.errors import UserError, choice_of
from augfpn.settings import parameters, recipes
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.study.running.controls import changed_by, control_words
from augfpn.study.running.parts import Part, parts
from augfpn.study.running.sets import (
    SEEDS,
    SETS,
    STEPS_OF_SETS,
    dialled_settings,
    settings_that_vary,
)
from augfpn.study.running.tries import expect_chosen, tuned_words

OWN_DIAL = {"cs": "scale", "rfa": "context", "srs": "detail"}  # component: dial of its own defect
PARTS_OF_DIALS = ("dials", "regained")  # those that `augfpn.study.gates` tells
DEVICES: dict[str, config.Device] = {
    name: "cuda" if name in ("gpu", "paper") else "cpu" for name in BUDGETS
}
NOTEBOOKS = {  # notebooks of experiments/ that are not named after their part: the part
    "semantic_gap": "'mechanisms'",
    "top_level": "'mechanisms'",
    "assignment": "'mechanisms'",
    "defect_matrix": "'defects'",
    "runtime": "`augfpn study time`",
}
PARTS_OF_MODEL = (
    *("detector", "cs", "lam", "supervision", "rfa", "ratios", "context_pooling"),
    *("context_fusion", "roi_selection", "mask_supervision"),
)
OF_RECIPE = ("backbone", "epochs")


def part(name: str) -> Part:
    """A part by name. Raises ``UserError`` with the part that was probably meant."""
    if name not in parts():
        meant = choice_of(name, parts())
        if name in NOTEBOOKS:
            meant = f"did you mean {NOTEBOOKS[name]}? There are {', '.join(parts())}."
        raise UserError(f"the study has no part {name!r}: {meant}")
    return parts()[name]


def variants() -> tuple[str, ...]:
    """All variants that some part runs."""
    return tuple(dict.fromkeys(name for part in parts().values() for name in part.variants))


# --- a variant's name -----------------------------------------------------------------------------


def words_of_variant(variant: str) -> dict[str, Any]:
    """The parameters of a variant: "cs_rfa" is a variant of Faster R-CNN, "retinanet:augfpn" of
    another detector. The name of a recipe is a variant, too: the whole recipe, for COCO only.

    A control has the parameters of the variant that it changes.
    Raises ``UserError`` for a variant that does not exist.
    """
    variant = changed_by(variant)
    if variant in recipes.recipes():
        words = recipes.named(variant).words
        return {key: words[key] for key in (*PARTS_OF_MODEL, *OF_RECIPE) if key in words}
    detector, _, name = variant.rpartition(":")
    recipe = f"{detector or 'faster_rcnn'}_r50_{name}_1x"
    if recipe not in recipes.recipes():
        others = [name for name in variants() if name != variant]  # a part may name a wrong one
        raise UserError(f"there is no variant {variant!r}: {choice_of(variant, others)}")
    words = recipes.named(recipe).words
    return {key: words[key] for key in PARTS_OF_MODEL if key in words}


def baseline_of(variant: str) -> str:
    """The variant that another is compared with: FPN with the same detector."""
    if variant in recipes.recipes():
        return recipes.base_recipe(variant)
    detector, colon, _ = variant.rpartition(":")
    return f"{detector}{colon}fpn"


@cache
def model_of_variant(variant: str) -> config.Model:
    """A variant's detector in the paper's own size, to find its row in the paper."""
    return Run(changed_by(variant), "coco", "paper", 0).experiment.model


# --- runs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One run of the study."""

    variant: str
    pictures: str  # one of SETS
    budget: str
    seed: int

    @property
    def words(self) -> dict[str, Any]:
        """All parameters except the folder of the pictures."""
        weights = BUDGETS[self.budget].model.weights
        common = {"budget": self.budget, "seed": self.seed, "weights": weights}
        if (self.pictures, self.budget) in STEPS_OF_SETS:
            common["steps"] = STEPS_OF_SETS[self.pictures, self.budget]
        changed = control_words(self.variant, self.budget)
        own = changed.pop("settings", ())
        words = words_of_variant(self.variant) | SETS[self.pictures] | common | changed
        dialled = dialled_settings(self.pictures, self.budget, words)
        settings = own + dialled + settings_that_vary(words)
        return words | ({"settings": settings} if settings else {})

    @property
    def experiment(self) -> config.Experiment:
        """The settings, for the budget's kind of device, even if this machine has none."""
        words = self.words
        if DATA_SETS[words["data"]].needs_root:
            words["data_root"] = "."
        return experiment(parameters.parse(words), DEVICES[self.budget])

    def __str__(self) -> str:
        return f"{self.variant} on {self.pictures}, seed {self.seed}"


def key_of(experiment: config.Experiment) -> str:
    """The run id, but without what the study does not know of its pictures.

    That is their classes, their folder, and whether they have two shapes.

    Two records of the same run have the same key. At the paper's budget the number of processes
    does not count, because nobody trains on COCO with one.
    """
    model = dataclasses.replace(experiment.model, classes=1)
    pictures = dataclasses.replace(experiment.data, root=None)
    train = dataclasses.replace(experiment.train, by_shape=False)
    if experiment.budget == "paper":
        train = dataclasses.replace(train, processes=1)
    known = dataclasses.replace(experiment, model=model, data=pictures, train=train)
    return records.run_id(known, {})


@cache
def key_of_run(run: Run) -> str:
    """The key of a run of the study; see `key_of`."""
    return key_of(run.experiment)


def runs(
    names: Iterable[str],
    budget: str,
    sets: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
) -> list[Run]:
    """The runs that some parts need, each once, and seed by seed, so that a part grows evenly.

    Without ``seeds`` they are the budget's. If a variant and a recipe are the same run, the name
    that comes first counts. Raises ``UserError`` for an unknown part, budget or picture set.
    """
    known_budget(budget)
    chosen = [part(name) for name in names]
    found = (
        Run(variant, pictures, budget, seed)
        for seed in (range(SEEDS[budget]) if seeds is None else seeds)
        for each in chosen
        for pictures in sets_of(each, budget, sets)
        for variant in each.variants
    )
    by_key: dict[str, Run] = {}
    for run in found:
        by_key.setdefault(key_of_run(run), run)
    return list(by_key.values())


# --- what may be asked for ------------------------------------------------------------------------


def known_budget(name: str) -> str:
    """The name of a budget. Raises ``UserError`` for another word."""
    if name not in SEEDS:
        raise UserError(f"budget = {name!r}: choose one of {', '.join(SEEDS)}.")
    return name


def known_set(name: str) -> str:
    """The name of a picture set. Raises ``UserError`` for another word."""
    if name not in SETS:
        raise UserError(f"there is no picture set {name!r}: choose from {', '.join(SETS)}.")
    return name


def sets_of(part: Part, budget: str, sets: Iterable[str] | None) -> tuple[str, ...]:
    """The picture sets of a part at a budget, limited to ``sets`` if given.

    Raises ``UserError`` for a picture set that does not exist.
    """
    if part.tuned and not tuned_words(budget):
        return ()
    of_budget = {"paper": ("coco",), "transfer": part.transfer}
    own = of_budget.get(budget, tuple(map(known_set, part.sets)))
    wanted = own if sets is None else [known_set(name) for name in sets]
    return tuple(name for name in own if name in wanted)


def check_pictures(names: Sequence[str], budget: str, sets: Sequence[str] | None) -> None:
    """Raise ``UserError`` if no part has one of the picture sets; it lists those there are."""
    known_budget(budget)
    chosen = [part(name) for name in names]
    if any(sets_of(each, budget, sets) for each in chosen):
        return
    if all(each.tuned for each in chosen):
        expect_chosen(budget)
    own = dict.fromkeys(name for each in chosen for name in sets_of(each, budget, None))
    there = ", ".join(own) or "coco at the paper budget"
    who = "the study" if len(names) == len(parts()) else " or ".join(names)
    wanted = " ".join(["pictures", *(sets or ())])
    raise UserError(f"{who} has no {wanted} at the {budget} budget: it has {there}.")
