"""The paper's parts against their formulas (tests/helpers/oracle.py) and known results."""

from functools import partial

import numpy as np
import oracle
import pytest
import torch
from torch import nn

from augfpn.detectors import variants
from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import (
    FPN,
    AdaptiveSpatialFusion,
    ConsistentSupervision,
    HardRoISelection,
    ResidualFeatureAugmentation,
    Samples,
    SoftRoISelection,
    ratio_invariant_pool,
)
from augfpn.speed.roi_align import sparse_roi_align, torchvision_roi_align

ALIGNS = pytest.mark.parametrize("align", [torchvision_roi_align, sparse_roi_align])
BOXES = [
    torch.tensor([[3.0, 5.0, 60.0, 90.0], [10.0, 20.0, 12.0, 21.5]]),
    torch.tensor([[-8.0, 30.0, 130.0, 101.0]]),
]


def arrays(layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def close(ours: torch.Tensor, theirs: np.ndarray, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=tolerance, atol=tolerance)


def levels(channels: int = 6, pictures: int = 2) -> dict[int, torch.Tensor]:
    """Random maps of a 101 x 135 picture: odd sizes at every level."""
    return {
        k: torch.randn(pictures, channels, -(-101 // 2**k), -(-135 // 2**k)) for k in (2, 3, 4, 5)
    }


@pytest.mark.parametrize("n", [1, 3, 4])
def test_spatial_fusion_is_figure_3a(n: int) -> None:
    torch.manual_seed(n)
    fusion = AdaptiveSpatialFusion(6, n)
    nn.init.normal_(fusion.score.bias)
    maps = [torch.randn(2, 6, 5, 7) for _ in range(n)]
    for picture in range(2):
        expected = oracle.spatial_fusion(
            [x[picture].numpy() for x in maps], arrays(fusion.reduce), arrays(fusion.score)
        )
        close(fusion(maps)[picture], expected)


def test_fusion_without_an_opinion_adds_half_of_each_map() -> None:
    fusion = AdaptiveSpatialFusion(4, 2)
    nn.init.zeros_(fusion.score.weight)
    maps = [torch.randn(1, 4, 3, 3), torch.randn(1, 4, 3, 3)]
    torch.testing.assert_close(fusion(maps), (maps[0] + maps[1]) / 2)
    assert fusion.weights(maps).sum(dim=1).allclose(torch.tensor(1.0))  # 2 x 0.5, not a softmax


@pytest.mark.parametrize(("h", "w"), [(25, 38), (7, 13), (3, 4), (1, 1)])
def test_residual_feature_augmentation_is_section_3_2(h: int, w: int) -> None:
    torch.manual_seed(h)
    pools = [lambda x, r=r: ratio_invariant_pool(x, r) for r in (0.1, 0.2, 0.3)]
    augment = ResidualFeatureAugmentation(8, 5, pools, AdaptiveSpatialFusion(5, 3))
    for layer in augment.reduce:
        nn.init.normal_(layer.bias)
    c5 = torch.randn(1, 8, h, w)
    contexts = []
    for ratio, layer in zip((0.1, 0.2, 0.3), augment.reduce, strict=True):
        rows, columns = max(1, int(ratio * h)), max(1, int(ratio * w))
        pooled = oracle.average_pool(c5[0].numpy(), rows, columns)
        contexts.append(oracle.upsample(oracle.conv(pooled, *arrays(layer)), h, w))
    fusion = augment.fusion
    expected = oracle.spatial_fusion(contexts, arrays(fusion.reduce), arrays(fusion.score))
    close(augment(c5)[0], expected)


def test_pooled_sizes_keep_the_shape_of_c5() -> None:
    """25 x 38 is C5 of a picture of 800 x 1216: 2 x 3, 5 x 7 and 7 x 11 places."""
    sizes = [
        tuple(ratio_invariant_pool(torch.ones(1, 1, 25, 38), r).shape[2:]) for r in (0.1, 0.2, 0.3)
    ]
    assert sizes == [(2, 3), (5, 7), (7, 11)]


def test_m_is_before_the_sums_and_before_m6() -> None:
    torch.manual_seed(0)
    c = {k: torch.randn(1, 3, s, s + 1) for k, s in {2: 13, 3: 7, 4: 4, 5: 2}.items()}
    augment = ResidualFeatureAugmentation(
        3, 4, [lambda x: variants.fixed_pool(x, 1)], variants.Sum()
    )
    fpn = FPN(dict.fromkeys(c, 3), 4, augment)
    m, p = fpn(c)
    for k in c:
        assert torch.equal(m[k], fpn.lateral[str(k)](c[k]))
        assert p[k].shape == m[k].shape
    top = (m[5] + augment(c[5]))[0].detach().numpy()
    close(p[5][0], oracle.conv(top, *arrays(fpn.output["5"])))
    rows = [int(i * 2 / 4) for i in range(4)], [int(j * 3 / 5) for j in range(5)]
    inner = m[4][0].detach().numpy() + top[:, rows[0]][:, :, rows[1]]  # the nearest place above
    close(p[4][0], oracle.conv(inner, *arrays(fpn.output["4"])))


@ALIGNS
def test_hard_selection_pools_from_the_level_of_the_box(align) -> None:
    torch.manual_seed(1)
    p = levels()
    select = HardRoISelection((2, 3, 4, 5), 7, align, canonical_size=60)
    pooled, row = select(p, BOXES), 0
    for picture, boxes in enumerate(BOXES):
        for box in boxes:
            k = int(select.level_of(box[None]))
            expected = oracle.roi_align(p[k][picture].numpy(), box.tolist(), 7, k)
            close(pooled[row], expected, 1e-4)
            row += 1
    assert row == len(pooled)


@pytest.mark.parametrize(
    ("side", "level"),
    [(1, 2), (111.9, 2), (112, 3), (223.9, 3), (224, 4), (447.9, 4), (448, 5), (4000, 5)],
)
def test_level_rule_at_its_borders(side: float, level: int) -> None:
    select = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
    assert select.level_of(torch.tensor([[10.0, 20.0, 10 + side, 20 + side]])).tolist() == [level]


@ALIGNS
def test_soft_selection_fuses_every_level_of_every_box(align) -> None:
    torch.manual_seed(2)
    p = levels()
    select = SoftRoISelection((2, 3, 4, 5), 7, align, AdaptiveSpatialFusion(6, 4))
    pooled, row = select(p, BOXES), 0
    for picture, boxes in enumerate(BOXES):
        for box in boxes:
            maps = [oracle.roi_align(p[k][picture].numpy(), box.tolist(), 7, k) for k in p]
            fusion = select.fusion
            expected = oracle.spatial_fusion(maps, arrays(fusion.reduce), arrays(fusion.score))
            close(pooled[row], expected, 1e-4)
            row += 1


class Head(nn.Module):
    """A linear head: RoI features to logits and offsets of 3 classes with background."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.classes = nn.Linear(channels * 9, 3)
        self.boxes = nn.Linear(channels * 9, 12)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.classes(x.flatten(1)), self.boxes(x.flatten(1))


def supervised(groups: list[tuple[int, ...]], weight: float = 0.25) -> ConsistentSupervision:
    torch.manual_seed(3)
    selections = [HardRoISelection(g, 3, torchvision_roi_align, 60) for g in groups]
    return ConsistentSupervision(Head(6), weight, selections, partial(roi_loss, beta=1 / 9))


SAMPLES = Samples(
    boxes=BOXES,
    labels=[torch.tensor([2, 0]), torch.tensor([1])],
    deltas=[torch.tensor([[0.3, -0.01, 2.0, 0.05], [9.0, 9.0, 9.0, 9.0]]), torch.ones(1, 4)],
    matches=[torch.tensor([0, 0]), torch.tensor([0])],
)


def expected_supervision(
    m: dict, head: Head, levels_of_box: list[list[int]]
) -> tuple[float, float]:
    """Equation (1)'s terms on M, summed over the terms' levels; beta of the box loss is 1/9."""
    labels = torch.cat(SAMPLES.labels).numpy()
    wanted = torch.cat(SAMPLES.deltas).numpy()
    where = [(i, box.tolist()) for i, boxes in enumerate(BOXES) for box in boxes]
    of_class = of_box = 0.0
    for ks in levels_of_box:  # for each term, the level of each box
        pooled = [
            oracle.roi_align(m[k][i].numpy(), box, 3, k).ravel()
            for k, (i, box) in zip(ks, where, strict=True)
        ]
        weight, bias = arrays(head.classes)
        of_class += oracle.cross_entropy(np.array(pooled) @ weight.T + bias, labels)
        weight, bias = arrays(head.boxes)
        of_box += oracle.smooth_l1(np.array(pooled) @ weight.T + bias, labels, wanted, 1 / 9)
    return of_class, of_box


def test_consistent_supervision_sums_equation_1_over_the_levels() -> None:
    supervision = supervised([(2,), (3,), (4,), (5,)])
    m = levels()
    losses = supervision(m, SAMPLES)
    expected = expected_supervision(m, supervision.head, [[k] * 3 for k in (2, 3, 4, 5)])
    assert losses["loss_supervision_class"].item() == pytest.approx(0.25 * expected[0], rel=1e-4)
    assert losses["loss_supervision_box"].item() == pytest.approx(0.25 * expected[1], rel=1e-4)


def test_single_level_supervision_asks_each_box_at_its_own_level() -> None:
    """At a canonical size of 60, boxes of 70, 1.7 and 99 px are on levels 4, 2, 4 (Table 3)."""
    supervision = supervised([(2, 3, 4, 5)])
    m = levels()
    losses = supervision(m, SAMPLES)
    expected = expected_supervision(m, supervision.head, [[4, 2, 4]])
    assert losses["loss_supervision_class"].item() == pytest.approx(0.25 * expected[0], rel=1e-4)
    assert losses["loss_supervision_box"].item() == pytest.approx(0.25 * expected[1], rel=1e-4)


@pytest.mark.parametrize("name", ["sum", "max", "acf"])
def test_variants_of_fusion(name: str) -> None:
    torch.manual_seed(4)
    maps = [torch.randn(1, 8, 3, 5) for _ in range(4)]
    plain = [x[0].numpy() for x in maps]
    if name == "acf":
        fusion = variants.AdaptiveChannelFusion(8, 4)
        expected = oracle.channel_fusion(plain, arrays(fusion.reduce), arrays(fusion.expand))
    else:
        fusion = {"sum": variants.Sum, "max": variants.Max}[name]()
        expected = np.sum(plain, axis=0) if name == "sum" else np.max(plain, axis=0)
    close(fusion(maps)[0], expected)


def test_variants_of_pooling() -> None:
    c5 = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert variants.global_max_pool(c5).item() == 11
    assert variants.fixed_pool(c5, 1).item() == 5.5
    close(variants.fixed_pool(c5, 2)[0], oracle.average_pool(c5[0].numpy(), 2, 2))


def test_supervision_follows_lambda_and_permuted_boxes_follow_the_boxes() -> None:
    m = levels()
    one, three = (supervised([(2,), (5,)], weight)(m, SAMPLES) for weight in (1.0, 3.0))
    assert all(three[k].item() == pytest.approx(3 * one[k].item(), rel=1e-5) for k in one)
    select = SoftRoISelection((2, 3, 4, 5), 7, sparse_roi_align, AdaptiveSpatialFusion(6, 4))
    swapped = select(m, [BOXES[0].flip(0), BOXES[1]])
    torch.testing.assert_close(swapped, select(m, BOXES)[[1, 0, 2]])
