"""One detector trained by several processes, each on a GPU of its own; or by one process.

    torchrun --nproc-per-node 8 -m augfpn.cli train --recipe faster_rcnn_r50_augfpn_1x

torchrun starts the processes and gives each its rank in environment variables. All build the same
detector; each takes its share of every step's pictures; they average their gradients. Only rank 0
writes files and prints. The order of the pictures, their flips and the learning rate depend on the
step only, so together the processes see the pictures that a single process would see.
"""

import atexit
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from augfpn.errors import UserError

Item = TypeVar("Item")
PATIENCE = timedelta(minutes=30)  # how long the others wait for a process before all fail
BACKENDS = "cpu:gloo,cuda:nccl"


class World(NamedTuple):
    """This process's rank among those that train together, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is rank 0, the process that writes and prints."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part of the items, which all processes have: every ``size``-th item."""
        return items[self.rank :: self.size]

    def check_batch(self, batch: int) -> None:
        """Raise ``UserError`` if the pictures of a step cannot be shared evenly."""
        if batch % self.size:
            raise UserError(
                f"a step has {batch} pictures, which {self.size} processes cannot share evenly: "
                f"start a number of processes that divides {batch}."
            )

    def learner(self, detector: nn.Module) -> nn.Module:
        """The detector to train; with several processes it averages gradients over them."""
        return detector if self.size == 1 else DistributedDataParallel(detector)

    def seed(self, seed: int, step: int) -> None:
        """Seed every rank but 0 differently, to sample other RoIs; repeatable after a restart."""
        if not self.first:
            torch.manual_seed((seed * self.size + self.rank) * 1_000_003 + step)

    def mean(self, numbers: Tensor) -> Tensor:
        """The mean of a tensor over processes, computed in place."""
        if self.size > 1:
            dist.all_reduce(numbers)
            numbers /= self.size
        return numbers

    def gather(self, items: list[Item]) -> list[Item]:
        """The items of all processes, in the order of ranks."""
        if self.size == 1:
            return items
        found: list[list[Item]] = [[] for _ in range(self.size)]
        dist.all_gather_object(found, items)
        return [item for each in found for item in each]

    def from_first(self, value: Item | None) -> Item:
        """The value of rank 0, on every rank; the others wait for it."""
        told: list[Any] = [value]
        if self.size > 1:
            dist.broadcast_object_list(told, src=0)
        return told[0]


ALONE = World()


def join(device: str) -> World:
    """Connect this process with the others that torchrun started, until it ends.

    Later calls return the same world. Without torchrun nothing is started. The processes leave
    the group only when they end, because a second rendezvous would find the addresses of the first.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    if not dist.is_initialized():
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group(BACKENDS if device == "cuda" else "gloo", timeout=PATIENCE)
        atexit.register(dist.destroy_process_group)
    return World(dist.get_rank(), size)
