"""The instrument itself: what it counts, what it refuses, and that it computes the same."""

from collections.abc import Callable

import pytest
import torch
from packaging.version import Version
from pretend_gpu import GPU, PretendGPU, needs_cuda_build, pretend_gpu
from torch import Tensor, nn
from torchvision.ops import nms, roi_align

pytestmark = needs_cuda_build
older_torch_copies = pytest.mark.skipif(
    Version(torch.__version__) < Version("2.15"),
    reason="an older PyTorch sends a number that is assigned to the GPU, and waits",
)
BOXES = [[0.0, 0, 10, 10], [1, 1, 11, 11], [30, 30, 40, 40]]


@pytest.fixture
def gpu():
    with pretend_gpu() as gpu:
        yield gpu


def counted(gpu: PretendGPU, run: Callable[[Tensor], object]) -> list[str]:
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6]], device=GPU)
    gpu.clear()
    run(x)
    return [event.operator for event in gpu.synchronisations]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda x: x.nonzero(), ["nonzero"]),
        (lambda x: torch.where(x > 2), ["nonzero"]),
        (lambda x: x[x > 2], ["index"]),
        (lambda x: x[x[:, 0] > 2, torch.zeros(1, dtype=torch.int64, device=GPU)], ["index"]),
        pytest.param(  # a fill, which knows its shape
            lambda x: x.__setitem__(x > 2, 5.0), [], marks=older_torch_copies
        ),
        (lambda x: x.__setitem__(x > 2, torch.ones(4, device=GPU)), ["index_put_"]),
        pytest.param(
            lambda x: x.__setitem__(torch.arange(1, device=GPU), 5.0), [], marks=older_torch_copies
        ),
        (lambda x: x.__setitem__(torch.arange(1, device=GPU), torch.tensor(5.0)), ["index_put_"]),
        (lambda x: x[torch.tensor([0, 1])], ["index"]),  # indices on the host are copied
        (lambda x: x[torch.arange(1, device=GPU)], []),
        (lambda x: x.masked_select(x > 2), ["masked_select"]),
        (lambda x: x.unique(), ["_unique2"]),
        (lambda x: x[0, 0].item(), ["_local_scalar_dense"]),
        (lambda x: int(x[0, 0]) + float(x[0, 1]), ["_local_scalar_dense"] * 2),
        (lambda x: bool((x > 2).any()), ["_local_scalar_dense"]),
        (lambda x: x.tolist(), ["_to_copy"]),
        (lambda x: torch.zeros(10)[: x[0, 0].long()], ["_local_scalar_dense"]),
        (lambda x: torch.tensor([1.0, 2.0], device=x.device), ["_to_copy"]),
        (lambda x: x.new_tensor([1.0, 2.0]), ["_to_copy"]),
        (lambda x: x.cpu(), ["_to_copy"]),
        (lambda x: torch.ones(3).to(GPU), ["_to_copy"]),
        (lambda x: x[0].copy_(torch.ones(3)), ["copy_"]),
        (lambda x: x[0].copy_(x[1]), []),
        (lambda x: x.double().to(GPU), []),
        (lambda x: x.repeat_interleave(torch.ones_like(x[0]).long(), 1), ["repeat_interleave"]),
        (
            lambda x: x.repeat_interleave(torch.ones_like(x[0]).long(), 1, output_size=3),
            [],
        ),
        (lambda x: torch.full((3,), 1.0, device=GPU) + torch.arange(3, device=GPU), []),
        (lambda x: torch.ones(5).nonzero(), []),  # on the host nobody waits
    ],
)
def test_what_the_host_waits_for(gpu: PretendGPU, run: Callable, expected: list[str]) -> None:
    assert counted(gpu, run) == expected


def test_non_maximum_suppression_waits_once(gpu: PretendGPU) -> None:
    boxes = torch.tensor(BOXES, device=GPU)
    gpu.clear()
    keep = nms(boxes, torch.rand(3, device=GPU), 0.5)
    assert keep.device == GPU
    assert [event.operator for event in gpu.synchronisations] == ["nms"]


def test_a_copy_that_does_not_wait_is_listed_apart(gpu: PretendGPU) -> None:
    torch.ones(3).pin_memory().to(GPU, non_blocking=True)
    assert gpu.synchronisations == []
    assert [event.operator for event in gpu.transfers] == ["_to_copy"]


def test_operators_are_counted_without_views_and_allocations(gpu: PretendGPU) -> None:
    x = torch.rand(4, 6, device=GPU)
    y = x.view(2, 12).t()[:, None].expand(-1, 3, -1)  # nothing is computed
    z = torch.empty_like(y)
    (y + 1).mul_(2).sum()
    assert [event.operator for event in gpu.operators] == ["rand", "add", "mul_", "sum"]
    assert z.shape == (12, 3, 2)
    torch.rand(3) + 1  # on the host
    assert len(gpu.operators) == 4


def test_the_line_is_that_of_the_cause(gpu: PretendGPU) -> None:
    boxes = torch.tensor(BOXES, device=GPU)
    assert gpu.synchronisations[-1].line.startswith("test_pretend_gpu.py:")
    from torchvision.ops import remove_small_boxes

    remove_small_boxes(boxes, 1.0)
    assert gpu.synchronisations[-1].line.startswith("torchvision/ops/boxes.py:")


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + torch.ones(3),
        lambda x: torch.ones(3) + x,
        lambda x: torch.cat([x, torch.ones(3)]),
        lambda x: torch.where(x > 1, x, torch.ones(3)),
        lambda x: torch.ones(3)[x.long()],
        lambda x: torch.tensor(1.0).add_(x[0]),
        lambda x: nn.Linear(3, 2)(x),
        lambda x: roi_align(x.view(1, 1, 1, 3), torch.rand(2, 5), 2),
        lambda x: torch.zeros(3).__setitem__(x > 1, x[0]),
    ],
)
def test_mixed_devices_are_found(gpu: PretendGPU, mix: Callable) -> None:
    with pytest.raises(RuntimeError, match=r"mixes devices: shape .* is on the CPU"):
        mix(torch.ones(3, device=GPU))


def test_numbers_of_the_host_may_take_part(gpu: PretendGPU) -> None:
    x = torch.ones(3, device=GPU)
    assert (x * torch.tensor(2.0)).tolist() == [2, 2, 2]
    assert torch.where(x > 0, torch.tensor(3.0), x).tolist() == [3, 3, 3]


def test_a_step_gives_the_same_gradients_as_on_the_host() -> None:
    """Several paths, broadcasting, an argument that is used twice, and a mask in the backward."""

    def loss_of(net: nn.Module, x: Tensor) -> Tensor:
        hidden = net(x).relu()
        gate = hidden.mean(dim=(2, 3), keepdim=True).sigmoid()
        y = hidden * gate + net[0].bias[:, None, None]
        return y[y > 0.1].square().sum() + torch.cat(y.chunk(2)).amax(dim=(1, 2)).sum()

    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), torch.rand(2, 3, 8, 8)
    loss = loss_of(net, x)
    loss.backward()
    expected = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    with pretend_gpu() as gpu:
        net = net.to(GPU)
        found = loss_of(net, x.to(GPU))
        gpu.clear()
        gpu.backward(found)
        lines = [event.line for event in gpu.synchronisations]
        assert found.item() == loss.item()
        for parameter, grad in zip(net.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad.cpu(), grad)
    assert lines == ["backward of IndexBackward0"]


def test_nothing_is_left_behind() -> None:
    with pretend_gpu():
        x = torch.ones(2, device=GPU)
    with pytest.raises(RuntimeError, match="outside of pretend_gpu"):
        x + 1
    assert type(torch.tensor([1.0])) is Tensor
    assert not torch.__future__.get_overwrite_module_params_on_conversion()
    assert not torch._C._only_lift_cpu_tensors()
