"""The command line: augfpn train | evaluate | predict | ... as `augfpn --help` lists them.

Modules that need torch are imported where they are used. So `augfpn --help` answers at once, and
`augfpn doctor` answers even if torch and torchvision do not fit together.
"""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from augfpn import __version__
from augfpn.cli import doctor, options
from augfpn.cli.commands import COMMANDS, Command
from augfpn.cli.options import Parser
from augfpn.cli.output import DONE, FAILED, INTERRUPTED, UNREAD, WRONG_USE, say
from augfpn.errors import BusyError, UserError, choice_of, did_you_mean
from augfpn.settings import parameters
from augfpn.support import faults
from augfpn.support.launched import rank
from augfpn.support.machine import let_waiting_threads_sleep
from augfpn.support.stopping import Stopped, end_with_parent


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, 1 for problems found, 2 for wrong use."""
    open_closed_streams()
    end_with_parent()
    let_waiting_threads_sleep()
    status = DONE
    try:
        try:
            status = answer(list(sys.argv[1:] if words is None else words))
            return status
        finally:
            print(end="", flush=True)
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        write_into_nothing()
        return UNREAD
    except OSError as error:
        write_into_nothing()
        if status == DONE:  # otherwise the first line that could not be written was said to be
            say(f"error: what the command prints could not be written: {error.strerror}.")
        return status or FAILED


def answer(words: list[str]) -> int:
    """Run a command line and say what is wrong in one sentence; returns the exit status."""
    try:
        # Of several processes that torchrun started, only the first one prints.
        with contextlib.redirect_stdout(None if rank() else sys.stdout):
            return run(words)
    except (Stopped, BusyError) as ended:  # by a signal, or because another process does it
        say(str(ended))
        return ended.exit_status
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from the last checkpoint, at most a minute old"
        say(f"stopped{goes_on if words[:1] == ['train'] else ''}.")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (UserError, FloatingPointError) as error:
        say(f"error: {faults.sentence_of(error)}")
        return WRONG_USE
    except Exception as error:
        return explain(error)


def explain(error: Exception) -> int:
    """Say an error's cause first, and then what can be found out about it; returns the status."""
    known = faults.sentence_of(error)
    if known is not None:
        say(f"error: {known}")
        return WRONG_USE if isinstance(error, OSError) else FAILED
    kept = faults.keep_traceback(error)
    say(f"error: {faults.reason_of(error)}{f'; the whole traceback is in {kept}' * bool(kept)}.")
    if faults.is_unfit(error):
        print(doctor.findings_text(doctor.installation()))
    return FAILED


def open_closed_streams() -> None:
    """Let a standard stream that the shell has closed lead into nothing, as `>&-` closes one.

    Otherwise the next file that is opened, a checkpoint say, would get the stream's number, and
    what a library prints would be written into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that its encoding lacks ends no run
            stream.reconfigure(errors="backslashreplace")


def write_into_nothing() -> None:
    """Let Python's last flush of stdout, when it ends, write into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
        if not did_you_mean(name, own):
            parameters.check_name(name[2:].replace("-", "_"))
    raise UserError(f"there is no option {name}: {choice_of(name, own)}")
