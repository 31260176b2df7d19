"""One detector trained by several processes, a GPU each; or by one, for which nothing changes.

    torchrun --nproc-per-node 8 -m augfpn.cli train --recipe faster_rcnn_r50_augfpn_1x

torchrun starts the processes and tells each its place in environment variables. They build the
same detector, take a share of every step's pictures each, and average their gradients; the first
one alone writes and speaks. The order of the pictures, their flips and the learning rate depend on
the step only, so together they see what one process would have seen.
"""

import atexit
import os
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from augfpn.errors import UserError

Item = TypeVar("Item")
PATIENCE = timedelta(minutes=30)  # with a process that says nothing, before all give up
BACKENDS = "cpu:gloo,cuda:nccl"


class World(NamedTuple):
    """This process among those that train together: its place from 0, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part of something that all have: every ``size``-th."""
        return items[self.rank :: self.size]

    def check_batch(self, batch: int) -> None:
        """Raise ``UserError`` for a step's pictures that cannot be shared evenly."""
        if batch % self.size:
            raise UserError(
                f"a step has {batch} pictures, which {self.size} processes cannot share evenly: "
                f"start a number of processes that divides {batch}."
            )

    def learner(self, detector: nn.Module) -> nn.Module:
        """The detector as it is called in training: its gradients are averaged over processes."""
        return detector if self.size == 1 else DistributedDataParallel(detector)

    def seed(self, seed: int, step: int) -> None:
        """Let each process but the first choose other RoIs, the same ones again after a restart."""
        if not self.first:
            torch.manual_seed((seed * self.size + self.rank) * 1_000_003 + step)

    def mean(self, numbers: Tensor) -> Tensor:
        """The mean over processes of a tensor that each has."""
        if self.size > 1:
            dist.all_reduce(numbers)
            numbers /= self.size
        return numbers

    def gather(self, items: list[Item]) -> list[Item]:
        """What all processes have, one process after the other."""
        if self.size == 1:
            return items
        found: list[list[Item]] = [[] for _ in range(self.size)]
        dist.all_gather_object(found, items)
        return [item for each in found for item in each]

    def from_first(self, value: Item | None) -> Item:
        """What the first process has, for all; they wait for it."""
        told: list[Any] = [value]
        if self.size > 1:
            dist.broadcast_object_list(told, src=0)
        return told[0]


ALONE = World()


@cache
def world(device: str) -> World:
    """The processes that torchrun started, connected; without torchrun this one alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group(BACKENDS if device == "cuda" else "gloo", timeout=PATIENCE)
    atexit.register(dist.destroy_process_group)
    here = World(dist.get_rank(), size)
    if not here.first:
        os.environ["AUGFPN_PROGRESS"] = "off"
    return here
