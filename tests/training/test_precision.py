"""Mixed precision: chosen by the GPU, a step in each type, steps that are skipped and counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from pretend_gpu import GPU, needs_cuda_build, pretend_gpu
from small import SMALL, augfpn_of
from torch import Tensor, nn

from augfpn.config import Experiment, Train
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import parse
from augfpn.training import precision, step
from augfpn.training.precision import Scaler
from augfpn.training.schedule import make_optimizer

FEW = {"channels": 32, "head_width": 32, "rpn_candidates": (50, 20), "proposals": (30, 10)}
QUICK = Train(steps=3, epochs=None, batch=2, optimizer="adamw", lr=1e-3, lr_batch=2)


@pytest.mark.parametrize(
    ("capability", "half"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")]
)
def test_the_gpu_decides(
    capability: tuple[int, int], half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert precision.half_of("cuda") == half
    for budget in ("gpu", "paper"):
        words = {"budget": budget, "weights": "imagenet"}
        settings = experiment(parse(words), "cuda", half=precision.half_of("cuda")).train
        assert precision.half_in_use(settings) == half
        assert half in precision.said("cuda", settings)
        off = experiment(parse(words | {"amp": "off"}), "cuda").train
        assert precision.half_in_use(off) is None
        assert "float32" in precision.said("cuda", off)
        on_cpu = experiment(parse(words), "cpu").train
        assert precision.half_in_use(on_cpu) is None
    asked = experiment(parse({"budget": "laptop", "amp": "fp16", "weights": "scratch"}), "cuda")
    assert precision.half_in_use(asked.train) == "fp16"


def test_fp16_is_refused_on_a_cpu() -> None:
    with pytest.raises(UserError, match="amp = 'fp16' needs a GPU"):
        experiment(parse({"amp": "fp16", "weights": "scratch"}), "cpu")


def test_old_records_computed_in_bf16() -> None:
    """The only 16-bit type when their settings had no name for it."""
    assert precision.half_in_use(Train(amp=True)) == "bf16"
    assert precision.half_in_use(Train(amp=True), "cpu") is None


def test_tf32_only_with_mixed_precision() -> None:
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    for amp in (True, False):
        with precision.float32_products("cuda", replace(QUICK, amp=amp)):
            assert [backend.allow_tf32 for backend in backends] == [amp, amp]
        assert [backend.allow_tf32 for backend in backends] == before


# --- a step on a pretend GPU ----------------------------------------------------------------------


@contextmanager
def training_gpu() -> Iterator[None]:
    """A pretend GPU on which `step.one_step` runs with autocast and a gradient scaler."""

    def sent(images: tuple, targets: tuple, device: str) -> tuple[list, list]:
        assert device == "cuda"
        there = [image.float().div(255).to(GPU) for image in images]
        kept = [{k: v.to(GPU) for k, v in t.items() if k in step.LEARNT} for t in targets]
        return there, kept

    with (
        pretend_gpu() as gpu,
        torch.backends.mkldnn.flags(enabled=False),  # it has no fp16 on older CPUs
        patch("torch.cuda.amp.common.amp_definitely_not_available", lambda: False),
        patch("torch.amp.autocast_mode.torch.cuda.is_bf16_supported", lambda *_, **__: True),
        patch("torch.cuda.is_available", lambda: True),
        patch.object(step, "on_device", sent),
        patch.object(Tensor, "backward", lambda loss: gpu.backward(loss)),
    ):
        yield


def batch() -> tuple[tuple, tuple]:
    torch.manual_seed(0)
    images = tuple(torch.randint(255, (3, 96, 128), dtype=torch.uint8) for _ in range(2))
    boxes = torch.tensor([[10.0, 10, 60, 60], [40, 20, 110, 80]])
    target = {
        "boxes": boxes,
        "labels": torch.tensor([1, 2]),
        "masks": torch.ones(2, 96, 128, dtype=torch.uint8),
        "image_id": 5,
    }
    return images, (target, target)


def on_the_gpu(name: str, half: str) -> tuple[nn.Module, Experiment]:
    detector = build_detector(augfpn_of(name, **FEW)).to(GPU).train()
    settings = replace(QUICK, amp=True, half=half)
    return detector, Experiment(model=SMALL, train=settings, device="cuda", budget="smoke")


@needs_cuda_build
@pytest.mark.parametrize("half", ["bf16", "fp16"])
@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_a_step_in_either_type_changes_the_weights(name: str, half: str) -> None:
    with training_gpu():
        detector, settings = on_the_gpu(name, half)
        optimizer, scaler = make_optimizer(detector, settings.train), Scaler("cuda", settings.train)
        assert scaler.is_enabled() == (half == "fp16")
        before = [q.detach().cpu().clone() for q in detector.parameters()]
        seen = set()
        handle = detector.backbone.register_forward_hook(
            lambda module, args, out: seen.update(c.dtype for c in out.values())
        )
        steps = 0
        while steps == scaler.skipped:  # the first scale may be too large for fp16
            losses = step.one_step(
                detector, optimizer, 1e-3, *batch(), settings, steps, scaler=scaler
            )
            steps += 1
        handle.remove()
        assert precision.HALVES[half] in seen
        after = [q.detach().cpu() for q in detector.parameters()]
    assert all(value >= 0 for value in losses.values())
    assert scaler.skipped <= (4 if half == "fp16" else 0)
    assert all(torch.isfinite(q).all() for q in after)
    assert any(not torch.equal(x, y) for x, y in zip(before, after, strict=True))


@needs_cuda_build
def test_a_step_with_infinite_gradients_is_skipped_and_counted() -> None:
    with training_gpu():
        detector, settings = on_the_gpu("retinanet", "fp16")
        optimizer, scaler = make_optimizer(detector, settings.train), Scaler("cuda", settings.train)
        scaler._init_scale = 2.0**60  # no gradient in fp16 survives this
        before = [q.detach().cpu().clone() for q in detector.parameters()]
        step.one_step(detector, optimizer, 1e-3, *batch(), settings, 0, scaler=scaler)
        after = [q.detach().cpu() for q in detector.parameters()]
        assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
        assert scaler.skipped == 1
        assert scaler.get_scale() == 2.0**59
        kept = scaler.state_dict()
        other = Scaler("cuda", settings.train)
        other.load_state_dict(kept)
        assert (other.skipped, other.get_scale()) == (1, 2.0**59)


@needs_cuda_build
def test_a_loss_that_is_not_a_number_is_no_skipped_step() -> None:
    with training_gpu():
        detector, settings = on_the_gpu("faster_rcnn", "fp16")
        nn.init.constant_(detector.heads.box_predictor.cls_score.bias, float("nan"))
        optimizer, scaler = make_optimizer(detector, settings.train), Scaler("cuda", settings.train)
        with pytest.raises(FloatingPointError, match="is not a number at step 4"):
            step.one_step(detector, optimizer, 1e-3, *batch(), settings, 4, scaler=scaler)
        assert scaler.skipped == 0


def test_gradients_that_overflow_at_any_scale_end_the_run() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], 0.1)
    scaler = Scaler("cpu", replace(QUICK, amp=True, half="fp16"))
    scaler._init_scale = 4.0

    def one() -> None:
        optimizer.zero_grad()
        scaler.scale((weight * float("inf")).sum()).backward()
        scaler.take(optimizer)

    one()
    one()
    with pytest.raises(FloatingPointError, match="not finite although the losses are scaled by 1"):
        one()
    assert scaler.skipped == 3
