"""The options of the command line: those that commands share, and one for each parameter of a run.

Nothing here needs torch: whatever is wrong with an argument is said before torch is imported.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, get_args, get_origin

from augfpn.errors import UserError, choice_of
from augfpn.settings import parameters, recipes, repeated
from augfpn.settings.parameters import Parameters
from augfpn.support.files import folder_of

HELP_LAYOUT = partial(argparse.RawDescriptionHelpFormatter, max_help_position=28, width=100)
RECORDS = Path("runs")
MOST_AT_ONCE = 1024  # images of a step, processes: no machine has room for more
MOST_PIXELS = 8192  # of a side, as for short_side
MOST_SEEDS_ASKED = 1000
GROUPS = {  # the parameter that a group of options begins with
    "parts": "the paper's parts",
    "detector": "the detector around them",
    "data": "the pictures",
    "budget": "the run",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence that suggests what was probably meant."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help.")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # argparse calls this for each value of an argument with choices; a command is one, too.
        if action.choices is not None and value not in action.choices:
            what = action.option_strings[0] if action.option_strings else action.metavar
            raise UserError(f"{what} {value!r} is unknown: {choice_of(value, action.choices)}")


class Argument(NamedTuple):
    """An argument of a command: its names, and the settings of argparse's ``add_argument``."""

    names: tuple[str, ...]
    settings: dict[str, Any]


def argument(*names: str, **settings: Any) -> Argument:
    """An argument, written like a call of ``add_argument``."""
    return Argument(names, settings)


def at_least(least: int, most: int = 10**6) -> Callable[[str], int]:
    """The type of an option that is a whole number from ``least`` to ``most``."""

    def whole_number(word: str) -> int:
        if not word.lstrip("-").isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word!r}: give a whole number, {least} or more")
        if int(word) > most:
            raise argparse.ArgumentTypeError(f"{word!r}: give a whole number, {most} or less")
        return int(word)

    return whole_number


def seeds(word: str) -> range:
    """The type of an option that is a number of seeds, or the first and the last: "3-11"."""
    first, dash, last = word.partition("-") if "-" in word.strip("-") else ("0", "", word)
    if first.isdecimal() and last.isdecimal():
        found = range(int(first), int(last) + 1 if dash else int(last))
        if 0 < len(found) <= MOST_SEEDS_ASKED and found[-1] < 2**31:
            return found
    raise argparse.ArgumentTypeError(
        f"{word!r}: give a number of seeds up to {MOST_SEEDS_ASKED}, or FIRST-LAST as 3-11"
    )


def as_path(word: str) -> Path:
    """The type of an option that is a folder or a file; ~ is expanded."""
    try:
        return folder_of(word, "the path")
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None


def share(word: str) -> float:
    """The type of an option that is a number from 0 to 1."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{word!r}: give a number from 0 to 1")
    return value


def size(word: str) -> tuple[int, int]:
    """The type of an option that is a height and a width: "800x1216"."""
    height, _, width = word.lower().partition("x")
    if not (height.strip().isdecimal() and width.strip().isdecimal()):
        raise argparse.ArgumentTypeError(f"{word!r}: give height x width in pixels, as 800x1216")
    if max(int(height), int(width)) > MOST_PIXELS:
        raise argparse.ArgumentTypeError(f"{word!r}: give sides of {MOST_PIXELS} pixels at most")
    return int(height), int(width)


# --- what several commands take -------------------------------------------------------------------

RECORD = argument("record", metavar="RECORD", type=as_path, help="the record's folder")
RECORD_OR_WEIGHTS = argument(
    "record", metavar="RECORD", type=as_path, help="a record, or its weights"
)
DATA_ROOT = argument("--data-root", metavar="FOLDER", help="the record's pictures, if moved")
DEVICE = argument(
    "--device",
    default="auto",
    choices=("auto", "cpu", "cuda"),
    help="where to compute: %(choices)s [auto]",
)
JSON = argument("--json", action="store_true", help="print JSON, for programs; progress to stderr")
RECIPE = argument("--recipe", metavar="NAME", help="a row of the paper: see augfpn recipes")
LIKE = argument(
    "--like", metavar="RECORD", type=Path, help="the parameters of a record, or of a JSON file"
)


# --- an option for each parameter -----------------------------------------------------------------


def add_parameters(sub: Parser, complete: bool = False) -> None:
    """Add an option for each parameter of a notebook; values stay as they are typed.

    With ``complete``, the allowed values are argparse's choices, so that a shell can complete them.
    Otherwise `augfpn.settings.parameters` checks values, with the same errors as in a notebook.
    """
    sub.usage = "%(prog)s [--NAME VALUE ...]"
    names = {"choices": tuple(recipes.recipes())} if complete else {}
    sub.add_argument(*RECIPE.names, **RECIPE.settings, **names)
    sub.add_argument(*LIKE.names, **LIKE.settings)
    group: Any = sub
    for name, default in parameters.defaults().items():
        if name in GROUPS:
            group = sub.add_argument_group(GROUPS[name])
        group.add_argument(dashed(f"--{name}"), **form_of(name, default, complete))


def form_of(name: str, default: Any, complete: bool) -> dict[str, Any]:
    """The settings of argparse's ``add_argument`` for one parameter."""
    words = tuple(allowed_words(Parameters.__annotations__[name]))
    text = parameters.describe(name) + (f"; one of {', '.join(words)}" if words else "")
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
    form: dict[str, Any] = {"metavar": "VALUE"}
    if isinstance(default, bool):
        form, words = {"metavar": "true|false", "nargs": "?", "const": "true"}, ("true", "false")
    elif isinstance(default, tuple):
        form["nargs"] = "+"
    if complete and words:
        form["choices"] = words
    text = f"{text} [{shown}]".replace("%", "%%")
    return form | {"dest": name, "default": argparse.SUPPRESS, "help": text}


def allowed_words(kind: Any) -> Iterator[str]:
    """The words that a type allows; "timm/NAME" stands for those that it cannot list."""
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    elif get_origin(kind) is Annotated:
        yield from allowed_words(get_args(kind)[0])
        yield from (word for word in kind.__metadata__ if isinstance(word, str))
    else:
        yield from (word for part in get_args(kind) for word in allowed_words(part))


def dashed(word: str) -> str:
    """An option with - for each _ in its name, --data_root=my_data as --data-root=my_data."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def parameters_of(given: argparse.Namespace) -> Parameters:
    """The typed parameters, from the options that were given and the recipe or record named.

    Raises ``UserError`` for a value that does not fit, with one sentence.
    """
    typed = {name: value for name, value in vars(given).items() if name in parameters.NAMES}
    words = {n: " ".join(v) if isinstance(v, list) else v for n, v in typed.items()}
    if given.recipe and given.like:
        raise UserError("--recipe and --like both name a whole run: give one of them.")
    if given.like:
        words = repeated.with_those_of(given.like, words)
    return parameters.parse(recipes.with_recipe(given.recipe, words) if given.recipe else words)
