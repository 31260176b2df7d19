"""How long things take: variants in turns, and the timings that are kept."""

import re
from pathlib import Path

import pytest

from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.settings.asked import Asked
from augfpn.study import gather, tables, timing
from augfpn.study.results import against
from augfpn.study.running import recorded
from augfpn.study.timed import time_ratio


@pytest.fixture(scope="module")
def timed() -> dict:
    return timing.time_in_turns("smoke", rounds=3, batch=1, device="cpu")


def test_all_are_timed_in_turns(timed: dict) -> None:
    for use in ("training", "testing"):
        assert {name: len(x) for name, x in timed["seconds"][use].items()} == dict.fromkeys(
            ("fpn", "cs", "rfa", "srs", "augfpn"), 3
        )
        assert all(x > 0 for each in timed["seconds"][use].values() for x in each)
    assert timed["environment"]["device"] == "cpu"


def test_the_ratio_is_of_rounds(timed: dict) -> None:
    """AugFPN takes twice as long in each round, however slow the machine is in that round."""
    seconds = {"fpn": [1.0, 2.0, 4.0], "augfpn": [2.0, 4.0, 8.0]}
    found = time_ratio({"seconds": {"testing": seconds}}, "testing")
    assert found[:4] == (2.0, 2.0, 2.0, 3)


def test_the_table_of_parts_has_each_part_s_own_ratio_and_leaves_out_what_was_not_timed() -> None:
    """CS takes half as long again; FPN's own seconds stand first."""
    use = {"fpn": [2.0, 4.0], "cs": [3.0, 6.0], "augfpn": [4.0, 8.0]}
    rows = against.times_of_parts({"seconds": {"training": use, "testing": use}}).splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        *("FPN, seconds", "CS / FPN", "AugFPN / FPN"),
    ]
    assert [row.count(" 3.000 ") for row in rows] == [2, 0, 0]
    assert [row.count("1.50 [1.50") for row in rows] == [0, 2, 0]
    assert [row.count("2.00 [2.00") for row in rows] == [0, 0, 2]


def test_a_measurement_is_kept_and_never_overwritten(timed: dict, tmp_path: Path) -> None:
    timing.write_timing(timed, tmp_path)
    (found,) = recorded.read_timings([tmp_path], "smoke")
    assert found["seconds"] == timed["seconds"]
    with pytest.raises(UserError, match="move it away"):
        timing.write_timing(timed, tmp_path)
    table = tables.run_times([found])
    assert re.search(r"\| smoke +\| step, 1 pictures +\|", table)
    made = found["environment"]
    assert f"threads: {made['threads']}; commit {made['commit']} " in table
    (tmp_path / recorded.TIMINGS / "broken.json").write_text("{")
    with pytest.raises(UserError, match="is incomplete or damaged"):
        recorded.read_timings([tmp_path], "smoke")


def test_the_question_of_run_time_is_checked(tmp_path: Path, capsys) -> None:
    with pytest.raises(UserError, match="budget = 'tiny': choose one of"):
        gather.timings_for(Asked(budget="tiny"))
    assert main(["study", "time", "--rounds", "1"]) == 2
    assert "--rounds: '1': give a whole number, 2 or more" in capsys.readouterr().err
    assert main(["study", "time", "--budget", "auto", "--records", str(tmp_path)]) == 2
    assert "--budget 'auto' is unknown" in capsys.readouterr().err
    (tmp_path / "afile").touch()
    assert main(["study", "time", "--records", str(tmp_path / "afile")]) == 2
    assert "afile is a file: give a folder." in capsys.readouterr().err
