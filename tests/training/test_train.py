"""Training: recorded once, stopped when a loss is no number; see `test_kills` for resuming."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from augfpn import records
from augfpn.config import Train
from augfpn.data import load
from augfpn.data.batches import Augmented, batches
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.parameters import parse
from augfpn.training import evaluate, schedule, train
from augfpn.training.prepare import experiment_here as experiment
from augfpn.training.step import on_device, one_step
from augfpn.training.weights_file import load_weights
from augfpn.training.working import working_folder

SMOKE = replace(
    experiment(parse({"budget": "smoke", "device": "cpu", "limit": 4})),
    train=replace(BUDGETS["smoke"].train, steps=8, checkpoint_seconds=1e-6),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def record(folder: Path) -> records.Record:
    """An uninterrupted run of eight steps."""
    return train.train(SMOKE, folder)


def test_a_finished_run_is_found_and_never_overwritten(record: records.Record) -> None:
    before = record.weights.stat().st_mtime_ns
    assert train.train(SMOKE, record.folder.parent).folder == record.folder
    more = train.train(SMOKE, record.folder.parent, again=True)
    assert more.folder.name == record.folder.name + ".2"
    assert more.id == record.id
    assert record.weights.stat().st_mtime_ns == before


def test_a_run_that_another_process_has_just_finished_is_not_repeated(
    record: records.Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, asked = records.find, []

    def find_too_early(wanted: str, folders: list[Path]) -> records.Record | None:
        asked.append(wanted)
        return None if len(asked) == 1 else find(wanted, folders)

    monkeypatch.setattr(records, "find", find_too_early)
    before = sorted(record.folder.parent.iterdir())
    assert train.train(SMOKE, record.folder.parent).folder == record.folder
    assert asked == [record.id] * 2
    assert sorted(record.folder.parent.iterdir()) == before


def test_another_seed_is_another_run(record: records.Record, tmp_path: Path) -> None:
    other = train.train(replace(SMOKE, seed=1), tmp_path)
    assert other.id != record.id
    assert other.curve[-1] != record.curve[-1]


def test_a_second_process_on_the_same_run_is_refused(tmp_path: Path) -> None:
    with (
        working_folder(tmp_path / ".x.running"),
        pytest.raises(UserError, match="being worked on by another process"),
        working_folder(tmp_path / ".x.running"),
    ):
        pass


def test_a_record_can_be_scored_again(record: records.Record) -> None:
    test = load.load_pictures(SMOKE.data, "test")
    assert test.fingerprint == record.fingerprints["test"]
    scores = evaluate.score(test.coco, record.predictions)
    assert scores == {name: record.result[name] for name in scores}
    detector = build_detector(record.experiment.model)
    load_weights(detector, record.weights)
    assert evaluate.predict(detector, test) == record.predictions


@pytest.mark.parametrize("name", ["settings.json", "result.json", "environment.json"])
def test_a_damaged_record_is_named_and_left_out(
    name: str, record: records.Record, tmp_path: Path
) -> None:
    for folder in ("whole", "damaged"):
        shutil.copytree(record.folder, tmp_path / folder)
    damaged = tmp_path / "damaged"
    (damaged / name).write_text((damaged / name).read_text()[:40])
    with pytest.raises(UserError, match=r"damaged is not a complete record"):
        records.read(damaged)
    assert [found.folder.name for found in records.records_in([tmp_path])] == ["whole"]


def test_a_batch_arrives_as_single_copies_would() -> None:
    pictures = load.load_pictures(SMOKE.data, "train").with_masks()
    images, targets = zip(*(pictures[i] for i in range(3)), strict=True)
    images = (images[0][:, :100], *images[1:])  # another size, and not contiguous
    there, wanted = on_device(images, targets, "cpu")
    assert all(torch.equal(x, image.float() / 255) for x, image in zip(there, images, strict=True))
    for given, kept in zip(targets, wanted, strict=True):
        assert set(kept) == {"boxes", "labels", "masks"}
        assert all(torch.equal(value, given[name]) for name, value in kept.items())


def test_fused_optimisers_differ_from_plain_ones_by_rounding() -> None:
    for name, plain in (("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)):
        torch.manual_seed(0)
        layers = [torch.nn.Linear(30, 20) for _ in range(2)]
        layers[1].load_state_dict(layers[0].state_dict())
        settings = replace(SMOKE.train, optimizer=name)
        fused = schedule.make_optimizer(layers[0], settings)
        more = {"momentum": 0.9} if name == "sgd" else {}
        by_hand = plain(layers[1].parameters(), settings.lr, foreach=False,
                        weight_decay=settings.weight_decay, **more)  # fmt: skip
        for _ in range(10):
            for mine, other in zip(*(layer.parameters() for layer in layers), strict=True):
                mine.grad = torch.randn_like(mine)
                other.grad = mine.grad.clone()
            fused.step()
            by_hand.step()
        for mine, other in zip(*(layer.parameters() for layer in layers), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)


def test_a_loss_that_is_no_number_names_the_step_and_the_pictures() -> None:
    detector = build_detector(replace(SMOKE.model, classes=5))
    torch.nn.init.constant_(detector.heads.box_predictor.cls_score.bias, float("nan"))
    image = torch.zeros(3, 128, 128, dtype=torch.uint8)
    target = {
        "boxes": torch.tensor([[10.0, 10.0, 60.0, 60.0]]),
        "labels": torch.tensor([1]),
        "image_id": 77,
    }
    optimizer = schedule.make_optimizer(detector, SMOKE.train)
    with pytest.raises(FloatingPointError, match=r"step 5, pictures \[77\], learning rate 0.1"):
        one_step(detector, optimizer, 0.1, (image,), (target,), SMOKE, 5)


def test_no_step_is_taken_with_frozen_layers_or_clipped_too_much() -> None:
    detector = build_detector(replace(SMOKE.model, classes=5))
    detector.backbone.freeze_up_to(2)
    frozen = {n for n, q in detector.named_parameters() if not q.requires_grad}
    assert "backbone.body.conv1.weight" in frozen
    assert not any("layer2" in n for n in frozen)
    learned = sum(len(g["params"]) for g in schedule.make_optimizer(detector, Train()).param_groups)
    assert learned == len(list(detector.parameters())) - len(frozen)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.02 / 3), (250, 0.02 * 2 / 3), (500, 0.02), (7999, 0.02), (8000, 0.002), (11000, 0.0002)],
)
def test_the_authors_schedule(step: int, rate: float) -> None:
    """lr (1 - (2/3)(1 - i/500)), then a tenth after epochs 8 and 11 of 12 (1,000 steps each)."""
    assert schedule.learning_rate(Train(), step, 12000) == pytest.approx(rate)


def test_the_rate_follows_the_batch_and_the_cosine_ends_at_zero() -> None:
    half = replace(Train(), batch=8)
    assert schedule.learning_rate(half, 600, 12000) == pytest.approx(0.01)
    cosine = replace(Train(), schedule="cosine", warmup_steps=0)
    rates = [schedule.learning_rate(cosine, step, 100) for step in (0, 50, 100)]
    assert rates == pytest.approx([0.02, 0.01, 0])


def test_an_epoch_is_a_pass_over_the_pictures() -> None:
    assert schedule.number_of_steps(replace(Train(), epochs=12, batch=16), 117_266) == 87_950
    assert schedule.number_of_steps(replace(Train(), epochs=None, steps=7), 100) == 7


def drawn(start: int, stop: int, seed: int = 0, workers: int = 0) -> list[int]:
    pictures = load.load_pictures(SMOKE.data, "train")
    feed: DataLoader = batches(
        pictures, [0, 1, 3], 2, range(start, stop), seed=seed, flip=0.5, workers=workers
    )
    return [(t["image_id"], int(x.sum())) for xs, ts in feed for x, t in zip(xs, ts, strict=True)]


def test_pictures_are_a_function_of_seed_and_step() -> None:
    whole = drawn(0, 6)
    assert drawn(0, 2) + drawn(2, 6) == whole  # stopped and gone on
    assert drawn(0, 6, workers=2) == whole
    assert drawn(0, 6, seed=1) != whole
    passes = [sorted(i for i, _ in whole[k : k + 3]) for k in range(0, 12, 3)]
    assert passes == [[1, 2, 4]] * 4  # image ids: each once before any comes again


def test_a_flipped_picture_flips_its_boxes() -> None:
    pictures = load.load_pictures(SMOKE.data, "train")
    image, target = pictures[0]
    flipped, mirrored = Augmented(pictures, flip=1.0, seed=0)[0, 0]
    assert torch.equal(flipped, image.flip(-1))
    for box, other in zip(target["boxes"].int(), mirrored["boxes"].int(), strict=True):
        x1, y1, x2, y2 = box.tolist()
        u1, v1, u2, v2 = other.tolist()
        inside, mirror = image[:, y1:y2, x1:x2], flipped[:, v1:v2, u1:u2]
        assert torch.equal(mirror, inside.flip(-1))
        assert np.array_equal([y1, y2], [v1, v2])
