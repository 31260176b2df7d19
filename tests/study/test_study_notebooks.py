"""The notebooks of the study: their parameters, their texts, and that they run on records."""

import json
from pathlib import Path

import nbclient
import nbformat
import pytest

from augfpn.errors import UserError
from augfpn.notebook import asked
from augfpn.settings.asked import Asked
from augfpn.study import gather
from augfpn.study.results import mechanisms, report


@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        ("semantic_gap", f"{mechanisms.ABOUT_NUMBERS} {mechanisms.ABOUT_GAP}"),
        ("top_level", f"{mechanisms.ABOUT_NUMBERS} {mechanisms.ABOUT_TOP}"),
        ("assignment", f"{mechanisms.ABOUT_NUMBERS} {mechanisms.ABOUT_ASSIGNMENT}"),
        ("figure4", mechanisms.ABOUT_SHARES),
        ("table2", report.ABOUT_FACTORS),
    ],
)
def test_report_and_notebook_explain_a_measurement_alike(notebook: str, said: str) -> None:
    file = Path(__file__).parents[2] / "experiments" / f"{notebook}.ipynb"
    told = ["".join(cell["source"]) for cell in json.loads(file.read_text("utf-8"))["cells"]]
    assert " ".join(said.split()) in told


def test_a_question_is_typed(tmp_path: Path) -> None:
    assert asked({"run": "true", "jobs": "2", "budget": "gpu", "other": 1}) == Asked(
        run=True, jobs=2, budget="gpu"
    )
    with pytest.raises(UserError, match="run = 'maybe': expected"):
        asked({"run": "maybe"})
    with pytest.raises(UserError, match="table2 has no pictures coco at the laptop budget"):
        gather.evidence_for("table2", Asked(data="coco", records=tmp_path))


def test_parts_without_such_pictures_are_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    parts = ("one_stage", "masks")
    asked_for = {data: Asked(data=data, records=tmp_path) for data in ("scenes", "bccd")}
    found = {
        data: gather.evidence_for_parts(parts, a, said.append) for data, a in asked_for.items()
    }
    assert [list(each) for each in found.values()] == [["one_stage", "masks"], ["one_stage"]]


ONLY_RUNTIME = {"rounds", "batch"}

PARAMETERS = dict.fromkeys(
    (
        *("table1", "table2", "table3", "table4", "table5"),
        *("semantic_gap", "top_level", "assignment", "figure4"),
    ),
    set(Asked.__dataclass_fields__) - ONLY_RUNTIME,
) | {
    "defect_matrix": {"budget", "run", "jobs", "records"},
    "runtime": {"budget", "run", "records"} | ONLY_RUNTIME,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_notebooks_of_the_study_have_the_questions_parameters(name: str) -> None:
    folder = Path(__file__).parents[2] / "experiments"
    cells = json.loads((folder / f"{name}.ipynb").read_text())["cells"]
    (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    given: dict = {}
    exec("".join(cell["source"]), given)
    assert asked(given) == Asked()
    assert set(given) - {"__builtins__", "__annotations__"} == PARAMETERS[name]
    assert not any(c.get("outputs") for c in cells)


QUICK = {"table2", "assignment"}  # one of each kind for every day


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PARAMETERS],
)
def test_notebooks_of_the_study_run_on_the_committed_records(name: str, tmp_path: Path) -> None:
    """Every cell, in a process of its own as papermill would, without training anything."""
    notebook = nbformat.read(
        Path(__file__).parents[2] / "experiments" / f"{name}.ipynb", as_version=4
    )
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    assert list(tmp_path.iterdir()) == []
