"""RoIs and detections of all pictures at once, against torchvision's, picture by picture."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads

from augfpn.detectors import anchors
from augfpn.detectors.anchors import OverlapMatcher, matcher, matches_of
from augfpn.detectors.boxes import overlaps
from augfpn.detectors.targets import check_targets, roi_heads, sample_rois
from augfpn.errors import UserError

SIZES = [(120, 200), (90, 160), (200, 200)]
OBJECTS = (3, 0, 1)  # of each picture
NUMBERS = {"rois": 24, "objects": 0.25, "detections": 30}


def their_heads() -> RoIHeads:
    names = ("box_roi_pool", "box_head", "box_predictor", "bbox_reg_weights")
    return RoIHeads(
        **dict.fromkeys(names),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=24,
        positive_fraction=0.25,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=30,
    )


def scattered(count: int, size: tuple[int, int]) -> Tensor:
    """Random boxes in a picture: (count, 4)."""
    corner = torch.rand(count, 2) * torch.tensor([size[1], size[0]]) * 0.7
    return torch.cat([corner, corner + 5 + torch.rand(count, 2) * 50], dim=1)


def drawn(*counts: int) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """So many proposals of each picture, some of them near its objects; and the targets."""
    torch.manual_seed(0)
    proposals, targets = [], []
    for count, objects, size in zip(counts, OBJECTS, SIZES, strict=True):
        boxes = scattered(objects, size)
        near = boxes.repeat(4, 1)[: count // 2]
        far = scattered(count - len(near), size)
        proposals.append(torch.cat([near + torch.randn_like(near) * 3, far]))
        targets.append({"boxes": boxes, "labels": torch.arange(objects) + 1})
    return proposals, targets


@pytest.mark.parametrize("counts", [(60, 60, 60), (60, 7, 31), (1, 0, 60)], ids=str)
def test_rois_are_sampled_as_by_torchvision(counts: tuple[int, ...]) -> None:
    proposals, targets = drawn(*counts)
    torch.manual_seed(1)
    boxes, matches, labels, deltas = their_heads().select_training_samples(proposals, targets)
    torch.manual_seed(1)
    found = sample_rois(roi_heads(None, None, **NUMBERS), proposals, targets)
    expected = (boxes, labels, list(deltas), matches)
    names = ("boxes", "labels", "deltas", "matches")
    for name, theirs in zip(names, expected, strict=True):
        ours = getattr(found, name)
        assert len(ours) == 3
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)), name
    assert torch.equal(found.objects, torch.where(torch.cat(labels) > 0)[0])
    assert len(found.objects) > 0


def test_a_batch_without_objects_has_background_only() -> None:
    proposals, targets = drawn(40, 40, 40)
    targets = [targets[1]] * 3
    found = sample_rois(roi_heads(None, None, **NUMBERS), proposals, targets)
    assert [len(each) for each in found.boxes] == [24] * 3
    assert not torch.cat(found.labels).any()
    assert len(found.objects) == 0


@pytest.mark.parametrize("counts", [(60, 60, 60), (60, 0, 31)], ids=str)
def test_detections_are_torchvisions(counts: tuple[int, ...]) -> None:
    proposals, _ = drawn(*counts)
    logits, deltas = torch.randn(sum(counts), 5) * 2, torch.randn(sum(counts), 20)
    given = logits, deltas, proposals, SIZES
    expected = their_heads().postprocess_detections(*given)
    found = roi_heads(None, None, **NUMBERS).postprocess_detections(*given)
    assert [len(each) for each in found[0]] == [30 if n else 0 for n in counts]
    for ours, theirs in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("rule", ["always", "reassign"])
@pytest.mark.parametrize("at_once", [1, 2**24])
def test_pictures_are_matched_as_if_alone(
    rule: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "MOST_OVERLAPS", at_once)
    _, targets = drawn(0, 0, 0)
    objects, boxes = [target["boxes"] for target in targets], scattered(500, (200, 200))
    rule_of = matcher(0.6, 0.3, rule, 0.1)
    found = matches_of(rule_of, objects, boxes)
    assert torch.equal(found[0], rule_of(overlaps(objects[0], boxes)))
    assert torch.equal(found[1], torch.full((500,), -1))
    assert torch.equal(found[2], rule_of(overlaps(objects[2], boxes)))
    assert (found >= 0).any(dim=1).tolist() == [True, False, True]


def test_low_matches_are_only_made_if_asked_for() -> None:
    quality = torch.tensor([[0.4, 0.1]])
    assert OverlapMatcher(0.5, 0.5)(quality).tolist() == [-1, -1]
    assert OverlapMatcher(0.5, 0.5, allow_low_quality_matches=True)(quality).tolist() == [0, -1]


def test_the_first_box_without_area_is_named() -> None:
    flat = {"boxes": torch.tensor([[1.0, 1.0, 2.0, 2.0], [3.0, 4.0, 5.0, 4.0]])}
    with pytest.raises(UserError, match=r"target 1 holds the box \[3.0, 4.0, 5.0, 4.0\]"):
        check_targets([{"boxes": torch.zeros(0, 4)}, flat, flat])
