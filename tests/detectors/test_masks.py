"""Mask R-CNN's branch: its ground-truth masks, and its loss."""

import pytest
import torch
from pretend_gpu import GPU, needs_cuda_build, pretend_gpu
from torch import Tensor
from torchvision.models.detection.roi_heads import maskrcnn_loss, paste_masks_in_image

from augfpn.detectors.masks import MaskSupervision, mask_loss, mask_samples, paste_masks
from augfpn.pyramid import HardRoISelection, Samples
from augfpn.speed.roi_align import torchvision_roi_align


def samples() -> tuple[Samples, list[dict]]:
    """An object whose left half is filled; RoIs: all of it, its right half, and background."""
    mask = torch.zeros(2, 40, 40, dtype=torch.uint8)
    mask[1, :, :20] = 1
    boxes = torch.tensor([[0.0, 0, 40, 40], [20, 0, 40, 40], [0, 0, 10, 10]])
    labels, matches = torch.tensor([3, 3, 0]), torch.tensor([1, 1, 0])
    chosen = Samples([boxes], [labels], [torch.zeros(3, 4)], [matches])
    return chosen, [{"masks": mask}]


def test_the_mask_is_cut_out_by_its_roi() -> None:
    found = mask_samples(*samples())
    assert found.labels.tolist() == [3, 3]  # the background has none
    assert found.boxes[0].tolist() == [[0, 0, 40, 40], [20, 0, 40, 40]]
    whole, right = found.masks
    assert (whole[:, :13] == 1).all()
    assert (whole[:, 15:] == 0).all()
    assert right[:, 1:].sum() == 0


def three_pictures() -> tuple[Samples, list[dict]]:
    """Pictures of three sizes with two, no and one positive RoI."""
    torch.manual_seed(0)
    labels = [torch.tensor([0, 2, 1]), torch.tensor([0]), torch.tensor([3, 0])]
    masks = [torch.rand(2, 40, 30), torch.zeros(0, 20, 50), torch.rand(1, 30, 30)]
    matches = [torch.tensor([0, 1, 0]), torch.tensor([0]), torch.tensor([0, 0])]
    corners = [torch.rand(len(x), 2) * 10 for x in labels]
    boxes = [torch.cat([x, x + 5 + 10 * torch.rand(len(x), 2)], dim=1) for x in corners]
    chosen = Samples(boxes, labels, [torch.zeros_like(b) for b in boxes], matches)
    return chosen, [{"masks": (x > 0.5).byte()} for x in masks]


def test_pictures_together_give_what_each_gives_alone() -> None:
    chosen, targets = three_pictures()
    found = mask_samples(chosen, targets)
    known = chosen._replace(objects=torch.tensor([1, 2, 4]), counts=[2, 0, 1])
    known = mask_samples(known, targets)
    each = [
        mask_samples(Samples(*([part[i]] for part in chosen[:4])), [targets[i]]) for i in range(3)
    ]
    assert [len(b) for b in found.boxes] == [2, 0, 1]
    for together in (found, known):
        assert torch.equal(together.masks, torch.cat([one.masks for one in each]))
        assert torch.equal(together.labels, torch.cat([one.labels for one in each]))
        assert torch.equal(torch.cat(together.boxes), torch.cat([one.boxes[0] for one in each]))


def detected_masks() -> tuple[Tensor, Tensor]:
    """Boxes inside, across each border, a pixel wide, and larger than the picture."""
    torch.manual_seed(0)
    boxes = [[3, 4, 33, 24], [-9, 5, 12, 31], [40, -8, 70, 60], [30.4, 20.7, 30.9, 21.1]]
    boxes += [[-50, -60, 120, 110], [60, 5, 64, 20], [10, 10, 10, 10], [0, 0, 64, 48]]
    return torch.rand(len(boxes), 1, 28, 28), torch.tensor(boxes, dtype=torch.float32)


def test_masks_are_pasted_as_by_torchvision() -> None:
    masks, boxes = detected_masks()
    assert torch.equal(
        paste_masks(masks, boxes, (48, 64)), paste_masks_in_image(masks, boxes, (48, 64))
    )
    assert paste_masks(masks[:0], boxes[:0], (48, 64)).shape == (0, 1, 48, 64)


@needs_cuda_build
@pytest.mark.parametrize("count", [0, 8])
def test_on_a_gpu_they_are_pasted_without_waiting(count: int) -> None:
    masks, boxes = (x[:count] for x in detected_masks())
    expected = paste_masks_in_image(masks, boxes, (48, 64))
    with pretend_gpu() as gpu:
        there = masks.to(GPU), boxes.to(GPU)
        gpu.clear()
        found = paste_masks(*there, (48, 64))
        assert gpu.synchronisations == []
        found = found.cpu()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    clear = (expected - 0.5).abs() > 1e-5
    assert torch.equal(found[clear] > 0.5, expected[clear] > 0.5)
    assert not count or clear.float().mean() > 0.999


@needs_cuda_build
def test_a_gpu_does_not_wait_for_masks_of_objects_that_are_known() -> None:
    chosen, targets = three_pictures()
    with pretend_gpu() as gpu:
        there = Samples(*([x.to(GPU) for x in part] for part in chosen[:4]))
        there = there._replace(objects=torch.tensor([1, 2, 4], device=GPU), counts=[2, 0, 1])
        wanted = [{"masks": target["masks"].to(GPU)} for target in targets]
        gpu.clear()
        mask_samples(there, wanted)
        assert gpu.synchronisations == []


def test_the_loss_is_torchvisions() -> None:
    chosen, targets = samples()
    found = mask_samples(chosen, targets)
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 28, 28)
    labels = [torch.tensor([1, 3])]  # of the objects, by their place in the target
    expected = maskrcnn_loss(
        logits, found.boxes, [targets[0]["masks"]], labels, [torch.tensor([1, 1])]
    )
    assert torch.equal(mask_loss(logits, found.labels, found.masks), expected)


def test_without_objects_it_is_zero_with_a_gradient() -> None:
    logits = torch.randn(0, 5, 28, 28, requires_grad=True)
    loss = mask_loss(logits, torch.zeros(0, dtype=torch.int64), torch.zeros(0, 28, 28))
    assert loss.item() == 0
    assert loss.requires_grad


def test_supervision_sums_over_levels() -> None:
    """The same map on three levels, seen from boxes that scale with it, gives three equal terms."""
    torch.manual_seed(0)
    head = torch.nn.Sequential(torch.nn.Conv2d(4, 5, 1), torch.nn.Upsample(scale_factor=2))
    found = mask_samples(*samples())
    m = {k: torch.rand(1, 4, 20, 20) for k in (2, 3, 4)}
    select = [HardRoISelection((k,), 14, torchvision_roi_align) for k in m]
    each = [MaskSupervision(head, 0.25, [one])(m, found) for one in select]
    whole = MaskSupervision(head, 0.25, select)(m, found)["loss_supervision_mask"]
    torch.testing.assert_close(whole, sum(loss["loss_supervision_mask"] for loss in each))
