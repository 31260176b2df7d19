"""The command line: augfpn train | evaluate | predict | ... as `augfpn --help` lists them.

What takes torch is imported where it is used: `augfpn --version` answers at once, and `augfpn
doctor` also where torch and torchvision do not fit.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from augfpn import __version__
from augfpn.cli import doctor, options
from augfpn.cli.options import Parser, chosen
from augfpn.errors import UserError
from augfpn.support.files import check_writable

FAILED, WRONG_USE, INTERRUPTED, UNREAD = 1, 2, 130, 141  # the latter two as a shell has signals
FORMATTER = partial(argparse.RawDescriptionHelpFormatter, max_help_position=28, width=100)


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, 1 for problems found, 2 for wrong use."""
    try:
        try:
            return answer(list(sys.argv[1:] if words is None else words))
        finally:
            print(end="", flush=True)
    except BrokenPipeError:  # whoever reads this has enough, as `| head` does
        # Python flushes once more at its end: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


def answer(words: list[str]) -> int:
    """Run a command line and say what is wrong in one sentence; returns the exit status."""
    try:
        # Of several processes that torchrun started the first one speaks.
        with contextlib.redirect_stdout(None if int(os.environ.get("RANK", "0")) else sys.stdout):
            return run(words)
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from the last checkpoint, at most a minute old"
        say(f"stopped{goes_on if words[:1] == ['train'] else ''}.")
        return INTERRUPTED
    except BrokenPipeError:
        raise
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
    command, unknown = parser(words).parse_known_args([options.dashed(word) for word in words])
    if unknown:
        refuse(unknown[0], command)
    return command.run(command)


def parser(words: list[str]) -> Parser:
    """All commands; the parameters, which take torch, only for the command that is asked for."""
    whole = Parser("augfpn", description="Train, measure and apply detectors with AugFPN.")
    whole.add_argument("--version", action="version", version=f"augfpn {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for name, (command, add_options) in COMMANDS.items():
        what = command.__doc__
        sub = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        sub.formatter_class = FORMATTER
        sub.set_defaults(run=command)
        if words[:1] == [name]:
            add_options(sub)
    return whole


def refuse(word: str, command: argparse.Namespace) -> NoReturn:
    """Raise for a word that is no option; a misspelt parameter gets the one that was meant."""
    if word.startswith("--") and command.run in (run_train, run_doctor, run_cost):
        from augfpn.settings import parameters

        parameters.check_name(word[2:].partition("=")[0].replace("-", "_"))
    raise UserError(f"{word!r} is not understood here; see augfpn --help.")


def say(sentence: str) -> None:
    """One line to stderr."""
    print(f"augfpn: {sentence}", file=sys.stderr)


# --- the commands ---------------------------------------------------------------------------------


def run_train(command: argparse.Namespace) -> int:
    """Train a detector, measure it and record it; a run that was stopped goes on."""
    from augfpn.study import one_run
    from augfpn.training import prepare, train

    settings = chosen(command)
    experiment, folder = prepare.experiment_here(settings), Path(settings.records)
    model = experiment.model
    print(f"{one_run.label_of(model)}: {model.detector}, {model.backbone} ({model.weights})")
    print(f"on {experiment.data.name}, {experiment.budget} budget, {experiment.device}")
    record = train.train(experiment, folder, settings.again)
    twin = one_run.find_twin(record, settings)
    print(f"\n{one_run.as_text(one_run.rows(record, twin))}\n")
    print(classes({"run": record.result} | ({"FPN": twin.result} if twin else {})))
    print(f"\n{one_run.cost(record)}\nrecord: {record.folder}")
    return 0


def run_evaluate(command: argparse.Namespace) -> int:
    """Measure a record's detector again, and show it beside what was recorded."""
    from augfpn.deploy import predict
    from augfpn.study import one_run
    from augfpn.training import prepare

    settings = chosen(command)
    device = None if command.rescore else prepare.the_device(settings.device)
    record, again = predict.measure(command.record, settings.data_root, device)
    columns = {"record": record.result, "again": again}
    rows = [(name, one_run.in_percent(result)) for name, result in columns.items()]
    rows.append(("difference", one_run.difference(rows[1][1], rows[0][1])))
    print(f"\n{one_run.as_text(rows)}\n\n{classes(columns)}")
    return 0


def classes(results: dict[str, dict]) -> str:
    """AP by class, in percent: a column for each result, a row for each class that is there."""
    from augfpn.study import one_run

    rows: dict[str, dict[str, one_run.Cell]] = {}
    for title, result in results.items():
        for name, ap in one_run.classes_in_percent(result).items():
            if result["by_class"][name] is not None:
                rows.setdefault(name, dict.fromkeys(results))[title] = ap
    return one_run.as_text(list(rows.items()), list(results)) if rows else ""


def run_predict(command: argparse.Namespace) -> int:
    """Draw what a recorded detector finds in pictures, and write it as COCO JSON."""
    from augfpn.deploy import predict
    from augfpn.training import prepare

    if not 0 <= command.threshold <= 1:
        raise UserError(f"--threshold {command.threshold}: give a score from 0 to 1.")
    pictures = predict.places(command.pictures, command.out)
    device = prepare.the_device(chosen(command).device)
    detector, record = predict.load(command.record, device)
    unread = predict.predict(detector, record.classes, pictures, command.out, command.threshold)
    for sentence in unread:
        say(sentence)
    print(f"{len(pictures) - len(unread)} pictures, and {predict.RESULTS}, in {command.out}")
    return FAILED if unread else 0


def run_export(command: argparse.Namespace) -> int:
    """Write a recorded detector as one ONNX file for pictures of any size, and check it."""
    from augfpn.deploy import export, graph, predict

    detector, record = predict.load(command.record, "cpu")
    export.export(detector, command.out, record.classes)
    print(f"{command.out}: {command.out.stat().st_size / 1e6:.1f} MB")
    try:
        test = predict.test_pictures(record, command.data_root)
    except UserError as error:  # whoever has a record need not have its pictures
        say(f"the file is written and not checked: {error}")
        return FAILED
    report = graph.check(detector, command.out, graph.pictures_of(test))
    print(report)
    return FAILED if report.apart else 0


def run_recipes(command: argparse.Namespace) -> int:
    """List the paper's own rows by name, with its numbers and what each costs."""
    from augfpn.cli import listing

    print(listing.of_recipes(command.word))
    return 0


def run_cost(command: argparse.Namespace) -> int:
    """Count parameters and multiply-accumulates by part, and what is there only in training."""
    from augfpn.cli import listing
    from augfpn.detectors import cost
    from augfpn.settings import recipes

    settings = chosen(command)
    size = cost.size_of(command.size)
    print(listing.of_cost(recipes.model_of(settings), size, command.rois))
    return 0


def run_measure(command: argparse.Namespace) -> int:
    """Measure the paper's three defects on a recorded detector, into its diagnostics.json."""
    from augfpn.diagnostics import measure
    from augfpn.training import prepare

    device = prepare.the_device(command.device)
    print(measure.measure(command.record, command.data_root, device))
    return 0


def run_study(command: argparse.Namespace) -> int:
    """Say which runs of the study are recorded, do those that are missing, report on all."""
    if command.jobs < 1:
        raise UserError(f"--jobs {command.jobs}: give 1 or more.")
    if command.action == "time":
        return run_timing(command)
    from augfpn import records
    from augfpn.study import gather, grid, runtime

    names = command.parts or list(grid.parts())
    for asked in [[name] for name in command.parts] or [names]:
        grid.check_pictures(asked, command.budget, command.pictures)
    wanted = grid.runs(names, command.budget, command.pictures, command.seeds)
    folders = [command.records, *records.COMMITTED]
    found = grid.collect(folders)
    if command.action == "run":
        check_writable(command.records)
    elif command.records != options.RECORDS and not command.records.exists():
        say(f"there is no folder {command.records}: only the repository's records count.")
    if command.action == "status":
        chosen_runs = names, command.budget, command.pictures, command.seeds
        print(grid.status_text(grid.status(*chosen_runs, found), found))
        timed = [t["environment"]["device_name"] for t in runtime.read(folders, command.budget)]
        print(f"run time: {'timed on ' + ', '.join(timed) if timed else 'not timed'}")
        return 0
    if command.action == "report":
        from augfpn.study import report

        if command.out is None:
            raise UserError("study report needs --out, a folder for its tables and figures.")
        timings, found = runtime.read(folders, command.budget), found.of_seeds(command.seeds)
        print(report.write(names, command.budget, command.pictures, found, command.out, timings))
        return 0
    where = command.records, command.jobs, command.data_root, say
    if command.action == "measure":
        return FAILED if gather.measure_missing(wanted, found, *where) else 0
    missing = [run for run in wanted if found.record(run) is None]
    say(f"{len(missing)} of {len(wanted)} runs are missing.")
    failed = gather.run_missing(missing, *where)
    gather.keep_truths(wanted, grid.collect(folders), command.data_root)
    return FAILED if failed else 0


def run_timing(command: argparse.Namespace) -> int:
    """Time FPN and AugFPN in turns at a budget's sizes."""
    from augfpn.study import grid, runtime, tables
    from augfpn.training import prepare

    grid.known_budget(command.budget)
    for name, least in (("rounds", 2), ("batch", 1)):
        if getattr(command, name) < least:
            raise UserError(f"--{name} {getattr(command, name)}: give {least} or more.")
    check_writable(command.records)
    device = prepare.the_device("auto")
    found = runtime.measure(command.budget, command.rounds, command.batch, device)
    print(tables.run_times([found]))
    print(runtime.write(found, command.records))
    return 0


def run_doctor(command: argparse.Namespace) -> int:
    """Say what this machine and these pictures can do, and how long the run will take."""
    return report(doctor.examine(chosen(command)))


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], Callable[[Parser], None]]] = {
    "train": (run_train, options.parameters_of),
    "evaluate": (run_evaluate, options.evaluate_options),
    "predict": (run_predict, options.predict_options),
    "export": (run_export, options.export_options),
    "recipes": (run_recipes, options.recipes_options),
    "cost": (run_cost, options.cost_options),
    "measure": (run_measure, options.measure_options),
    "study": (run_study, options.study_options),
    "doctor": (run_doctor, options.parameters_of),
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
