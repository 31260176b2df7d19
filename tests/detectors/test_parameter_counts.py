"""Parameters of every detector and of AugFPN's parts against reference.md."""

from dataclasses import replace

import pytest
import torch

from augfpn.config import AUGFPN, FCOS, FPN, Model
from augfpn.detectors.build import build_detector
from augfpn.detectors.cost import parameter_count
from augfpn.detectors.two_stage import without_supervision
from augfpn.settings.dialects import in_dialect

MASK = replace(AUGFPN, detector="mask_rcnn", mask_supervision=True)
DENSE = replace(AUGFPN, roi_selection="hard")


@pytest.mark.parametrize(
    ("model", "inference", "training_only"),
    [
        (FPN, 41_704_036, 0),
        (AUGFPN, 43_753_067, 14_310_805),
        (replace(FPN, classes=90), 41_755_286, 0),
        (replace(AUGFPN, classes=90), 43_804_317, 14_362_055),
        (replace(FPN, norm="batch"), 41_757_156, 0),
        (replace(FPN, roi_selection="panet"), 80_242_276, 0),
        (replace(FPN, detector="mask_rcnn"), 44_347_573, 0),
        (MASK, 46_668_224, 63_622_566 - 46_668_224),
        (replace(MASK, classes=90), 46_722_044, 63_730_206 - 46_722_044),
        (replace(FPN, detector="retinanet", classes=90), 34_014_999, 0),
        (in_dialect(replace(FPN, detector="retinanet"), "ours"), 33_786_804, 0),
        (in_dialect(replace(DENSE, detector="retinanet"), "ours"), 35_564_215, 14_310_805),
        (in_dialect(replace(DENSE, detector="retinanet"), "authors"), 39_692_983, 14_310_805),
        (replace(FPN, detector="fcos", classes=90), 32_269_600, 0),
        (replace(FPN, detector="fcos", fcos=FCOS(background_logit=False)), 32_244_245, 0),
        (replace(FPN, backbone="mobilenet_v2", norm="batch"), 19_856_548, 0),
        (replace(FPN, backbone="mobilenet_v2_320", norm="batch"), 19_198_628, 0),
        (replace(AUGFPN, backbone="mobilenet_v2", norm="batch"), 21_315_755, 14_310_805),
        (replace(AUGFPN, backbone="mobilenet_v2_320", norm="batch"), 19_920_555, 14_310_805),
    ],
)
def test_parameters_of_the_whole(model: Model, inference: int, training_only: int) -> None:
    """reference.md 4.2 and 4.3; frozen normalisation holds no parameters."""
    with torch.device("meta"):
        detector = build_detector(model)
    whole = parameter_count(detector)
    kept = parameter_count(without_supervision(detector))
    assert (kept, whole - kept) == (inference, training_only)


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"ratios": (0.1, 0.2, 0.3)}, 1_777_411),
        ({"ratios": (0.1,)}, 592_641),
        ({"ratios": (0.1, 0.2)}, 1_185_026),
        ({"ratios": (0.1, 0.2, 0.3, 0.4)}, 2_369_796),
        ({"ratios": (0.1, 0.2, 0.3), "context_fusion": "sum"}, 1_573_632),
        ({"ratios": (0.1,), "context_pooling": "gap", "context_fusion": "sum"}, 524_544),
        ({"ratios": (0.1,), "context_pooling": "gmp", "context_fusion": "sum"}, 524_544),
        ({"ratios": (0.1,), "context_pooling": "psp"}, 1_777_411),
        ({"ratios": (0.1, 0.2, 0.3), "backbone": "mobilenet_v2"}, 1_187_587),
        ({"ratios": (0.1, 0.2, 0.3), "backbone": "mobilenet_v2_320"}, 450_307),
        ({"roi_selection": "soft"}, 271_620),
        ({"roi_selection": "acf"}, 132_160),
        ({"roi_selection": "panet"}, 38_538_240),
        ({"roi_selection": "sum"}, 0),
        ({"roi_selection": "max"}, 0),
        ({"lam": 0.25}, 14_310_805),
        ({"lam": 0.25, "supervision": "single"}, 14_310_805),
        ({"lam": 0.25, "supervision": "separate"}, 4 * 14_310_805),
    ],
)
def test_parameters_of_the_parts(change: dict, parameters: int) -> None:
    """reference.md 4.1: what a part adds to FPN."""
    with torch.device("meta"):
        base = build_detector(replace(FPN, backbone=change.get("backbone", "resnet50")))
        more = build_detector(replace(FPN, **change))
    assert parameter_count(more) - parameter_count(base) == parameters
