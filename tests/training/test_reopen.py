"""Reopen a record: its detector, its pictures, its numbers; errors for what does not fit."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from augfpn import records
from augfpn.errors import UserError
from augfpn.settings.parameters import parse
from augfpn.support.files import digest_file
from augfpn.training import evaluate, reopen, train
from augfpn.training.prepare import experiment_here


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> records.Record:
    """Three steps of Mask R-CNN."""
    values = {"budget": "smoke", "steps": 3, "limit": 2, "device": "cpu", "detector": "mask_rcnn"}
    return train.train(experiment_here(parse(values)), tmp_path_factory.mktemp("records"))


def test_it_has_masks_and_is_measured_again_with_them(record: records.Record) -> None:
    assert record.predictions
    assert all(each["segmentation"]["size"] == [256, 320] for each in record.predictions)
    for device in (None, "cpu"):
        _, test, results = reopen.detect_again(record.folder, None, device)
        again = evaluate.score(test.coco, results, reopen.has_masks(record))
        assert again == {name: record.result[name] for name in again}
        assert again["mask"].keys() == {*evaluate.COCO_NUMBERS, "by_class"}


def test_a_detector_is_named_by_its_folder_or_its_weights(record: records.Record) -> None:
    for path in (record.folder, record.weights):
        detector, found = reopen.load_detector(path, "cpu")
        assert found.id == record.id
        assert not detector.training
        kept = load_file(record.weights)
        assert all(torch.equal(kept[name], q) for name, q in detector.state_dict().items())


def test_both_sets_of_pictures_are_the_recorded_ones(record: records.Record) -> None:
    for use in ("train", "test"):
        pictures = reopen.recorded_pictures(record, use)
        assert pictures.fingerprint == record.fingerprints[use]


def test_other_pictures_are_refused(record: records.Record) -> None:
    changed = replace(record, fingerprints=record.fingerprints | {"train": "0" * 64})
    with pytest.raises(UserError, match=r"was trained on 000000000000: .* give the folder"):
        reopen.recorded_pictures(changed, "train")


def test_what_does_not_fit_is_one_sentence(record: records.Record, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist: give the folder of a record"):
        reopen.load_detector(tmp_path / "nowhere", "cpu")
    (tmp_path / "photo.jpg").touch()
    for path in (tmp_path, tmp_path / "photo.jpg"):
        with pytest.raises(UserError, match=f"^{tmp_path} is no record, .* names at its end"):
            reopen.load_detector(path, "cpu")
    copy = shutil.copytree(record.folder, tmp_path / "copy")
    save_file({"other": torch.zeros(1)}, copy / records.WEIGHTS)
    digest_file(copy / records.WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"does not hold the weights of its record's detector"):
        reopen.load_detector(copy, "cpu")
    (copy / records.WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"copy has no weights\.safetensors: .*`augfpn train`"):
        reopen.load_detector(copy, "cpu")
