"""The guard at the top of every papermill notebook.

papermill passes ``-p flag false`` as the string "false", only warns about a misspelt name, and
turns ``-p lambda 1`` into a cell that is not valid Python. So a notebook begins with

    %load_ext augfpn.notebook         (before its parameters)
    chosen = check(globals())         (after them)

The first line makes the notebook read the cell that papermill injects, before this cell runs, and
refuse unknown names; it shows faults of the machine as one sentence; it repeats in the terminal
what a notebook prints that nobody looks at; and it says how torch's threads wait, which torch reads
when it is imported. The second line converts the values to their types, and refuses values that do
not fit.
"""

import contextlib
import os
import re
import sys
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from augfpn.errors import UserError
from augfpn.settings import parameters, typed
from augfpn.settings.asked import Asked
from augfpn.settings.parts import SWITCHES
from augfpn.support import faults
from augfpn.support.machine import let_waiting_threads_sleep
from augfpn.support.progress import in_kernel, is_watched

INJECTED = "# Parameters"  # the first line of papermill's cell
ASKED = tuple(Asked.__dataclass_fields__)  # the parameters of a study notebook
TYPED = "_typed_for_papermill"  # the global name of the names in that cell
ASSIGNMENT = re.compile(r"^([A-Za-z_]\w*)\s*(:[^=]*)?=")


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext augfpn.notebook``: look at injected cells before they run."""
    let_waiting_threads_sleep()
    shell.set_custom_exc((Exception,), show_error)
    if in_kernel() and not is_watched():
        sys.stdout.echo = Terminal(shell.kernel)
    guards = [getattr(each, "func", None) for each in shell.input_transformers_cleanup]
    if refuse_unknown not in guards:
        shell.input_transformers_cleanup.append(partial(refuse_unknown, shell.user_ns))


def show_error(
    shell: Any, kind: type[Exception], error: Exception, trace: Any, tb_offset: int | None = None
) -> None:
    """Show a fault of a known kind as one sentence, and any other error with its traceback."""
    said = faults.sentence_of(error)
    if said is not None:
        error._render_traceback_ = lambda: [f"{kind.__name__}: {said}"]  # IPython looks for it
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


class Terminal:
    """What a kernel prints, also in the terminal of the program that runs it, as of papermill.

    It writes to the stderr that the kernel got from that program; ipykernel keeps it, and sends the
    text of Python's own streams into the notebook only.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        kept = getattr(sys.stderr, "_original_stdstream_copy", None)
        is_captured = getattr(sys.stderr, "_should_watch", True)
        self.descriptor = 2 if kept is None and not is_captured else kept
        self.cell = None

    def write(self, text: str) -> None:
        """Write a text, in a cell's first line apart from the progress bar that papermill draws."""
        cell = self.kernel.get_parent().get("header", {}).get("msg_id")
        start = "\n" if cell != self.cell else ""
        self.cell = cell
        if self.descriptor is not None:
            with contextlib.suppress(OSError):  # the terminal may be gone; the notebook has it all
                os.write(self.descriptor, (start + text).encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Nothing waits: each text is written at once."""


def refuse_unknown(names: dict[str, Any], lines: list[str]) -> list[str]:
    """The cell itself; or, if papermill injected it with an unknown name, a cell that raises.

    ``names`` are the notebook's global names, which include its parameters.
    """
    if not lines or lines[0].strip() != INJECTED:
        return lines
    names[TYPED] = [found[1] for found in map(ASSIGNMENT.match, lines) if found is not None]
    own = [n for n in ASKED if n in names] if "run" in names else parameters.NAMES
    for name in names[TYPED]:
        try:
            parameters.check_name(name, own)
        except UserError as error:
            return ["from augfpn.errors import UserError\n", f"raise UserError({str(error)!r})\n"]
    return lines


def asked(names: dict[str, Any]) -> Asked:
    """A study notebook's typed parameters from its global names. Raises ``UserError``."""
    given = {name: names[name] for name in ASKED if name in names}
    try:
        return TypeAdapter(Asked).validate_python(given)
    except ValidationError as error:
        described = {name: parameters.describe(name) for name in parameters.NAMES}
        raise UserError(typed.sentence(error, given, described)) from None


def check(names: dict[str, Any]) -> parameters.Parameters:
    """Typed parameters from a notebook's global names. Raises ``UserError`` with one sentence.

    A notebook sets every parameter. One that has its default value counts as not chosen, like an
    option that is left out on the command line. But with `parts`, whatever papermill was given for
    the single parts counts, so that the two cannot contradict each other unseen.
    """
    default, typed_names = parameters.defaults(), set(names.get(TYPED, ()))
    about_parts = {"parts", *SWITCHES.values()} if "parts" in typed_names else set()
    given = {name: names[name] for name in parameters.NAMES if name in names}
    chosen = {name for name, value in given.items() if value != default[name]}
    chosen |= about_parts & typed_names
    return parameters.parse({name: v for name, v in given.items() if name in chosen})


def listing(chosen: parameters.Parameters) -> str:
    """The values that will be used, a line each, with their meaning."""
    width = max(map(len, parameters.NAMES))
    return "\n".join(
        f"{name:<{width}}  {getattr(chosen, name)!r:<18}  {parameters.describe(name)}"
        for name in parameters.NAMES
    )
