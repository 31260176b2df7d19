"""What is recorded, damaged or missing, and the command that makes the missing runs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.study.running import grid, recorded

MEASURED = next(  # what one of the committed records has
    json.loads(file.read_text())
    for file in sorted(records.COMMITTED[1].glob(f"*/{records.DIAGNOSTICS}"))
)


def test_committed_records_are_found() -> None:
    found = recorded.collect(records.COMMITTED)
    for pictures in ("scenes", "bccd"):
        for variant in ("fpn", "augfpn"):
            record = found.record(grid.Run(variant, pictures, "laptop", 0))
            assert record.experiment.data.name == pictures


def test_records_are_counted_by_the_code_that_made_them(
    smoke: records.Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"augfpn": "0.1.0"}
    made = {
        name: replace(smoke, environment={"commit": commit, "versions": versions})
        for name, commit in {"a": "12ab+", "b": "34cd", "c": "34cd", "d": None}.items()
    }
    monkeypatch.setattr(recorded, "commit", lambda: "34cd")
    found = recorded.Found(made, ())
    assert recorded.code_versions(found, "smoke") == (
        "code: of the records, 2 by 34cd, 1 by 12ab+, 1 by augfpn 0.1.0 without git; this is 34cd "
        "(a + marks changed files)"
    )
    assert recorded.code_versions(found, "laptop").startswith("code: of the records, none; this")


@pytest.mark.parametrize(("budget", "pilot"), [("laptop", 1), ("transfer", 2)])
def test_later_seeds_confirm_only_where_the_first_ones_were_a_pilot(
    smoke: records.Record, budget: str, pilot: int
) -> None:
    experiments = [replace(smoke.experiment, budget=budget, seed=seed) for seed in (2, 3)]
    made = {str(each.seed): replace(smoke, experiment=each) for each in experiments}
    found = recorded.Found(made, ())
    phases = [len(found.among(phase).by_key) for phase in ("pilot", "confirmation")]
    assert phases == [pilot, 2 - pilot]


# --- records that are not right -------------------------------------------------------------------


def test_a_record_is_found_wherever_its_pictures_lie(smoke: records.Record) -> None:
    found = recorded.collect([smoke.folder.parent])
    assert found.problems == ()
    assert found.record(grid.Run("fpn", "scenes", "smoke", 0)).folder == smoke.folder
    assert found.record(grid.Run("fpn", "scenes", "smoke", 1)) is None
    assert found.record(grid.Run("cs", "scenes", "smoke", 0)) is None


def test_a_run_of_two_processes_does_not_answer_for_one(
    smoke: records.Record, tmp_path: Path
) -> None:
    two = shutil.copytree(smoke.folder, tmp_path / "two")
    settings = json.loads((two / "settings.json").read_text())
    settings["experiment"]["train"]["processes"] = 2
    (two / "settings.json").write_text(json.dumps(settings))
    found = recorded.collect([tmp_path])
    assert found.by_key == {}
    assert found.problems == (
        "two was made by 2 processes, and the study compares runs of one process: it does not "
        "count.",
    )


def test_on_coco_any_number_of_processes_counts() -> None:
    one = grid.Run("fpn", "coco", "paper", 0).experiment
    eight = replace(one, train=replace(one.train, processes=8))
    assert grid.key_of(eight) == grid.key_of(one)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        *((file, None) for file in ("settings.json", "result.json", "environment.json")),
        *((file, "{") for file in ("settings.json", "result.json", "environment.json")),
        ("settings.json", "[]"),
        *((file, "{}") for file in ("settings.json", "result.json", "environment.json")),
        ("result.json", "[]"),
        ("diagnostics.json", "[]"),
        ("settings.json", '{"experiment": {"lamda": 1}}'),
    ],
)
def test_a_damaged_record_is_named_and_left_out(
    smoke: records.Record, tmp_path: Path, file: str, content: str | None
) -> None:
    broken = shutil.copytree(smoke.folder, tmp_path / "broken")
    (broken / file).unlink() if content is None else (broken / file).write_text(content)
    found = recorded.collect([tmp_path])
    assert found.by_key == {}
    (problem,) = found.problems
    assert str(broken) in problem


@pytest.mark.parametrize("content", ["not gzipped", "[]", "", "cut off", None])
def test_damaged_predictions_are_named_with_what_to_do(
    smoke: records.Record, tmp_path: Path, content: str | None
) -> None:
    """A report goes on without them: it would be stopped in the middle otherwise."""
    broken = shutil.copytree(smoke.folder, tmp_path / "broken")
    file = broken / "predictions.json.gz"
    whole = file.read_bytes()
    file.unlink()
    if content is not None:
        file.write_bytes(whole[:-100] if content == "cut off" else content.encode())
    found = recorded.collect([tmp_path])
    (record,) = found.by_key.values()
    with pytest.raises(UserError, match=r"broken are damaged \(.+\): delete the folder, and run"):
        _ = record.predictions
    assert found.readable().by_key == {}
    (problem,) = found.readable().problems
    assert str(broken) in problem
    file.write_bytes(whole)
    assert found.readable() == found


def test_a_copy_is_no_problem_and_a_contradiction_is(smoke: records.Record, tmp_path: Path) -> None:
    first = shutil.copytree(smoke.folder, tmp_path / smoke.folder.name)
    again = shutil.copytree(smoke.folder, tmp_path / f"{smoke.folder.name}.2")
    assert recorded.collect([tmp_path]).problems == ()
    result = json.loads((again / "result.json").read_text())
    (again / "result.json").write_text(json.dumps(result | {"AP": result["AP"] + 0.25}))
    found = recorded.collect([tmp_path])
    (problem,) = found.problems
    assert "are the same run and disagree" in problem
    assert [record.folder for record in found.by_key.values()] == [first]


def test_records_of_other_pictures_are_reported(smoke: records.Record, tmp_path: Path) -> None:
    shutil.copytree(smoke.folder, tmp_path / "a")
    other = shutil.copytree(smoke.folder, tmp_path / "b")
    settings = json.loads((other / "settings.json").read_text())
    settings["fingerprints"]["test"] = "of other pictures"
    (other / "settings.json").write_text(json.dumps(settings))
    (problem,) = recorded.collect([tmp_path]).problems
    assert problem == "b was made on other pictures than a."


def of_other_pictures(record: records.Record, folder: Path, seed: int, pictures: str) -> Path:
    """A copy of a record in another folder, with another seed and other test pictures."""
    copy = shutil.copytree(record.folder, folder)
    settings = json.loads((copy / "settings.json").read_text())
    settings["experiment"] |= {"seed": seed}
    settings["fingerprints"]["test"] = pictures
    (copy / "settings.json").write_text(json.dumps(settings))
    return copy


def test_runs_of_other_pictures_than_most_are_left_out(
    smoke: records.Record, tmp_path: Path
) -> None:
    """A user's changed folder: its runs are not compared with those of the pictures before."""
    of_other_pictures(smoke, tmp_path / "a", 0, "changed")
    for seed, name in ((1, "b"), (2, "c")):
        of_other_pictures(smoke, tmp_path / name, seed, "as most")
    found = recorded.collect([tmp_path])
    assert sorted(record.folder.name for record in found.by_key.values()) == ["b", "c"]
    assert found.problems == ("a was made on other pictures than b.",)


def test_of_as_many_runs_of_two_kinds_of_pictures_the_first_count(
    smoke: records.Record, tmp_path: Path
) -> None:
    for seed, name in enumerate("abcd"):
        of_other_pictures(smoke, tmp_path / name, seed, "changed" if name in "bd" else "before")
    found = recorded.collect([tmp_path])
    assert sorted(record.folder.name for record in found.by_key.values()) == ["a", "c"]
    assert found.problems == (
        "b was made on other pictures than a.",
        "d was made on other pictures than a.",
    )


def test_what_another_version_measured_counts_as_not_measured(
    smoke: records.Record, tmp_path: Path
) -> None:
    shutil.copytree(smoke.folder, tmp_path / "a")
    old = tmp_path / "a" / records.DIAGNOSTICS
    now = MEASURED["version"]
    for version, measured in ((now - 1, 0), (now, 1)):
        old.write_text(json.dumps(MEASURED | {"version": version}))
        found = recorded.collect([tmp_path])
        (line,) = recorded.status(["mechanisms"], "smoke", ["scenes"], None, found)
        assert (line.done, line.measured) == (1, measured)


# --- what is missing ------------------------------------------------------------------------------


def test_the_status_counts_and_estimates(smoke: records.Record) -> None:
    found = recorded.collect([smoke.folder.parent])
    (line,) = recorded.status(["table2"], "smoke", ["scenes"], None, found)
    assert (line.done, line.runs) == (1, 8)
    assert line.seconds == pytest.approx(7 * smoke.result["seconds"])  # the only time there is
    nothing = recorded.Found({}, ())
    (line,) = recorded.status(["table2"], "smoke", ["scenes"], None, nothing)
    assert (line.done, line.seconds) == (0, None)
    assert "unknown" in recorded.status_text([line], nothing)


def test_a_variant_takes_as_long_as_its_own_records(smoke: records.Record) -> None:
    fpn = grid.Run("fpn", "scenes", "smoke", 0)
    cs = grid.Run("cs", "scenes", "smoke", 0)
    slow = replace(smoke, experiment=cs.experiment, result=smoke.result | {"seconds": 100.0})
    fast = replace(smoke, result=smoke.result | {"seconds": 10.0})
    found = recorded.Found(
        {grid.key_of(each.experiment): each for each in (slow, fast)}, problems=()
    )
    later = [replace(run, seed=1) for run in (fpn, cs)]
    assert recorded.expected_seconds(later, found) == 110
    rfa = replace(fpn, variant="rfa")
    assert recorded.expected_seconds([rfa], found) == 55
    longer = replace(rfa.experiment, train=replace(rfa.experiment.train, steps=10_000))
    found.by_key["longer"] = replace(slow, experiment=longer)
    assert recorded.expected_seconds([rfa], found) == 55


def test_a_longer_run_takes_longer_in_proportion(smoke: records.Record) -> None:
    fast = replace(smoke, result=smoke.result | {"seconds": 10.0})
    found = recorded.Found({grid.key_of(fast.experiment): fast}, problems=())
    runs = [grid.Run(v, "scenes", "smoke", 1) for v in ("fpn", "fpn_2x_steps", "fpn_4x_steps")]
    assert recorded.expected_seconds(runs, found) == 10 + 20 + 40
    assert recorded.expected_seconds([replace(runs[0], budget="laptop")], found) is None


def test_the_command_does_what_is_missing_and_nothing_else(
    smoke: records.Record, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch
) -> None:
    monkeypatch.setattr(records, "COMMITTED", ())
    folder = tmp_path / "records"
    shutil.copytree(smoke.folder, folder / smoke.folder.name)
    monkeypatch.setitem(grid.parts(), "tiny", grid.Part("two", ("fpn", "cs"), ("scenes",)))
    words = ["study", "run", "tiny", "--budget", "smoke", "--records", str(folder), "--jobs", "2"]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "1 of 2 runs are missing." in said
    assert "cs on scenes, seed 0: done" in said
    assert main(["study", "status", *words[2:7]]) == 0
    assert "2/2" in capsys.readouterr().out
    assert main(words) == 0
    assert "0 of 2 runs are missing." in capsys.readouterr().err


def test_parts_that_are_measured_say_how_many_are(smoke: records.Record) -> None:
    key = grid.key_of(smoke.experiment)
    found = recorded.Found({key: smoke}, ())
    (line,) = recorded.status(["mechanisms"], "smoke", ["scenes"], None, found)
    assert (line.done, line.measured) == (1, 0)
    found = recorded.Found({key: replace(smoke, diagnostics=MEASURED)}, ())
    (line,) = recorded.status(["mechanisms"], "smoke", ["scenes"], None, found)
    assert (line.done, line.measured) == (1, 1)
    assert recorded.status_text([line], found).splitlines()[1].split()[:4] == (
        ["mechanisms", "scenes", "1/5", "1/5"]
    )


def test_of_two_equal_records_the_measured_one_counts(
    smoke: records.Record, tmp_path: Path
) -> None:
    shutil.copytree(smoke.folder, tmp_path / "a")
    measured = shutil.copytree(smoke.folder, tmp_path / "b")
    (measured / records.DIAGNOSTICS).write_text(json.dumps(MEASURED))
    shutil.copytree(smoke.folder, tmp_path / "c")
    (record,) = recorded.collect([tmp_path]).by_key.values()
    assert record.folder == measured
