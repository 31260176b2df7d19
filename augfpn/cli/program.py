"""The command line: augfpn train | evaluate | predict | ... as `augfpn --help` lists them.

Modules that need torch are imported where they are used. So `augfpn --help` answers at once, and
`augfpn doctor` answers even if torch and torchvision do not fit together.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from augfpn import __version__
from augfpn.cli import doctor, options
from augfpn.cli.commands import COMMANDS, Command
from augfpn.cli.options import Parser
from augfpn.cli.output import FAILED, INTERRUPTED, UNREAD, WRONG_USE, say
from augfpn.errors import UserError
from augfpn.settings import parameters
from augfpn.support.machine import let_waiting_threads_sleep


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, 1 for problems found, 2 for wrong use."""
    let_waiting_threads_sleep()
    try:
        try:
            return answer(list(sys.argv[1:] if words is None else words))
        finally:
            print(end="", flush=True)
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        # Python flushes once more when it ends: let it write into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


def answer(words: list[str]) -> int:
    """Run a command line and say what is wrong in one sentence; returns the exit status."""
    try:
        # Of several processes that torchrun started, only the first one prints.
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
    except (ImportError, RuntimeError):  # as torch and a torchvision that does not fit it raise
        found = doctor.installation()
        if not doctor.has_problem(found):
            raise
        print(doctor.findings_text(found))
        return FAILED


def run(words: list[str]) -> int:
    """Parse the words and run their command."""
    given, unknown = whole_parser().parse_known_args([options.dashed(word) for word in words])
    if unknown:
        refuse(unknown[0], given.command)
    return given.command.run(given)


def whole_parser(complete: bool = False) -> Parser:
    """All commands with their options; see `options.add_parameters` for ``complete``."""
    whole = Parser("augfpn", description="Train, measure and apply detectors with AugFPN.")
    whole.add_argument("--version", action="version", version=f"augfpn {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        what = (command.run.__doc__ or "").replace("%", "%%")
        if not what:
            raise UserError(
                f"the command {command.name} has no help: give its function in "
                "augfpn/cli/commands.py a docstring."
            )
        sub = commands.add_parser(
            command.name,
            help=what,
            description=what,
            epilog=command.epilog,
            allow_abbrev=False,
            formatter_class=options.HELP_LAYOUT,
        )
        sub.set_defaults(command=command, whole_parser=whole_parser)
        if command.parameters:
            options.add_parameters(sub, complete)
        for names, settings in command.options:
            sub.add_argument(*names, **settings)
    return whole


def refuse(word: str, command: Command) -> NoReturn:
    """Raise ``UserError`` for a word that a command does not take; it suggests the one meant."""
    if not word.startswith("--"):
        raise UserError(f"{word!r} is not understood here; see augfpn {command.name} --help.")
    name = word.partition("=")[0]
    own = [each for names, _ in command.options for each in names if each.startswith("--")]
    if command.parameters:
        own += options.RECIPE.names
        every = [*own, *(options.dashed(f"--{each}") for each in parameters.NAMES)]
        if not set(get_close_matches(name, every, 1)) & set(own):
            parameters.check_name(name[2:].replace("-", "_"))
    raise UserError(f"there is no option {name}: {options.meant(name, own)}{', '.join(own)}.")
