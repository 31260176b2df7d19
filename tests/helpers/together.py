"""What the processes of training/test_distributed.py run: python together.py PART FOLDER ..."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from augfpn.detectors.build import build_detector
from augfpn.settings.budgets import BUDGETS
from augfpn.support.progress import where_am_i
from augfpn.training import distributed, prepare, train
from augfpn.training.synchronised import synchronised

SMOKE = BUDGETS["smoke"]
EXPERIMENT = replace(SMOKE, train=replace(SMOKE.train, steps=6, checkpoint_seconds=1e-6))


def tell(folder: Path, here: distributed.World, value: object) -> None:
    (folder / f"{here.rank}.json").write_text(json.dumps(value))


def gradients(folder: Path) -> None:
    """The gradient of a line's squared errors, of which each process has one point.

    Also where progress is written to, and batch normalisation over both processes.
    """
    first, here = distributed.join("cpu"), distributed.join("cpu")  # as a run and its baseline do
    assert first == here
    line = nn.Linear(1, 1, bias=False)
    nn.init.ones_(line.weight)
    x, y = here.share([(1.0, 0.0), (3.0, 1.0)])[0]
    learner = here.learner(line)
    (learner(torch.tensor([[x]])) - y).square().sum().backward()
    tell(folder, here, [line.weight.grad.item(), where_am_i(), statistics(here)])


def statistics(here: distributed.World) -> list:
    """Outputs, gradient and running statistics of a batch norm, for this process's images."""
    layer, (own,) = batch_norm(), here.share(images())
    with synchronised():
        y = layer(own)
    weighted_sum(y).backward()
    return [each.tolist() for each in (y, own.grad, layer.running_mean, layer.running_var)]


def batch_norm() -> nn.BatchNorm2d:
    """A layer with weights and biases other than 1 and 0."""
    layer = nn.BatchNorm2d(3).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
        layer.bias.copy_(torch.tensor([0.0, -1.0, 3.0]))
    return layer


def images() -> list[Tensor]:
    """Two batches, one for each process, of different sizes and far from a mean of zero."""
    draw = torch.Generator().manual_seed(0)
    shapes = (2, 3, 4, 5), (1, 3, 7, 2)
    return [(torch.randn(s, generator=draw).double() + 10).requires_grad_() for s in shapes]


def weighted_sum(y: Tensor) -> Tensor:
    """A loss whose gradient differs from place to place."""
    return (y.flatten().square() * torch.arange(y.numel())).sum()


class Crossed(nn.Module):
    """Layers whose gradients do not come in the opposite order of their definition."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.first = nn.Linear(300, 40), nn.Linear(50, 300)
        self.beside = nn.Linear(50, 300)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x) + self.beside(x))


def interrupted(folder: Path) -> None:
    """Hashes of weights after six steps: of a run that began at once, and of one in two parts."""
    here = distributed.join("cpu")
    tell(folder, here, [six_steps(here, stop) for stop in (None, 2)])


def six_steps(here: distributed.World, stop: int | None) -> str:
    """The hash of the weights; at step ``stop`` the learner is made anew, as when a run goes on."""
    torch.manual_seed(0)
    net = Crossed()
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9)
    learner = here.learner(net)
    for step in range(6):
        if step == stop:
            learner = here.learner(net)
        draw = torch.Generator().manual_seed(step * here.size + here.rank)
        optimizer.zero_grad()
        learner(torch.randn(8, 50, generator=draw)).square().mean().backward()
        optimizer.step()
    bits = b"".join(value.numpy().tobytes() for value in net.state_dict().values())
    return hashlib.sha256(bits).hexdigest()


def retinanet(folder: Path) -> None:
    """Two steps of a detector that samples nothing and divides its losses per picture."""
    here = distributed.join("cpu")
    tell(folder, here, two_steps(folder / "work", here))


def two_steps(work: Path, here: distributed.World) -> dict:
    """The losses of two steps, and the backbone's running means after them."""
    experiment = replace(
        EXPERIMENT,
        model=replace(EXPERIMENT.model, detector="retinanet"),
        train=replace(EXPERIMENT.train, steps=2),
    )
    run = prepare.prepare_run(experiment)
    torch.manual_seed(0)
    detector = build_detector(run.experiment.model)
    work.mkdir(exist_ok=True)
    curve = train.fit(detector, run, work, here)["curve"]
    means = [v for name, v in detector.state_dict().items() if name.endswith("running_mean")]
    return {"curve": curve, "means": torch.cat(means).tolist()}


def weights(folder: Path, stop_at: int | None = None) -> None:
    """Train, and tell the hash of all weights, the pictures seen, the steps, a random number."""
    here = distributed.join("cpu")
    run = prepare.prepare_run(EXPERIMENT)
    torch.manual_seed(EXPERIMENT.seed)
    detector = build_detector(run.experiment.model)
    seen, step = [], train.one_step

    def watched(*given: object) -> dict:
        if given[6] == stop_at:
            raise KeyboardInterrupt
        seen.append([target["image_id"] for target in given[4]])
        return step(*given)

    train.one_step = watched
    (folder / "work").mkdir(exist_ok=True)
    state = train.fit(detector, run, folder / "work", here)
    bits = b"".join(value.numpy().tobytes() for value in detector.state_dict().values())
    total = hashlib.sha256(bits).hexdigest()
    drawn = torch.rand(1).item()
    tell(folder, here, {"total": total, "seen": seen, "step": state["step"], "drawn": drawn})


def stopped(folder: Path) -> None:
    """The same, stopped at the fourth step."""
    weights(folder, stop_at=3)


if __name__ == "__main__":
    for part, folder in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        globals()[part](Path(folder))
