"""Scaled losses of fp16 with accumulation, the average of weights, clipping and a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from killed import TINY
from small import SMALL
from torch import Tensor, nn

from augfpn.config import Experiment, Train
from augfpn.training import learning, step, train
from augfpn.training.average import make_average
from augfpn.training.precision import Scaler
from augfpn.training.schedule import make_optimizer


class Weighted(nn.Module):
    """A "detector" whose loss is the mean over pictures of weight times the first pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images: list[Tensor], targets: list[dict]) -> dict[str, Tensor]:
        pixels = torch.stack([255 * image[0, 0, 0] for image in images])
        return {"loss_a": 1000 + (self.weight * pixels).mean()}


class Scaled(NamedTuple):
    """What one step in fp16 with scaled losses needs, and its experiment."""

    detector: nn.Module
    optimizer: torch.optim.Optimizer
    experiment: Experiment
    scaler: Scaler

    def step(self, *pixels: int) -> float:
        """One step of rate 1/16 on pictures of these values; the loss."""
        images = tuple(torch.full((3, 1, 1), value, dtype=torch.uint8) for value in pixels)
        targets = tuple({"image_id": i} for i in range(len(pixels)))
        given = (self.detector, self.optimizer, 1 / 16, images, targets, self.experiment, 0)
        return step.one_step(*given, scaler=self.scaler)["loss_a"]


def scaled(settings: Train, scale: float) -> Scaled:
    detector = Weighted()
    scaler = Scaler("cpu", settings)
    scaler._init_scale = scale
    optimizer = make_optimizer(detector, settings)
    return Scaled(detector, optimizer, Experiment(model=SMALL, train=settings), scaler)


FP16 = Train(
    steps=9, epochs=None, batch=4, optimizer="sgd", weight_decay=0, clip=None, amp=True, half="fp16"
)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_scaled_parts_give_the_gradient_of_the_whole(parts: int, clip: float | None) -> None:
    """The mean of the pictures' values, clipped after the scale is taken out."""
    run = scaled(replace(FP16, accumulate=parts, clip=clip), 1024.0)
    loss = run.step(1, 2, 3, 6)
    gradient = 3.0 if clip is None else 0.5
    assert loss == pytest.approx(1003)
    assert run.detector.weight.item() == pytest.approx(1 - gradient / 16, rel=1e-4)
    assert run.scaler.skipped == 0


def test_one_part_with_infinite_gradients_skips_the_whole_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = scaled(replace(FP16, accumulate=2), 8.0)
    own = Tensor.backward

    def overflow(loss: Tensor) -> None:
        own(loss * (float("inf") if loss > 8 * 505 else 1.0))  # in the part of 20 and 30

    monkeypatch.setattr(Tensor, "backward", overflow)
    assert run.step(1, 3, 20, 30) == pytest.approx(1013.5)
    assert (run.detector.weight.item(), run.scaler.skipped, run.scaler.get_scale()) == (1, 1, 4)
    assert run.step(1, 2, 3, 2) == pytest.approx(1002)
    assert run.detector.weight.item() == pytest.approx(1 - 2 / 16)
    assert (run.scaler.skipped, run.scaler.get_scale()) == (1, 4)


def test_the_average_does_not_count_skipped_steps() -> None:
    """Its decay is 1/10 after the first step that it follows, 2/11 after the second, and so on."""
    run = scaled(replace(FP16, ema=0.9), 2.0**127)  # infinite from 4 on
    whole = learning.Learning(
        run.detector, run.optimizer, run.scaler, make_average(run.detector, replace(FP16, ema=0.9))
    )
    expected, seen = None, 0
    for done, pixels in enumerate([(8, 8), (8, 8), (1, 1), (200, 200), (1, 1)], start=1):
        skipped = run.scaler.skipped
        run.step(*pixels)
        whole.follow(done)
        now = run.detector.weight.item()
        if run.scaler.skipped == skipped:
            decay = min(0.9, (1 + seen) / (10 + seen))
            expected = now if expected is None else decay * expected + (1 - decay) * now
            seen += 1
        assert whole.average.module.weight.item() == pytest.approx(expected or 1.0)
    assert run.scaler.skipped == 3
    assert int(whole.average.n_averaged) == seen == 2


STEPS = 12


def test_a_run_that_is_taken_up_again_keeps_its_scale_and_says_what_it_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    class Huge(Scaler):
        """A scaler that begins with a scale that no gradient survives."""

        def __init__(self, *given: object) -> None:
            super().__init__(*given)
            self._init_scale = 2.0**24

    monkeypatch.setattr(learning, "Scaler", Huge)
    quick = {"checkpoint_seconds": 1e-6, "amp": True, "half": "fp16", "ema": 0.9, "accumulate": 2}
    made = replace(TINY, train=replace(TINY.train, steps=STEPS, **quick))
    one_step, scales = step.one_step, []

    def interrupted(*given: object) -> dict[str, float]:
        scales.append(given[-1].get_scale())
        if len(scales) == 4:
            raise KeyboardInterrupt
        return one_step(*given)

    with torch.backends.mkldnn.flags(enabled=False):
        whole = train.train(made, tmp_path / "whole")
        capsys.readouterr()
        monkeypatch.setattr(train, "one_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train.train(made, tmp_path / "again")
        again = train.train(made, tmp_path / "again")
    assert scales[:5] == [2.0**24, 2.0**23, 2.0**22, 2.0**21, 2.0**21]
    skipped = whole.result["skipped_steps"]
    assert 4 <= skipped < STEPS
    assert again.result["skipped_steps"] == skipped
    said = f"{skipped} of {STEPS} steps were skipped, because gradients were too large for fp16"
    assert said in capsys.readouterr().out
    assert again.weights.read_bytes() == whole.weights.read_bytes()
    assert again.curve == whole.curve
