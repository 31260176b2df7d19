"""What each command does, and the table of all: `COMMANDS`.

A command is a function from the parsed arguments to an exit status. It imports modules that need
torch inside, after all arguments have been checked.
"""

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from augfpn.cli import bench, doctor, interval, options, study
from augfpn.cli.options import Argument, argument, parameters_of
from augfpn.cli.output import DONE, FAILED, as_json, progress_apart, say
from augfpn.support.files import check_writable

SHELLS = ("bash", "zsh", "fish")


class Command(NamedTuple):
    """A word of the command line: what it runs, and what it takes."""

    name: str
    run: Callable[[argparse.Namespace], int]  # its docstring is the command's help
    options: tuple[Argument, ...] = ()
    parameters: bool = False  # an option for each parameter of a run, and --recipe
    epilog: str = ""


def run_train(given: argparse.Namespace) -> int:
    """Train a detector, evaluate it and record the run; a run that was stopped goes on."""
    chosen = parameters_of(given)
    from augfpn.settings.components import label_of
    from augfpn.study import one_run
    from augfpn.study.analysis import write_dashboard
    from augfpn.training import prepare, train

    experiment, folder = prepare.experiment_here(chosen), Path(chosen.records)
    model = experiment.model
    print(f"{label_of(model)}: {model.detector}, {model.backbone} ({model.weights})")
    print(f"on {experiment.data.name}, {experiment.budget} budget, {experiment.device}")
    record = train.train(experiment, folder, chosen.again)
    twin = one_run.find_twin(record, chosen)
    print(f"\n{one_run.as_text(one_run.run_rows(record, twin))}\n")
    print(one_run.class_table(one_run.results_of(record, twin)))
    print(f"\n{one_run.run_resources(record)}")
    print(f"record: {record.folder}\n")
    print(f"next:   augfpn predict {shlex.quote(str(record.folder))} PICTURE --out found")
    print(f"        augfpn evaluate {shlex.quote(str(record.folder))} --plots plots")
    write_dashboard(record)
    return DONE


def run_evaluate(given: argparse.Namespace) -> int:
    """Evaluate a record's detector again, and show the numbers beside those of the record."""
    from augfpn.study import analysis, one_run
    from augfpn.training import evaluate, prepare, reopen

    if given.plots is not None:
        check_writable(given.plots)
    with progress_apart(given.json):
        device = None if given.rescore else prepare.the_device(given.device)
        record, test, results = reopen.detect_again(given.record, given.data_root, device)
        masks = reopen.has_masks(record)
        again = evaluate.score(test.coco, results, masks, given.judge)
    columns = {"record": record.result, "again": again}
    if given.json:
        print(as_json(columns))
    else:
        rows = [(name, one_run.in_percent(result)) for name, result in columns.items()]
        rows.append(("difference", one_run.difference(rows[1][1], rows[0][1])))
        print(f"\n{one_run.as_text(rows)}\n\n{one_run.class_table(columns)}")
    if given.plots is not None:  # after the numbers, which a full disk must not hide
        with progress_apart(given.json):
            analysis.write_plots(test.coco, results, masks, given.plots)
            print(f"\ncurves, confusion matrix, error kinds, calibration: {given.plots}")
    return DONE


def run_compare(given: argparse.Namespace) -> int:
    """Compare two settings by their runs, paired by seed: differences with 95-percent intervals."""
    from augfpn.study import beside

    with progress_apart(given.json):
        found = beside.beside(given.records, given.data_root)
    print(as_json(beside.as_values(found)) if given.json else beside.beside_text(found))
    return DONE


def run_predict(given: argparse.Namespace) -> int:
    """Draw what a recorded or exported detector finds in pictures, and write it as COCO JSON."""
    from augfpn.data.files import some
    from augfpn.deploy import engine, predict
    from augfpn.support.text import printable

    pictures = predict.places(given.pictures, given.out)
    detector, categories = engine.detector_of(given.record, given.device)
    unread = predict.draw_detections(detector, categories, pictures, given.out, given.threshold)
    others = predict.left_out(given.pictures)
    for sentence in [*unread, *([others] if others else [])]:
        say(sentence)
    drawn = len(pictures) - len(unread)
    print(f"{drawn} picture{'s' * (drawn != 1)}, and {predict.RESULTS}, in {given.out}")
    ids = some([f"{number} {printable(name)}" for number, name in categories.items()], 10)
    print(f"its category ids are the data set's: {ids}")
    return FAILED if unread else DONE


def run_export(given: argparse.Namespace) -> int:
    """Write a recorded detector as one ONNX file for pictures of any size, and check it."""
    from augfpn.deploy import export
    from augfpn.errors import UserError
    from augfpn.training import reopen

    detector, record = reopen.load_detector(given.record, "cpu")
    export.export(detector, given.out, reopen.categories_of(record))
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB")
    try:
        test = reopen.recorded_pictures(record, "test", given.data_root)
    except UserError as error:  # whoever has a record need not have its pictures
        say(f"the file was written but not checked: {error}")
        return FAILED
    report = export.check_export(detector, given.out, export.pictures_of_three_sizes(test))
    print(report)
    return FAILED if report.apart else DONE


def run_recipes(given: argparse.Namespace) -> int:
    """List the paper's own rows by name, with the paper's AP and the cost of each detector."""
    from augfpn.cli import listing

    rows = listing.recipe_rows(given.word)
    print(as_json([row._asdict() for row in rows]) if given.json else listing.of_recipes(rows))
    return DONE


def run_cost(given: argparse.Namespace) -> int:
    """Count the parameters and multiply-accumulates of each part, at inference and in training."""
    chosen = parameters_of(given)
    from augfpn.cli import listing
    from augfpn.settings.recipes import model_of_parameters

    counted = listing.counted_cost(model_of_parameters(chosen), given.size, given.rois)
    print(as_json(counted) if given.json else listing.of_cost(counted))
    return DONE


def run_measure(given: argparse.Namespace) -> int:
    """Measure the paper's three defects on a recorded detector; writes its diagnostics.json."""
    from augfpn.diagnostics import measure
    from augfpn.training import prepare

    print(measure.measure_record(given.record, given.data_root, prepare.the_device(given.device)))
    return DONE


def run_doctor(given: argparse.Namespace) -> int:
    """Check the machine, the settings and the pictures; say how long the run will take."""
    with progress_apart(given.json):
        found = doctor.examine(parameters_of(given))
    rows = [each._asdict() for each in found]
    print(as_json(rows) if given.json else doctor.findings_text(found))
    return FAILED if doctor.has_problem(found) else DONE


def run_completion(given: argparse.Namespace) -> int:
    """Print a script that lets a shell complete commands, options and values."""
    import shtab

    print(shtab.complete(given.whole_parser(complete=True), given.shell))
    return DONE


COMMANDS = (
    Command("train", run_train, parameters=True),
    Command(
        "evaluate",
        run_evaluate,
        (
            options.RECORD,
            options.DATA_ROOT,
            argument(
                "--plots",
                metavar="FOLDER",
                type=options.as_path,
                help="draw curves and errors there",
            ),
            argument("--rescore", action="store_true", help="only score the stored predictions"),
            argument(
                "--judge",
                default="hotcoco",
                choices=("hotcoco", "pycocotools"),
                help="what computes COCO's numbers: %(choices)s [hotcoco]",
            ),
            options.DEVICE,
            options.JSON,
        ),
    ),
    Command(
        "compare",
        run_compare,
        (
            argument(
                "records",
                metavar="RECORD",
                type=options.as_path,
                nargs="+",
                help="records of two settings, or a folder of such; that of the first is A",
            ),
            options.DATA_ROOT,
            options.JSON,
        ),
    ),
    Command(
        "interval", interval.run_interval, interval.INTERVAL_OPTIONS, epilog=interval.ABOUT_LISTS
    ),
    Command(
        "predict",
        run_predict,
        (
            argument(
                "record",
                metavar="RECORD",
                type=options.as_path,
                help="a record, its weights, or a file of augfpn export",
            ),
            argument("pictures", metavar="PICTURE", type=Path, nargs="+", help="files and folders"),
            argument(
                "--out",
                metavar="FOLDER",
                type=options.as_path,
                required=True,
                help="for the results",
            ),
            argument("--threshold", type=options.share, default=0.5, help="lowest score [0.5]"),
            options.DEVICE,
        ),
        epilog="OpenVINO (augfpn[openvino]) runs a file of augfpn export on a CPU: the same "
        "detections for\nless processor time than a record takes, after some seconds of "
        "preparation.",
    ),
    Command(
        "export",
        run_export,
        (
            options.RECORD_OR_WEIGHTS,
            argument(
                "--out",
                metavar="FILE",
                type=options.as_path,
                required=True,
                help="the ONNX file",
            ),
            options.DATA_ROOT,
        ),
    ),
    Command(
        "recipes",
        run_recipes,
        (
            argument("word", metavar="WORD", nargs="?", default="", help="only names with WORD"),
            options.JSON,
        ),
    ),
    Command(
        "cost",
        run_cost,
        (
            argument(
                "--size",
                type=options.size,
                default="800x1216",
                help="height x width, padded [800x1216]",
            ),
            argument("--rois", type=options.at_least(1), help="proposals [all that are kept]"),
            options.JSON,
        ),
        parameters=True,
    ),
    Command("bench", bench.run_bench, bench.BENCH_OPTIONS, epilog=bench.ABOUT_VARIANTS),
    Command("measure", run_measure, (options.RECORD, options.DATA_ROOT, options.DEVICE)),
    Command("study", study.run_study, study.OPTIONS, epilog=study.EPILOG),
    Command("doctor", run_doctor, (options.JSON,), parameters=True),
    Command(
        "completion",
        run_completion,
        (
            argument(
                "shell", metavar="SHELL", choices=SHELLS, help=f"the shell: {', '.join(SHELLS)}"
            ),
        ),
        epilog='bash: eval "$(augfpn completion bash)" in ~/.bashrc; zsh and fish likewise',
    ),
)
