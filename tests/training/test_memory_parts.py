"""A batch of "auto": the fewest parts that fit into a GPU's memory, with a fake one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from small import SMALL

from augfpn.config import Experiment, Train
from augfpn.errors import UserError
from augfpn.training import memory


@pytest.mark.parametrize(("room", "parts"), [(16, 1), (15, 2), (8, 2), (3, 8), (1, 16)])
def test_the_parts_that_fit(
    room: int, parts: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    found = memory.in_parts_that_fit(on_a_gpu(monkeypatch, lambda size: size <= room))
    assert (found.train.batch, found.train.accumulate) == (16, parts)
    assert f"--accumulate {parts} does the same again" in capsys.readouterr().out


def test_not_one_picture_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="not even one image fits"):
        memory.in_parts_that_fit(on_a_gpu(monkeypatch, lambda _: False))


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, fits: Callable[[int], bool]) -> Experiment:
    """An experiment for a GPU that has memory for some numbers of pictures only."""

    def trial(_: Experiment, size: int) -> None:
        if not fits(size):
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(memory, "one_trial", trial)
    return Experiment(model=SMALL, train=Train(), device="cuda", budget="paper")


def test_the_trial_is_a_whole_step() -> None:
    memory.one_trial(Experiment(model=SMALL, train=Train(), budget="paper"), 2)
    masks = replace(SMALL, detector="mask_rcnn")
    memory.one_trial(Experiment(model=masks, train=Train(), budget="paper"), 1)


def test_on_a_cpu_nothing_is_tried(capsys: pytest.CaptureFixture) -> None:
    small = Experiment(model=SMALL, train=Train(), budget="paper")
    assert memory.in_parts_that_fit(small) == small
    assert "this run is on the CPU" in capsys.readouterr().out
