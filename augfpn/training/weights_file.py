"""A detector's weights as a file: safetensors, which holds numbers and no code, and its SHA-256."""

from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from augfpn.data.files import some
from augfpn.errors import UserError, first_line
from augfpn.support.files import check_digest, digest_file, write_bytes, write_digest

REMEDY = "remove it and train the detector again, or copy the file from where it is whole."


def save_weights(detector: nn.Module, file: Path) -> None:
    """Write all parameters and buffers into a safetensors file, and its SHA-256 beside it.

    The same values always give the same bytes. Raises ``OSError`` if the disk is full; the file
    then stays as it was.
    """
    digest_file(file).unlink(missing_ok=True)  # of an older file, which would fit no more
    write_bytes(file, weights_bytes(detector))
    write_digest(file)


def weights_bytes(module: nn.Module) -> bytes:
    """All parameters and buffers as the content of a safetensors file."""
    state = {name: value.detach().cpu() for name, value in module.state_dict().items()}
    return safetensors.torch.save({name: in_own_memory(value) for name, value in state.items()})


def in_own_memory(value: Tensor) -> Tensor:
    """The values in memory of their own, in the order of their dimensions, as safetensors needs."""
    return value.clone(memory_format=torch.contiguous_format)


def load_weights(detector: nn.Module, file: Path) -> None:
    """Load a file of `save_weights`, or a state dict that `torch.save` wrote (older records).

    Values are loaded to the detector's device; no pickled code is executed. Raises ``UserError``,
    before anything is loaded, for a file that is damaged or holds another network's weights.
    """
    check_digest(file, REMEDY)
    state = read_state(file)
    own = detector.state_dict()
    missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    shapes = [n for n in own.keys() & state.keys() if own[n].shape != state[n].shape]
    if missing or extra or shapes:
        wrong = [
            f"{len(names)} {what} ({some(sorted(names), 2)})"
            for names, what in (
                (missing, "are missing"),
                (extra, "are not its own"),
                (shapes, "have another shape"),
            )
            if names
        ]
        raise UserError(
            f"{file} does not hold the weights of its record's detector: of {len(own)} tensors "
            f"{', '.join(wrong)}; give the weights that belong to this record, or train it again."
        )
    detector.load_state_dict(state)


def read_state(file: Path) -> dict[str, Tensor]:
    """All tensors of a file by name. Raises ``UserError`` if it cannot be read as weights."""
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # damaged bytes make each library fail in many ways
        why = first_line(error)
        raise UserError(f"{file} cannot be read as weights ({why}): {REMEDY}") from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{file} holds something else than a detector's weights: {REMEDY}")
    return state
