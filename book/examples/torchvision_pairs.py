"""Pairs of runs of a torchvision detector."""

import json
from pathlib import Path

import torch

from torchvision_continue import continued, save, started
from torchvision_found import found, truth

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


def pairs(own, test_set, classes, steps, seeds=range(3), **how):
    """Two files of detections a seed; done ones stay."""
    annotations = json.dumps(truth(test_set, classes))
    Path("test.json").write_text(annotations)
    for seed in seeds:
        for kind, lam in LAM.items():
            file = Path(f"{kind}-{seed}.json")
            if file.exists():
                continue
            model = continued(*own, steps, seed, lam, **how)
            save(model, f"{kind}-{seed}.pth")
            rows = found(model, test_set)
            file.write_text(json.dumps(rows))
