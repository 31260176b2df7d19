"""Which of the anchors or RoIs of a batch the losses are computed from."""

from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

from augfpn.detectors.boxes import numbers_on


class Drawn(NamedTuple):
    """What was drawn from the rows of all pictures: picture i's row j is number i A + j of them.

    Shapes: ``positives`` (P,) and ``negatives`` (Q,), ascending; ``counts``, of both together, and
    ``positive_counts``, one number for each picture.
    """

    positives: Tensor
    negatives: Tensor
    counts: list[int]
    positive_counts: list[int]

    def together(self) -> Tensor:
        """Positives and negatives in the order of the rows: (P + Q,)."""
        return torch.cat([self.positives, self.negatives]).sort().values


def draw(labels: Tensor, sampler: BalancedPositiveNegativeSampler) -> Drawn:
    """Draw as many rows of each picture as ``sampler`` says, at random.

    Shapes: labels (N, A): 1 and above are positive, 0 is negative, others are never drawn.
    Differs: on the CPU the same rows as torchvision's sampler draws, from the same random numbers.
    On a GPU they are as likely, but drawn in another way: torchvision permutes the rows of each
    picture, and here the rows with the highest of random keys are taken, of all pictures at once.
    A GPU waits once, for the numbers of positive and negative rows.
    """
    kinds = torch.stack([labels >= 1, labels == 0])  # (2, N, A)
    counts = kinds.sum(dim=2).tolist()
    wanted = [numbers_to_draw(p, q, sampler) for p, q in zip(*counts, strict=True)]
    choose = chosen_by_keys if labels.device.type == "cuda" else chosen_by_permutation
    places = choose(kinds, counts, wanted)
    positives = [p for p, _ in wanted]
    negatives = places[sum(positives) :] - labels.numel()
    return Drawn(places[: sum(positives)], negatives, [p + q for p, q in wanted], positives)


def numbers_to_draw(
    positives: int, negatives: int, sampler: BalancedPositiveNegativeSampler
) -> tuple[int, int]:
    """How many positive and how many negative rows of a picture are drawn, from what there is."""
    share = int(sampler.batch_size_per_image * sampler.positive_fraction)
    first = min(positives, share)
    return first, min(negatives, sampler.batch_size_per_image - first)


def chosen_by_permutation(
    kinds: Tensor, counts: list[list[int]], wanted: list[tuple[int, int]]
) -> Tensor:
    """The drawn places of ``kinds`` (2, N, A), flattened and ascending: (D,).

    ``counts``: the number of places of each kind in each picture; ``wanted``: how many of them are
    drawn. Picture by picture, torchvision permutes the positive and then the negative ones.
    """
    drawn: list[list[Tensor]] = [[], []]
    before = [0, sum(counts[0])]
    for picture, numbers in enumerate(wanted):
        for kind, number in enumerate(numbers):
            count = counts[kind][picture]
            drawn[kind].append(torch.randperm(count)[:number] + before[kind])
            before[kind] += count
    rank = torch.cat([*drawn[0], *drawn[1]]).sort().values
    return torch.where(kinds.flatten())[0][rank]


def chosen_by_keys(kinds: Tensor, counts: list[list[int]], wanted: list[tuple[int, int]]) -> Tensor:
    """As `chosen_by_permutation`, with random numbers of the device and without a copy to it."""
    numbers = numbers_on(list(zip(*wanted, strict=True)), kinds.device)  # (2, N)
    most = max(map(max, wanted))
    keys = torch.rand(kinds.shape, device=kinds.device).masked_fill_(~kinds, -1.0)
    best = keys.topk(most, dim=2).indices  # (2, N, most)
    taken = torch.arange(most, device=kinds.device) < numbers[:, :, None]
    chosen = torch.zeros_like(kinds).scatter_(2, best, taken)
    return torch.nonzero_static(chosen.flatten(), size=sum(map(sum, wanted)))[:, 0]
