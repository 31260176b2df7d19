"""Which pictures each step sees, a function of the seed and the step only; and all in order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from augfpn.data.pictures import Pictures, Target

Draw = tuple[int, int]  # which picture, and its position among all draws of the run
Share = Callable[[list[Draw]], Sequence[Draw]]


class Augmented(Dataset):
    """Pictures, each flipped horizontally with probability ``flip``, decided by seed and draw."""

    def __init__(self, pictures: Pictures, flip: float, seed: int) -> None:
        self.pictures = pictures
        self.flip = flip
        self.seed = seed

    def __getitem__(self, drawn: Draw) -> tuple[Tensor, dict]:
        index, draw = drawn
        image, target = self.pictures[index]
        if np.random.default_rng((self.seed, draw)).random() >= self.flip:
            return image, target
        return image.flip(-1), flipped(target, image.shape[-1])


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
    share: Share = list,
) -> DataLoader:
    """One batch for each step: images (uint8, (3, H_i, W_i)) and targets, as two tuples.

    ``useful`` are the indices to draw from: every epoch draws each of them once, in random order.
    ``share`` returns this process's part of a batch; ``workers`` processes read the pictures.
    """
    return DataLoader(
        Augmented(pictures, flip, seed),
        batch_sampler=map(share, draws(useful, size, steps, seed)),
        num_workers=workers,
        collate_fn=transpose,
        generator=torch.Generator(),  # its own: a starting loader draws a random number from it
    )


def in_order(pictures: Pictures, size: int, workers: int) -> DataLoader:
    """All pictures in their order, ``size`` at a time, as `batches` gives them; without masks."""
    return DataLoader(
        replace(pictures, masks=False),
        size,
        num_workers=workers,
        collate_fn=transpose,
        generator=torch.Generator(),
    )


def draws(useful: list[int], size: int, steps: range, seed: int) -> Iterator[list[Draw]]:
    """The draws of each step, ``size`` of them."""
    for step in steps:
        batch = []
        for draw in range(step * size, (step + 1) * size):
            epoch, place = divmod(draw, len(useful))
            batch.append((useful[shuffled(len(useful), epoch, seed)[place]], draw))
        yield batch


@lru_cache(maxsize=2)
def shuffled(n: int, epoch: int, seed: int) -> np.ndarray:
    """The order of the n pictures in one pass over them."""
    return np.random.default_rng((seed, epoch, n)).permutation(n)


def transpose(samples: list[tuple[Tensor, dict]]) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
    """A list of (image, target) to (images, targets)."""
    images, targets = zip(*samples, strict=True)
    return images, targets
