"""The words of the command line: an option for each parameter, and those of single commands.

What takes torch is imported where it is used.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

from augfpn.errors import UserError

if TYPE_CHECKING:
    from augfpn.settings.parameters import Parameters

ACTIONS = {  # of the study
    "status": "say what is recorded, what is missing and how long that would take",
    "run": "train what is missing; goes on where it was cut off",
    "measure": "measure the three defects on records that have weights",
    "time": "time FPN and AugFPN in turns on this machine",
    "report": "write tables, figures and verdicts from records alone",
}
PARTS = (  # its own, as `augfpn.study.grid` has them, which takes torch
    *("table2", "defects", "mechanisms", "figure4", "table3", "table4", "table5", "one_stage"),
    *("masks", "table1"),
)
PICTURES = ("scenes", "detail", "context", "scale", "bccd", "coco")
RECORDS = Path("runs")
GROUPS = {  # the parameter that a group of options begins with
    "cs": "the paper's parts",
    "detector": "the detector around them",
    "data": "the pictures",
    "budget": "the run",
}


class Parser(argparse.ArgumentParser):
    """argparse's, with errors in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help.")


def parameters_of(sub: Parser) -> None:
    """An option for each parameter, as a notebook has them; values stay as they are typed."""
    from augfpn.settings import parameters

    sub.usage = "%(prog)s [--NAME VALUE ...]"
    sub.add_argument("--recipe", metavar="NAME", help="a row of the paper: see augfpn recipes")
    group: Any = sub
    for name, default in parameters.defaults().items():
        if name in GROUPS:
            group = sub.add_argument_group(GROUPS[name])
        words = literals(parameters.Parameters.__annotations__[name])
        text = parameters.describe(name) + (f"; one of {', '.join(words)}" if words else "")
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        form: dict[str, Any] = {"metavar": "VALUE"}
        if isinstance(default, bool):
            form = {"metavar": "true|false", "nargs": "?", "const": "true"}
        elif isinstance(default, tuple):
            form["nargs"] = "+"
        group.add_argument(
            dashed(f"--{name}"),
            dest=name,
            default=argparse.SUPPRESS,
            help=f"{text} [{shown}]".replace("%", "%%"),
            **form,
        )


def literals(kind: object) -> tuple[str, ...]:
    """The words that a type allows."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(word for part in get_args(kind) for word in literals(part))


def dashed(word: str) -> str:
    """An option with - for each _ in its name, --data_root=my_data as --data-root=my_data."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def chosen(command: argparse.Namespace) -> "Parameters":
    """The typed parameters, from the options that were given and the recipe that was named."""
    from augfpn.settings import parameters, recipes

    given = {name: value for name, value in vars(command).items() if name in parameters.NAMES}
    words = {n: " ".join(v) if isinstance(v, list) else v for n, v in given.items()}
    recipe = getattr(command, "recipe", None)
    return parameters.parse(recipes.with_recipe(recipe, words) if recipe else words)


# --- of single commands ---------------------------------------------------------------------------


def evaluate_options(sub: Parser) -> None:
    """Of a record that is measured again."""
    sub.add_argument("record", metavar="RECORD", type=Path, help="the record's folder")
    sub.add_argument("--data-root", metavar="FOLDER", help="where its pictures are now, if moved")
    sub.add_argument("--rescore", action="store_true", help="only score the stored predictions")
    sub.add_argument("--device", default="auto", help="auto, cpu or cuda [auto]")


def predict_options(sub: Parser) -> None:
    """Of a record that is applied."""
    sub.add_argument("record", metavar="RECORD", type=Path, help="a record, or its weights.pt")
    sub.add_argument("pictures", metavar="PICTURE", type=Path, nargs="+", help="files and folders")
    sub.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="for what is drawn")
    sub.add_argument("--threshold", type=float, default=0.5, help="the least score [0.5]")
    sub.add_argument("--device", default="auto", help="auto, cpu or cuda [auto]")


def export_options(sub: Parser) -> None:
    """Of a record that becomes a file for other programs."""
    sub.add_argument("record", metavar="RECORD", type=Path, help="a record, or its weights.pt")
    sub.add_argument("--out", metavar="FILE", type=Path, required=True, help="the ONNX file")
    sub.add_argument("--data-root", metavar="FOLDER", help="its test pictures' place now, if moved")


def measure_options(sub: Parser) -> None:
    """Of a record whose detector is looked into."""
    sub.add_argument("record", metavar="RECORD", type=Path, help="the record's folder")
    sub.add_argument("--data-root", metavar="FOLDER", help="where its pictures are now, if moved")
    sub.add_argument("--device", default="auto", help="auto, cpu or cuda [auto]")


def study_options(sub: Parser) -> None:
    """Of the study's grid of runs."""
    sub.add_argument("action", metavar="|".join(ACTIONS), choices=tuple(ACTIONS))
    sub.add_argument("parts", metavar="PART", nargs="*", help=f"{', '.join(PARTS)} [all]")
    lines = [f"  {action:<9} {what}" for action, what in ACTIONS.items()]
    sub.epilog = "\n".join(["actions:", *lines])
    sub.add_argument("--budget", default="laptop", help="laptop, gpu or paper [laptop]")
    sub.add_argument("--pictures", metavar="SET", nargs="+", help=f"{', '.join(PICTURES)} [all]")
    sub.add_argument("--seeds", type=int, help="how many [the budget's own; report: all there are]")
    sub.add_argument("--records", metavar="FOLDER", type=Path, default=RECORDS, help=f"[{RECORDS}]")
    sub.add_argument(
        "--data-root", metavar="FOLDER", help="of bccd, or of coco; bccd is downloaded"
    )
    sub.add_argument("--jobs", type=int, default=1, help="run, measure: how many at once [1]")
    sub.add_argument("--rounds", type=int, default=20, help="time: how many rounds [20]")
    sub.add_argument("--batch", type=int, default=4, help="time: pictures of a step [4]")
    sub.add_argument("--out", metavar="FOLDER", type=Path, help="report: for tables and figures")


def recipes_options(sub: Parser) -> None:
    """Of the list of recipes."""
    sub.add_argument("word", metavar="WORD", nargs="?", default="", help="only names with it")


def cost_options(sub: Parser) -> None:
    """Of a detector that is counted."""
    parameters_of(sub)
    sub.add_argument("--size", default="800x1216", help="height x width, padded [800x1216]")
    sub.add_argument("--rois", type=int, help="proposals in testing; as many as it keeps if none")
