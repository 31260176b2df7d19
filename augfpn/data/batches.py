"""Which pictures each step sees, a function of the seed and the step only; and others by index."""

import atexit
import multiprocessing
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from augfpn.config import Augment
from augfpn.data.augment import augmented
from augfpn.data.pictures import Pictures, Target
from augfpn.support.stopping import ignore_signals

Draw = tuple[int, int]  # which picture, and its position among all draws of the run
Share = Callable[[list[Draw]], Sequence[Draw]]
ImagesTargets = tuple[tuple[Tensor, ...], tuple[Target, ...]]  # images, targets


class Augmented(Dataset):
    """Pictures, each flipped horizontally with probability ``flip``, decided by seed and draw.

    ``augment`` says how they are changed further, see `augfpn.data.augment`.
    """

    def __init__(
        self, pictures: Pictures, flip: float, seed: int, augment: Augment = "flip"
    ) -> None:
        self.pictures = pictures
        self.flip = flip
        self.seed = seed
        self.augment = augment

    def __getitem__(self, drawn: Draw) -> tuple[Tensor, dict]:
        index, draw = drawn
        image, target = self.pictures[index]
        if np.random.default_rng((self.seed, draw)).random() < self.flip:
            image, target = image.flip(-1), flipped(target, image.shape[-1])
        return augmented(image, target, self.augment, self.seed, draw)


def flipped(target: Target, width: int) -> Target:
    """The target of a picture of this width after a horizontal flip: boxes, and masks if any."""
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    masks = {"masks": target["masks"].flip(-1)} if "masks" in target else {}
    return target | {"boxes": boxes} | masks


def batches(
    pictures: Pictures,
    useful: list[int],
    size: int,
    steps: range,
    *,
    seed: int,
    flip: float,
    workers: int,
    augment: Augment = "flip",
    by_shape: bool = False,
    share: Share = list,
) -> Iterator[ImagesTargets]:
    """One batch for each step: images (uint8, (3, H_i, W_i)) and targets, as two tuples.

    ``useful`` are the indices to draw from: every epoch draws each of them once, in random order.
    ``by_shape`` keeps pictures that are wider than high apart from the others, see `draws`.
    ``share`` returns this process's part of a batch; ``workers`` processes read the pictures.
    Raises: UserError for a picture that cannot be read.
    """
    wide = pictures.wider_than_high() if by_shape else ()
    order = map(share, draws(useful, size, steps, seed, wide))
    return loaded(Augmented(pictures, flip, seed, augment), order, workers)


def in_groups(pictures: Pictures, groups: list[list[int]], workers: int) -> Iterator[ImagesTargets]:
    """Pictures by their indices, a batch for each group, as `batches` gives them; without masks."""
    return loaded(replace(pictures, masks=False), groups, workers)


def loaded(pictures: Dataset, order: Iterable[Sequence], workers: int) -> Iterator[ImagesTargets]:
    """The batches whose indices ``order`` gives, read by ``workers`` processes, or by this one."""
    if workers:
        atexit.unregister(end_readers)
        atexit.register(end_readers)
    yield from DataLoader(
        pictures,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=transpose,
        worker_init_fn=ignore_signals,
        generator=torch.Generator(),  # its own: a starting loader draws a random number from it
    )


def end_readers() -> None:
    """Kill the processes that still read when Python ends, as for batches that a traceback keeps.

    They ignore SIGTERM, by which Python would end them, and it would wait for them forever.
    """
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would raise an error
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()


def draws(
    useful: list[int], size: int, steps: range, seed: int, wide: Collection[int] = ()
) -> Iterator[list[Draw]]:
    """The draws of each step, ``size`` of them: all of them are ``wide``, or none is.

    Pictures are drawn one by one, in each epoch all of them in a random order. Those that are wide
    and the others wait apart; ``size`` that wait together are a step. Without ``wide`` a step is
    thus the next ``size`` draws. Source: the authors' code, whose batches are either of pictures
    that are wider than high, or of the others; they repeat pictures to fill the last batch of an
    epoch, here the next epoch fills it.
    """
    waiting: dict[bool, list[Draw]] = {True: [], False: []}
    step = 0 if wide else steps.start  # with two kinds, all steps before have to be gone through
    for draw in count(step * size):
        if step >= steps.stop:
            return
        epoch, place = divmod(draw, len(useful))
        index = useful[shuffled(len(useful), epoch, seed)[place]]
        batch = waiting[index in wide]
        batch.append((index, draw))
        if len(batch) == size:
            if step >= steps.start:
                yield batch.copy()
            batch.clear()
            step += 1


@lru_cache(maxsize=2)
def shuffled(n: int, epoch: int, seed: int) -> np.ndarray:
    """The order of the n pictures in one pass over them."""
    return np.random.default_rng((seed, epoch, n)).permutation(n)


def transpose(samples: list[tuple[Tensor, Target]]) -> ImagesTargets:
    """A list of (image, target) to (images, targets)."""
    images, targets = zip(*samples, strict=True)
    return images, targets
