"""The sparse RoIAlign against torchvision's operator, forward and backward, boxes of every kind."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from augfpn.speed import roi_align as bags
from augfpn.speed.roi_align import sparse_roi_align, torchvision_roi_align

ONE = torch.tensor([[0.0, 1.0, 1.0, 9.0, 9.0]])  # a RoI of the first picture
SIDE = st.floats(-40, 200, allow_nan=False, width=32)


@settings(deadline=None, max_examples=60)
@given(
    corners=st.lists(st.tuples(SIDE, SIDE, SIDE, SIDE), min_size=1, max_size=5),
    level=st.integers(0, 5),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.sampled_from([1, 7, 14]),
)
def test_equals_torchvision(corners: list, level: int, shape: tuple, size: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *shape, requires_grad=True)
    rois = torch.tensor([(i % 2, *sorted(c[:2]), *sorted(c[2:])) for i, c in enumerate(corners)])
    rois = rois[:, [0, 1, 3, 2, 4]]  # picture, x1, y1, x2, y2
    ours, theirs = (
        align(x, rois, size, level) for align in (sparse_roi_align, torchvision_roi_align)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    towards = torch.randn_like(theirs)
    gradients = [torch.autograd.grad(y, x, towards)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("align", [sparse_roi_align, torchvision_roi_align])
def test_no_boxes_give_no_features_and_no_gradient(align) -> None:
    x = torch.randn(1, 3, 4, 4, requires_grad=True)
    pooled = align(x, torch.zeros(0, 5), 7, 2)
    assert pooled.shape == (0, 3, 7, 7)
    pooled.sum().backward()
    assert x.grad.abs().sum() == 0


def gradient_of(x: torch.Tensor, rois: torch.Tensor) -> torch.Tensor:
    pooled = sparse_roi_align(x, rois, 7, 2)
    return torch.autograd.grad(pooled.square().sum(), x)[0]


def test_what_is_remembered_is_of_the_same_rois_and_maps() -> None:
    """Other RoIs of the same number, other maps, and more RoIs than are remembered, in turns."""
    torch.manual_seed(0)
    maps = [torch.randn(2, 3, *shape, requires_grad=True) for shape in ((8, 9), (9, 8), (8, 9))]
    corner = torch.rand(3, 5, 2) * 20
    sets = [torch.cat([torch.zeros(5, 1), c, c + 9], dim=1) for c in corner]
    sets.append(sets[0].repeat(300, 1))
    for rois in (*sets, *sets[::-1]):
        for x in maps:
            bags.RECENT.clear()
            alone = gradient_of(x, rois)
            for before in sets:  # what stays from these must not be taken for ours
                gradient_of(maps[0], before)
            assert torch.equal(gradient_of(x, rois), alone)


def test_no_more_is_remembered_than_a_detector_needs() -> None:
    most = bags.REMEMBERED // (49 * 16)  # RoIs
    for side in range(4, 12):
        gradient_of(torch.randn(1, 1, side, side, requires_grad=True), ONE.repeat(most // 3, 1))
        assert sum(each.pairs for each in bags.RECENT.values()) <= bags.REMEMBERED
    before = list(bags.RECENT)
    for rois in (ONE.repeat(most + 1, 1), ONE[:0]):  # too many, and none
        sparse_roi_align(torch.randn(1, 1, 3, 3), rois, 7, 2)
    assert list(bags.RECENT) == before


def test_one_picture_has_its_places_side_by_side_in_memory(monkeypatch) -> None:
    """Rows that are no rows in memory are summed many times more slowly."""
    laid_out = []
    whole = bags.weighted_bags
    monkeypatch.setattr(
        bags,
        "weighted_bags",
        lambda rows, *rest: laid_out.append(rows.is_contiguous()) or whole(rows, *rest),
    )
    for pictures in (1, 2):
        gradient_of(torch.randn(pictures, 3, 8, 8, requires_grad=True), ONE)
    assert laid_out == [True] * 4
