"""A run's checkpoint: all that it needs to continue, bit for bit on a CPU.

The parts of a run are everything with a ``state_dict``: detector, optimiser, gradient scaler ...
"""

from pathlib import Path
from typing import Protocol

import torch

from augfpn.support.files import whole
from augfpn.training.distributed import ALONE, World


class Stateful(Protocol):
    """A part of a run that a checkpoint keeps."""

    def state_dict(self) -> dict: ...

    def load_state_dict(self, state: dict) -> object: ...


def save_checkpoint(
    file: Path, parts: dict[str, Stateful], state: dict, here: World = ALONE
) -> None:
    """Write the parts, the loop's state and the random numbers' state of every process.

    All processes call it at the same step, and rank 0 writes. The old file stays until the new one
    is complete.
    """
    random = here.gather([random_state()])
    if not here.first:
        return
    content = {name: part.state_dict() for name, part in parts.items()}
    with whole(file) as partial:
        torch.save({"parts": content, "state": state, "random": random}, partial)


def resume(file: Path, parts: dict[str, Stateful], here: World = ALONE) -> dict:
    """Load the last checkpoint into the parts, if there is one; returns the loop's state."""
    if not file.exists():
        return {"step": 0, "seconds": 0.0, "curve": []}
    content = torch.load(file, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(content["parts"][name])
    set_random_state(content["random"][here.rank])
    return content["state"]


def random_state() -> dict:
    """The state of torch's random number generators in this process."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict) -> None:
    """Put torch's random number generators into a state that `random_state` returned."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
