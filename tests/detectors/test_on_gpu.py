"""All detectors on a pretend GPU: no operator mixes devices, and how often the host waits.

The limits are for a step after the first, which also copies constants to the GPU.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import waits
from pretend_gpu import GPU, PretendGPU, needs_cuda_build, pretend_gpu
from small import SMALL, augfpn_of, talkative
from torch import nn
from waits import Events, batch, on_gpu

from augfpn.config import ONE_STAGE, Model
from augfpn.settings.dialects import in_dialect

pytestmark = needs_cuda_build
DETECTORS = ("faster_rcnn", "mask_rcnn", "retinanet", "fcos")
WAITS = 8  # of a step, and of a batch at inference, at most
OPERATORS = 20  # of the training forward for one more picture, at most


def fpn_of(name: str) -> Model:
    """The settings of a small detector without AugFPN's parts."""
    return in_dialect(replace(SMALL, detector=name), "ours", sizes=False)


def everything(name: str) -> Model:
    """With all of AugFPN's parts, and the supervision of masks."""
    return augfpn_of(name, mask_supervision=name == "mask_rcnn")


def checked_events(gpu: PretendGPU, detector: nn.Module, count: int) -> Events:
    """A training step and an inference on ``count`` pictures, the second without objects."""
    found = waits.events(gpu, detector, *on_gpu(*batch(count, empty=1)))
    assert all(x.device == GPU for each in found.found for x in each.values())
    assert sum(len(each["boxes"]) for each in found.found) > 10
    return found


@pytest.fixture(
    scope="module",
    params=[(make, name) for make in (fpn_of, everything) for name in DETECTORS],
    ids=lambda param: f"{param[0].__name__}-{param[1]}",
)
def counts(request: pytest.FixtureRequest) -> Iterator[dict[int, Events]]:
    """What was counted on two and on four pictures, after a first step."""
    make, name = request.param
    with pretend_gpu() as gpu:
        detector = talkative(make(name)).to(GPU)
        checked_events(gpu, detector, 2)
        found = {n: checked_events(gpu, detector, n) for n in (2, 4)}
        missing = [k for k, p in detector.named_parameters() if p.requires_grad and p.grad is None]
    assert missing == []
    return found


def test_the_host_waits_a_few_times_a_step_however_many_pictures(counts) -> None:
    few, many = counts[2].training, counts[4].training
    assert len(many) <= WAITS, many
    assert [event.line for event in many] == [event.line for event in few]
    assert counts[4].backward == []


def test_the_host_waits_a_few_times_at_inference(counts) -> None:
    few, many = counts[2].inference, counts[4].inference
    assert len(many) <= WAITS, many
    assert [event.line for event in many] == [event.line for event in few]


def test_a_further_picture_adds_few_operators(counts) -> None:
    added = (len(counts[4].operators) - len(counts[2].operators)) / 2
    assert 0 < added <= OPERATORS


@pytest.mark.parametrize("name", DETECTORS)
def test_detections_are_those_of_the_host(name: str) -> None:
    """Up to rounding: suppression shifts boxes apart, and masks are pasted, in another way."""
    detector = talkative(everything(name))
    images, targets = batch(3, empty=1)
    with torch.no_grad():
        expected = detector(images)
        with pretend_gpu():
            there = talkative(everything(name)).to(GPU)(on_gpu(images, targets)[0])
            found = [{k: v.cpu() for k, v in each.items()} for each in there]
    for a, b in zip(expected, found, strict=True):
        assert a.keys() == b.keys()
        for key, value in a.items():
            torch.testing.assert_close(b[key], value, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ONE_STAGE)
def test_losses_are_those_of_the_host(name: str) -> None:
    """Of detectors that draw no random numbers; a GPU draws others."""
    images, targets = batch(3, empty=1)
    expected = talkative(fpn_of(name)).train()(images, targets)
    with pretend_gpu():
        detector = talkative(fpn_of(name)).to(GPU).train()
        found = {k: v.item() for k, v in detector(*on_gpu(images, targets)).items()}
    assert found == pytest.approx({k: v.item() for k, v in expected.items()}, rel=1e-6)


@pytest.mark.parametrize("name", DETECTORS)
def test_the_books_table_has_what_is_counted_now(name: str) -> None:
    """``python tests/helpers/waits.py`` counts anew; torchvision's row depends on its version."""
    recorded = json.loads(waits.FILE.read_text())[name]
    assert recorded["augfpn"] == waits.counted(talkative(augfpn_of(name)))
    assert recorded["torchvision"]["training"][1] > recorded["augfpn"]["training"][1]
