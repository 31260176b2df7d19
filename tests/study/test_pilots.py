"""Pilots: splits for choosing settings, the same tries for both, and a file that grows."""

import json
from types import SimpleNamespace

import pytest

from augfpn import config
from augfpn.config import DATA_SETS
from augfpn.errors import UserError
from augfpn.settings import parameters
from augfpn.settings.experiment import experiment, fpn_of
from augfpn.study.running import pilots
from augfpn.study.running.pilots import pilot, words_of_try
from augfpn.study.running.tries import PILOT_TRIES, TRIED_ON, Try, Tuning


def made(
    tried: Try | Tuning, pictures: str, variant: str, budget: str = "transfer"
) -> config.Experiment:
    return experiment(parameters.parse(words_of_try(tried, budget, pictures, variant)), "cpu")


@pytest.mark.parametrize(("budget", "pictures"), [(b, p) for b in TRIED_ON for p in TRIED_ON[b]])
def test_a_try_is_made_on_the_tuning_split_and_never_on_the_test_split(budget, pictures) -> None:
    """Nor is it trained on pictures of the tuning split."""
    for tried in PILOT_TRIES[budget]:
        data = made(tried, pictures, tried.variants[0], budget).data
        assert (data.train, data.test) == (DATA_SETS[pictures].fit, DATA_SETS[pictures].tune)
        assert data.test not in (DATA_SETS[pictures].test, data.train)


def test_a_try_says_all_that_it_sets_whatever_the_budget_becomes() -> None:
    for tried in PILOT_TRIES["transfer"]:
        found = made(tried, "aquarium", "augfpn")
        model, train = found.model, found.train
        set_in = (train.lr, model.norm, model.frozen, model.short_side, train.batch, train.steps)
        assert set_in == tuple(tried)
        assert train.lr_batch == train.batch
        assert (model.backbone, model.weights) == ("efficientnet_lite0", "imagenet")
        assert fpn_of(found) == made(tried, "aquarium", "fpn")


def test_the_rate_is_tried_for_both_and_what_costs_more_for_fpn() -> None:
    both = [each for each in PILOT_TRIES["transfer"] if each.variants == ("fpn", "augfpn")]
    assert {each.lr for each in both} == {1e-3, 2e-3}
    others = set(PILOT_TRIES["transfer"]) - set(both)
    assert {each.variants for each in others} == {("fpn",)}
    tried = {(each.frozen, each.steps, each.short_side) for each in others}
    assert tried == {(3, 175, 320), (5, 900, 320), (5, 1500, 320), (5, 900, 480)}


def test_larger_images_are_tried_on_aquarium_alone() -> None:
    """FPN's AP is below 20 there with the budget's size; it is not on blood cells."""
    for tried in PILOT_TRIES["transfer"]:
        assert tried.sets == (("aquarium",) if tried.short_side > 320 else TRIED_ON["transfer"])


def test_fpn_and_augfpn_get_equally_many_tries_and_each_try_sets_what_its_words_say() -> None:
    tries = PILOT_TRIES["laptop"]
    own = {name: [each for each in tries if each.variants == (name,)] for name in ("fpn", "augfpn")}
    assert len(own["fpn"]) == len(own["augfpn"]) == len(tries) / 2
    assert {each.lr for each in own["fpn"]} == {each.lr for each in own["augfpn"]}
    for variant, some in own.items():
        for tried in some:
            found = made(tried, "scenes", variant, "laptop")
            assert found.train.lr == tried.lr
            assert found.model.lam == (tried.lam or 0)
            if variant == "fpn":
                assert found.model.canonical_size == pytest.approx(tried.canonical_size)
            assert (found.data.test_scenes, found.train.fpn_start) == (500, True)
    assert made(Tuning(1e-3, lam=0.25), "scenes", "augfpn", "laptop").model.roi_selection == "soft"


def test_no_try_is_there_twice() -> None:
    assert all(len(set(tries)) == len(tries) for tries in PILOT_TRIES.values())


@pytest.fixture
def trained(monkeypatch) -> list[config.Experiment]:
    """What would be trained, in place of the training, which takes minutes."""
    asked: list[config.Experiment] = []

    def train(wanted: config.Experiment, folder) -> SimpleNamespace:
        asked.append(wanted)
        result = dict.fromkeys(pilots.KEPT_NUMBERS, float(len(asked)))
        return SimpleNamespace(result=result, environment={"commit": "c", "device_name": "d"})

    monkeypatch.setattr(pilots, "train", train)
    monkeypatch.setitem(PILOT_TRIES, "transfer", (Try(), Try(lr=2e-3)))
    return asked


def test_the_file_has_a_row_for_each_run_and_keeps_other_pictures(trained, tmp_path) -> None:
    file = pilot("transfer", ["bccd"], tmp_path, None, print)
    assert file == tmp_path / "pilots" / "transfer.json"
    pilot("transfer", ["aquarium"], tmp_path, None, print)
    rows = json.loads(file.read_text())
    where = [(row["pictures"], row["variant"], row["lr"]) for row in rows]
    assert where == [
        (name, variant, lr)
        for name in ("bccd", "aquarium")
        for lr in (1e-3, 2e-3)
        for variant in ("fpn", "augfpn")
    ]
    assert [row["AP"] for row in rows] == list(range(1, 9))
    assert {row["split"] for row in rows} == {"val", "tune"}
    assert len(trained) == len(rows)


def test_what_has_no_pilot_is_refused(trained, tmp_path) -> None:
    with pytest.raises(UserError, match="budget = 'gpu' has no pilot: choose one of transfer, lap"):
        pilot("gpu", None, tmp_path, None, print)
    with pytest.raises(
        UserError, match="transfer has no pictures scenes: choose from aquarium, bccd"
    ):
        pilot("transfer", ["scenes"], tmp_path, None, print)
    assert not trained
    assert list(tmp_path.iterdir()) == []
