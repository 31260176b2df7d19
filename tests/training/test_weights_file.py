"""Weights files: the same bytes each time, other readers agree, and damage is one sentence."""

import hashlib
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small import SMALL, augfpn_of
from torch import nn

from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.training.weights_file import load_weights, save_weights


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_weights(network(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_a_detector_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    one, other = (build_detector(augfpn_of(name, norm="batch")) for _ in range(2))
    save_weights(one.to(memory_format=torch.channels_last), tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    ours, theirs = one.state_dict(), other.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    read = load_file(tmp_path / "w.safetensors")  # as anybody else would read it
    assert read.keys() == ours.keys()


def test_the_same_values_give_the_same_bytes_and_sha256sum_agrees(file: Path) -> None:
    first = file.read_bytes()
    save_weights(network(), file)
    assert file.read_bytes() == first
    beside = file.with_name("weights.safetensors.sha256")
    assert beside.read_text() == f"{hashlib.sha256(first).hexdigest()}  weights.safetensors\n"
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", beside.name], cwd=file.parent, check=True)


def test_parameters_that_share_memory_are_written_twice(tmp_path: Path) -> None:
    tied = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    tied["b"].weight = tied["a"].weight
    save_weights(tied, tmp_path / "w.safetensors")
    assert {"a.weight", "b.weight"} <= load_file(tmp_path / "w.safetensors").keys()


def test_older_weights_are_still_read(tmp_path: Path) -> None:
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    other = network(1)
    load_weights(other, tmp_path / "weights.pt")
    assert torch.equal(other[0].weight, network()[0].weight)


def refused(file: Path, match: str) -> None:
    """Loading raises one sentence that names the file, and changes nothing."""
    net = network(1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(UserError, match=match) as caught:
        load_weights(net, file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("seed", range(8))
def test_one_flipped_bit_is_found(file: Path, seed: int) -> None:
    content = bytearray(file.read_bytes())
    place = random.Random(seed).randrange(len(content) * 8)
    content[place // 8] ^= 1 << place % 8
    file.write_bytes(content)
    refused(file, r"is damaged, its SHA-256 is not that of .*: remove it and train")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_truncated_file_is_one_sentence(tmp_path: Path, share: float, suffix: str) -> None:
    file = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(network().state_dict(), file)
    else:
        save_file(network().state_dict(), file)  # without a hash beside it
    os.truncate(file, int(share * file.stat().st_size))
    refused(file, r"cannot be read as weights \(.*\): remove it")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_web_page_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"weights{suffix}"
    file.write_text("<!DOCTYPE html><title>sign in</title>" * 99)
    refused(file, "cannot be read as weights")


def test_pickled_code_is_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    torch.save({"0.weight": Trap()}, tmp_path / "weights.pt")
    refused(tmp_path / "weights.pt", "cannot be read as weights")
    assert not (tmp_path / "trapped").exists()


def test_something_else_is_one_sentence(tmp_path: Path) -> None:
    for number, content in enumerate(([torch.zeros(1)], {"a": {"b": torch.zeros(1)}}, "words")):
        file = tmp_path / f"{number}.pt"
        torch.save(content, file)
        refused(file, "holds something else than a detector's weights")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda s: s.pop("0.bias"), r"of 9 tensors 1 are missing \(0\.bias\); give"),
        (lambda s: s.update(extra=torch.zeros(1)), r"1 are not its own \(extra\); give"),
        (lambda s: s.update({"0.bias": torch.zeros(1)}), r"1 have another shape \(0\.bias\)"),
        (lambda s: s.clear(), r"9 are missing \(0\.bias, 0\.weight and 7 more\)"),
    ],
)
def test_other_weights_are_one_sentence(tmp_path: Path, change, match: str) -> None:
    state = network().state_dict()
    change(state)
    save_file(state, tmp_path / "other.safetensors")
    refused(tmp_path / "other.safetensors", match)


def test_another_detectors_weights_are_one_sentence(tmp_path: Path) -> None:
    save_weights(build_detector(augfpn_of("faster_rcnn")), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"are not its own \(.*\); give the weights that belong"):
        load_weights(build_detector(SMALL), tmp_path / "w.safetensors")
