"""The book's page on adding a neck: its changes apply, touch three places, and train."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "book" / "examples"
GRADIENTS = """
from dataclasses import replace
import torch
from augfpn.settings.budgets import BUDGETS
from augfpn.detectors.build import build_detector
detector = build_detector(replace(BUDGETS["smoke"].model, classes=2, {setting}, lam=0.25))
target = {{"boxes": torch.tensor([[9.0, 9.0, 99.0, 99.0]]), "labels": torch.tensor([1])}}
sum(detector([torch.rand(3, 128, 160)], [target]).values()).backward()
assert [n for n, q in detector.named_parameters() if q.grad is None] == []
"""


@pytest.mark.parametrize(
    ("name", "setting", "option"),
    [
        ("neck", 'neck="bottom_up"', ("--neck", "bottom_up")),
        ("fusion", 'roi_selection="softmax"', ("--roi-selection", "softmax")),
    ],
)
def test_the_pages_changes_train(name: str, setting: str, option: tuple, tmp_path: Path) -> None:
    patch = EXAMPLES / f"{name}.patch"
    changed = re.findall(r"^\+\+\+ b/(.*)$", patch.read_text(), re.MULTILINE)
    assert changed == [f"augfpn/{file}.py" for file in ("variants", "config", "build")]
    shutil.copytree(ROOT / "augfpn", tmp_path / "augfpn")
    subprocess.run(["git", "apply", str(patch)], cwd=tmp_path, check=True)
    here = os.environ | {"PYTHONPATH": str(tmp_path)}
    script = GRADIENTS.format(setting=setting)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=here, check=True)
    words = ("train", *option, "--budget", "smoke", "--steps", "2", "--limit", "2")
    command = [sys.executable, "-m", "augfpn.cli", *words, "--device", "cpu"]
    done = subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "runs").iterdir()
    assert setting.split('"')[1] in (record / "settings.json").read_text()


def test_the_page_shows_both_changes() -> None:
    page = (ROOT / "book" / "your_neck.md").read_text()
    assert {p.name for p in EXAMPLES.glob("*.patch")} == set(
        re.findall(r"examples/(\w+\.patch)", page)
    )
