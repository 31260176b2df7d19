"""Deterministic training: no operator without a deterministic CUDA kernel, and the same results.

A pretend GPU counts which operators a step gives to a GPU. PyTorch documents in
`torch.use_deterministic_algorithms` which of them raise there; on CPUs all of them repeat.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from packaging.version import Version
from pretend_gpu import GPU, needs_cuda_build, pretend_gpu
from safetensors.torch import load_file
from small import augfpn_of, pictures, talkative
from torch import Tensor

from augfpn import records
from augfpn.config import Model
from augfpn.data import load
from augfpn.detectors.build import build_detector
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.parameters import parse
from augfpn.training import evaluate, train
from augfpn.training.prepare import experiment_here
from augfpn.training.repeatable import CUBLAS, repeatable

TORCHVISION = "torchvision"
NOT_DETERMINISTIC = {  # operators without a deterministic CUDA kernel, and who says so:
    # the words for it in the docstring of torch.use_deterministic_algorithms ...
    "_adaptive_avg_pool2d_backward": "AdaptiveAvgPool2d",
    "_adaptive_avg_pool3d_backward": "AdaptiveAvgPool3d",
    "avg_pool3d_backward": "AvgPool3d",
    "adaptive_max_pool2d_backward": "AdaptiveMaxPool2d",
    "fractional_max_pool2d_backward": "FractionalMaxPool2d",
    "fractional_max_pool3d_backward": "FractionalMaxPool3d",
    "max_unpool2d": "MaxUnpool2d",
    "max_unpool3d": "MaxUnpool3d",
    "upsample_linear1d_backward": "``linear``",
    "upsample_bilinear2d_backward": "``bilinear``",
    "upsample_bicubic2d_backward": "``bicubic``",
    "upsample_trilinear3d_backward": "``trilinear``",
    "reflection_pad1d_backward": "ReflectionPad1d",
    "reflection_pad2d_backward": "ReflectionPad2d",
    "reflection_pad3d_backward": "ReflectionPad3d",
    "nll_loss2d_forward": "NLLLoss",  # of maps; the loss of rows has no sum over threads
    "_ctc_loss_backward": "CTCLoss",
    "put_": "torch.Tensor.put_",
    "histc": "torch.histc",
    "bincount": "torch.bincount",
    "median": "torch.median",
    "grid_sampler_2d_backward": "grid_sample",
    "grid_sampler_3d_backward": "grid_sample",
    "scatter_reduce": "scatter_reduce",
    "kthvalue": "torch.kthvalue",
    # ... or torchvision, whose CUDA source names these to PyTorch's alertNotDeterministic.
    "_roi_align_backward": TORCHVISION,
    "_roi_pool_backward": TORCHVISION,
    "_ps_roi_align_backward": TORCHVISION,
    "_ps_roi_pool_backward": TORCHVISION,
}
ALIGN, BILINEAR = "_roi_align_backward", "upsample_bilinear2d_backward"
AVERAGE, LARGEST = "_adaptive_avg_pool2d_backward", "adaptive_max_pool2d_backward"
RATIOS = (0.5, 0.75)  # of a small C5: pooled to one place, it would be a plain mean


def everything(name: str, **changes: object) -> Model:
    """The settings of a small detector with all of AugFPN's parts, some changed."""
    own = {"mask_supervision": name == "mask_rcnn", "ratios": RATIOS, "roi_align": "auto"}
    return replace(augfpn_of(name), **own | changes)


CASES = {  # settings, and what they launch without the option
    "faster_rcnn": (everything("faster_rcnn"), {ALIGN, BILINEAR, AVERAGE}),
    "mask_rcnn": (everything("mask_rcnn"), {ALIGN, BILINEAR, AVERAGE}),
    "retinanet": (everything("retinanet"), {ALIGN, BILINEAR, AVERAGE}),
    "fcos": (everything("fcos"), {ALIGN, BILINEAR, AVERAGE}),
    "torchvision": (
        everything("faster_rcnn", operators="torchvision"),
        {ALIGN, BILINEAR, AVERAGE},
    ),
    "psp": (everything("faster_rcnn", context_pooling="psp"), {ALIGN, BILINEAR, AVERAGE}),
    "maxima": (
        everything("faster_rcnn", context_pooling="gmp", roi_selection="acf"),
        {ALIGN, BILINEAR, LARGEST},
    ),
    "panet": (
        everything("faster_rcnn", roi_selection="panet", supervision="single"),
        {ALIGN, BILINEAR, AVERAGE},
    ),
}
cases = pytest.mark.parametrize(("model", "wrong"), CASES.values(), ids=CASES)


def launched(model: Model, wanted: bool) -> set[str]:
    """The operators that a training step gives to a GPU, forward and backward."""
    images, targets = pictures()
    with pretend_gpu() as gpu:
        detector = talkative(model).to(GPU).train()
        images = [image.to(GPU) for image in images]
        targets = [{k: v.to(GPU) for k, v in target.items()} for target in targets]
        gpu.clear()
        with repeatable(detector, wanted):
            losses = detector(images, targets)
            gpu.backward(sum(losses.values()))
        missing = [k for k, q in detector.named_parameters() if q.requires_grad and q.grad is None]
    assert missing == []
    return {event.operator for event in gpu.operators}


@needs_cuda_build
@cases
def test_a_step_launches_no_operator_that_has_no_deterministic_kernel(
    model: Model, wrong: set[str]
) -> None:
    assert launched(model, wanted=False) & NOT_DETERMINISTIC.keys() == wrong
    assert launched(model, wanted=True) & NOT_DETERMINISTIC.keys() == set()


@pytest.mark.skipif(
    Version(torch.__version__) < Version("2.15"), reason="the list is that of PyTorch 2.15"
)
def test_the_operators_are_those_that_are_documented() -> None:
    text = torch.use_deterministic_algorithms.__doc__
    text = text.partition("will throw a\n    :class:`RuntimeError` when ``mode=True``")[2]
    for operator, words in NOT_DETERMINISTIC.items():
        room = torch.ops.torchvision if words == TORCHVISION else torch.ops.aten
        assert hasattr(room, operator), operator
        assert words == TORCHVISION or words in text, words


def step_of(model: Model, wanted: bool) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The losses of a training step on the CPU, and the gradients."""
    detector = talkative(model).train()
    with repeatable(detector, wanted):
        torch.manual_seed(1)  # RoIs are sampled
        losses = detector(*pictures())
        sum(losses.values()).backward()
    gradients = {k: q.grad for k, q in detector.named_parameters() if q.requires_grad}
    return {k: v.item() for k, v in losses.items()}, gradients


@cases
def test_a_step_is_the_usual_one_up_to_rounding(model: Model, wrong: set[str]) -> None:
    losses, gradients = step_of(model, wanted=True)
    usual, usual_gradients = step_of(model, wanted=False)
    assert losses == pytest.approx(usual, rel=1e-5)
    for name, gradient in usual_gradients.items():
        size = gradient.abs().max().item()
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-4 * size, msg=name)


# --- the switch -----------------------------------------------------------------------------------


@pytest.fixture(params=[(False, False), (True, True), (True, False)], ids=str)
def switch(request: pytest.FixtureRequest) -> Iterator[tuple[bool, bool]]:
    """PyTorch's own switch, in one of its positions: on, and only warning."""
    torch.use_deterministic_algorithms(request.param[0], warn_only=request.param[1])
    yield request.param
    torch.use_deterministic_algorithms(False)


def position() -> tuple[bool, bool]:
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    return torch.are_deterministic_algorithms_enabled(), warns


@pytest.mark.parametrize("wanted", [True, False])
def test_everything_is_as_it_was_also_after_an_error(
    switch: tuple[bool, bool], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CUBLAS, raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    detector = build_detector(everything("mask_rcnn", roi_selection="acf"))
    before = [dict(vars(module)) for module in detector.modules()]
    with contextlib.suppress(ZeroDivisionError), repeatable(detector, wanted):
        assert position() == ((True, False) if wanted else switch)
        assert torch.backends.cudnn.benchmark is not wanted
        assert ([vars(module) for module in detector.modules()] != before) is wanted
        raise ZeroDivisionError
    assert position() == switch
    assert torch.backends.cudnn.benchmark
    assert [vars(module) for module in detector.modules()] == before


def test_the_workspace_of_a_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CUBLAS, ":16:8")
    with repeatable(torch.nn.Identity()):
        assert os.environ[CUBLAS] == ":16:8"
    monkeypatch.delenv(CUBLAS)
    with repeatable(torch.nn.Identity()):
        assert os.environ[CUBLAS] == ":4096:8"


# --- a whole run ----------------------------------------------------------------------------------


def run(folder: Path, **chosen: object) -> records.Record:
    """A short run of the smoke budget, in a folder of its own."""
    asked = {"budget": "smoke", "device": "cpu", "limit": 4, "steps": 4, "ratios": RATIOS}
    return train.train(experiment_here(parse(asked | chosen)), folder)


def test_runs_repeat_and_their_detectors_are_tested_as_all_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CUBLAS, ":4096:8")
    usual = run(tmp_path / "usual")
    one, two = (run(tmp_path / name, deterministic="true") for name in ("one", "two"))
    assert one.experiment.train.deterministic
    assert one.id == two.id != usual.id
    assert position() == (False, False)
    weights = [load_file(r.weights) for r in (one, two, usual)]
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name
    assert one.curve == two.curve
    assert one.predictions == two.predictions
    assert one.curve[0] == pytest.approx(usual.curve[0], rel=1e-5)
    for mine, other in zip(one.curve, usual.curve, strict=True):
        # AdamW's first steps follow the sign of a gradient, also where rounding decides it.
        assert mine == pytest.approx(other, rel=5e-3)
    detector = build_detector(one.experiment.model)
    detector.load_state_dict(weights[0])
    test = load.load_pictures(one.experiment.data, "test")
    assert evaluate.predict(detector, test) == one.predictions


def test_ids_of_runs_without_the_option_do_not_change() -> None:
    base, prints = BUDGETS["smoke"], {"train": "a", "test": "b"}
    ids = [
        records.run_id(replace(base, train=replace(base.train, deterministic=on)), prints)
        for on in (False, True)
    ]
    assert ids[0] == records.run_id(base, prints) != ids[1]
