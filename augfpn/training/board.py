"""The curves of a run as TensorBoard's event files, where they are asked for."""

from pathlib import Path
from typing import Any

from augfpn import config
from augfpn.errors import UserError

EVENTS = "tensorboard"  # in a record


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


def make_writer(work: Path, settings: config.Train, step: int, first: bool) -> Any:
    """A writer of event files that continues at a step; ``None`` where none is wanted."""
    if not (settings.tensorboard and first):
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(work / EVENTS), purge_step=step)


def write_row(writer: Any, row: dict[str, float | None]) -> None:
    """Write a row of the curve, or an evaluation: each number under its name, at its step."""
    if writer is None:
        return
    for name, value in row.items():
        if name != "step" and value is not None:
            writer.add_scalar(name, value, row["step"])
    writer.flush()
