"""The command line: augfpn train | evaluate | predict | export | recipes | cost | doctor.

What takes torch is imported where it is used: `augfpn --version` answers at once, and `augfpn
doctor` also where torch and torchvision do not fit.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

from augfpn import __version__, doctor
from augfpn.errors import UserError

if TYPE_CHECKING:
    from augfpn.parameters import Parameters

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
GROUPS = {  # the parameter that a group of options begins with
    "cs": "the paper's parts",
    "detector": "the detector around them",
    "data": "the pictures",
    "budget": "the run",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, 1 for problems found, 2 for wrong use."""
    words = list(sys.argv[1:] if words is None else words)
    try:
        return run(words)
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from the last checkpoint, at most a minute old"
        say(f"stopped{goes_on if words[:1] == ['train'] else ''}.")
        return INTERRUPTED
    except (UserError, OSError, FloatingPointError) as error:
        say(f"error: {' '.join(str(error).split())}")
        return WRONG_USE
    except (ImportError, RuntimeError):  # what torch and torchvision raise that do not fit
        found = doctor.installation()
        if not broken(found):
            raise
        return report(found)


def run(words: list[str]) -> int:
    """Parse the words and run their command."""
    command, unknown = parser(words).parse_known_args([dashed(word) for word in words])
    if unknown:
        refuse(unknown[0], command)
    return command.run(command)


def say(sentence: str) -> None:
    """One line to stderr."""
    print(f"augfpn: {sentence}", file=sys.stderr)


# --- words to options -----------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """argparse's, with errors in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help.")


def parser(words: list[str]) -> Parser:
    """All commands; the parameters, which take torch, only for the command that is asked for."""
    whole = Parser("augfpn", description="Train, measure and apply detectors with AugFPN.")
    whole.add_argument("--version", action="version", version=f"augfpn {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for name, (command, options) in COMMANDS.items():
        what = command.__doc__
        sub = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        sub.formatter_class = partial(argparse.HelpFormatter, max_help_position=28, width=100)
        sub.set_defaults(run=command)
        if words[:1] == [name]:
            options(sub)
    return whole


def parameters_of(sub: Parser) -> None:
    """An option for each parameter, as a notebook has them; values stay as they are typed."""
    from augfpn import parameters

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
    from augfpn import parameters, recipes

    given = {name: value for name, value in vars(command).items() if name in parameters.NAMES}
    words = {n: " ".join(v) if isinstance(v, list) else v for n, v in given.items()}
    recipe = getattr(command, "recipe", None)
    return parameters.parse(recipes.with_recipe(recipe, words) if recipe else words)


def refuse(word: str, command: argparse.Namespace) -> NoReturn:
    """Raise for a word that is no option; a misspelt parameter gets the one that was meant."""
    if word.startswith("--") and command.run in (run_train, run_doctor, run_cost):
        from augfpn import parameters

        parameters.check_name(word[2:].partition("=")[0].replace("-", "_"))
    raise UserError(f"{word!r} is not understood here; see augfpn --help.")


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


def recipes_options(sub: Parser) -> None:
    """Of the list of recipes."""
    sub.add_argument("word", metavar="WORD", nargs="?", default="", help="only names with it")


def cost_options(sub: Parser) -> None:
    """Of a detector that is counted."""
    parameters_of(sub)
    sub.add_argument("--size", default="800x1216", help="height x width, padded [800x1216]")
    sub.add_argument("--rois", type=int, help="proposals in testing; as many as it keeps if none")


# --- the commands ---------------------------------------------------------------------------------


def run_train(command: argparse.Namespace) -> int:
    """Train a detector, measure it and record it; a run that was stopped goes on."""
    from augfpn import compare, parameters, train

    settings = chosen(command)
    experiment, folder = parameters.experiment(settings), Path(settings.records)
    model = experiment.model
    print(f"{compare.label_of(model)}: {model.detector}, {model.backbone} ({model.weights})")
    print(f"on {experiment.data.name}, {experiment.budget} budget, {experiment.device}")
    record = train.train(experiment, folder, settings.again)
    twin = compare.find_twin(record, settings)
    print(f"\n{compare.as_text(compare.rows(record, twin))}\n")
    print(classes({"run": record.result} | ({"FPN": twin.result} if twin else {})))
    print(f"\n{compare.cost(record)}\nrecord: {record.folder}")
    return 0


def run_evaluate(command: argparse.Namespace) -> int:
    """Measure a record's detector again, and show it beside what was recorded."""
    from augfpn import compare, parameters, predict

    settings = chosen(command)
    device = None if command.rescore else parameters.the_device(settings.device)
    record, again = predict.measure(command.record, settings.data_root, device)
    columns = {"record": record.result, "again": again}
    rows = [(name, compare.in_percent(result)) for name, result in columns.items()]
    rows.append(("difference", compare.difference(rows[1][1], rows[0][1])))
    print(f"\n{compare.as_text(rows)}\n\n{classes(columns)}")
    return 0


def classes(results: dict[str, dict]) -> str:
    """AP by class, in percent: a column for each result, a row for each class that is there."""
    from augfpn import compare

    rows: dict[str, dict[str, float | None]] = {}
    for title, result in results.items():
        for name, ap in result["by_class"].items():
            if ap is not None:
                rows.setdefault(name, dict.fromkeys(results))[title] = 100 * ap
    return compare.as_text(list(rows.items()), list(results)) if rows else ""


def run_predict(command: argparse.Namespace) -> int:
    """Draw what a recorded detector finds in pictures, and write it as COCO JSON."""
    from augfpn import parameters, predict

    if not 0 <= command.threshold <= 1:
        raise UserError(f"--threshold {command.threshold}: give a score from 0 to 1.")
    pictures = predict.places(command.pictures, command.out)
    device = parameters.the_device(chosen(command).device)
    detector, record = predict.load(command.record, device)
    unread = predict.predict(detector, record.classes, pictures, command.out, command.threshold)
    for sentence in unread:
        say(sentence)
    print(f"{len(pictures) - len(unread)} pictures, and {predict.RESULTS}, in {command.out}")
    return FAILED if unread else 0


def run_export(command: argparse.Namespace) -> int:
    """Write a recorded detector as one ONNX file for pictures of any size, and check it."""
    from augfpn import export, export_check, predict

    detector, record = predict.load(command.record, "cpu")
    export.export(detector, command.out, record.classes)
    pictures = export_check.pictures_of(predict.test_pictures(record, None))
    report = export_check.check(detector, command.out, pictures)
    print(f"{command.out}: {command.out.stat().st_size / 1e6:.1f} MB\n{report}")
    return FAILED if report.apart else 0


def run_recipes(command: argparse.Namespace) -> int:
    """List the paper's own rows by name, with its numbers and what each costs."""
    from augfpn import listing

    print(listing.of_recipes(command.word))
    return 0


def run_cost(command: argparse.Namespace) -> int:
    """Count parameters and multiply-accumulates by part, and what is there only in training."""
    from augfpn import cost, listing, recipes

    settings = chosen(command)
    size = cost.size_of(command.size)
    print(listing.of_cost(recipes.model_of(settings), size, command.rois))
    return 0


def run_doctor(command: argparse.Namespace) -> int:
    """Say what this machine and these pictures can do, and how long the run will take."""
    return report(doctor.examine(chosen(command)))


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], Callable[[Parser], None]]] = {
    "train": (run_train, parameters_of),
    "evaluate": (run_evaluate, evaluate_options),
    "predict": (run_predict, predict_options),
    "export": (run_export, export_options),
    "recipes": (run_recipes, recipes_options),
    "cost": (run_cost, cost_options),
    "doctor": (run_doctor, parameters_of),
}


# --- findings to text -----------------------------------------------------------------------------


def report(found: list[doctor.Finding]) -> int:
    """Print what the doctor found; returns the exit status."""
    width = max(len(finding.subject) for finding in found)
    for level, subject, sentence in found:
        print(f"{level:<7}  {subject:<{width}}  {sentence}")
    return FAILED if broken(found) else 0


def broken(found: list[doctor.Finding]) -> bool:
    """Whether there is a problem."""
    return any(finding.level == "problem" for finding in found)


if __name__ == "__main__":
    sys.exit(main())
