"""A box head that takes one image after the other: the same results, and nothing large kept."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import (
    AdaptiveSpatialFusion,
    Boxes,
    ConsistentSupervision,
    HardRoISelection,
    Samples,
    SoftRoISelection,
)
from augfpn.speed import heads
from augfpn.speed.heads import LeanHead, head_of_rois
from augfpn.speed.quick import quicken
from augfpn.speed.roi_align import sparse_roi_align
from augfpn.speed.supervision import LeanSupervision

CHANNELS, CLASSES = 4, 2
FEATURES = 60 * CHANNELS * 49 * 4  # bytes, of 60 RoIs


@pytest.fixture
def nothing_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "LITTLE", 0)


def maps() -> dict[int, Tensor]:
    torch.manual_seed(1)
    return {k: torch.randn(3, CHANNELS, 64 // 2**k, 64 // 2**k, requires_grad=True) for k in (2, 3)}


def boxes() -> Boxes:
    """Of three images, one of which has none."""
    torch.manual_seed(2)
    corner, side = torch.rand(2, 60, 2) * 40
    return list(torch.cat([corner, corner + side + 1], dim=1).split([40, 0, 20]))


def selection(kind: str) -> nn.Module:
    if kind == "hard":
        return HardRoISelection((2, 3), 7, sparse_roi_align, canonical_size=80.0)
    select = SoftRoISelection((2, 3), 7, sparse_roi_align, AdaptiveSpatialFusion(CHANNELS, 2))
    for each in select.parameters():
        nn.init.normal_(each, std=0.3)
    return select


class Part(nn.Module):
    """What `augfpn.detectors.two_stage.TwoStage` does with the RoIs of P."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.select, self.head = selection(kind), TwoMLPHead(CHANNELS * 49, 8)

    def forward(self) -> tuple[Tensor, dict[int, Tensor]]:
        p = maps()
        return head_of_rois(self.head, self.select, p, boxes()), p


def results(part: nn.Module) -> list[Tensor]:
    hidden, p = part()
    learn = [x for x in [*p.values(), *part.parameters()] if x.requires_grad]
    return [hidden, *torch.autograd.grad(hidden.square().sum(), learn)]


def assert_same(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


def kept_bytes(run: Callable[[], object]) -> int:
    """The memory of what a forward pass keeps for its backward pass, each storage once."""
    storages: dict[int, int] = {}

    def pack(saved: Tensor) -> Tensor:
        storages[saved.untyped_storage().data_ptr()] = saved.untyped_storage().nbytes()
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
        kept = run()
    assert kept is not None
    return sum(storages.values())


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_the_same_hidden_features_and_gradients(kind: str, nothing_is_little) -> None:
    plain = Part(kind)
    lean = quicken(copy.deepcopy(plain))
    assert isinstance(lean.head, LeanHead)
    assert_same(results(lean), results(plain))


def test_frozen_gates_get_no_gradient(nothing_is_little) -> None:
    plain = Part("soft")
    plain.select.requires_grad_(False)
    assert_same(results(quicken(copy.deepcopy(plain))), results(plain))


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_no_features_are_kept(kind: str, nothing_is_little) -> None:
    plain = Part(kind)
    lean = quicken(copy.deepcopy(plain))
    assert kept_bytes(lean) < FEATURES <= kept_bytes(plain)


def test_little_features_and_those_without_gradients_are_not_taken_by_image() -> None:
    lean, plain = quicken(Part("hard")), Part("hard")
    for ours, theirs in zip(results(lean), results(plain), strict=True):
        assert torch.equal(ours, theirs)
    with torch.no_grad():
        assert not lean.head.suits([lean.select], maps(), boxes())


def test_other_precisions_and_selections_are_not_taken_by_image(nothing_is_little) -> None:
    lean, own = quicken(Part("hard")), nn.Identity()
    assert lean.head.suits([lean.select], maps(), boxes())
    assert not lean.head.suits([own], maps(), boxes())
    half = {k: x.bfloat16() for k, x in maps().items()}
    assert not lean.head.suits([lean.select], half, boxes())
    with torch.autocast("cpu", torch.bfloat16):
        assert not lean.head.suits([lean.select], maps(), boxes())


def supervision() -> ConsistentSupervision:
    torch.manual_seed(0)
    head = nn.Sequential(TwoMLPHead(CHANNELS * 49, 8), FastRCNNPredictor(8, CLASSES + 1))
    selections = [HardRoISelection((k,), 7, sparse_roi_align) for k in (2, 3)]

    def criterion(logits, deltas, labels, wanted, objects=None):
        return roi_loss(logits, deltas, labels, wanted, beta=1.0, objects=objects)

    return ConsistentSupervision(head, 0.25, selections, criterion)


def supervised(part: nn.Module) -> list[Tensor]:
    """Losses and gradients."""
    m, rois = maps(), boxes()
    torch.manual_seed(3)
    labels = [torch.randint(CLASSES + 1, (len(each),)) for each in rois]
    losses = part(m, Samples(rois, labels, [torch.randn_like(each) for each in rois], []))
    learn = [*m.values(), *part.parameters()]
    return [*losses.values(), *torch.autograd.grad(sum(losses.values()), learn)]


def test_supervision_gives_the_same_losses_and_gradients(nothing_is_little) -> None:
    plain = supervision()
    lean = quicken(copy.deepcopy(plain))
    assert isinstance(lean, LeanSupervision)
    assert_same(supervised(lean), supervised(plain))


def test_supervision_keeps_no_features(nothing_is_little) -> None:
    plain = supervision()
    lean = quicken(copy.deepcopy(plain))
    no_labels = [torch.zeros(len(each), dtype=torch.int64) for each in boxes()]

    def kept(part: ConsistentSupervision) -> int:
        return kept_bytes(lambda: part(maps(), Samples(boxes(), no_labels, boxes(), [])))

    assert kept(lean) < FEATURES <= kept(plain)
