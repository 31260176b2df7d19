"""The parameters of a run that is recorded, to repeat it or to change some of them.

A record has the settings that were made from parameters. They are turned back here, and it is
checked that the same settings follow from the parameters that were found.
"""

import json
from dataclasses import replace
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from augfpn import config
from augfpn.errors import UserError
from augfpn.settings import dialects, parameters
from augfpn.settings.any_setting import word_of
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import GIVEN, experiment
from augfpn.settings.parts import in_place

IMAGE_SIZES = ("short_side", "long_side")
OF_COMPONENTS = (
    "supervision",
    "context_pooling",
    "context_fusion",
    "roi_selection",
    "mask_supervision",
)


def with_those_of(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a record or of a settings file, with the user's own in place of some.

    Raises ``UserError`` as `words_of` does.
    """
    words = words_of(path)
    if "steps" in given or "epochs" in given:
        words = {name: value for name, value in words.items() if name not in ("steps", "epochs")}
    return in_place(words, given)


def words_of(path: Path) -> dict[str, Any]:
    """The parameters in a record's folder, in its settings.json, or in a JSON file of parameters.

    Raises ``UserError`` for a file that cannot be read, and for settings that no parameters give.
    """
    file = path / "settings.json" if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise UserError(
            f"{file} cannot be read ({reason}): give a record's folder, or a JSON file of "
            'parameters such as {"budget": "laptop", "lam": 0.5}.'
        ) from None
    if not isinstance(found, dict):
        raise UserError(f"{file} holds no JSON object: give parameters and their values.")
    if "experiment" not in found:
        parameters.parse(found)  # raises for what is wrong with them
        return found
    try:
        recorded = config.from_dict(found["experiment"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{file} has settings that this version of augfpn does not know ({where}: "
            f"{first['msg']}): use the version that wrote it."
        ) from None
    return words_of_experiment(recorded, file)


def words_of_experiment(recorded: config.Experiment, file: Path) -> dict[str, Any]:
    """Parameters from which exactly these settings follow; those of no effect are left out.

    Raises ``UserError`` if there are none: settings can be made in Python that no parameter has.
    """
    guesses = []
    for dialect, sizes, rate in product(("auto", *dialects.DIALECTS), (False, True), (False, True)):
        words = guess(recorded, sizes=sizes, rate=rate) | {"dialect": dialect}
        try:
            made = made_from(words, recorded)
        except (UserError, ValidationError):
            continue
        names = differing(config.to_dict(made), config.to_dict(recorded))
        guesses.append((len(names), names, words))
        if not names:
            break
    _, names, words = min(guesses, key=itemgetter(0), default=(0, ["experiment"], {}))
    try:
        given = {"settings": tuple(word_of(name, config.to_dict(recorded)) for name in names)}
        if made_from(words | given, recorded) == recorded:
            default = parameters.defaults()
            return {name: v for name, v in (words | given).items() if v != default[name]}
    except (UserError, KeyError):
        pass
    raise UserError(
        f"{file} has settings that no parameters give ({', '.join(names[:3])}): it was made in "
        "Python; `augfpn.config.from_dict` and `augfpn.training.train` repeat it there."
    )


def made_from(words: dict[str, Any], recorded: config.Experiment) -> config.Experiment:
    """The settings that parameters give on a record's device and pictures."""
    return of_pictures(experiment(parameters.parse(words), recorded.device), recorded)


def guess(recorded: config.Experiment, sizes: bool, rate: bool) -> dict[str, Any]:
    """The parameters that most likely gave these settings; with image sizes, and with the rate."""
    model, data, train = recorded.model, recorded.data, recorded.train
    budget = BUDGETS[recorded.budget]
    words = {
        "budget": recorded.budget,
        "seed": recorded.seed,
        "device": recorded.device,
        "cs": bool(model.lam),
        "rfa": bool(model.ratios),
        **{name: getattr(model, name) for name in (*OF_COMPONENTS, "detector", "neck", "weights")},
        "backbone": model.backbone if model.backbone != budget.model.backbone else None,
        "data": data.name,
        "data_root": data.root,
        "limit": data.limit,
        "test_split": data.test if data.test != config.DATA_SETS[data.name].test else None,
        **{name: getattr(data, name) for name in config.DIALS},
        "batch": train.batch if train.batch != budget.train.batch else None,
        "deterministic": train.deterministic,
        "amp": train.half if train.amp else "off",
        **{name: unlike_budget(train, budget.train, name) for name in GIVEN},
    }
    if model.lam:
        words["lam"] = model.lam
    if model.ratios:
        words["ratios"] = model.ratios
    if sizes:
        words |= {name: getattr(model, name) for name in IMAGE_SIZES}
    if rate:
        words["lr"] = train.lr  # with the batch that it is for
    if (train.steps, train.epochs) != (budget.train.steps, budget.train.epochs):
        words |= {"steps": train.steps, "epochs": train.epochs}
    return words


def unlike_budget(train: config.Train, budget: config.Train, name: str) -> Any:
    """A setting's value, or ``None`` if it is the budget's."""
    value = getattr(train, name)
    return value if value != getattr(budget, name) else parameters.defaults()[name]


def of_pictures(made: config.Experiment, recorded: config.Experiment) -> config.Experiment:
    """The settings with what a run finds out from its pictures and its processes."""
    train, warmup = recorded.train, made.train.warmup_steps
    if train.epochs is not None:
        warmup = min(warmup, train.warmup_steps)
    return replace(
        made,
        model=replace(made.model, classes=recorded.model.classes),
        data=replace(made.data, root=recorded.data.root),
        train=replace(
            made.train, by_shape=train.by_shape, processes=train.processes, warmup_steps=warmup
        ),
    )


def differing(one: dict, other: dict, before: str = "") -> list[str]:
    """The names of settings that differ, as "train.lr"."""
    names = []
    for name, value in one.items():
        if isinstance(value, dict):
            names += differing(value, other[name], f"{before}{name}.")
        elif value != other[name]:
            names.append(before + name)
    return names
