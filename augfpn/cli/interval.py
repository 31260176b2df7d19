"""The command `augfpn interval`: two lists of AP from runs of any framework."""

import argparse

from augfpn.cli import options
from augfpn.cli.options import argument
from augfpn.cli.output import DONE, as_json
from augfpn.errors import UserError

INTERVAL_OPTIONS = (
    argument(
        "file",
        metavar="FILE",
        type=options.as_path,
        nargs="?",
        help="a CSV file: a header of two names, and a line for each pair, in place of the lists",
    ),
    argument("--without", metavar="AP", nargs="+", help="AP of the runs without the part, by seed"),
    argument(
        "--with",
        dest="with_part",
        metavar="AP",
        nargs="+",
        help="AP of the runs with the part, in the same order",
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

Differences are those of the second list minus the first. Give AP from 0 to 100, or from 0 to 1."""


def run_interval(given: argparse.Namespace) -> int:
    """Compare two lists of AP from runs of any framework: the difference with its interval."""
    from augfpn.study import ap_lists

    lists = given.without, given.with_part
    if given.file is not None and lists != (None, None):
        raise UserError("a file and lists are both given: give one of them.")
    if given.file is None and None in lists:
        raise UserError("give two lists, behind --without and behind --with, or a CSV file.")
    names, columns = ("without", "with"), lists
    if given.file is not None:
        names, columns = ap_lists.table_of(given.file, not given.unpaired)
    of = ap_lists.ap_lists(names, columns, not given.unpaired)
    found = ap_lists.ap_difference(of)
    values = ap_lists.ap_values(of, found)
    print(as_json(values) if given.json else ap_lists.ap_lists_text(of, found))
    return DONE
