"""What changes while a detector is trained, so that a checkpoint can keep it."""

from typing import NamedTuple

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from augfpn import config
from augfpn.training.average import make_average
from augfpn.training.checkpoints import Stateful
from augfpn.training.precision import Scaler
from augfpn.training.schedule import make_optimizer


class Learning(NamedTuple):
    """A detector with its optimiser, its gradient scaler and, if wanted, its weights' average."""

    detector: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: Scaler
    average: AveragedModel | None

    @property
    def parts(self) -> dict[str, Stateful]:
        """What a checkpoint keeps, by name."""
        return {name: part for name, part in self._asdict().items() if part is not None}

    @property
    def tested(self) -> nn.Module:
        """What is evaluated: the average, if there is one."""
        return self.detector if self.average is None else self.average.module

    def follow(self, done: int) -> None:
        """Let the average follow the weights after so many steps, if the last one was not skipped.

        A step that is skipped for its infinite gradients leaves the weights as they were. It does
        not count as one that the average has seen, either: its decay grows with their number.
        """
        taken = done - self.scaler.skipped
        if self.average is not None and taken > int(self.average.n_averaged):
            self.average.update_parameters(self.detector)

    def end(self) -> None:
        """Give the detector the weights that are evaluated."""
        if self.average is not None:
            self.detector.load_state_dict(self.average.module.state_dict())


def start_learning(detector: nn.Module, experiment: config.Experiment) -> Learning:
    """A detector before its first step."""
    settings = experiment.train
    return Learning(
        detector,
        make_optimizer(detector, settings),
        Scaler(experiment.device, settings),
        make_average(detector, settings),
    )
