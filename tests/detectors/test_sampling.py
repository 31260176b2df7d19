"""Drawing of anchors and RoIs: torchvision's sampler, row by row, and its distribution."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

from augfpn.detectors import sampling


def labels_of_pictures() -> Tensor:
    """Many of both kinds; few; no positive one; nothing but ignored ones: (4, 400)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(-1, 3, (4, 400), generator=generator).float()
    labels[1, 7:] = -1
    labels[2] = labels[2].clamp(max=0)
    labels[3] = -1
    return labels


@pytest.mark.parametrize(("number", "share"), [(64, 0.25), (5, 0.5), (1000, 0.5), (8, 0.0)])
def test_the_same_rows_are_drawn_as_by_torchvision(number: int, share: float) -> None:
    labels = labels_of_pictures()
    sampler = BalancedPositiveNegativeSampler(number, share)
    torch.manual_seed(1)
    masks = sampler(list(labels))
    state = torch.get_rng_state()
    positives, negatives = (torch.where(torch.cat(kind))[0] for kind in masks)
    torch.manual_seed(1)
    drawn = sampling.draw(labels, sampler)
    assert torch.equal(drawn.positives, positives)
    assert torch.equal(drawn.negatives, negatives)
    assert torch.equal(torch.get_rng_state(), state)
    assert drawn.counts == [int(p.sum() + n.sum()) for p, n in zip(*masks, strict=True)]
    assert torch.equal(drawn.together(), torch.where(torch.cat(masks[0]) | torch.cat(masks[1]))[0])


def test_a_gpu_draws_as_many_and_each_row_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The GPU's way, run on the CPU: how often each row is drawn, against its probability."""
    labels = labels_of_pictures()
    sampler = BalancedPositiveNegativeSampler(64, 0.25)
    torch.manual_seed(0)
    counts = sampling.draw(labels, sampler).counts
    monkeypatch.setattr(sampling, "chosen_by_permutation", sampling.chosen_by_keys)
    times, rounds = torch.zeros(2, labels.numel()), 400
    for _ in range(rounds):
        drawn = sampling.draw(labels, sampler)
        assert drawn.counts == counts
        times[0, drawn.positives] += 1
        times[1, drawn.negatives] += 1
    for share, right, numbers in zip(
        times / rounds, (labels >= 1, labels == 0), ([16, 0, 0, 0], [48, 0, 64, 0]), strict=True
    ):
        share = share.view_as(labels)
        assert not share[~right].any()
        for picture in (0, 2):
            among = share[picture][right[picture]]
            chance = numbers[picture] / max(1, len(among))
            deviation = (chance * (1 - chance) / rounds) ** 0.5
            assert ((among - chance).abs() <= 5 * deviation).all()
    few = labels[1] >= 0
    assert (times.sum(dim=0).view_as(labels)[1, few] == rounds).all()  # all that there are
