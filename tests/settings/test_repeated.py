"""A run's settings as parameters again: for every committed record, with changes, from files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from augfpn import config, records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import parse
from augfpn.settings.repeated import of_pictures, with_those_of, words_of

RECORDS = sorted(Path(records.COMMITTED[1]).glob("*/settings.json"))


def test_every_committed_record_can_be_repeated() -> None:
    assert len(RECORDS) > 200
    for file in RECORDS:
        recorded = config.from_dict(json.loads(file.read_text())["experiment"])
        made = experiment(parse(words_of(file.parent)), recorded.device)
        assert of_pictures(made, recorded) == recorded


def saved(folder: Path, settings: config.Experiment) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "settings.json").write_text(json.dumps({"experiment": config.to_dict(settings)}))
    return folder


CHOSEN = st.fixed_dictionaries(
    {"weights": st.just("scratch"), "budget": st.sampled_from(("smoke", "laptop", "gpu"))},
    optional={
        "batch": st.integers(4, 64),
        "accumulate": st.integers(1, 2),
        "lr": st.floats(1e-6, 1),
        "short_side": st.integers(64, 200),
        "ema": st.floats(0.1, 0.999),
        "augment": st.sampled_from(("flip", "strong")),
        "steps": st.integers(1, 9999),
        "lam": st.floats(0, 2),
        "rfa": st.booleans(),
        "dialect": st.sampled_from(("torchvision", "authors", "ours")),
        "seed": st.integers(0, 9),
        "limit": st.integers(1, 9),
        "evaluate_every": st.integers(1, 50),
    },
)


@bounds(deadline=None, max_examples=60)
@given(CHOSEN)
def test_parameters_survive_a_record(tmp_path_factory, words: dict) -> None:
    try:
        settings = experiment(parse(words), "cpu")
    except UserError:
        return
    again = words_of(saved(tmp_path_factory.getbasetemp() / "like", settings))
    assert experiment(parse(again), "cpu") == settings


def test_given_options_win_and_another_length_replaces_the_length(tmp_path: Path) -> None:
    settings = experiment(parse({"budget": "smoke", "weights": "scratch", "epochs": 3}), "cpu")
    folder = saved(tmp_path / "one", settings)
    words = with_those_of(folder, {"steps": "7", "lam": 0.5})
    made = experiment(parse(words), "cpu")
    assert (made.train.steps, made.train.epochs, made.model.lam) == (7, None, 0.5)
    assert experiment(parse(with_those_of(folder, {})), "cpu") == settings
    file = tmp_path / "mine.json"
    file.write_text('{"budget": "smoke", "lam": 0.125}')
    assert parse(with_those_of(file, {"seed": 3})).lam == 0.125


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[1, 2]", "holds no JSON object"),
        ("{", "cannot be read .it is not JSON."),
        ("[" * 100_000, "cannot be read .it is not JSON."),
        ('{"lamb": 1}', "there is no parameter 'lamb'"),
        ('{"lam": -1}', "lam = -1: expected"),
        ('{"experiment": {"model": {"new": 1}}}', "does not know .model.new"),
        ('{"experiment": 3}', "does not know"),
        (b"\xff\xfe", "cannot be read"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_does_not_fit_is_one_sentence(
    content: str | bytes, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=sentence) as caught:
        with_those_of(file, {})
    assert "\n" not in str(caught.value)


def test_settings_that_no_parameters_give_are_named(tmp_path: Path) -> None:
    settings = experiment(parse({"budget": "smoke", "weights": "scratch"}), "cpu")
    settings = replace(settings, train=replace(settings.train, half="fp16"))  # without amp
    with pytest.raises(UserError, match=r"no parameters give \(train.half\)"):
        words_of(saved(tmp_path / "one", settings))


def test_the_command_line_refuses_a_recipe_and_a_record(capsys: pytest.CaptureFixture) -> None:
    assert main(["train", "--recipe", "faster_rcnn_r50_fpn_1x", "--like", "x"]) == 2
    assert "give one of them" in capsys.readouterr().err
    assert main(["train", "--like", "not_there"]) == 2
    assert "not_there cannot be read" in capsys.readouterr().err
