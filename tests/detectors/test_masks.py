"""Mask R-CNN's branch: its ground-truth masks, and its loss."""

import torch
from torchvision.models.detection.roi_heads import maskrcnn_loss

from augfpn.detectors.masks import MaskSupervision, mask_loss, mask_samples
from augfpn.detectors.roi_align import torchvision_roi_align
from augfpn.pyramid import HardRoISelection, Samples


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
