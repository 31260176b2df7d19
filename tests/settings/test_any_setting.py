"""Any setting can be given by its name, once, and with a value that fits."""

from dataclasses import replace
from pathlib import Path

import pytest

from augfpn import config
from augfpn.errors import UserError
from augfpn.settings import any_setting
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import NAMES, parse
from augfpn.settings.repeated import words_of_experiment


def made(**words: object) -> config.Experiment:
    return experiment(parse({"budget": "laptop", "weights": "scratch"} | words), "cpu")


def test_a_setting_that_no_parameter_has_is_changed_and_nothing_else() -> None:
    plain = made()
    found = made(settings="model.channels=32 data.test_scenes=1000 model.fcos.score=0.1")
    wanted = replace(
        plain,
        model=replace(plain.model, channels=32, fcos=replace(plain.model.fcos, score=0.1)),
        data=replace(plain.data, test_scenes=1000),
    )
    assert found == wanted


def test_values_are_json_or_words() -> None:
    found = made(settings=("model.anchor_sizes=[8,16,32,64,128]", "model.norm=group"))
    assert found.model.anchor_sizes == (8, 16, 32, 64, 128)
    assert found.model.norm == "group"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("model.chanels=32", "did you mean model.channels"),
        ("model.channels", "NAME=VALUE"),
        ("model.channels=", "NAME=VALUE"),
        ("model.channels=many", "model.channels = 'many': expected a valid integer"),
        ("model.channels=-1", "model.channels = -1: expected greater than 0"),
        ("model.channels=NaN", "model.channels = nan"),
        ("model.anchor_sizes=[1]", "expected at least 5 values, not 1"),
        ("model.channels=" + "[" * 10**5, "model.channels = "),
        ("model.lam=0.5", "use the parameter lam"),
        ("train.steps=3", "use the parameter steps"),
        ("data.root=x", "use the parameter data_root"),
        ("model.classes=3", "the images decide it"),
        ("train.patience=3", "use the parameter patience"),
        ("model.norm=frozen", "from scratch, norm='frozen' cannot learn"),
        ("seed=3", "there is no such setting"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(word: str, said: str) -> None:
    with pytest.raises(UserError) as raised:
        made(settings=(word,))
    assert said.replace("'", "") in str(raised.value).replace("'", "")
    assert len(str(raised.value)) < 600


def test_each_setting_has_one_place() -> None:
    """A setting is a parameter, or is decided elsewhere, or can be named, and that is all."""
    for name in any_setting.ALL_NAMES:
        last = name.rpartition(".")[2]
        given = f"{name}={any_setting.word_of(name, config.to_dict(made())).partition('=')[2]}"
        refused = last in NAMES or name in any_setting.ELSEWHERE
        if refused:
            with pytest.raises(UserError):
                made(settings=(given,))
        else:
            assert made(settings=(given,)) == made()


def test_a_record_with_named_settings_can_be_repeated() -> None:
    found = made(settings="model.canonical_size=35.84 train.fpn_start=true data.scene_seed=7")
    words = words_of_experiment(found, Path("settings.json"))
    assert experiment(parse(words), "cpu") == found
