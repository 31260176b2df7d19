"""Pairs of runs of a torchvision detector, and their AP."""

from pathlib import Path

import torch

from torchvision_ap import ap
from torchvision_continue import continued, save, started

LAM = {"without": 0, "with": 0.25}


def check(build, checkpoint, dataset):
    """The plain losses of the first step stay the same."""
    images, targets = zip(*[dataset[n] for n in range(2)])
    losses = []
    for lam in LAM.values():
        model = started(build, checkpoint, 0, lam).train()
        torch.manual_seed(0)
        losses.append(model(images, targets))
    plain, more = losses
    for name, loss in plain.items():
        assert torch.equal(loss, more[name]), name
    print("also learnt:", *more.keys() - plain.keys())


def pairs(build, checkpoint, train_set, test_set, steps, **how):
    """Eight lines of runs.csv; done ones are not repeated."""
    runs = Path("runs.csv")
    if not runs.exists():
        runs.write_text("without,with\n")
    done = len(runs.read_text().splitlines()) - 1
    own = build, checkpoint, train_set, steps
    for seed in range(done, 8):
        pair = []
        for kind, lam in LAM.items():
            model = continued(*own, seed, lam, **how)
            save(model, f"{kind}-{seed}.pth")
            pair.append(ap(model, test_set))
        with runs.open("a") as rows:
            print(*pair, sep=",", file=rows)
