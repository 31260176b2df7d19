"""What a user types: coerced, refused in one sentence, and turned into an experiment."""

import json
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from augfpn import config, notebook, records
from augfpn.errors import UserError
from augfpn.settings import paper, parameters
from augfpn.settings.experiment import fpn_of
from augfpn.settings.parameters import parse
from augfpn.training.prepare import experiment_here as experiment

ABLATION = Path(__file__).parents[2] / "experiments" / "ablation.ipynb"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lam": "abc"}, r"lam = 'abc': expected a valid number"),
        ({"lam": -1}, r"lam = -1: expected greater than or equal to 0"),
        ({"lam": "nan"}, r"lam = 'nan': expected"),
        ({"lambda": 0.25}, r"there is no parameter 'lambda': did you mean 'lam'\?"),
        ({"lamb": 0.25}, r"there is no parameter 'lamb': did you mean 'lam'\?"),
        ({"xyz": 1}, r"there is no parameter 'xyz': choose from parts, cs, lam"),
        ({"roi_selection": "softt"}, r"did you mean 'soft'\?"),
        ({"cs": "flase"}, r"cs = 'flase': expected a valid boolean"),
        ({"seed": True}, r"seed = True: expected a number, not true or false"),
        ({"seed": 1.5}, r"seed = 1.5: expected a valid integer"),
        ({"steps": 0}, r"steps = 0: expected greater than 0"),
        ({"ratios": "0.1,3"}, r"ratios = '0.1,3': expected less than or equal to 1"),
        ({"ratios": "[]"}, r"ratios = '\[\]': expected"),
        ({"data_root": 7}, r"data_root = 7: expected a valid string"),
        (
            {"detector": "retinanet", "roi_selection": "soft"},
            r"'soft' does not go with the one-stage detector retinanet",
        ),
        ({"detector": "yolo"}, r"detector = 'yolo': expected 'faster_rcnn'"),
        ({"backbone": "resnet5"}, r"did you mean 'resnet50'\?"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_one_sentence(values: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        parse(values)
    assert "\n" not in str(caught.value)


def test_strings_become_what_is_meant() -> None:
    """papermill's -p gives "false", "1e-3" and "[0.1, 0.2]" as strings."""
    chosen = parse(
        {"cs": "false", "rfa": "True", "lam": "1e-3", "ratios": "[0.1, 0.2]", "seed": "3"}
    )
    assert (chosen.cs, chosen.rfa, chosen.lam, chosen.seed) == (False, True, 0.001, 3)
    assert chosen.ratios == (0.1, 0.2)
    assert parse({"ratios": 0.2}).ratios == (0.2,)


def test_defaults_are_augfpn_and_off_means_absent() -> None:
    model = experiment(parse({"device": "cpu"})).model
    assert (model.lam, model.ratios, model.roi_selection) == (0.25, (0.1, 0.2, 0.3), "soft")
    off = experiment(parse({"device": "cpu", "cs": False, "rfa": False, "roi_selection": "hard"}))
    assert off == fpn_of(experiment(parse({"device": "cpu"})))
    assert (off.model.lam, off.model.ratios) == (0.0, ())


@pytest.mark.parametrize(
    ("words", "warmup"),
    [
        ({"budget": "laptop"}, 50),
        ({"budget": "laptop", "steps": 400}, 50),  # the budget's own length
        ({"budget": "laptop", "steps": 40}, 4),
        ({"budget": "laptop", "steps": 499}, 49),
        ({"budget": "laptop", "steps": 4000}, 50),
        ({"budget": "laptop", "steps": 3}, 0),
        ({"budget": "smoke"}, 5),
        ({"budget": "smoke", "steps": 19}, 1),
        ({"budget": "paper", "steps": 1000}, 100),
        ({"budget": "paper", "steps": 1000, "dialect": "ours", "detector": "fcos"}, 100),
    ],
    ids=str,
)
def test_the_warmup_is_a_tenth_of_chosen_steps_at_most(words: dict, warmup: int) -> None:
    words = words | {"device": "cpu", "data_root": "x", "data": "coco", "weights": "imagenet"}
    if words.get("detector") != "fcos":
        words |= {"backbone": "resnet50"}
    assert experiment(parse(words)).train.warmup_steps == warmup


def test_what_must_exist_is_checked_before_any_work() -> None:
    with pytest.raises(UserError, match="data = 'coco' needs data_root"):
        experiment(parse({"data": "coco"}))
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="device = 'cuda': PyTorch finds no GPU"):
            experiment(parse({"device": "cuda"}))


def test_settings_survive_json_and_refuse_what_they_do_not_know() -> None:
    settings = experiment(parse({"device": "cpu", "lam": 0.5}))
    written = json.loads(json.dumps(config.to_dict(settings)))
    assert config.from_dict(written) == settings
    written["model"]["lamb"] = 1
    with pytest.raises(ValueError, match="lamb"):
        config.from_dict(written)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": replace(config.Train(), steps=5, epochs=None), "model": config.FPN}, "frozen"),
        ({"seed": -1}, "seed"),
        ({"device": "tpu"}, "device"),
    ],
    ids=str,
)
def test_an_experiment_that_cannot_learn_is_refused(change: dict, message: str) -> None:
    base = experiment(parse({"device": "cpu"}))
    with pytest.raises(ValueError, match=message):
        replace(base, **change)


def test_a_run_is_known_by_what_it_computes() -> None:
    base, prints = experiment(parse({"device": "cpu"})), {"train": "a", "test": "b"}
    same = replace(
        base,
        data=replace(base.data, root="/elsewhere"),
        train=replace(base.train, workers=7, checkpoint_seconds=1),
    )
    assert records.run_id(base, prints) == records.run_id(same, prints)
    for other in (replace(base, seed=1), fpn_of(base)):
        assert records.run_id(other, prints) != records.run_id(base, prints)
    assert records.run_id(base, prints | {"test": "c"}) != records.run_id(base, prints)


# --- the notebook ---


def parameters_cell() -> str:
    book = nbformat.read(ABLATION, as_version=4)
    (cell,) = [c for c in book.cells if "parameters" in c.metadata.get("tags", [])]
    return cell.source


def test_the_notebook_has_every_parameter_with_its_default() -> None:
    names: dict = {}
    exec(parameters_cell(), names)
    found = {name: names[name] for name in parameters.NAMES}
    assert notebook.check(names) == parse({})
    assert found == parameters.defaults()
    lines = [line for line in parameters_cell().splitlines() if line]
    assert all(re.fullmatch(r"\w+: \w+ = .+", line) for line in lines)
    assert [line.split(":")[0] for line in lines] == list(parameters.NAMES)
    # `papermill --help-notebook` shows these comments
    said = [line.partition("  # ")[2] for line in lines]
    assert said == [parameters.describe(name) for name in parameters.NAMES]


@pytest.fixture
def shell() -> InteractiveShell:
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "augfpn.notebook")
    return shell


@pytest.mark.parametrize(
    "line", ["lambda = 0.25", "lamm = 1", "roi_selecton = 'soft'"], ids=lambda line: line.split()[0]
)
def test_papermills_cell_is_refused_for_unknown_names(shell: InteractiveShell, line: str) -> None:
    result = shell.run_cell(f"# Parameters\nlam = 0.5\n{line}\n")
    error = result.error_before_exec or result.error_in_exec
    assert isinstance(error, UserError)
    assert "did you mean" in str(error)


def test_other_cells_and_known_names_run(shell: InteractiveShell) -> None:
    assert shell.run_cell("# Parameters\nlam = 0.5\ncs = 'false'\n").success
    assert shell.run_cell("anything = 1").success
    chosen = notebook.check(shell.user_ns)
    assert (chosen.lam, chosen.cs) == (0.5, False)
    assert all(name in notebook.listing(chosen) for name in parameters.NAMES)


# --- the paper's row with the same switches ---


@pytest.mark.parametrize(
    ("values", "table", "ap"),
    [
        ({}, "Table 2", 38.7),
        ({"cs": False, "rfa": False, "roi_selection": "hard"}, "Table 2", 36.3),
        ({"rfa": False, "roi_selection": "hard", "lam": 0.5}, "Table 3", 36.9),
        (
            {"rfa": False, "roi_selection": "hard", "lam": 1, "supervision": "single"},
            "Table 3",
            37.0,
        ),
        ({"cs": False, "roi_selection": "hard", "context_pooling": "psp"}, "Table 4", 37.0),
        ({"cs": False, "rfa": False, "roi_selection": "acf"}, "Table 5", 37.0),
    ],
    ids=str,
)
def test_the_papers_row(values: dict, table: str, ap: float) -> None:
    found = paper.row_of(experiment(parse({"device": "cpu", **values})).model)
    assert found is not None
    assert (found[0], found[1]["AP"]) == (table, ap)


def test_where_the_paper_has_no_row() -> None:
    assert paper.row_of(experiment(parse({"device": "cpu", "lam": 0.7})).model) is None
