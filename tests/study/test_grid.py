"""The grid of runs: what it holds, what is found recorded, what is missing, and running it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from augfpn import config, records
from augfpn.cli import options
from augfpn.cli.program import main
from augfpn.diagnostics import measure
from augfpn.errors import UserError
from augfpn.settings import paper, parameters
from augfpn.settings.experiment import experiment
from augfpn.study import grid
from augfpn.training import train

ABLATIONS = {"table2": 8, "table3": 8, "table4": 11, "table5": 5}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> records.Record:
    """FPN on scenes at the smoke budget, as the grid has it."""
    run = grid.Run("fpn", "scenes", "smoke", 0)
    return train.train(run.experiment, tmp_path_factory.mktemp("records"))


@pytest.mark.parametrize("table", ABLATIONS)
def test_a_table_has_the_papers_rows_fpn_first(table: str) -> None:
    part = grid.part(table)
    own = [name for name in part.variants if name != "panet"]
    assert len(own) == ABLATIONS[table]
    assert part.variants[0] == "fpn"
    assert len(set(part.variants)) == len(part.variants)


def test_variants_are_what_their_names_say() -> None:
    def model(variant: str) -> config.Model:
        return grid.Run(variant, "scenes", "laptop", 0).experiment.model

    assert (model("fpn").lam, model("fpn").ratios, model("fpn").roi_selection) == (0, (), "hard")
    assert (model("cs_rfa").lam, model("cs_rfa").roi_selection) == (0.25, "hard")
    assert model("cs_single_lam1.2").lam == 1.2
    assert model("rfa_0.1_0.2").ratios == (0.1, 0.2)
    assert model("fcos:augfpn").detector == "fcos"
    assert model("mask_rcnn:augfpn").mask_supervision
    assert model("cs").backbone == "narrow_resnet"


def test_a_run_is_what_its_words_are() -> None:
    """Each run of the grid can be repeated from a shell."""
    for run in grid.runs(grid.parts(), "laptop"):
        assert experiment(parameters.parse(run.words), "cpu") == run.experiment


def test_runs_come_seed_by_seed_and_once() -> None:
    found = grid.runs(["table2", "table3"], "laptop", ["bccd"], seeds=2)
    assert len(found) == len(set(found)) == 2 * (8 + 8 - 2)  # FPN and CS are in both
    assert [run.seed for run in found] == [0] * 14 + [1] * 14


def test_keys_tell_runs_apart() -> None:
    found = grid.runs(grid.parts(), "laptop") + grid.runs(grid.parts(), "gpu")
    assert len({grid.key_of(run.experiment) for run in found}) == len(found)


@pytest.mark.parametrize(
    ("names", "budget", "sets", "said"),
    [
        (["tabel2"], "laptop", None, "no part 'tabel2': did you mean 'table2'?"),
        (["top_level"], "laptop", None, "no part 'top_level': did you mean 'mechanisms'? There"),
        (["runtime"], "laptop", None, "no part 'runtime': did you mean `augfpn study time`?"),
        (["table2"], "large", None, "budget = 'large': choose one of smoke, laptop, gpu, paper."),
        (["table2"], "laptop", ["voc"], "there are no pictures 'voc'"),
    ],
)
def test_what_does_not_exist_is_named(names: list, budget: str, sets: list, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        grid.runs(names, budget, sets)


def test_each_notebook_of_the_study_is_a_part_or_leads_to_one() -> None:
    notebooks = (Path(__file__).parents[2] / "experiments").glob("*.ipynb")
    names = {notebook.stem for notebook in notebooks} - {"ablation"}  # of two single runs
    assert names - grid.parts().keys() == grid.NOTEBOOKS.keys()
    meant = {each.strip("'") for each in grid.NOTEBOOKS.values()} - {"`augfpn study time`"}
    assert meant <= grid.parts().keys()


def test_the_help_lists_all_parts_pictures_and_actions(capsys: pytest.CaptureFixture) -> None:
    assert tuple(grid.parts()) == options.PARTS
    assert tuple(grid.SETS) == options.PICTURES
    with pytest.raises(SystemExit):
        main(["study", "--help"])
    told = capsys.readouterr().out
    assert all(name in told for name in (*grid.parts(), *grid.SETS))
    assert all(f"\n  {action:<9} {what}\n" in told for action, what in options.ACTIONS.items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "masks --pictures bccd",
            "masks has no pictures bccd at the laptop budget: it has scenes.",
        ),
        (
            "table2 masks --pictures bccd",
            "masks has no pictures bccd at the laptop budget: it has scenes.",
        ),
        (
            "table1",
            "table1 has no pictures at the laptop budget: it has coco at the paper budget.",
        ),
        (
            "--pictures bccd --budget paper",
            "the study has no pictures bccd at the paper budget: it has coco.",
        ),
        ("--seeds 0", "seeds = 0: give 1 or more."),
        ("table2 --seeds -2", "seeds = -2: give 1 or more."),
    ],
)
@pytest.mark.parametrize("action", ["status", "run", "measure", "report"])
def test_a_question_without_runs_is_refused_before_any_work(
    action: str, words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folders = ["--records", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert main(["study", action, *words.split(), *folders]) == 2
    assert capsys.readouterr().err == f"augfpn: error: {said}\n"
    assert list(tmp_path.iterdir()) == []


def test_all_of_table_1_can_be_run_on_coco_and_nowhere_else() -> None:
    variants = grid.part("table1").variants
    assert len(variants) == len([r for r in paper.results() if r.table == "Table 1"]) == 24
    found = grid.runs(["table1"], "paper", seeds=1)
    assert [run.variant for run in found] == list(variants)
    longer = next(run for run in found if run.variant == "mask_rcnn_r101_augfpn_2x").experiment
    assert (longer.model.detector, longer.model.backbone) == ("mask_rcnn", "resnet101")
    assert longer.train.epochs == 24
    for budget in ("smoke", "laptop", "gpu"):
        assert grid.runs(["table1"], budget) == []
        assert "table1" not in [x.part for x in status_of_all(budget)]
    assert "table1" in [x.part for x in status_of_all("paper")]


def status_of_all(budget: str) -> list[grid.Line]:
    return grid.status(grid.parts(), budget, None, None, grid.Found({}, ()))


def test_a_recipe_and_a_variant_that_are_the_same_are_run_once() -> None:
    found = grid.runs(grid.parts(), "paper", seeds=1)
    assert len({grid.key_of_run(run) for run in found}) == len(found)
    names = [run.variant for run in found]
    assert "fpn" in names
    assert "faster_rcnn_r50_fpn_1x" not in names
    assert "faster_rcnn_r101_fpn_1x" in names


def test_committed_records_are_found() -> None:
    found = grid.collect(records.COMMITTED)
    for pictures in ("scenes", "bccd"):
        for variant in ("fpn", "augfpn"):
            record = found.record(grid.Run(variant, pictures, "laptop", 0))
            assert record.experiment.data.name == pictures


# --- records that are not right -------------------------------------------------------------------


def test_a_record_is_found_wherever_its_pictures_lie(smoke: records.Record) -> None:
    found = grid.collect([smoke.folder.parent])
    assert found.problems == ()
    assert found.record(grid.Run("fpn", "scenes", "smoke", 0)).folder == smoke.folder
    assert found.record(grid.Run("fpn", "scenes", "smoke", 1)) is None
    assert found.record(grid.Run("cs", "scenes", "smoke", 0)) is None


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
    found = grid.collect([tmp_path])
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
    found = grid.collect([tmp_path])
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
    assert grid.collect([tmp_path]).problems == ()
    result = json.loads((again / "result.json").read_text())
    (again / "result.json").write_text(json.dumps(result | {"AP": result["AP"] + 0.25}))
    found = grid.collect([tmp_path])
    (problem,) = found.problems
    assert "are the same run and disagree" in problem
    assert [record.folder for record in found.by_key.values()] == [first]


def test_records_of_other_pictures_are_reported(smoke: records.Record, tmp_path: Path) -> None:
    shutil.copytree(smoke.folder, tmp_path / "a")
    other = shutil.copytree(smoke.folder, tmp_path / "b")
    settings = json.loads((other / "settings.json").read_text())
    settings["fingerprints"]["test"] = "of other pictures"
    (other / "settings.json").write_text(json.dumps(settings))
    (problem,) = grid.collect([tmp_path]).problems
    assert problem == "b is of other pictures than a."


def of_other_pictures(record: records.Record, folder: Path, seed: int, pictures: str) -> Path:
    """A copy of a record, of another seed and other test pictures, somewhere else."""
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
    found = grid.collect([tmp_path])
    assert sorted(record.folder.name for record in found.by_key.values()) == ["b", "c"]
    assert found.problems == ("a is of other pictures than b.",)


def test_of_as_many_runs_of_two_kinds_of_pictures_the_first_count(
    smoke: records.Record, tmp_path: Path
) -> None:
    for seed, name in enumerate("abcd"):
        of_other_pictures(smoke, tmp_path / name, seed, "changed" if name in "bd" else "before")
    found = grid.collect([tmp_path])
    assert sorted(record.folder.name for record in found.by_key.values()) == ["a", "c"]
    assert found.problems == (
        "b is of other pictures than a.",
        "d is of other pictures than a.",
    )


def test_what_another_version_measured_counts_as_not_measured(
    smoke: records.Record, tmp_path: Path
) -> None:
    shutil.copytree(smoke.folder, tmp_path / "a")
    old = tmp_path / "a" / records.DIAGNOSTICS
    for version, measured in ((records.DIAGNOSTICS_VERSION - 1, 0), (records.DIAGNOSTICS_VERSION, 1)):
        old.write_text(json.dumps({"version": version}))
        found = grid.collect([tmp_path])
        (line,) = grid.status(["mechanisms"], "smoke", ["scenes"], None, found)
        assert (line.done, line.measured) == (1, measured)


# --- what is missing ------------------------------------------------------------------------------


def test_the_status_counts_and_estimates(smoke: records.Record) -> None:
    found = grid.collect([smoke.folder.parent])
    (line,) = grid.status(["table2"], "smoke", ["scenes"], None, found)
    assert (line.done, line.runs) == (1, 8)
    assert line.seconds == pytest.approx(7 * smoke.result["seconds"])  # the only time there is
    nothing = grid.Found({}, ())
    (line,) = grid.status(["table2"], "smoke", ["scenes"], None, nothing)
    assert (line.done, line.seconds) == (0, None)
    assert "unknown" in grid.status_text([line], nothing)


def test_a_variant_takes_as_long_as_its_own_records(smoke: records.Record) -> None:
    fpn = grid.Run("fpn", "scenes", "smoke", 0)
    cs = grid.Run("cs", "scenes", "smoke", 0)
    slow = replace(smoke, experiment=cs.experiment, result=smoke.result | {"seconds": 100.0})
    fast = replace(smoke, result=smoke.result | {"seconds": 10.0})
    found = grid.Found({grid.key_of(each.experiment): each for each in (slow, fast)}, problems=())
    later = [replace(run, seed=1) for run in (fpn, cs)]
    assert grid.expected_seconds(later, found) == 110
    rfa = replace(fpn, variant="rfa")
    assert grid.expected_seconds([rfa], found) == 55
    longer = replace(rfa.experiment, train=replace(rfa.experiment.train, steps=10_000))
    found.by_key["longer"] = replace(slow, experiment=longer)
    assert grid.expected_seconds([rfa], found) == 55


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
    found = grid.Found({key: smoke}, ())
    (line,) = grid.status(["mechanisms"], "smoke", ["scenes"], None, found)
    assert (line.done, line.measured) == (1, 0)
    found = grid.Found({key: replace(smoke, diagnostics={"version": records.DIAGNOSTICS_VERSION})}, ())
    (line,) = grid.status(["mechanisms"], "smoke", ["scenes"], None, found)
    assert (line.done, line.measured) == (1, 1)
    assert grid.status_text([line], found).splitlines()[1].split()[:4] == (
        ["mechanisms", "scenes", "1/5", "1/5"]
    )


def test_of_two_equal_records_the_measured_one_counts(
    smoke: records.Record, tmp_path: Path
) -> None:
    shutil.copytree(smoke.folder, tmp_path / "a")
    measured = shutil.copytree(smoke.folder, tmp_path / "b")
    (measured / records.DIAGNOSTICS).write_text(json.dumps({"version": records.DIAGNOSTICS_VERSION}))
    shutil.copytree(smoke.folder, tmp_path / "c")
    (record,) = grid.collect([tmp_path]).by_key.values()
    assert record.folder == measured
