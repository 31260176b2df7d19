"""The command `augfpn interval`: two lists of AP, or of detections, from any framework's runs."""

import argparse
from pathlib import Path

from augfpn.cli import options
from augfpn.cli.options import argument
from augfpn.cli.output import DONE, as_json, say
from augfpn.errors import UserError

INTERVAL_OPTIONS = (
    argument(
        "file",
        metavar="FILE",
        type=options.as_path,
        nargs="?",
        help="a CSV file: a header of two names, and a line for each pair, in place of the lists",
    ),
    argument(
        "--without",
        metavar="AP",
        nargs="+",
        help="AP of the runs without the part, by seed; with --annotations: their files",
    ),
    argument(
        "--with",
        dest="with_part",
        metavar="AP",
        nargs="+",
        help="the same of the runs with the part, in the same order",
    ),
    argument(
        "--annotations",
        metavar="FILE",
        type=options.as_path,
        help="of the test images, in COCO's format: then files of detections, in COCO's results "
        "format, stand in place of AP, and the interval covers other test images, too",
    ),
    argument(
        "--unpaired",
        action="store_true",
        help="numbers at the same place do not belong together, and may differ in count",
    ),
    options.JSON,
)
ABOUT_LISTS = """\
augfpn interval --without 31.2 30.8 31.5 31.0 --with 31.9 31.4 32.0 31.1
augfpn interval runs.csv   (first line: without,with)
augfpn interval --annotations test.json --without without-*.json --with with-*.json

Differences are those of the second list minus the first. Give AP from 0 to 100, or from 0 to 1.
Detections give an answer for each size of objects, too."""


def run_interval(given: argparse.Namespace) -> int:
    """Compare two lists of AP from runs of any framework: the difference with its interval."""
    lists = given.without, given.with_part
    if given.file is not None and lists != (None, None):
        raise UserError("a file and lists are both given: give one of them.")
    if given.annotations is not None:
        return run_files(given)
    if given.file is None and None in lists:
        raise UserError("give two lists, behind --without and behind --with, or a CSV file.")
    return run_lists(given)


def run_lists(given: argparse.Namespace) -> int:
    """Compare two lists of AP, or the two columns of a file."""
    from augfpn.study.uncertainty import ap_lists

    names, columns = ("without", "with"), (given.without, given.with_part)
    if given.file is not None:
        names, columns = ap_lists.table_of(given.file, not given.unpaired)
    of = ap_lists.ap_lists(names, columns, not given.unpaired)
    found = ap_lists.ap_difference(of)
    values = ap_lists.ap_values(of, found)
    print(as_json(values) if given.json else ap_lists.ap_lists_text(of, found))
    return DONE


def run_files(given: argparse.Namespace) -> int:
    """Compare two lists of files of detections."""
    from augfpn.study import beside, result_files

    if given.unpaired or None in (given.without, given.with_part):
        raise UserError(
            "--annotations needs pairs: give files of detections behind --without and --with, "
            "one of each for every seed, without --unpaired."
        )
    sides = [[Path(each) for each in side] for side in (given.without, given.with_part)]
    found, repaired = result_files.compare_files(given.annotations, *sides)
    for sentence in repaired:
        say(f"note: {sentence}")
    print(as_json(beside.as_values(found)) if given.json else result_files.files_text(found))
    return DONE
