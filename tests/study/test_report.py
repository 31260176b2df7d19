"""The whole report: made from records alone, the same bytes twice, and nothing overwritten."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.figures import theme
from augfpn.study import tables
from augfpn.study.evidence import Evidence
from augfpn.study.results import report
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty import cells


def test_a_report_is_the_same_twice_and_comes_from_records(
    smoke: records.Record, tmp_path: Path
) -> None:
    found = recorded.collect([smoke.folder.parent])
    pages = [
        report.write_page(["table2"], "smoke", None, found, tmp_path / name)
        for name in ("one", "two")
    ]
    first, second = (sorted(page.parent.iterdir()) for page in pages)
    assert [file.name for file in first] == [file.name for file in second]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    text = pages[0].read_text()
    assert smoke.folder.name in text
    assert cells.percent(smoke.result["AP"]) in text
    report.write_page(["table2"], "smoke", None, found, tmp_path / "one")  # its own, written anew


def test_what_is_not_run_yet_is_there_with_its_command(
    smoke: records.Record, tmp_path: Path
) -> None:
    found = recorded.collect([smoke.folder.parent])
    parts = ["table2", "defects", "one_stage", "table1"]
    text = report.write_page(parts, "smoke", None, found, tmp_path / "new").read_text()
    for part, pictures in (
        ("table2", "bccd"),
        ("defects", "detail"),
        ("one_stage", "scenes"),
        ("one_stage", "bccd"),
    ):
        command = f"augfpn study run {part} --pictures {pictures} --budget smoke"
        line = f"Not run yet on {pictures} at the smoke budget: `{command}` runs it."
        assert f"### On {pictures}\n\n{line}\n" in text
    assert f"## {grid.part('one_stage').title}\n\n### On scenes\n\nNot run yet" in text
    assert "study run table2 --pictures scenes" not in text  # these are there
    assert "table1" not in text  # it has pictures only at the paper's budget


def test_figures_are_the_same_twice(evidence: Evidence, tmp_path: Path) -> None:
    rows = tables.variant_rows("table2", evidence)
    for name in ("a.svg", "b.svg"):
        theme.write_svg(tables.effects_figure(rows), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_nothing_is_overwritten_and_nothing_is_made_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    nothing = recorded.Found({}, ())
    with pytest.raises(UserError, match="has other files"):
        report.write_page(["table2"], "laptop", None, nothing, tmp_path)
    with pytest.raises(UserError, match="there are no records of the laptop budget"):
        report.write_page(["table2"], "laptop", None, nothing, tmp_path / "new")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_command_needs_a_folder(capsys: pytest.CaptureFixture) -> None:
    assert main(["study", "report", "table2"]) == 2
    assert "needs --out" in capsys.readouterr().err


KILLED = """
import os, time
from augfpn.study.running.workers import scoring_processes

if __name__ == "__main__":
    with scoring_processes() as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it has no /proc")
def test_processes_that_score_end_with_a_report_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "report.py"
    script.write_text(KILLED)
    report_ = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE)
    worker = int(report_.stdout.readline())
    report_.kill()
    report_.wait()
    until = time.monotonic() + 60
    while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()
