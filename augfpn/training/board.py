"""The curves of a run while it trains, for who looks at it: as JSON, and for TensorBoard."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from augfpn import config
from augfpn.errors import UserError

EVENTS = "tensorboard"  # in a record: the folder of event files
LIVE = "live.jsonl"  # in a working folder, until the training ends: a line for each row

BoardRow = dict[str, float | None]  # the step, and numbers by name
Show = Callable[[BoardRow], None]


def check_tensorboard(settings: config.Train) -> None:
    """Raise ``UserError`` if event files are asked for and tensorboard is not installed."""
    if not settings.tensorboard:
        return
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise UserError(
            "tensorboard = True needs the package tensorboard: pip install tensorboard, or leave "
            "it off; the record has the same curves as JSON."
        ) from None


@contextmanager
def board(work: Path, settings: config.Train, state: dict, first: bool) -> Iterator[Show]:
    """Within it, a function that shows a row of the curve or an evaluation; rank 0 alone shows it.

    ``state`` is the loop's, as it is at each moment. A run that is taken up again shows no step
    twice: the lines begin with the rows that its state has, and TensorBoard is told to forget the
    steps after it.
    """
    if not first:
        yield lambda row: None
        return
    with suppress(OSError):  # what only people look at ends no run
        (work / LIVE).write_text("".join(map(as_line, rows_before(state))))
    with event_writer(work, settings, state["step"]) as show_in_tensorboard:

        def show(row: BoardRow) -> None:
            row = row | {"images_per_second": settings.batch * state["step"] / state["seconds"]}
            with suppress(OSError), (work / LIVE).open("a") as lines:
                lines.write(as_line(row))
            show_in_tensorboard(row)

        try:
            yield show
        finally:
            with suppress(OSError):
                (work / LIVE).unlink(missing_ok=True)


def rows_before(state: dict) -> list[BoardRow]:
    """The curve and the evaluations of a run that is taken up again, by step."""
    return sorted([*state["curve"], *state["evaluations"]], key=lambda row: row["step"])


def as_line(row: BoardRow) -> str:
    """A row as a line of JSON."""
    return json.dumps(row) + "\n"


@contextmanager
def event_writer(work: Path, settings: config.Train, step: int) -> Iterator[Show]:
    """Within it, a function that writes each number of a row under its name, at its step."""
    if not settings.tensorboard:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(work / EVENTS), purge_step=step) as writer:

        def write(row: BoardRow) -> None:
            for name, value in row.items():
                if name != "step" and value is not None:
                    writer.add_scalar(name, value, row["step"])
            writer.flush()

        yield write


def rows_in(file: Path) -> list[BoardRow]:
    """The rows that a run has shown so far; the last line may be half written."""
    rows = []
    for line in file.read_text().splitlines():
        with suppress(ValueError):
            rows.append(json.loads(line))
    return rows
