"""The box head on features in both layouts, against torchvision's."""

import copy

import pytest
import torch
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from augfpn.speed.quick import quicken


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("rois", [0, 1, 5])
def test_equals_torchvisions_head(rois: int, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    theirs = TwoMLPHead(4 * 49, 8)
    ours = quicken(copy.deepcopy(theirs))
    assert type(ours) is not TwoMLPHead
    x = torch.randn(rois, 4, 7, 7).to(memory_format=layout).requires_grad_()
    answers = []
    for head in (ours, theirs):
        y = head(x)
        towards = torch.arange(y.numel()).view(y.shape).float()
        answers.append((y, *torch.autograd.grad(y, [x, *head.parameters()], towards)))
    for a, b in zip(*answers, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4)


def test_contiguous_features_are_bit_for_bit_torchvisions() -> None:
    torch.manual_seed(0)
    theirs, x = TwoMLPHead(4 * 49, 8), torch.randn(5, 4, 7, 7)
    assert torch.equal(quicken(copy.deepcopy(theirs))(x), theirs(x))
