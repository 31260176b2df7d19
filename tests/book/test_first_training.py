"""The runs of the chapter that watches a training: each fault is what it is called."""

import json
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from chapters import BOOK

from augfpn import config
from augfpn.settings.budgets import BUDGETS


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BOOK)
    import first_training

    return first_training


@pytest.fixture
def tiny() -> config.Experiment:
    smoke = BUDGETS["smoke"]
    data = replace(smoke.data, train_scenes=2, test_scenes=1, scene_objects=(2, 2))
    model = replace(smoke.model, channels=16, head_width=16, rois=16, proposals=(20, 20))
    model = replace(model, short_side=96, long_side=120)
    return replace(smoke, data=data, model=model, train=replace(smoke.train, steps=2))


def test_a_healthy_run_is_watched(watching: ModuleType, tiny: config.Experiment) -> None:
    *_, found = watching.watch("healthy", tiny, (0, 2))
    assert [row["step"] for row in found["curve"]] == [0, 1]
    assert all(0 < row["objects"] <= row["rois"] == 32 for row in found["curve"])
    assert [each["step"] for each in found["seen"]] == [0, 2]
    assert all(len(each["best"]) <= watching.KEPT for each in found["seen"])
    assert found["stopped"] is None


def test_a_run_that_explodes_says_why_and_ends(
    watching: ModuleType, tiny: config.Experiment
) -> None:
    wild = replace(tiny, train=replace(tiny.train, lr=1e9))
    *_, found = watching.watch("rate", wild, (2,))
    assert "learning rate" in found["stopped"] or "lower lr" in found["stopped"]


def test_a_run_ends_at_the_last_watched_step_with_the_rates_of_the_whole(
    watching: ModuleType, tiny: config.Experiment
) -> None:
    long = replace(tiny, train=replace(tiny.train, steps=10))
    *_, last = watching.watch("healthy", long, (1, 2))
    assert [row["lr"] for row in last["curve"]] == pytest.approx([5e-5, 1.4e-4])


def test_labels_are_shifted_by_one_and_the_last_is_the_first(watching: ModuleType) -> None:
    target = {"labels": torch.tensor([1, 2, 3]), "boxes": torch.zeros(3, 4)}
    (wrong,) = watching.faulty_targets("labels", (target,), 3)
    assert wrong["labels"].tolist() == [2, 3, 1]
    assert wrong["boxes"] is target["boxes"]
    assert watching.faulty_targets("rate", (target,), 3) == (target,)


def test_faults_in_settings_are_as_large_as_they_say(
    watching: ModuleType, tiny: config.Experiment
) -> None:
    assert watching.faulty_experiment("rate", tiny).train.lr == 10 * tiny.train.lr
    large = watching.faulty_experiment("anchors", tiny).model.anchor_sizes
    assert large == tuple(4 * size for size in tiny.model.anchor_sizes)
    assert watching.faulty_experiment("labels", tiny) == tiny


def test_the_committed_file_has_each_run_and_is_small(watching: ModuleType) -> None:
    kept = json.loads(watching.FILE.read_text())
    assert kept["runs"].keys() == watching.RUNS.keys()
    assert {name: run["fault"] for name, run in kept["runs"].items()} == watching.RUNS
    assert watching.FILE.stat().st_size < 200_000
    assert kept["environment"]["threads"] == 1
