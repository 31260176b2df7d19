"""Tables of the settings of `augfpn.config`, and of what a budget makes of them."""

import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import option_cells as cells
from option_cells import Row, table

from augfpn import config
from augfpn.settings import any_setting, parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment

HEADS = ("setting", "values", "default", "meaning")


class Section(NamedTuple):
    """The settings of one table."""

    title: str
    kind: type  # whose fields they are
    detector: str = "faster_rcnn"  # whose defaults are shown


SECTIONS = {
    "model": Section("The detector", config.Model),
    "model.retinanet": Section("RetinaNet", config.RetinaNet, "retinanet"),
    "model.fcos": Section("FCOS", config.FCOS, "fcos"),
    "data": Section("The images", config.Data),
    "train": Section("The training", config.Train),
}


@cache
def setting_schema() -> dict[str, Any]:
    """What pydantic says of each setting, by the class and the name of its field."""
    parts = config.EXPERIMENT.json_schema()["$defs"]
    return {f"{part}.{n}": what for part in parts for n, what in parts[part]["properties"].items()}


@cache
def at_budgets(detector: str) -> dict[str, dict[str, Any]]:
    """The settings of a run at each budget, by dotted name: with its own weights, on a CPU."""
    found = {}
    for name, budget in BUDGETS.items():
        chosen = parameters.parse({"budget": name, "detector": detector})
        made = config.to_dict(experiment(chosen, "cpu", budget.model.weights))
        found[name] = {each: value_at(made, each) for each in any_setting.ALL_NAMES}
    return found


def value_at(made: dict[str, Any], name: str) -> Any:
    """A setting's value, by its dotted name."""
    for part in name.split("."):
        made = made[part]
    return made


def differs(name: str, detector: str) -> bool:
    """Whether a setting has not the same value at all budgets."""
    first, *others = (each[name] for each in at_budgets(detector).values())
    return any(other != first for other in others)


def is_of_budget(name: str) -> bool:
    """Whether a parameter is also a setting, and budgets differ in it."""
    same = (each for each in any_setting.ALL_NAMES if each.rpartition(".")[2] == name)
    return any(differs(each, "faster_rcnn") for each in same)


def by_name(section: str) -> list[str]:
    """The settings of a section that ``--settings`` takes: no parameter decides them."""
    return [
        name
        for name in any_setting.ALL_NAMES
        if name.rpartition(".")[0] == section
        and name not in any_setting.ELSEWHERE
        and name.rpartition(".")[2] not in parameters.NAMES
    ]


def budgets() -> Iterator[str]:
    """A table of each part: the settings that differ between budgets, by what changes them.

    That is an option if there is one; what an option's own default decides is no budget's.
    """
    found, default = at_budgets("faster_rcnn"), parameters.defaults()
    for part in config.DEFAULTS:
        rows = []
        for name in (each for each in any_setting.ALL_NAMES if each.startswith(f"{part}.")):
            own = name.rpartition(".")[2]
            if differs(name, "faster_rcnn") and default.get(own) is None:
                shown = cells.option(own) if own in default else name
                rows.append((f"`{shown}`", *(cells.plain(at[name]) for at in found.values())))
        caption = f"{SECTIONS[part].title} at each budget."
        yield table(caption, f"budgets-{part}", ("option or setting", *found), rows)


def settings() -> Iterator[str]:
    """A table of each part of the settings, under its name."""
    for section, about in SECTIONS.items():
        yield f"### {about.title}"
        rows = [row_of_setting(name, about) for name in by_name(section)]
        name = section.rpartition(".")[2]
        caption = f"Settings whose names begin with `{section}`."
        yield cells.folded(f"{len(rows)} settings", table(caption, f"settings-{name}", HEADS, rows))


def row_of_setting(name: str, about: Section) -> Row:
    """A setting with its default."""
    own = name.rpartition(".")[2]
    home = next(each for each in about.kind.__mro__ if own in each.__annotations__)
    schema = setting_schema()[f"{about.kind.__name__}.{own}"]
    values = cells.values_of(home.__annotations__[own], schema)
    return Row(f"`{name}`", values, default_of(name, about), cells.said(comment(about.kind, own)))


def default_of(name: str, about: Section) -> str:
    """A setting's default; where a table of budgets has no row for it, with those that differ."""
    at = {budget: found[name] for budget, found in at_budgets(about.detector).items()}
    if differs(name, about.detector) and about.detector == "faster_rcnn":
        return cells.OF_BUDGET
    usual = at.pop("laptop")
    others = (f"{budget}: {shown(value)}" for budget, value in at.items() if value != usual)
    return "; ".join([shown(usual), *others])


def shown(value: Any) -> str:
    """A value as ``--settings`` takes it."""
    return f"`{value if isinstance(value, str) else cells.number(value)}`"


def comment(kind: type, field: str) -> str:
    """What the comment behind a field says of it, or the one that the class below has for it."""
    for each in kind.__mro__:
        if field in comments(each):
            return comments(each)[field]
    return ""


@cache
def comments(kind: type) -> dict[str, str]:
    """The comments of a class's fields, each behind its field, by name."""
    if kind is object:
        return {}
    found = {}
    lines = io.StringIO(inspect.getsource(kind)).readline
    field = ""
    for token in tokenize.generate_tokens(lines):
        begins = re.match(r" {4}(\w+): ", token.line)
        field = begins[1] if begins else field
        if token.type == tokenize.COMMENT:
            found[field] = token.string.removeprefix("# ")
    return found
