"""Folders that a user names: what cannot be used is said in one sentence before any work."""

import os
import shutil
from pathlib import Path

import pytest

from augfpn import records
from augfpn.cli import options
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.notebook import Asked
from augfpn.study import gather
from augfpn.study.results import report
from augfpn.study.running import grid, recorded
from augfpn.support.files import check_readable, check_writable
from augfpn.training import train


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> recorded.Found:
    """FPN and CS on scenes at the smoke budget."""
    folder = tmp_path_factory.mktemp("records")
    for variant in ("fpn", "cs"):
        train.train(grid.Run(variant, "scenes", "smoke", 0).experiment, folder)
    return recorded.collect([folder])


def test_a_folder_that_is_there_or_can_be_made_is_fine(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "new" / "er"):
        check_readable(folder)
        check_writable(folder)
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_what_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "afile"
    file.touch()
    for check in (check_readable, check_writable):
        with pytest.raises(UserError, match="afile is a file: give a folder"):
            check(file)
    with pytest.raises(UserError, match=r"afile/new cannot be written to .*: give another folder"):
        check_writable(file / "new")
    if Path("/proc").is_dir():
        with pytest.raises(UserError, match=r"/proc/x cannot be written to .*: give another"):
            check_writable(Path("/proc/x"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read all
    with pytest.raises(UserError, match=r"you may not read .*: give another folder"):
        check_readable(tmp_path)


# --- of records -----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["status", "run", "measure", "report"])
def test_a_file_is_no_folder_of_records(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "afile"
    file.touch()
    words = [action, "masks", "--records", str(file), "--out", str(tmp_path / "out")]
    assert main(["study", *words]) == 2
    assert capsys.readouterr().err == f"augfpn: error: {file} is a file: give a folder.\n"


def test_a_folder_that_is_not_there_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "COMMITTED", ())
    monkeypatch.chdir(tmp_path)
    note = "there is no folder my_runs: only the repository's records count."
    for action in ("status", "measure"):
        assert main(["study", action, "masks", "--records", "my_runs"]) == 0
        assert note in capsys.readouterr().err
    assert main(["study", "status", "masks", "--records", str(options.RECORDS)]) == 0
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


# --- of a report ----------------------------------------------------------------------------------


def test_a_report_goes_where_it_can_be_written(tmp_path: Path, found: recorded.Found) -> None:
    file = tmp_path / "afile"
    file.touch()
    with pytest.raises(UserError, match="afile is a file: give a folder"):
        report.write_page(["table2"], "smoke", None, found, file)


def test_a_strangers_page_is_not_overwritten(tmp_path: Path, found: recorded.Found) -> None:
    page = tmp_path / "index.md"
    for content in (b"# My site\n", b"", b"\xff\xfe"):
        page.write_bytes(content)
        with pytest.raises(UserError, match="has other files: give a new folder"):
            report.write_page(["table2"], "smoke", None, found, tmp_path)
        assert page.read_bytes() == content


def test_figures_of_an_older_report_go_and_nothing_else(
    tmp_path: Path, found: recorded.Found
) -> None:
    page = report.write_page(["table2"], "smoke", ["scenes"], found, tmp_path)
    own = {file.name for file in tmp_path.iterdir()}
    assert own == {"index.md", "table2-scenes.svg"}
    for name in ("table3-scenes.svg", "gap-bccd.svg", "level-scenes.svg", "mine.svg", "mine.txt"):
        (tmp_path / name).touch()
    report.write_page(["table2"], "smoke", ["scenes"], found, page.parent)
    assert {file.name for file in tmp_path.iterdir()} == own | {"mine.svg", "mine.txt"}


def test_a_report_names_damaged_predictions_and_does_without(
    tmp_path: Path, found: recorded.Found
) -> None:
    whole = found.record(grid.Run("fpn", "scenes", "smoke", 0))
    shutil.copytree(whole.folder, tmp_path / "runs" / "broken")
    (tmp_path / "runs" / "broken" / "predictions.json.gz").write_text("not gzipped")
    damaged = recorded.collect([tmp_path / "runs"])
    text = report.write_page(["table2"], "smoke", ["scenes"], damaged, tmp_path / "out").read_text()
    assert f"the predictions in {tmp_path / 'runs' / 'broken'} are damaged" in text


# --- of a notebook --------------------------------------------------------------------------------


def test_a_notebook_of_parts_without_such_pictures_is_refused(tmp_path: Path) -> None:
    said = "one_stage or masks has no pictures detail at the laptop budget: it has scenes, bccd."
    with pytest.raises(UserError, match=said):
        gather.evidence_for_parts(("one_stage", "masks"), Asked(data="detail", records=tmp_path))
