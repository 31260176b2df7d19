"""The detector that predicts in these tests."""

from dataclasses import replace

import pytest
import torch

from augfpn.detectors.build import build_detector
from augfpn.detectors.two_stage import TwoStage
from augfpn.settings.budgets import BUDGETS
from augfpn.speed.testing import for_testing


@pytest.fixture(scope="module")
def detector() -> TwoStage:
    """Mask R-CNN that was never trained: it finds something everywhere."""
    torch.manual_seed(0)
    small = BUDGETS["smoke"].model
    return for_testing(
        build_detector(replace(small, detector="mask_rcnn", norm="batch", classes=5))
    )
