"""The sparse RoIAlign against torchvision's operator, forward and backward, boxes of every kind."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from augfpn.detectors.roi_align import sparse_roi_align, torchvision_roi_align

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
