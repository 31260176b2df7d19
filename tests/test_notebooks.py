"""The ablation notebook as its users run it: papermill in a process of its own, in any folder."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ABLATION = Path(__file__).parents[1] / "experiments" / "ablation.ipynb"
SMALLEST = {"budget": "smoke", "steps": "2", "limit": "2", "device": "cpu"}


def papermill(folder: Path, **values: str) -> tuple[subprocess.CompletedProcess, Path]:
    """Run the notebook in ``folder`` with ``-p name value`` for each value."""
    out = folder / "out.ipynb"
    options = [word for name, value in values.items() for word in ("-p", name, value)]
    command = [sys.executable, "-m", "papermill", str(ABLATION), str(out), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True), out


def printed(out: Path) -> str:
    cells = nbformat.read(out, as_version=4).cells
    outputs = [o for cell in cells for o in cell.get("outputs", [])]
    return "\n".join(o.get("text", "") for o in outputs)


def test_the_notebook_runs_from_another_folder_and_finds_its_runs_again(tmp_path: Path) -> None:
    ran, out = papermill(tmp_path, **SMALLEST, lam="0.5", baseline="train")
    assert ran.returncode == 0, ran.stderr[-2000:]
    text = printed(out)
    for shown in (text, ran.stderr):  # in the notebook that is kept, and in the terminal
        lines = shown.splitlines()
        for start in ("training 1/2, loss ", "training 2/2, loss ", "evaluating 2/2, took "):
            assert any(line.startswith(start) for line in lines), (start, shown[-2000:])
        assert "CS (lam 0.5) + RFA + SRS" in shown
    assert ran.stdout == "", "papermill IN - prints the notebook there"
    assert "FPN twin" in text
    assert "2 held-out pictures (scenes)" in text
    pictures = [o for c in nbformat.read(out, 4).cells for o in c.get("outputs", []) if "data" in o]
    # Curves, the dashboard, what was found, and the analysis.
    assert sum("image/png" in o["data"] for o in pictures) == 7
    records = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(records) == 2
    again, out = papermill(tmp_path, **SMALLEST, lam="0.5")
    assert again.returncode == 0
    assert "FPN twin" in printed(out)  # found, not trained
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == records


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lambda": "0.25"}, "there is no parameter 'lambda': did you mean 'lam'?"),
        ({"data": "coco", "data_root": "/nowhere"}, "/nowhere"),
    ],
    ids=str,
)
def test_bad_parameters_end_in_one_sentence_before_any_work(
    values: dict, sentence: str, tmp_path: Path
) -> None:
    ran, _ = papermill(tmp_path, **(SMALLEST | values))
    assert ran.returncode != 0
    last = [line for line in ran.stderr.splitlines() if line.strip()][-1]
    assert last.startswith("UserError: ")
    assert sentence in last
    assert not (tmp_path / "runs").exists()
