"""An exponential moving average of a detector's weights, which is evaluated in their place."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from augfpn import config


def make_average(detector: nn.Module, settings: config.Train) -> AveragedModel | None:
    """The average, which starts as a copy of the detector; ``None`` without ``settings.ema``.

    After each step, every weight and every running statistic of the average moves towards the
    detector's by 1 - d. The decay d grows from 2/11 to ``ema`` with the number n of steps, as
    min(ema, (1 + n) / (10 + n)), so that a short run does not remember its random initial weights.
    """
    if not settings.ema:
        return None

    def move(averages: list[Tensor], values: list[Tensor], steps: Tensor | int) -> None:
        decay = min(settings.ema, (1 + int(steps)) / (10 + int(steps)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, 1 - decay)
        else:  # numbers of batches
            torch._foreach_copy_(averages, values)

    return AveragedModel(detector, multi_avg_fn=torch.no_grad()(move), use_buffers=True)
