"""How fast a detector learns: the optimiser, the number of steps, the rate of each step."""

import math

import torch
from torch import nn

from augfpn import config


def make_optimizer(detector: nn.Module, settings: config.Train) -> torch.optim.Optimizer:
    """SGD with momentum 0.9, or AdamW, over all trainable parameters.

    Both are PyTorch's fused forms, which update all weights in one pass: for the laptop's detector
    AdamW takes a quarter of the time, and weights differ from the plain form's by one rounding.

    Biases are a group of their own if their rate or weight decay differs. In a step, a group's
    learning rate is that step's rate, multiplied by the group's ``times``.
    """
    learn = {name: q for name, q in detector.named_parameters() if q.requires_grad}
    apart = settings.bias_lr != 1 or not settings.bias_decay
    biases = [q for name, q in learn.items() if apart and name.endswith("bias")]
    others = [q for name, q in learn.items() if not (apart and name.endswith("bias"))]
    groups = [{"params": others, "times": 1.0, "weight_decay": settings.weight_decay}]
    if biases:
        decay = settings.weight_decay if settings.bias_decay else 0.0
        groups.append({"params": biases, "times": settings.bias_lr, "weight_decay": decay})
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, settings.lr, fused=True)
    optimizer = torch.optim.SGD(groups, settings.lr, 0.9, fused=True)
    # The fused form would leave them uninitialised if the first step is skipped, as fp16's may be.
    for q in learn.values():
        optimizer.state[q]["momentum_buffer"] = torch.zeros_like(q)
    return optimizer


def number_of_steps(settings: config.Train, pictures: int) -> int:
    """The steps of the whole run; an epoch is one pass over the pictures."""
    if settings.steps is not None:
        return settings.steps
    return math.ceil(settings.epochs * pictures / settings.batch)


def learning_rate(settings: config.Train, step: int, steps: int) -> float:
    """The rate of one step: a warm-up, then drops to a tenth, or half a cosine to zero.

    The base rate is scaled linearly: ``lr`` is for ``lr_batch`` pictures a step.
    """
    base = settings.lr * settings.batch / settings.lr_batch
    if step < settings.warmup_steps:
        done = step / settings.warmup_steps if settings.warmup == "linear" else 0.0
        return base * (settings.warmup_from + (1 - settings.warmup_from) * done)
    if settings.schedule == "cosine":
        done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
        return base * 0.5 * (1 + math.cos(math.pi * done))
    return base * 0.1 ** sum(step >= drop * steps for drop in settings.drops)
