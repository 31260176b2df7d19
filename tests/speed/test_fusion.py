"""Soft RoI Selection in both orders, against the paper's as `augfpn.pyramid` writes it."""

import copy

import pytest
import torch
from torch import Tensor, nn

from augfpn.pyramid import AdaptiveSpatialFusion, Boxes, SoftRoISelection
from augfpn.speed import fusion
from augfpn.speed.fusion import ReducedSoftRoISelection
from augfpn.speed.quick import quicken
from augfpn.speed.roi_align import (
    SumOfPlaces,
    as_rows,
    bags_of,
    shapes_of,
    sparse_roi_align,
    torchvision_roi_align,
)

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


def test_half_precision_is_near_the_order_of_the_paper() -> None:
    """To a few of its 8 bits; maps under autocast are of half precision or not."""
    paper, quick = selection(), quicken(selection())
    for dtype in (torch.float32, torch.bfloat16):
        p = {k: x.detach().to(dtype).requires_grad_() for k, x in maps().items()}
        found = []
        for select in (quick, paper):
            with torch.autocast("cpu", torch.bfloat16):
                pooled = select(p, boxes(MANY))
            learn = [*p.values(), *select.parameters()]
            found.append([pooled, *torch.autograd.grad(pooled.float().sum(), learn)])
        for ours, theirs in zip(*found, strict=True):
            assert ours.dtype == theirs.dtype
            assert (ours - theirs).abs().max() <= 0.05 * theirs.abs().max()


@pytest.mark.parametrize(("count", "reduced"), [(FEW, 0), (MANY, 1)])
def test_maps_are_reduced_first_where_there_are_more_bins_than_places(
    count: int, reduced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(fusion, "shapes_of", lambda given: calls.append(0) or shapes_of(given))
    quicken(selection())(maps(), boxes(count))
    assert len(calls) == reduced


def test_gates_weigh_the_maps_of_their_levels() -> None:
    """Maps of a single place, which every sample of a bin reads."""
    maps = {k: torch.full((1, 1, 1, 1), value) for k, value in ((2, 1.0), (3, 10.0), (4, 100.0))}
    table = torch.cat([as_rows(x) for x in maps.values()]).requires_grad_()
    gates = torch.tensor([[0.5, 0.25, 1.0]], requires_grad=True)
    roi = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]])
    total = SumOfPlaces.apply(table, gates, bags_of(roi, 1, shapes_of(maps)))
    assert total.item() == 0.5 * 1 + 0.25 * 10 + 1.0 * 100
    of_table, of_gates = torch.autograd.grad(total.sum(), [table, gates])
    assert of_gates.flatten().tolist() == [1.0, 10.0, 100.0]
    assert of_table.flatten().tolist() == [0.5, 0.25, 1.0]


def test_torchvisions_operator_stays_where_it_was_asked_for() -> None:
    paper = selection()
    paper.roi_align = torchvision_roi_align
    quick = quicken(copy.deepcopy(paper))
    assert torch.equal(quick(maps(), boxes(MANY)), paper(maps(), boxes(MANY)))


def test_other_fusions_stay_as_they_are() -> None:
    select = SoftRoISelection(LEVELS, 7, sparse_roi_align, nn.Identity())
    assert type(quicken(select)) is SoftRoISelection
