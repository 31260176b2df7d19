"""Accumulation, the average of weights, evaluations while training, early stopping, explosions."""

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small import SMALL

from augfpn import records
from augfpn.config import Experiment, Train
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.dialects import in_dialect
from augfpn.settings.parameters import parse
from augfpn.training import faults, prepare, step, train, validate
from augfpn.training.average import make_average
from augfpn.training.evaluate import predict
from augfpn.training.schedule import make_optimizer

SMOKE = replace(
    prepare.experiment_here(
        parse(
            {"budget": "smoke", "device": "cpu", "limit": 4, "weights": "scratch"}
            | {"test_split": "tune"}  # which evaluations while training use, too
        )
    ),
    train=replace(BUDGETS["smoke"].train, steps=8, checkpoint_seconds=1e-6),
)
CHILD = """
import sys, pickle, pathlib
from augfpn.training import train
train.train(pickle.loads(bytes.fromhex(sys.argv[1])), pathlib.Path(sys.argv[2]))
"""
FULL = replace(  # everything that a checkpoint has to keep
    SMOKE,
    train=replace(
        SMOKE.train,
        accumulate=2,
        ema=0.9,
        evaluate_every=3,
        augment="strong",
        tensorboard=False,
    ),
)


def weights_of(record: records.Record) -> dict[str, torch.Tensor]:
    return load_file(record.weights)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> records.Record:
    return train.train(FULL, tmp_path_factory.mktemp("full"))


def test_killed_in_the_middle_with_all_of_it_gives_the_same_bits(
    full: records.Record, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", CHILD, pickle.dumps(FULL).hex(), str(tmp_path)]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob(f".*.running/{validate.BEST}")):  # after three of eight steps
        assert child.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    again = train.train(FULL, tmp_path)
    ours, whole = weights_of(again), weights_of(full)
    assert all(torch.equal(ours[name], whole[name]) for name in whole)
    assert again.curve == full.curve
    assert again.predictions == full.predictions
    assert again.result["evaluations"] == full.result["evaluations"]
    best = [load_file(each.folder / validate.BEST) for each in (again, full)]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[1])


def test_evaluations_are_in_the_record_and_change_nothing(
    full: records.Record, tmp_path: Path
) -> None:
    rows = full.result["evaluations"]["rows"]
    assert [row["step"] for row in rows] == [2, 5, 7]  # every third, and the last
    assert full.result["evaluations"]["split"] == "tune"
    last = {name: full.result[name] for name in ("AP", "AP50", "AP75")}
    assert rows[-1] == {"step": 7} | last  # the same pictures and the same weights
    without = replace(FULL, train=replace(FULL.train, evaluate_every=None))
    other = train.train(without, tmp_path)
    ours, whole = weights_of(other), weights_of(full)
    assert all(torch.equal(ours[name], whole[name]) for name in whole)
    assert other.id != full.id
    assert not (other.folder / validate.BEST).exists()


def test_the_average_is_the_one_computed_by_hand() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    average = make_average(layer, Train(ema=0.5))
    expected = None
    for n in range(6):
        with torch.no_grad():
            layer[0].weight.normal_()
            layer(torch.randn(5, 3))
        average.update_parameters(layer)
        now = {name: value.clone() for name, value in layer.state_dict().items()}
        decay = min(0.5, (1 + n) / (10 + n))
        if expected is None:
            expected = now
        for name, value in now.items():
            if not value.is_floating_point():
                expected[name] = value
            elif n:
                expected[name] = decay * expected[name] + (1 - decay) * value
    for name, value in average.module.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert make_average(layer, Train()) is None


@pytest.mark.parametrize("name", ["retinanet", "faster_rcnn"])
def test_the_gradient_of_two_parts_is_that_of_the_whole_batch(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With group norm, losses of each picture by itself, and no random sample."""
    monkeypatch.setattr(
        torch, "randperm", lambda n, **more: torch.arange(n, device=more.get("device"))
    )
    model = in_dialect(replace(SMALL, detector=name, norm="group"), "ours", sizes=False)
    model = replace(model, retinanet=replace(model.retinanet, normaliser="picture"))
    torch.manual_seed(0)
    detector = build_detector(model).train()
    images = tuple(torch.randint(255, (3, 96, 128), dtype=torch.uint8) for _ in range(2))
    boxes = torch.tensor([[10.0, 10, 60, 60], [40, 20, 110, 80]])
    targets = tuple({"boxes": boxes, "labels": torch.tensor([1, 2]), "image_id": i} for i in (1, 2))
    grads, losses = [], []
    for parts in (1, 2):
        settings = Train(batch=2, accumulate=parts, clip=None, lr=1e-9)
        whole = Experiment(model=model, train=settings, budget="smoke")
        optimizer = make_optimizer(detector, settings)
        losses.append(step.one_step(detector, optimizer, 1e-12, images, targets, whole, 0))
        grads.append([q.grad.clone() for q in detector.parameters()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_parts_are_nearly_equal_and_their_shares_sum_to_one() -> None:
    images = tuple(torch.zeros(1) for _ in range(5))
    for parts in range(1, 6):
        found = list(step.parts_of_batch(images, tuple({} for _ in images), parts))
        assert sum(len(some) for some, _, _ in found) == 5
        assert sum(share for _, _, share in found) == pytest.approx(1)
        assert len(found) <= parts
    assert next(iter(step.parts_of_batch(images, tuple({} for _ in images), 1)))[2] == 1.0


def test_training_ends_after_evaluations_without_a_better_ap() -> None:
    settings = replace(SMOKE.train, evaluate_every=2, patience=2)

    def ends(*aps: float | None) -> bool:
        return validate.enough([{"AP": ap} for ap in aps], settings)

    assert not ends()
    assert not ends(0.1, 0.2)
    assert not ends(0.1, 0.2, 0.1)
    assert ends(0.1, 0.2, 0.1, 0.2)
    assert ends(None, 0.0, 0.0)
    assert not ends(0.1, 0.2, 0.1, 0.3)
    assert not validate.enough([{"AP": 0.0}] * 99, replace(settings, patience=None))


def test_an_early_end_is_a_whole_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_found(*given: object) -> None:
        given[3]["evaluations"].append({"step": given[3]["step"] - 1, "AP": 0.0})

    monkeypatch.setattr(train, "evaluate_now", nothing_found)
    stopping = replace(SMOKE, train=replace(SMOKE.train, evaluate_every=1, patience=2))
    record = train.train(stopping, tmp_path)
    assert record.result["steps"] == 3
    assert len(record.result["evaluations"]["rows"]) == 3
    assert not list(tmp_path.glob(".*"))


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_rate_of_ten_ends_with_its_cause(tmp_path: Path) -> None:
    wild = replace(SMOKE, train=replace(SMOKE.train, lr=10.0, steps=20))
    with pytest.raises(FloatingPointError, match=r"the learning rate .* is too high; lower lr"):
        train.train(wild, tmp_path)


def test_lambda_is_blamed_for_its_own_loss() -> None:
    heavy = replace(SMOKE, model=replace(SMOKE.model, lam=1e300))
    losses = {"loss_classifier": 1.0, "loss_supervision_class": math.inf}
    with pytest.raises(FloatingPointError, match=r"loss_supervision_class .* lambda = 1e\+300"):
        faults.check_finite(losses, heavy, 0, 0.1, [1])
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        faults.check_finite({"loss_classifier": math.nan}, SMOKE, 0, 0.1, [1])
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        faults.check_finite(losses, SMOKE, 0, 0.1, [1])


def test_no_committed_run_comes_near_the_limits() -> None:
    for file in sorted(records.COMMITTED[1].glob("*/curve.jsonl")):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for row in rows:
            losses = {name: value for name, value in row.items() if name not in faults.SHOWN}
            assert faults.total(losses) < faults.GROWTH / 100 * max(1.0, faults.total(rows[0]))
        assert faults.nothing_learned(0.0, rows, SMOKE) == ""  # its loss fell, whatever its AP


def test_weights_that_are_enormous_or_no_numbers() -> None:
    for value in (1e9, math.nan, -math.inf):
        layer = torch.nn.Linear(2, 2)
        faults.check_weights(layer, 3, 0.1)
        torch.nn.init.constant_(layer.weight[:1], value)
        with pytest.raises(FloatingPointError, match="at step 3: training has diverged"):
            faults.check_weights(layer, 3, 0.1)


def test_a_run_that_learned_nothing_is_told() -> None:
    curve = [{"step": i, "lr": 1.0, "loss_a": 2.0 + i, "loss_b": 1.0} for i in range(3)]
    sentence = faults.nothing_learned(0.0, curve, SMOKE)
    assert "3 at first, 5 in the end, most of it loss_a" in sentence
    heavy = replace(SMOKE, model=replace(SMOKE.model, lam=1e30))
    assert "lambda = 1e+30" in faults.nothing_learned(0.0, curve, heavy)
    assert faults.nothing_learned(0.1, curve, SMOKE) == ""
    assert faults.nothing_learned(0.0, curve[::-1], SMOKE) == ""
    assert faults.nothing_learned(0.0, curve[:1], SMOKE) == ""  # one step shows no fall


def test_more_pictures_a_step_than_there_are(tmp_path: Path) -> None:
    many = replace(SMOKE, train=replace(SMOKE.train, batch=50))
    with pytest.raises(UserError, match="batch = 50 is more than the 4 training images"):
        prepare.prepare_run(many)


def test_an_average_is_tested_in_place_of_the_weights(full: records.Record) -> None:
    detector = build_detector(full.experiment.model, start=False)
    detector.load_state_dict(weights_of(full))
    assert predict(detector, prepare.prepare_run(FULL).test) == full.predictions
