"""What is traced is the detector's own forward; its steps for tracing agree with the originals."""

import inspect

import pytest
import torch
from new_part import with_new_part
from small import augfpn_of, talkative
from torch import nn

from augfpn.deploy import export, graph
from augfpn.detectors.build import build_detector

SIZES = ((3, 120, 200), (3, 200, 120), (3, 256, 256))


def report_of(detector: nn.Module, traced: nn.Module) -> export.Report:
    """Compare the detections of a detector with those of the traceable copy of ``traced``."""
    torch.manual_seed(1)
    alone, pairs = export.OnePicture(traced), []
    for size in SIZES:
        picture = torch.rand(size)
        with torch.no_grad():
            found = dict(zip(alone.names, alone(picture), strict=True))
            pairs.append((detector([picture])[0], found))
    return export.report_on((), pairs)


@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_what_is_traced_detects_what_the_detector_does(name: str) -> None:
    detector = talkative(augfpn_of(name))
    report = report_of(detector, detector)
    assert report.same > 20
    assert report.apart == 0, report


@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet"])
def test_a_new_part_of_the_forward_is_traced_too(name: str) -> None:
    plain, new = (talkative(augfpn_of(name)) for _ in range(2))
    with_new_part(new)
    report = report_of(new, new)
    assert report.same > 20
    assert report.apart == 0, report
    assert report_of(new, plain).apart > 0  # the part changes what is detected


@pytest.mark.parametrize(
    ("kind", "method", "step"), graph.STEPS, ids=lambda x: getattr(x, "__name__", x)
)
def test_a_step_stands_in_for_a_method_with_as_many_arguments(
    kind: type, method: str, step
) -> None:
    original = inspect.signature(getattr(kind, method))
    assert len(inspect.signature(step).parameters) == len(original.parameters)


def test_the_detector_itself_stays_as_it_was() -> None:
    detector = build_detector(augfpn_of("faster_rcnn"))
    before = {name: set(vars(module)) for name, module in detector.named_modules()}
    graph.traceable(detector)
    assert detector.training
    assert detector.supervision is not None
    assert {name: set(vars(module)) for name, module in detector.named_modules()} == before


def test_same_convolutions_of_even_maps_are_timm_s() -> None:
    timm = pytest.importorskip("timm")
    net = timm.create_model("tf_efficientnet_lite0", features_only=True)
    found = [layer for layer in net.modules() if type(layer).__name__ == "Conv2dSame"]
    assert {layer.kernel_size for layer in found} == {(3, 3), (5, 5)}
    for layer in found:
        x = torch.rand(1, layer.in_channels, 16, 12)
        assert torch.equal(graph.convolved_with_even_sides(layer, x), layer(x))
