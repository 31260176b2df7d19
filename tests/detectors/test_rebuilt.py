"""The checks of parts that somebody wrote again; `tests/book/solved/builds.py` has the mistakes."""

import pytest
import torch
from chapters import cells, source
from solved.table import run
from torch import nn

from augfpn.detectors.rebuilt import PARTS_AND_JOINED, compare_with_ours, copy_weights
from augfpn.pyramid import AdaptiveSpatialFusion


class Empty(nn.Module):
    """A class that nobody has filled yet."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def forward(self, *_: object) -> None: ...


@pytest.mark.parametrize("part", PARTS_AND_JOINED)
def test_ours_passes_and_an_empty_class_is_not_written_yet(part: str) -> None:
    assert compare_with_ours(part, PARTS_AND_JOINED[part]().ours).passed is True
    empty = compare_with_ours(part, Empty)
    assert (empty.passed, str(empty)) == (None, "not written yet: `forward` returns None")


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


PAGE = "build_it_yourself"


def joined_on_the_page(*mistake: str) -> dict:
    """The names of the chapter's cells that put the parts together, after a typical mistake."""
    parts = [f"solution-{number}" for number in (1, 2, 3, 4)]
    made, _ = run(PAGE, "imports", *parts)
    by_id = {each["id"]: source(each) for each in cells(PAGE)}
    code = f"{by_id['joined']}\n\n{by_id['compared']}"
    if mistake:
        assert mistake[0] in code
        code = code.replace(*mistake)
    exec(code.partition("print(")[0], made)
    return made


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (("m[5] + self.augment(c[5])", "m[5]"), "P5 differs: M6 is added to M5"),
        (("self.augment(c[5])}", "self.augment(c[5]) * 0}"), "P5 differs"),
        (
            ("m[k].shape[2:])", 'm[k].shape[2:], mode="bilinear")'),
            "P4 differs: what is handed down",
        ),
        (("self.select(p, boxes)", "self.select(m, boxes)"), "RoI features differs: Soft RoI"),
        (
            ("k, x in m.items()]\n        return", "k, x in p.items()]\n        return"),
            "loss differs",
        ),
    ],
)
def test_what_is_put_together_wrongly_is_named(mistake: tuple[str, str], said: str) -> None:
    found = compare_with_ours("joined", joined_on_the_page(*mistake)["joined"])
    assert found.passed is False
    assert said in " ".join(found.lines)


def test_what_the_page_puts_together_equals_ours_and_may_begin_with_even_gates() -> None:
    built = joined_on_the_page()["joined"]
    assert compare_with_ours("joined", built).passed is True
    net = built(dict.fromkeys((2, 3, 4, 5), 8), 4, 3, 16, even=True)
    for fusion, n in ((net.augment.fusion, 3), (net.select.fusion, 4)):
        maps = torch.rand(n, 2, 4, 5, 5)
        assert torch.allclose(fusion(list(maps)), maps.sum(0) / 2, atol=1e-6)
