"""Where anchors lie and what they match, on both grids, by both rules: by hand and by loops."""

import oracle
import pytest
import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from worked import worked

from augfpn.detectors.anchors import Anchors, ReassigningMatcher, matcher

# IoU of three objects (rows) and four anchors. From 0.75 on an anchor is matched to an object,
# below 0.25 it is background. Anchor 0 fits object 0 well. It is also the best anchor of object 1,
# at 0.4. No anchor fits object 2; its best is anchor 2, at 0.2.
QUALITY = torch.tensor(
    [
        [0.90, 0.50, 0.10, 0.00],
        [0.40, 0.15, 0.00, 0.20],
        [0.00, 0.10, 0.20, 0.15],
    ]
)


def laid_out(
    generator: Anchors, height: int, width: int, shapes: list[tuple], dtype: torch.dtype
) -> list[Tensor]:
    """The anchors on maps of these (h, w), for a batch of two pictures."""
    batch = ImageList(torch.empty(1, 1, 1, 1).expand(2, 3, height, width), [(height, width)] * 2)
    return generator.by_level(batch, [torch.zeros(2, 1, *shape, dtype=dtype) for shape in shapes])


@worked("PROPOSALS", "anchor_grid", torchvision=[-16, -16, 16, 16], authors=[-14, -14, 18, 18])
def test_the_first_anchor_of_32_px_at_stride_4(value, expected) -> None:
    """The authors write -14 to 17, because 17 is the last pixel that belongs to the box."""
    generator = Anchors(sizes=[(32,)], ratios=(1.0,), levels=(2,), grid=value)
    (found,) = laid_out(generator, 16, 24, [(4, 6)], torch.float32)
    assert found[0].tolist() == expected
    assert (found[1] - found[0]).tolist() == [4, 0, 4, 0]
    assert (found[6] - found[0]).tolist() == [0, 4, 0, 4]
    assert len(found) == 24


@worked("RETINANET", "anchor_grid", torchvision=(61, 124), authors=(64, 128))
def test_anchors_of_p6_where_13_cells_meet_800_pixels(value, expected) -> None:
    """On the corner grid P6's are 800 // 13 = 61 px apart, and P7's, of 9 cells, 1120 // 9."""
    generator = Anchors(sizes=[(256,), (512,)], ratios=(1.0,), levels=(6, 7), grid=value)
    p6, p7 = laid_out(generator, 800, 1120, [(13, 18), (7, 9)], torch.float32)
    down, right = p6[18] - p6[0], p7[1] - p7[0]
    assert (down[1].item(), right[0].item()) == expected
    assert (down[0].item(), right[1].item()) == (0, 0)


@worked("FCOS", "anchor_grid", torchvision=[[0, 0], [8, 0]], authors=[[4, 4], [12, 4]])
def test_the_first_points_of_p3(value, expected) -> None:
    generator = Anchors(sizes=[(8,)], ratios=(1.0,), levels=(3,), grid=value)
    (found,) = laid_out(generator, 32, 32, [(4, 4)], torch.float32)
    assert ((found[:2, :2] + found[:2, 2:]) / 2).tolist() == expected


@pytest.mark.parametrize("grid", ["corner", "centre"])
def test_all_anchors_of_all_levels(grid: str) -> None:
    sizes, ratios, shapes = [(30, 41), (64, 90)], [0.5, 1.0, 3.0], [(5, 7), (3, 4)]
    generator = Anchors(sizes=sizes, ratios=ratios, levels=(4, 5), grid=grid)
    found = laid_out(generator, 70, 110, shapes, torch.float32)
    for level, (size, shape, k) in enumerate(zip(sizes, shapes, (4, 5), strict=True)):
        corner = (70 // shape[0], 110 // shape[1]), 0
        step, offset = corner if grid == "corner" else ((2**k, 2**k), 2 ** (k - 1))
        expected = oracle.anchors(*shape, step, offset, list(size), ratios)
        assert found[level].tolist() == expected


@pytest.mark.parametrize("grid", ["corner", "centre"])
def test_anchors_are_exact_where_features_are_not(grid: str) -> None:
    """bfloat16 has 8 bits: between 1024 and 2048 it represents only every eighth pixel."""
    generator = Anchors(sizes=[(8,)], ratios=(1.0,), levels=(3,), grid=grid)
    exact, rounded = (
        laid_out(generator, 32, 1344, [(4, 168)], dtype)[0]
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert torch.equal(rounded.float(), exact)


@worked("PROPOSALS RETINANET", "low_quality", torchvision=[0, -2, 2, -1], authors=[1, -2, 2, -1])
def test_whose_an_anchor_is_that_two_objects_want(value, expected) -> None:
    """Anchor 0 is reassigned to object 1, or stays with object 0, which it fits better."""
    assert matcher(0.75, 0.25, value, 0.0)(QUALITY).tolist() == expected


@worked("PROPOSALS", "low_quality_iou", torchvision=[1, -2, 2, -1], authors=[1, -2, -1, -1])
def test_how_bad_an_objects_best_anchor_may_be(value, expected) -> None:
    """Object 2 has anchor 2, at an IoU of 0.2, or no anchor."""
    assert matcher(0.75, 0.25, "reassign", value)(QUALITY).tolist() == expected


def test_all_anchors_that_fit_an_object_equally_well_are_its() -> None:
    quality = torch.tensor([[0.5, 0.5, 0.25]])
    for rule in ("always", "reassign"):
        assert matcher(0.75, 0.25, rule, 0.0)(quality).tolist() == [0, 0, -2]


@pytest.mark.parametrize("rule", ["always", "reassign"])
def test_an_object_that_no_anchor_overlaps_has_none(rule: str) -> None:
    """Its best IoU is 0, and so is its IoU with every anchor that does not overlap it."""
    quality = torch.tensor([[0.875, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert matcher(0.75, 0.25, rule, 0.0)(quality).tolist() == [0, -1, -1]


@pytest.mark.parametrize("rule", ["always", "reassign"])
@pytest.mark.parametrize("least", [0.0, 0.375])
def test_matching_is_the_loop(rule: str, least: float) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        objects = int(torch.randint(1, 5, (), generator=generator))
        quality = torch.randint(0, 17, (objects, 9), generator=generator) / 16
        quality[:, torch.rand(9, generator=generator) < 0.3] /= 4
        quality[torch.arange(objects), torch.arange(objects)] += 1 / 64  # each overlaps something
        expected = oracle.match(quality.tolist(), 0.75, 0.25, least, rule == "reassign")
        assert matcher(0.75, 0.25, rule, least)(quality).tolist() == expected


def test_matching_leaves_the_overlaps_as_they_were() -> None:
    before = QUALITY.clone()
    ReassigningMatcher(0.75, 0.25, 0.0)(QUALITY)
    assert torch.equal(QUALITY, before)
