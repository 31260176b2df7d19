"""Signs that a run has failed as training, each with its most likely cause.

No healthy run comes near these limits: a loss does not grow ten-thousandfold over what untrained
weights give, and no weight leaves the thousands.
"""

import math

import torch
from torch import nn

from augfpn import config

GROWTH = 1e4  # of the sum of losses over that of the first step, or over 1 where that is less
LARGEST_WEIGHT = 1e5  # of all absolute values of weights
HEAVY = 100.0  # a lambda above this is suspected: the paper tries up to 1
SHOWN = ("step", "lr")  # of a row of the curve, what is no loss


def check_finite(
    losses: dict[str, float], experiment: config.Experiment, step: int, rate: float, where: list
) -> None:
    """Raise ``FloatingPointError`` for a loss that is not a number or infinite.

    ``where`` are the ids of the step's pictures.
    """
    wrong = [name for name, value in losses.items() if not math.isfinite(value)]
    if wrong:
        raise FloatingPointError(
            f"{wrong[0]} is not a number at step {step}, pictures {where}, learning rate "
            f"{rate:.3g}: {losses}; {remedy(wrong[0], losses, experiment)}."
        )


def remedy(worst: str, losses: dict[str, float], experiment: config.Experiment) -> str:
    """What to do about a loss; lambda is to blame where it makes a loss enormous."""
    lam, supervised = experiment.model.lam, "supervision" in worst
    only = sum(math.isfinite(value) for value in losses.values()) > 0
    if lam > HEAVY and (supervised or not only):
        return f"lambda = {lam:g} multiplies the supervision's losses: the paper uses 0.25"
    return "lower the learning rate, or look at these pictures' boxes"


def check_growth(losses: dict[str, float], first: dict[str, float], step: int, rate: float) -> None:
    """Raise ``FloatingPointError`` if the losses have exploded.

    ``first`` is the curve's first row.
    """
    now, then = total(losses), total(first)
    if now > GROWTH * max(1.0, then):
        raise FloatingPointError(
            f"the loss has grown from {then:.3g} to {now:.3g} by step {step}, most of it "
            f"{largest(losses)}: the learning rate {rate:.3g} is too high; lower lr."
        )


def check_weights(detector: nn.Module, step: int, rate: float) -> None:
    """Raise ``FloatingPointError`` for weights that are not finite or enormous."""
    learned = [q.detach() for q in detector.parameters() if q.requires_grad]
    norms = torch.stack([norm.float() for norm in torch._foreach_norm(learned, math.inf)])
    most = norms.max().item()  # NaN if any is
    if not most <= LARGEST_WEIGHT:
        raise FloatingPointError(
            f"the largest weight is {most:.3g} at step {step}: training has diverged; lower lr, "
            f"which is {rate:.3g} in this step."
        )


def nothing_learned(ap: float | None, curve: list[dict], experiment: config.Experiment) -> str:
    """A sentence for a run that ends with an AP of 0 and no lower loss; "" for others.

    One step has no earlier loss to compare with.
    """
    tail = curve[-max(1, len(curve) // 10) :]
    then, now = total(curve[0]), sum(map(total, tail)) / len(tail)
    if ap or now < then or len(curve) == 1:
        return ""
    train, lam = experiment.train, experiment.model.lam
    cause = f"lr = {train.lr:g} may be too high"
    if lam > HEAVY:
        cause = f"lambda = {lam:g} outweighs all other losses"
    return (
        f"AP is 0, and the loss did not fall: {then:.3g} at first, {now:.3g} in the end, most of "
        f"it {largest(tail[-1])}; the detector has learned nothing, {cause}."
    )


def total(row: dict[str, float]) -> float:
    """The sum of the losses in a row of the curve."""
    return sum(value for name, value in row.items() if name not in SHOWN)


def largest(row: dict[str, float]) -> str:
    """The name of the largest loss in a row of the curve."""
    return max((name for name in row if name not in SHOWN), key=row.__getitem__)
