"""The book's page on adding a neck: its changes apply, touch three places, and train.

If only half of the changes are made, one sentence names the place that is missing.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "book" / "examples"
TRAIN = "import sys; from augfpn.cli.program import main; sys.exit(main(sys.argv[1:]))"
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


CASES = pytest.mark.parametrize(
    ("name", "setting", "word"),
    [("neck", "neck", "no_sums"), ("fusion", "roi_selection", "whole")],
)
PLACES = {  # of a page's changes, in their order
    "neck": ("detectors/necks", "config", "detectors/build"),
    "fusion": ("detectors/variants", "config", "detectors/build"),
}


def patched(name: str, folder: Path, leave_out: str | None = None) -> dict[str, str]:
    """A copy of the package with a page's changes, and the environment that finds it."""
    shutil.copytree(ROOT / "augfpn", folder / "augfpn")
    some = [] if leave_out is None else [f"--exclude=augfpn/{leave_out}.py"]
    command = ["git", "apply", *some, str(EXAMPLES / f"{name}.patch")]
    subprocess.run(command, cwd=folder, check=True)
    return os.environ | {"PYTHONPATH": str(folder)}


def train(
    setting: str, word: str, folder: Path, here: dict, before: str = ""
) -> subprocess.CompletedProcess:
    """Execute the code ``before``, then train with a setting, both in one process."""
    option = f"--{setting.replace('_', '-')}"
    words = ("train", option, word, "--budget", "smoke", "--steps", "2", "--limit", "2")
    command = [sys.executable, "-c", f"{before}\n{TRAIN}", *words, "--device", "cpu"]
    return subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True)


@CASES
def test_the_pages_changes_train(name: str, setting: str, word: str, tmp_path: Path) -> None:
    text = (EXAMPLES / f"{name}.patch").read_text()
    changed = re.findall(r"^\+\+\+ b/(.*)$", text, re.MULTILINE)
    assert changed == [f"augfpn/{place}.py" for place in PLACES[name]]
    gradients = GRADIENTS.format(setting=f'{setting}="{word}"')
    done = train(setting, word, tmp_path, patched(name, tmp_path), gradients)
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "runs").iterdir()
    assert word in (record / "settings.json").read_text()


@CASES
def test_a_name_that_nothing_builds_gets_a_sentence(
    name: str, setting: str, word: str, tmp_path: Path
) -> None:
    done = train(setting, word, tmp_path, patched(name, tmp_path, leave_out="detectors/build"))
    assert done.returncode != 0
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith(
            f"{setting}='{word}' is allowed by augfpn/config.py, but nothing builds it: add it to "
            f"BUILDERS['{setting}'] in augfpn/detectors/build.py."
        )
    )
    assert "Traceback" not in done.stderr


@CASES
def test_a_name_that_the_settings_do_not_know_gets_a_sentence(
    name: str, setting: str, word: str, tmp_path: Path
) -> None:
    done = train(setting, word, tmp_path, patched(name, tmp_path, leave_out="config"))
    assert done.returncode != 0
    assert f"{setting} = '{word}': expected " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_shows_both_changes() -> None:
    page = (ROOT / "book" / "your_neck.md").read_text()
    assert {p.name for p in EXAMPLES.glob("*.patch")} == set(
        re.findall(r"examples/(\w+\.patch)", page)
    )
