"""The example of the sixth open question: small boxes read fine maps only, and it trains."""

import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from augfpn import build_detector, pyramid
from augfpn.settings.budgets import BUDGETS

EXAMPLE = Path(__file__).resolve().parents[2] / "book" / "examples" / "fine_for_small.py"


def test_small_boxes_read_nothing_of_coarse_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "SoftRoISelection", pyramid.SoftRoISelection)  # put back after
    kind = runpy.run_path(str(EXAMPLE))["FineForSmall"]
    detector = build_detector(replace(BUDGETS["smoke"].model, classes=3, roi_selection="soft"))
    assert type(detector.select) is kind
    maps = {k: torch.ones(1, 64, 128 // 2**k, 128 // 2**k) for k in range(2, 6)}
    boxes = [torch.tensor([[40.0, 40, 70, 70], [40, 40, 73, 73]])]  # 30 and 33 pixels a side
    found = detector.select.pool(maps, boxes)
    assert [[bool(box.any()) for box in each] for each in found] == [
        *2 * [[True, True]],
        *2 * [[False, True]],
    ]


def test_it_trains_from_the_command_line(tmp_path: Path) -> None:
    words = ("train", "--budget", "smoke", "--steps", "2", "--limit", "2", "--parts", "srs")
    command = [sys.executable, str(EXAMPLE), *words, "--baseline", "none", "--records", "fine"]
    ran = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    assert [*(tmp_path / "fine").iterdir()]
