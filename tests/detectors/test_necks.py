"""PANet's path and BiFPN: which maps are added to which, by numbers that can be checked by eye."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from augfpn.config import AUGFPN
from augfpn.config import FPN as FPN_MODEL
from augfpn.detectors import cost
from augfpn.detectors.build import build_detector
from augfpn.detectors.necks import PAFPN, REPEATS, BiFPN, BiFPNLayer, WeightedSum
from augfpn.pyramid import FPN

IN_CHANNELS = {2: 3, 3: 5, 4: 7, 5: 9}
NECKS = pytest.mark.parametrize("neck", [PAFPN, BiFPN])


def backbone_maps(pictures: int = 2) -> dict[int, torch.Tensor]:
    """Random maps of a 101 x 135 image: odd sides on most levels."""
    torch.manual_seed(0)
    return {
        k: torch.randn(pictures, n, -(-101 // 2**k), -(-135 // 2**k))
        for k, n in IN_CHANNELS.items()
    }


def taking_the_middle(conv: nn.Conv2d) -> None:
    """Let a 3x3 convolution copy its input, at its own stride."""
    nn.init.zeros_(conv.weight)
    for channel in range(conv.out_channels):
        conv.weight.data[channel, channel, 1, 1] = 1.0


class Mean(nn.Module):
    def forward(self, maps):
        return sum(maps) / len(maps)


@NECKS
def test_maps_have_the_sizes_of_fpns_and_m_is_what_consistent_supervision_takes(neck) -> None:
    c = backbone_maps()
    torch.manual_seed(1)
    made = neck(IN_CHANNELS, 8)
    fpn = FPN(IN_CHANNELS, 8)
    fpn.lateral = made.lateral
    (m, p), (plain_m, plain_p) = made(c), fpn(c)
    assert {k: x.shape for k, x in p.items()} == {k: x.shape for k, x in plain_p.items()}
    assert all(m[k].equal(plain_m[k]) for k in IN_CHANNELS)


@NECKS
def test_an_images_maps_do_not_depend_on_its_batch(neck) -> None:
    made, c = neck(IN_CHANNELS, 8), backbone_maps()
    together, alone = made(c).p, made({k: x[:1] for k, x in c.items()}).p
    assert all(together[k][:1].allclose(alone[k], atol=1e-5) for k in IN_CHANNELS)


def test_panets_path_adds_every_second_cell_of_the_finer_map() -> None:
    made, c = PAFPN(IN_CHANNELS, 4), backbone_maps()
    for conv in (*made.down.values(), *made.merge.values()):
        taking_the_middle(conv)
    before, after = FPN.mixed(made, made(c).m), made(c).p
    assert after[2].equal(before[2])
    for k in (3, 4, 5):
        finer = after[k - 1].relu()[..., ::2, ::2]
        assert after[k].allclose((before[k] + finer).relu(), atol=1e-6)


def test_bifpn_sums_down_then_up_and_keeps_an_edge_from_each_input() -> None:
    layer = BiFPNLayer((2, 3, 4, 5), 1)
    for ways in (layer.on_the_way_down, layer.on_the_way_up):
        for k in ways:
            ways[k] = Mean()
    flat = {2: 8.0, 3: 4.0, 4: 2.0, 5: 6.0}
    out = layer({k: torch.full((1, 1, 64 // 2**k, 64 // 2**k), x) for k, x in flat.items()})
    # On the way down: 4 has (2 + 6) / 2 = 4, 3 has (4 + 4) / 2 = 4, 2 has (8 + 4) / 2 = 6.
    # On the way up: 3 has (4 + 4 + 6) / 3, 4 has (2 + 4 + 14/3) / 3, 5 has (6 + 32/9) / 2.
    expected = {2: 6.0, 3: 14 / 3, 4: 32 / 9, 5: 43 / 9}
    assert {k: x.unique().item() for k, x in out.items()} == pytest.approx(expected)


def test_bifpns_weights_add_up_to_one_and_none_is_negative() -> None:
    one = WeightedSum(3, 1)
    one.depthwise = one.pointwise = one.norm = nn.Identity()
    one.shares.data = torch.tensor([1.0, 3.0, -2.0])
    maps = [torch.full((1, 1, 2, 2), x) for x in (4.0, 8.0, 100.0)]
    merged = 0.25 * 4 + 0.75 * 8  # the third is cut off
    expected = merged * torch.sigmoid(torch.tensor(merged))
    assert one(maps).unique().item() == pytest.approx(expected.item(), rel=1e-3)


def test_bifpns_number_of_parameters_is_that_of_its_formula() -> None:
    width = 8
    lateral = sum(n * width + width for n in IN_CHANNELS.values())
    sums = 6 * (9 * width + width**2 + width + 2 * width)  # depthwise, pointwise, normalisation
    shares = 3 * 2 + 3 + 3 + 2
    counted = sum(q.numel() for q in BiFPN(IN_CHANNELS, width).parameters())
    assert counted == lateral + REPEATS * (sums + shares)


def test_panets_path_costs_six_convolutions_more_than_fpn() -> None:
    plain, path = (
        {each.part: each for each in cost.part_costs(replace(FPN_MODEL, neck=neck))}
        for neck in ("fpn", "pafpn")
    )
    cells = sum((800 // 2**k) * (1216 // 2**k) for k in (3, 4, 5))  # where their outputs lie
    more = path["PAFPN"].inference - plain["FPN"].inference
    assert more == 2 * cells * 9 * 256 * 256
    assert path["backbone"] == plain["backbone"]


@pytest.mark.parametrize("detector", ["faster_rcnn", "retinanet"])
@pytest.mark.parametrize("neck", ["pafpn", "bifpn"])
def test_all_parts_of_augfpn_learn_with_another_neck(neck: str, detector: str) -> None:
    torch.manual_seed(0)
    selection = "soft" if detector == "faster_rcnn" else "hard"
    model = replace(
        AUGFPN, detector=detector, neck=neck, roi_selection=selection, channels=16, classes=3,
        backbone="narrow_resnet", norm="batch", weights="scratch",
    )  # fmt: skip
    built = build_detector(model)
    target = {"boxes": torch.tensor([[9.0, 9.0, 99.0, 99.0]]), "labels": torch.tensor([1])}
    sum(built([torch.rand(3, 128, 160)], [target]).values()).backward()
    assert [n for n, q in built.named_parameters() if q.requires_grad and q.grad is None] == []
