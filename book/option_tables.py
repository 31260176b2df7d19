"""The tables of the page on commands and options, made from the program itself.

Words, values, defaults and meanings are those of `augfpn.cli`, `augfpn.settings` and the comments
of `augfpn.config`, so the page cannot say anything else than the program does. Nothing here needs
torch.
"""

import argparse
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import option_cells as cells
import setting_tables
from option_cells import Row, table

from augfpn.cli import options
from augfpn.cli.commands import COMMANDS
from augfpn.cli.options import Argument
from augfpn.settings import parameters

HEADS = ("option", "values", "default", "meaning")
OF_COMMANDS = ("argument", "values", "default", "meaning")
HOW_MANY = {None: "one", "?": "one or none", "+": "one or more", "*": "any number"}
LAID_OUT = re.compile(r"\n  |\$")  # a list or a shell's line at the end of a help text
DEFAULT = re.compile(r"\s*\[([^\]]*)\]$")  # at the end of a help text
OF_BUDGET = re.compile(r"^(the )?budget's")
IF_NONE = re.compile(r"; None: ([^;]+)")  # in the description of a parameter


def made() -> dict[str, str]:
    """The parts of the page, by their marks."""
    return {
        "commands": table("The commands.", "commands", ("command", "what it does"), commands()),
        "options of train": "\n\n".join(options_of_train()),
        "budgets": "\n\n".join(setting_tables.budgets()),
        "settings": "\n\n".join(setting_tables.settings()),
        "options of commands": "\n\n".join(options_of_commands()),
    }


# --- commands -------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, str]]:
    """Each command with what it does."""
    for each in COMMANDS:
        place = "options-of-train" if each.name == "train" else f"command-{each.name}"
        yield f"[`{each.name}`](#{place})", cells.said(each.run.__doc__ or "")


def options_of_commands() -> Iterator[str]:
    """A section for each command but `train`: what it does, its arguments, and what help adds."""
    for each in COMMANDS:
        if each.name == "train":
            continue
        yield f"(command-{each.name})=\n### {each.name}"
        yield cells.said(each.run.__doc__ or "")
        if each.parameters:
            yield "It takes [the options of training](#options-of-train), and of its own:"
        rows = [row_of_argument(argument) for argument in each.options]
        caption = f"Arguments of `augfpn {each.name}`."
        yield table(caption, f"command-{each.name}", OF_COMMANDS, rows)
        if each.epilog:
            is_code = LAID_OUT.search(each.epilog)
            yield f"```text\n{each.epilog}\n```" if is_code else each.epilog


def row_of_argument(given: Argument) -> Row:
    """An argument of a command; its help ends in its default if it has one."""
    names, settings = given
    choices = tuple(settings.get("choices") or ())
    text = settings.get("help", "") % {"choices": ", ".join(choices)}
    meaning = DEFAULT.sub("", text)
    if choices:
        meaning = meaning.removesuffix(", ".join(choices)).rstrip(": ")
    shown = names[0] if is_option(given) else settings["metavar"]
    default = default_of(given, DEFAULT.search(text))
    return Row(f"`{shown}`", values_of_argument(given), default, cells.said(meaning))


def is_option(given: Argument) -> bool:
    """Whether an argument has a name to be typed; the others are known by their place."""
    return given.names[0].startswith("--")


def default_of(given: Argument, ending: re.Match | None) -> str:
    """What holds if an argument is left out."""
    settings = given.settings
    if ending is not None:
        same = ending[1] == str(settings.get("default"))
        return f"`{ending[1]}`" if same else cells.said(ending[1])
    if settings.get("action") == "store_true":
        return "off"
    needed = not is_option(given) and settings.get("nargs") not in ("?", "*")
    return "required" if needed or settings.get("required") else cells.NOT_SET


def values_of_argument(given: Argument) -> str:
    """What an argument may be: its words, or what its type asks for, or a word for its kind."""
    settings = given.settings
    if settings.get("action") == "store_true":
        return "no value"
    if settings.get("choices"):
        return cells.code(settings["choices"])
    try:
        settings.get("type", str)("?")
    except argparse.ArgumentTypeError as error:  # '?': give a whole number, 1 or more
        return str(error).partition("give ")[2].removeprefix("a ")
    if not is_option(given):
        return HOW_MANY[settings.get("nargs")]
    many = " ..." if settings.get("nargs") == "+" else ""
    return f"`{settings['metavar']}{many}`"


# --- options of train -----------------------------------------------------------------------------


def options_of_train() -> Iterator[str]:
    """A table for each group of options, under its name."""
    rows = [row_of_argument(each) for each in (options.RECIPE, options.LIKE)]
    yield table("Options that name a whole run.", "train-whole", HEADS, rows)
    for first, names in groups().items():
        title = options.GROUPS[first]
        yield f"### {title[0].upper()}{title[1:]}"
        caption = f"Options of training: {title}."
        yield table(caption, f"train-{first}", HEADS, map(row_of_parameter, names))


def groups() -> dict[str, list[str]]:
    """The parameters of each group, by the first one."""
    found: dict[str, list[str]] = {}
    for name in parameters.NAMES:
        if name in options.GROUPS:
            found[name] = []
        found[[*found][-1]].append(name)
    return found


def row_of_parameter(name: str) -> Row:
    """A parameter of a run."""
    kind, meaning = parameters.Parameters.__annotations__[name], parameters.describe(name)
    values = cells.values_of(kind, parameter_schema()[name])
    default = parameters.defaults()[name]
    if default is None:
        shown = without(name)
    else:
        shown = f"`{as_typed(default)}`" if as_typed(default) else cells.NOT_SET
    return Row(f"`{cells.option(name)}`", values, shown, cells.said(IF_NONE.sub("", meaning)))


def without(name: str) -> str:
    """What holds without a parameter whose default is ``None``, for which a shell has no word."""
    said = IF_NONE.search(parameters.describe(name))
    if said is not None:
        return OF_BUDGET.sub(cells.OF_BUDGET, cells.said(said[1]))
    return cells.OF_BUDGET if setting_tables.is_of_budget(name) else cells.NOT_SET


def as_typed(default: Any) -> str:
    """A default as one would type it in a shell."""
    if isinstance(default, tuple):
        return " ".join(map(as_typed, default))
    return default if isinstance(default, str) else cells.number(default)


@cache
def parameter_schema() -> dict[str, Any]:
    """What pydantic says of each parameter, by name, but that it may be ``None``."""
    found = parameters.PARAMETERS.json_schema()["properties"]
    for what in found.values():
        what["anyOf"] = [e for e in what.get("anyOf", [what]) if e.get("type") != "null"]
    return found
