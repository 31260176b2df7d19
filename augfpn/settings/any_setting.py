"""Any setting of `augfpn.config` by its name: "model.channels=32", "data.test_scenes=1000".

What a parameter of its own decides is refused here, so that each setting has one place where a user
gives it. A value is JSON, or a word: model.anchor_sizes=[8,16,32,64,128], model.norm=group.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from pydantic import ValidationError

from augfpn import config
from augfpn.errors import UserError, did_you_mean
from augfpn.settings.typed import expected_in, shown

ELSEWHERE = {  # a setting: who decides it
    "model.classes": "the images decide it",
    "train.by_shape": "the images decide it",
    "train.processes": "torchrun decides it",
    "train.half": "use the parameter amp",
    "data.name": "use the parameter data",
    "data.root": "use the parameter data_root",
    "data.test": "use the parameter test_split",
}


def names_in(settings: dict[str, Any], before: str = "") -> list[str]:
    """The dotted names of all values in a dict of dicts."""
    found = []
    for name, value in settings.items():
        inside = isinstance(value, dict)
        found += names_in(value, f"{before}{name}.") if inside else [before + name]
    return found


ALL_NAMES = tuple(names_in(config.DEFAULTS))


def check_settings(words: Iterable[str], parameters: Collection[str]) -> None:
    """Raise ``UserError`` for a word that is not NAME=VALUE, or whose NAME cannot be given here.

    ``parameters`` are the names of the parameters.
    """
    for word in words:
        name, equals, value = word.partition("=")
        own = name.rpartition(".")[2]
        if not (equals and value):
            wrong = "give NAME=VALUE, as model.channels=32"
        elif name not in ALL_NAMES:
            hint = did_you_mean(name, ALL_NAMES) or "augfpn/config.py lists them"
            wrong = f"there is no such setting: {hint}"
        elif name in ELSEWHERE:
            wrong = ELSEWHERE[name]
        elif own in parameters:
            wrong = f"use the parameter {own}"
        else:
            continue
        raise UserError(f"settings = {shown(word)}: {wrong}{'' if wrong.endswith('?') else '.'}")


def with_settings(made: config.Experiment, words: Iterable[str]) -> config.Experiment:
    """The experiment with some settings changed, the last of equal names counts.

    Raises ``UserError`` for a value that does not fit, and for settings that do not go together.
    """
    changed = config.to_dict(made)
    for word in words:
        name, _, value = word.partition("=")
        *parts, last = name.split(".")
        place = changed
        for part in parts:
            place = place[part]
        place[last] = value_of(value)
    try:
        return config.from_dict(changed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        given = f" = {shown(first['input'])}" if where in ALL_NAMES else ""
        wanted = expected_in(first["msg"])
        raise UserError(f"settings: {where}{given}: expected {wanted}.") from None


def value_of(text: str) -> Any:
    """A value from its text: JSON, or the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def word_of(name: str, settings: dict[str, Any]) -> str:
    """The word NAME=VALUE that gives a setting the value that it has in a dict of settings."""
    value: Any = settings
    for part in name.split("."):
        value = value[part]
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return f"{name}={text}"
