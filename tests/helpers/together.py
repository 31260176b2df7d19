"""What the processes of training/test_distributed.py run: python together.py PART FOLDER."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from augfpn.detectors.build import build_detector
from augfpn.settings.budgets import BUDGETS
from augfpn.support.progress import where_am_i
from augfpn.training import distributed, prepare, train

SMOKE = BUDGETS["smoke"]
EXPERIMENT = replace(SMOKE, train=replace(SMOKE.train, steps=6, checkpoint_seconds=1e-6))


def tell(folder: Path, here: distributed.World, value: object) -> None:
    (folder / f"{here.rank}.json").write_text(json.dumps(value))


def gradients(folder: Path) -> None:
    """The gradient of a line's squared errors, of which each process has one point.

    Also where progress is written to.
    """
    first, here = distributed.join("cpu"), distributed.join("cpu")  # as a run and its baseline do
    assert first == here
    line = nn.Linear(1, 1, bias=False)
    nn.init.ones_(line.weight)
    x, y = here.share([(1.0, 0.0), (3.0, 1.0)])[0]
    learner = here.learner(line)
    (learner(torch.tensor([[x]])) - y).square().sum().backward()
    tell(folder, here, [line.weight.grad.item(), where_am_i()])


def weights(folder: Path, stop_at: int | None = None) -> None:
    """Train, and tell the sum of all weights, the pictures seen, the steps, a random number."""
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
    total = sum(q.double().sum().item() for q in detector.parameters())
    drawn = torch.rand(1).item()
    tell(folder, here, {"total": total, "seen": seen, "step": state["step"], "drawn": drawn})


def stopped(folder: Path) -> None:
    """The same, stopped at the fourth step."""
    weights(folder, stop_at=3)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
