"""The checks of parts that somebody wrote again; `tests/book/solved/builds.py` has the mistakes."""

import pytest
import torch
from torch import nn

from augfpn.detectors.rebuildable import REBUILDABLE
from augfpn.detectors.rebuilt import compare_with_ours, copy_weights, table_of_parts
from augfpn.pyramid import AdaptiveSpatialFusion


class Empty(nn.Module):
    """A class that nobody has filled yet."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def forward(self, *_: object) -> None: ...


@pytest.mark.parametrize("part", REBUILDABLE)
def test_ours_passes_and_an_empty_class_is_not_written_yet(part: str) -> None:
    assert compare_with_ours(part, REBUILDABLE[part]().ours).passed is True
    empty = compare_with_ours(part, Empty)
    assert (empty.passed, empty.verdict) == (None, "not written yet")


def test_a_check_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    compare_with_ours("fusion", AdaptiveSpatialFusion)
    assert torch.equal(torch.rand(2), expected)


def test_layers_get_our_weights_whatever_their_names_and_order() -> None:
    class Renamed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Conv2d(4, 3, 3, padding=1)
            self.first = nn.Conv2d(12, 4, 1)

    ours, theirs = AdaptiveSpatialFusion(4, 3), Renamed()
    assert copy_weights(ours, theirs) == {"reduce": "first", "score": "last"}
    assert torch.equal(theirs.first.weight, ours.reduce.weight)
    assert torch.equal(theirs.last.bias, ours.score.bias)


def test_a_layer_of_another_shape_is_named() -> None:
    class Turned(nn.Module):
        """As many parameters, in other shapes."""

        def __init__(self, channels: int, n: int) -> None:
            super().__init__()
            self.reduce = nn.Conv2d(channels, channels, (n, 1))
            self.score = nn.Conv2d(channels, n, 3)

        def forward(self, maps: list) -> torch.Tensor:
            return maps[0]

    lines = compare_with_ours("fusion", Turned).lines
    assert lines[1] == "weights: no layer of yours has the shape (16, 48, 1, 1) of our reduce"


def test_the_table_has_the_parameters_at_so_many_channels() -> None:
    classes = [each().ours for each in REBUILDABLE.values()]
    lines = table_of_parts(64, [Empty] * 4, classes).splitlines()
    count = 3 * 64**2 + 64 + 9 * 3 * 64 + 3  # of Adaptive Spatial Fusion, by the chapter's formula
    assert lines[3].split(" | ")[1] == f"{count:,}"
    assert all(line.endswith("| not written yet | passed |") for line in lines[2:])
