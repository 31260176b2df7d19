"""Suppression in all pictures at once against torchvision's, picture by picture."""

import pytest
import torch
from pretend_gpu import GPU, needs_cuda_build, pretend_gpu
from torch import Tensor
from torchvision.ops import batched_nms

from augfpn.detectors import suppression
from augfpn.detectors.suppression import best_after_nms, grouped_nms

N, D = 4, 120
Candidates = tuple[Tensor, Tensor, Tensor, Tensor]


def candidates() -> Candidates:
    """Overlapping boxes of three labels; the third picture has none, and scores come twice."""
    torch.manual_seed(0)
    corner, side = torch.rand(N, D, 2) * 60, 10 + torch.rand(N, D, 2) * 40
    scores = torch.rand(N, D)
    scores[:, 1::2] = scores[:, ::2]
    valid = torch.rand(N, D) < 0.8
    valid[2] = False
    boxes = torch.cat([corner, corner + side], dim=2)
    return boxes, scores, torch.randint(3, (N, D)), valid


def expected(given: Candidates, most: int, shown: Tensor) -> list[list[int]]:
    """The rows of each picture, by torchvision's function."""
    found = []
    for i, (boxes, scores, labels, valid) in enumerate(zip(*given, strict=True)):
        here = torch.where(valid)[0]
        keep = here[batched_nms(boxes[here], scores[here], labels[here], 0.5)][:most]
        found.append((keep[shown[i, keep]] + i * D).tolist())
    return found


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_on_the_host_torchvisions_rows(most: int) -> None:
    given = candidates()
    shown = given[2] > 0
    rows, numbers = best_after_nms(*given, iou=0.5, most=most, shown=shown)
    assert [x.tolist() for x in rows.split(numbers)] == expected(given, most, shown)


@needs_cuda_build
@pytest.mark.parametrize("largest", [2**16, 150])
def test_on_a_gpu_the_same_rows_in_one_call(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or in several if there are more boxes than one call may take."""
    monkeypatch.setattr(suppression, "LARGEST", largest)
    given = candidates()
    shown = given[2] > 0
    with pretend_gpu() as gpu:
        there = [x.to(GPU) for x in (*given, shown)]
        gpu.clear()
        rows, numbers = best_after_nms(*there[:4], iou=0.5, most=20, shown=there[4])
        waited = [event.operator for event in gpu.synchronisations]
        found = [x.tolist() for x in rows.split(numbers)]
    assert found == expected(given, 20, shown)
    calls = 1 if largest > N * D else 3
    assert waited.count("nms") == calls
    assert len(waited) == (3 if calls == 1 else 3 + calls)


def test_shares_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression, "LARGEST", 10)
    assert suppression.shares([4, 6, 1, 20, 3]) == [10, 1, 20, 3]


@needs_cuda_build
def test_without_candidates_nothing_is_kept() -> None:
    nothing = (torch.zeros(2, 0, 4), torch.zeros(2, 0), torch.zeros(2, 0).long())
    valid = torch.zeros(2, 0, dtype=torch.bool)
    assert best_after_nms(*nothing, valid, iou=0.5, most=5)[1] == [0, 0]
    with pretend_gpu():
        there = [x.to(GPU) for x in (*nothing, valid)]
        assert best_after_nms(*there, iou=0.5, most=5)[1] == [0, 0]


@needs_cuda_build
def test_boxes_far_apart_are_not_rounded_together() -> None:
    """Two boxes whose IoU is just at most the threshold, in the last of many pictures and labels.

    In single precision, a shift of a million pixels would leave 1/16 px.
    """
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5.001]]).expand(500, 2, 4)
    labels = torch.full((500, 2), 79)
    given = (boxes, torch.tensor([0.9, 0.8]).expand(500, 2), labels, torch.ones(500, 2).bool())
    with pretend_gpu():
        for iou, kept in ((0.50005, 1000), (0.50015, 1000), (0.49, 500)):
            rows = grouped_nms(*(x.to(GPU) for x in given), iou=iou)
            assert len(rows) == (500 if iou == 0.50005 else kept)
