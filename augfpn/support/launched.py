"""Whether torchrun started this process, and which of its processes this one is."""

import os

from augfpn.errors import UserError

UNSET = "unset RANK and WORLD_SIZE for one process, or start several with torchrun."
OF_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def rank() -> int:
    """This process's rank among those that torchrun started; 0 without torchrun."""
    return rank_and_size()[0]


def rank_and_size() -> tuple[int, int]:
    """The rank of this process and the number of processes: 0 and 1 without torchrun.

    torchrun tells both in environment variables. Raises ``UserError`` for variables that torchrun
    cannot have set: one process alone would print nothing, or wait for others that do not exist.
    """
    said = {name: os.environ[name] for name in OF_TORCHRUN if name in os.environ}
    rank, size = said.get("RANK", "0"), said.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
        raise UserError(f"{as_set(said)} set in the environment cannot be: {UNSET}")
    if int(size) > 1 and len(said) < len(OF_TORCHRUN):
        missing = ", ".join(name for name in OF_TORCHRUN if name not in said)
        raise UserError(f"{as_set(said)} set in the environment without {missing}: {UNSET}")
    return int(rank), int(size)


def as_set(said: dict[str, str]) -> str:
    """RANK and WORLD_SIZE as they are set."""
    return " and ".join(f"{name}={said[name]}" for name in OF_TORCHRUN[:2] if name in said)
