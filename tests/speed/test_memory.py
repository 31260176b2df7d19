"""Features that are used once: the same gradients, and nothing kept."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from augfpn.detectors.roi_align import sparse_roi_align
from augfpn.pyramid import ConsistentSupervision, HardRoISelection, Samples
from augfpn.speed import memory
from augfpn.speed.memory import used_once
from augfpn.speed.quick import quicken
from augfpn.speed.supervision import LeanSupervision


@pytest.fixture
def nothing_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LITTLE", 0)


def kept_bytes(run: Callable[[], Tensor]) -> int:
    """The memory of what a forward pass keeps for its backward pass, each storage once."""
    storages: dict[int, int] = {}

    def pack(saved: Tensor) -> Tensor:
        storages[saved.untyped_storage().data_ptr()] = saved.untyped_storage().nbytes()
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
        run()
    return sum(storages.values())


def test_the_gradients_are_those_of_kept_features(nothing_is_little) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(6, 2), torch.randn(5, 6, requires_grad=True)
    direct = torch.autograd.grad(layer(x * 2).square().sum(), [x, *layer.parameters()])
    again = torch.autograd.grad(
        used_once(lambda: x * 2, layer).square().sum(), [x, *layer.parameters()]
    )
    assert all(map(torch.equal, again, direct))


@pytest.mark.parametrize(("little", "times"), [(0, 2), (5 * 6 * 4, 1)])
def test_large_features_are_pooled_again_and_little_ones_are_kept(
    little: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LITTLE", little)
    layer, calls = nn.Linear(6, 2), []

    def pool() -> Tensor:
        calls.append(0)
        return torch.ones(5, 6)

    answer = used_once(pool, layer)
    assert len(calls) == 1
    answer.sum().backward()
    assert len(calls) == times


def supervision() -> ConsistentSupervision:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Flatten(), nn.Linear(4 * 49, 8), nn.ReLU())

    class Predictor(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classes, self.boxes = nn.Linear(8, 3), nn.Linear(8, 12)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.classes(x), self.boxes(x)

    def criterion(logits, deltas, labels, wanted, objects=None):
        return logits.square().mean(), deltas.square().mean()

    selections = [HardRoISelection((k,), 7, sparse_roi_align) for k in (2, 3)]
    return ConsistentSupervision(nn.Sequential(layers, Predictor()), 0.25, selections, criterion)


def losses_and_gradients(part: nn.Module) -> list[Tensor]:
    torch.manual_seed(1)
    m = {k: torch.randn(1, 4, 64 // 2**k, 64 // 2**k, requires_grad=True) for k in (2, 3)}
    corner, side = torch.rand(2, 40, 2) * 30
    samples = Samples([torch.cat([corner, corner + side + 1], dim=1)], [], [], [])
    losses = part(m, samples)
    learn = [*m.values(), *part.parameters()]
    return [*losses.values(), *torch.autograd.grad(sum(losses.values()), learn)]


def test_lean_supervision_gives_the_same_losses_and_gradients(nothing_is_little) -> None:
    plain = supervision()
    lean = quicken(copy.deepcopy(plain))
    assert isinstance(lean, LeanSupervision)
    for ours, theirs in zip(losses_and_gradients(lean), losses_and_gradients(plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_lean_supervision_keeps_no_pooled_features(nothing_is_little) -> None:
    """40 RoIs from two levels, 4 channels of 7 x 7 bins: 63 kB each."""
    features = 40 * 4 * 49 * 4

    def kept(part: ConsistentSupervision) -> int:
        m = {k: torch.randn(1, 4, 64 // 2**k, 64 // 2**k, requires_grad=True) for k in (2, 3)}
        boxes = [torch.tensor([[3.0, 4.0, 40.0, 50.0]]).expand(40, 4)]
        return kept_bytes(lambda: part(m, Samples(boxes, [], [], []))["loss_supervision_class"])

    plain = supervision()
    lean = quicken(copy.deepcopy(plain))
    assert kept(plain) - kept(lean) >= features
