"""Soft RoI Selection in both orders, against the paper's as `augfpn.pyramid` writes it."""

import copy

import pytest
import torch
from torch import Tensor, nn

from augfpn.detectors.roi_align import sparse_roi_align
from augfpn.pyramid import AdaptiveSpatialFusion, Boxes, SoftRoISelection
from augfpn.speed import fusion
from augfpn.speed.fusion import ReducedSoftRoISelection, gated_sum
from augfpn.speed.quick import quicken

LEVELS, CHANNELS = (2, 3, 4, 5), 6
FEW, MANY = 2, 200  # RoIs a picture: 392 and 39,200 bins of all levels for 10,640 places


def selection() -> SoftRoISelection:
    torch.manual_seed(0)
    select = SoftRoISelection(LEVELS, 7, sparse_roi_align, AdaptiveSpatialFusion(CHANNELS, 4))
    for q in select.parameters():  # biases too, which begin as zeros
        nn.init.normal_(q, std=0.3)
    return select


def maps() -> dict[int, Tensor]:
    torch.manual_seed(1)
    return {
        k: torch.randn(2, CHANNELS, 256 // 2**k, 256 // 2**k, requires_grad=True) for k in LEVELS
    }


def boxes(count: int) -> Boxes:
    """Of every size; some cross the border and some lie outside, where RoIAlign counts zeros."""
    torch.manual_seed(2)
    corner, side = torch.rand(2, count, 2) * 300 - 20, torch.rand(2, count, 2) ** 3 * 250 + 1
    return list(torch.cat([corner, corner + side], dim=2))


def results(select: nn.Module, count: int) -> tuple[Tensor, ...]:
    p = maps()
    pooled = select(p, boxes(count))
    torch.manual_seed(3)
    return pooled, *torch.autograd.grad(
        pooled, [*p.values(), *select.parameters()], torch.randn_like(pooled)
    )


@pytest.mark.parametrize("count", [0, FEW, MANY])
def test_equals_the_order_of_the_paper(count: int) -> None:
    paper = selection()
    quick = quicken(copy.deepcopy(paper))
    assert isinstance(quick, ReducedSoftRoISelection)
    for ours, theirs in zip(results(quick, count), results(paper, count), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("count", "reduced"), [(FEW, 0), (MANY, 1)])
def test_maps_are_reduced_first_where_there_are_more_bins_than_places(
    count: int, reduced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(fusion, "gated_sum", lambda *given: calls.append(0) or gated_sum(*given))
    quicken(selection())(maps(), boxes(count))
    assert len(calls) == reduced


@pytest.mark.parametrize("little", [0, 2**24])
def test_gates_weigh_the_maps_of_their_levels(little: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "MOST_KEPT", little)
    maps = [torch.full((1, 1, 1, 1), value, requires_grad=True) for value in (1.0, 10.0, 100.0)]
    gates = torch.tensor([0.5, 0.25, 1.0]).view(1, 3, 1, 1).requires_grad_()
    total = gated_sum(gates, maps, [torch.clone] * 3)
    assert total.item() == 0.5 * 1 + 0.25 * 10 + 1.0 * 100
    of_gates, *of_maps = torch.autograd.grad(total.sum(), [gates, *maps])
    assert of_gates.flatten().tolist() == [1.0, 10.0, 100.0]
    assert [x.item() for x in of_maps] == [0.5, 0.25, 1.0]


def test_large_pooled_maps_are_pooled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = selection()
    expected = results(paper, MANY)
    monkeypatch.setattr(fusion, "MOST_KEPT", 0)
    for ours, theirs in zip(results(quicken(paper), MANY), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_other_fusions_stay_as_they_are() -> None:
    select = SoftRoISelection(LEVELS, 7, sparse_roi_align, nn.Identity())
    assert type(quicken(select)) is SoftRoISelection
