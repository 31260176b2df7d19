"""A record names its initial weights, so that runs from different ones can be told apart."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from killed import TINY
from safetensors.torch import save_file

from augfpn import config, records
from augfpn.training import train
from augfpn.training.initial import initial_detector, origin_of

QUICK = replace(TINY, train=replace(TINY.train, steps=3))


def of_backbone(experiment: config.Experiment, folder: Path) -> str:
    """The SHA-256 of a backbone's initial weights, written by safetensors itself."""
    save_file(initial_detector(experiment).backbone.state_dict(), folder / "backbone")
    return hashlib.sha256((folder / "backbone").read_bytes()).hexdigest()


def recorded(record: records.Record) -> dict[str, str]:
    return json.loads((record.folder / "settings.json").read_text())["initial_weights"]


def test_a_run_that_is_taken_up_again_keeps_what_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the weights that a server has under the same name have changed in between."""
    own, taken = train.one_step, []

    def one_step(*given: object) -> dict[str, float]:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(own(*given))
        return taken[-1]

    with monkeypatch.context() as patch:
        patch.setattr(train, "one_step", one_step)
        with pytest.raises(KeyboardInterrupt):
            train.train(QUICK, tmp_path / "runs")
    monkeypatch.setattr(train, "origin_of", lambda *_: {"backbone_sha256": "another"})
    record = train.train(QUICK, tmp_path / "runs")
    assert recorded(record) == {"backbone_sha256": of_backbone(QUICK, tmp_path)}
    assert records.read(record.folder).experiment == record.experiment


def test_other_weights_have_another_sha256() -> None:
    found = [
        origin_of(initial_detector(replace(QUICK, seed=seed)), QUICK.model) for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]
