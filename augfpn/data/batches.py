"""Which pictures each step sees, as a function of seed and step alone."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from augfpn.data.pictures import Pictures, Target

Draw = tuple[int, int]  # which picture, and the how-manieth that is drawn in this run
Share = Callable[[list[Draw]], Sequence[Draw]]


class Augmented(Dataset):
    """Pictures flipped left to right with probability ``flip``, decided by seed and draw."""

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
    """A target of a picture so wide, left to right: its boxes, and its masks where it has some."""
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    masks = {"masks": target["masks"].flip(-1)} if "masks" in target else {}
    return target | {"boxes": boxes} | masks


def batches(
    pictures: Pictures,
    useful: list[int],
    size: int,
    steps: range,
    seed: int,
    flip: float,
    workers: int,
    share: Share = list,
) -> DataLoader:
    """For each of the steps a batch: images (uint8, (3, H_i, W_i)) and targets, as two tuples.

    ``useful`` are the indices to draw from: all of them once, shuffled, then all of them again.
    ``share`` chooses from a batch what this process trains on.
    """
    return DataLoader(
        Augmented(pictures, flip, seed),
        batch_sampler=map(share, draws(useful, size, steps, seed)),
        num_workers=workers,
        collate_fn=transpose,
        generator=torch.Generator(),  # its own: a loader draws a number when it starts
    )


def draws(useful: list[int], size: int, steps: range, seed: int) -> Iterator[list[Draw]]:
    """The draws of each step."""
    for step in steps:
        batch = []
        for draw in range(step * size, (step + 1) * size):
            epoch, place = divmod(draw, len(useful))
            batch.append((useful[shuffled(len(useful), epoch, seed)[place]], draw))
        yield batch


@lru_cache(maxsize=2)
def shuffled(n: int, epoch: int, seed: int) -> np.ndarray:
    """The order of one pass over n pictures."""
    return np.random.default_rng((seed, epoch, n)).permutation(n)


def transpose(samples: list[tuple[Tensor, dict]]) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
    """A list of (image, target) to (images, targets)."""
    images, targets = zip(*samples, strict=True)
    return images, targets
