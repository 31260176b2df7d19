"""One detector trained by several processes, each on a GPU of its own; or by one process.

    torchrun --nproc-per-node 8 -m augfpn.cli train --recipe faster_rcnn_r50_augfpn_1x

torchrun starts the processes and gives each its rank in environment variables. All build the same
detector; each takes its share of every step's pictures; they average their gradients. Only rank 0
writes files and prints. The order of the pictures, their flips and the learning rate depend on the
step only, so together the processes see the pictures that a single process would see.

What several processes compute differs from what one computes, so their number is a setting of the
run, which its identity and its record have. Batch normalisation uses the statistics of all
processes, which differ by rounding. Each process samples anchors and RoIs with its own random
numbers, pads its own share of the pictures, and divides its losses by its own number of samples, as
torchvision and the authors' code do. Where these numbers are equal (RetinaNet divides per picture),
one and several processes differ by rounding.
"""

import atexit
import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from augfpn.errors import UserError
from augfpn.support.launched import rank_and_size
from augfpn.support.progress import note
from augfpn.training.meeting import Watch, client, meet
from augfpn.training.synchronised import normalises_batches, synchronised

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
        """The detector to train; several processes share gradients and batch statistics."""
        if self.size == 1:
            return detector
        if self.first:
            batches = "batch statistics and gradients are those of all images of a step"
            own = batches if normalises_batches(detector) else "gradients are averaged"
            note(f"{self.size} processes train together: {own}.")
        # DDP orders its buckets anew after the first step. With three or more processes the place
        # in a bucket decides in which order numbers are added, and a run that goes on has another
        # first step. DDP keeps its order if it looks for unused parameters.
        keep = self.size > 2 and next(detector.parameters()).device.type == "cpu"
        return Learner(detector, find_unused_parameters=keep)

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

    def largest(self, numbers: list[int]) -> list[int]:
        """Each number's largest value among all processes, on all of them."""
        if self.size == 1:
            return numbers
        told = torch.tensor(numbers, dtype=torch.int64)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return told.tolist()

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


class Learner(DistributedDataParallel):
    """A detector whose gradients and batch statistics are those of all processes."""

    def forward(self, *given: Any) -> Any:
        with synchronised():
            return super().forward(*given)


def join(device: str) -> World:
    """Connect this process with the others that torchrun started, until it ends.

    Later calls return the same world. Without torchrun nothing is started. The processes leave
    the group only when they end, because a second rendezvous would find the addresses of the first.
    """
    rank, size = rank_and_size()
    if size == 1:
        return ALONE
    if not dist.is_initialized():
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        store = client(serve=rank == 0)
        name = meet(store, rank, size)
        backend = BACKENDS if device == "cuda" else "gloo"
        group = dist.PrefixStore(f"{name}/group", store)
        dist.init_process_group(backend, timeout=PATIENCE, store=group, rank=rank, world_size=size)
        atexit.register(dist.destroy_process_group)
        watches.append(Watch(name, rank, size))
    return World(rank, size)


watches: list[Watch] = []  # of this process; it joins once


@contextlib.contextmanager
def as_one() -> Iterator[None]:
    """Within it, or within a function that it decorates, an error in one process ends all of them.

    Raises ``UserError`` in place of the errors that follow from the end of another process.
    """
    try:
        yield
    except BaseException as error:
        if not watches:
            raise
        atexit.unregister(dist.destroy_process_group)  # it would wait for the others
        watches[0].fail()
        if is_of_connection(error):
            raise UserError(
                f"one of the {dist.get_world_size()} processes that train together has ended "
                "without a word, as if it was killed: the same command goes on from the last "
                "checkpoint."
            ) from error
        raise


def is_of_connection(error: BaseException) -> bool:
    """Whether an error says that processes could not reach each other."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)
