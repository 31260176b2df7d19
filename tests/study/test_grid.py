"""The grid of runs: parts, picture sets, variants and runs, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from augfpn import config
from augfpn.cli import study
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.settings import paper, parameters
from augfpn.settings.experiment import experiment
from augfpn.study.running import grid, recorded
from augfpn.study.running.sets import DIALS_OF_DETECTOR, LEARNING, SETTINGS_OF_SETS

ABLATIONS = {"table2": 8, "table3": 8, "table4": 11, "table5": 5}


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
    found = grid.runs(["table2", "table3"], "laptop", ["bccd"], seeds=range(2))
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
        (
            ["table2"],
            "large",
            None,
            "choose one of smoke, laptop, transfer, gpu, paper.",
        ),
        (["table2"], "laptop", ["voc"], "there is no picture set 'voc'"),
    ],
)
def test_what_does_not_exist_is_named(names: list, budget: str, sets: list, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        grid.runs(names, budget, sets)


def test_the_pilot_is_as_it_was_and_later_seeds_vary_all_that_is_random() -> None:
    pilot, *others = (grid.Run("cs", "scenes", "laptop", seed).experiment for seed in (2, 3, 4))
    assert (pilot.data.scene_seed, pilot.data.test_scenes, pilot.train.fpn_start) == (0, 100, False)
    for seed, each in enumerate(others, start=3):
        assert (each.data.scene_seed, each.data.test_scenes) == (seed, 1000)
        assert each.train.fpn_start
    assert grid.Run("cs", "bccd", "laptop", 3).experiment.train.fpn_start


def test_a_dial_of_the_detector_changes_one_setting_of_its_budget() -> None:
    for name, (field, factor) in DIALS_OF_DETECTOR.items():
        for budget in ("laptop", "gpu"):
            plain = grid.Run("fpn", "scenes", budget, 0).experiment
            changed = {field: factor * getattr(plain.model, field)}
            wanted = replace(plain, model=replace(plain.model, **changed))
            assert grid.Run("fpn", name, budget, 0).experiment == wanted


def test_budget_transfer_runs_on_photographs_from_pretrained_weights_on_a_cpu() -> None:
    found = grid.runs(grid.parts(), "transfer")
    assert {run.pictures for run in found} == {"bccd", "aquarium", "bccd_learning"}
    parts = {name for name in grid.parts() if grid.runs([name], "transfer")}
    of_tables = {"table2", "table3", "table5", "one_stage"}
    assert parts == {*of_tables, "pretrained", "necks", "dialects"}
    assert len(grid.runs(["table2"], "transfer", ["bccd"])) == 8 * 8  # variants, seeds
    for made in (run.experiment for run in found):
        assert (made.model.weights, made.device) == ("imagenet", "cpu")
        assert made.data.test == config.DATA_SETS[made.data.name].test
        assert made.data.train == "train"
        assert made.train.fpn_start
        assert made.train.steps == {"bccd": 300, "aquarium": 900}[made.data.name]


def test_a_pretrained_backbone_that_learns_is_the_only_change_of_its_runs() -> None:
    for run in grid.runs(["pretrained"], "transfer", ["bccd_learning"]):
        frozen = grid.Run(run.variant, "bccd", "transfer", run.seed).experiment
        changed = replace(frozen, model=replace(frozen.model, frozen=2))
        assert (frozen.model.frozen, run.experiment) == (5, changed)


def test_each_notebook_of_the_study_is_a_part_or_leads_to_one() -> None:
    notebooks = (Path(__file__).parents[2] / "experiments").glob("*.ipynb")
    names = {notebook.stem for notebook in notebooks} - {"ablation"}  # of two single runs
    assert names - grid.parts().keys() == grid.NOTEBOOKS.keys()
    meant = {each.strip("'") for each in grid.NOTEBOOKS.values()} - {"`augfpn study time`"}
    assert meant <= grid.parts().keys()


def test_the_help_lists_all_parts_pictures_and_actions(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["study", "--help"])
    told = capsys.readouterr().out
    assert all(name in told for name in (*grid.parts(), *grid.SETS))
    assert all(f"\n  {name:<9} {act.__doc__}\n" in told for name, act in study.ACTIONS.items())


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
    found = grid.runs(["table1"], "paper", seeds=range(1))
    assert [run.variant for run in found] == list(variants)
    longer = next(run for run in found if run.variant == "mask_rcnn_r101_augfpn_2x").experiment
    assert (longer.model.detector, longer.model.backbone) == ("mask_rcnn", "resnet101")
    assert longer.train.epochs == 24
    for budget in ("smoke", "laptop", "gpu"):
        assert grid.runs(["table1"], budget) == []
        assert "table1" not in [x.part for x in status_of_all(budget)]
    assert "table1" in [x.part for x in status_of_all("paper")]


def status_of_all(budget: str) -> list[recorded.Status]:
    return recorded.status(grid.parts(), budget, None, None, recorded.Found({}, ()))


def test_a_recipe_and_a_variant_that_are_the_same_are_run_once() -> None:
    found = grid.runs(grid.parts(), "paper", seeds=range(1))
    assert len({grid.key_of_run(run) for run in found}) == len(found)
    names = [run.variant for run in found]
    assert "fpn" in names
    assert "faster_rcnn_r50_fpn_1x" not in names
    assert "faster_rcnn_r101_fpn_1x" in names


def test_picture_sets_are_all_data_sets_and_a_set_for_each_dial() -> None:
    assert set(grid.SETS) == {
        *config.DATA_SETS,
        *config.DIALS,
        *DIALS_OF_DETECTOR,
        *SETTINGS_OF_SETS,
        *LEARNING,
    }
    assert grid.SETS["detail"] == {"data": "scenes", "detail": 0.5}
    assert grid.SETS["scale"] == {"data": "scenes", "scale": 1.0}


def test_what_a_new_part_names_wrongly_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variant or picture set in a new part gets one sentence."""
    monkeypatch.setitem(grid.parts(), "mine", grid.Part("mine", ("fpn", "cs_rfs"), ("scenes",)))
    with pytest.raises(UserError, match="there is no variant 'cs_rfs': did you mean 'cs_rfa'"):
        grid.runs(["mine"], "laptop")
    monkeypatch.setitem(grid.parts(), "mine", grid.Part("mine", ("fpn", "cs_rfa"), ("scene",)))
    with pytest.raises(UserError, match="there is no picture set 'scene': choose from scenes"):
        grid.runs(["mine"], "laptop")
    with pytest.raises(UserError, match="there is no variant 'yolo:augfpn': did you mean"):
        grid.words_of_variant("yolo:augfpn")
