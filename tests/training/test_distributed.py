"""Two processes on this machine's CPU train as one would."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import together
import torch
import torch.distributed as dist
from torch import nn

from augfpn import records
from augfpn.data.batches import draws
from augfpn.data.load import load_pictures
from augfpn.errors import UserError
from augfpn.training.distributed import ALONE, World, join

RUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def run(**parts: Path) -> subprocess.CompletedProcess:
    """Let two processes do some parts, one after the other, each in its folder."""
    words = [str(word) for part in parts.items() for word in part]
    command = [*RUN, together.__file__, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def told(**parts: Path) -> list[list]:
    """For each part the results that each of the two processes wrote."""
    ran = run(**parts)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [
        [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]
        for folder in parts.values()
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """What two processes told of three parts: they are started once, for they import torch."""
    names = ("gradients", "retinanet", "weights")
    parts = {name: tmp_path_factory.mktemp(name) for name in names}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUGFPN_PROGRESS", "lines")
        return dict(zip(names, told(**parts), strict=True))


def test_gradients_are_the_mean_over_processes(both: dict[str, list]) -> None:
    """(x w - y)^2 at w = 1: 2 x (x - y) is 2 for (1, 0) and 12 for (3, 1). Rank 1 is silent."""
    (*first, of_first), (*second, of_second) = both["gradients"]
    assert [first, second] == [[7.0, "lines"], [7.0, "off"]]
    batch_statistics_are_those_of_all_images(of_first, of_second)


def batch_statistics_are_those_of_all_images(*found: list) -> None:
    """The oracle is PyTorch's own layer, on all places of all images at once."""
    own, layer = together.images(), nn.BatchNorm1d(3).double()
    layer.load_state_dict(together.batch_norm().state_dict())
    places = layer(torch.cat([each.movedim(1, -1).flatten(0, -2) for each in own]))
    shares = places.split([each.numel() // 3 for each in own])
    y = [
        share.unflatten(0, each.movedim(1, -1).shape[:-1]).movedim(-1, 1)
        for share, each in zip(shares, own, strict=True)
    ]
    sum(map(together.weighted_sum, y)).backward()
    for (output, gradient, mean, var), each, wanted in zip(found, own, y, strict=True):
        torch.testing.assert_close(torch.tensor(output).double(), wanted.detach())
        torch.testing.assert_close(torch.tensor(gradient).double(), each.grad)
        torch.testing.assert_close(torch.tensor(mean).double(), layer.running_mean)
        torch.testing.assert_close(torch.tensor(var).double(), layer.running_var)


def test_one_and_two_processes_differ_by_rounding_where_nothing_is_sampled(
    both: dict[str, list], tmp_path: Path
) -> None:
    first, second = both["retinanet"]
    alone = together.two_steps(tmp_path / "alone", ALONE)
    assert first["curve"] == second["curve"]
    for ours, theirs in zip(first["curve"], alone["curve"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)
    assert first["curve"][0] == pytest.approx(alone["curve"][0], rel=1e-6)
    torch.testing.assert_close(*map(torch.tensor, (first["means"], alone["means"])))


def test_three_processes_add_in_one_order_before_and_after_a_stop(tmp_path: Path) -> None:
    command = [*RUN[:-1], "3", together.__file__, "interrupted", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    at_once, in_two_parts = json.loads((tmp_path / "0.json").read_text())
    assert at_once == in_two_parts


def test_without_torchrun_nothing_is_started() -> None:
    assert join("cpu") is join("cuda") is ALONE
    assert not dist.is_initialized()


def test_together_they_see_what_one_would_and_agree(both: dict[str, list]) -> None:
    first, second = both["weights"]
    assert first["total"] == second["total"]
    assert first["drawn"] != second["drawn"]  # each samples RoIs by its own random numbers
    pictures = load_pictures(together.EXPERIMENT.data, "train")
    settings = together.EXPERIMENT.train
    useful = pictures.with_objects()
    ids = [entry["id"] for entry in pictures.coco["images"]]
    alone = [
        [ids[index] for index, _ in batch]
        for batch in draws(useful, settings.batch, range(6), together.EXPERIMENT.seed)
    ]
    assert [a + b for a, b in zip(first["seen"], second["seen"], strict=True)] == alone


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_equal_bits(tmp_path: Path) -> None:
    """Also the random numbers that each process would draw next."""
    for folder in ("once", "twice"):
        (tmp_path / folder).mkdir()
    (undisturbed,) = told(weights=tmp_path / "once")
    assert run(stopped=tmp_path / "twice").returncode != 0
    (resumed,) = told(weights=tmp_path / "twice")
    assert [(each["step"], len(each["seen"])) for each in resumed] == [(6, 3)] * 2
    for name in ("total", "drawn"):
        assert [each[name] for each in resumed] == [each[name] for each in undisturbed]


@pytest.mark.slow
def test_a_killed_process_ends_the_others_with_one_sentence(tmp_path: Path) -> None:
    words = "-m augfpn.cli train --budget smoke --steps 1000 --device cpu --records"
    command = [*RUN, *words.split(), str(tmp_path)]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as ran:
        for line in ran.stdout:
            if line.startswith("training"):
                break
        second = [
            int(found.parent.name)
            for found in Path("/proc").glob("[0-9]*/environ")
            if f"ppid {ran.pid} rank 1" == who(found)
        ]
        os.kill(second[0], signal.SIGKILL)
        began = time.monotonic()
        _, said = ran.communicate(timeout=120)
    assert time.monotonic() - began < 30
    sentences = [line for line in said.splitlines() if line.startswith("augfpn: ")]
    assert len(sentences) == 1
    assert "one of the 2 processes that train together has ended" in sentences[0]


def who(environ: Path) -> str:
    """A process's parent and its rank, in words."""
    try:
        rank = [w for w in environ.read_bytes().split(b"\0") if w.startswith(b"RANK=")]
        parent = (environ.parent / "stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return ""
    return f"ppid {parent} rank {rank[0][5:].decode()}" if rank else ""


@pytest.mark.slow
def test_a_refusal_is_said_once(tmp_path: Path) -> None:
    words = "-m augfpn.cli train --budget smoke --batch 3 --device cpu --records"
    ran = subprocess.run(
        [*RUN, *words.split(), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.stderr.count("a step has 3 pictures, which 2 processes cannot share evenly") == 1


def test_the_number_of_processes_is_part_of_a_runs_identity() -> None:
    """One process computes something else than two, and old records are of one."""
    one = together.EXPERIMENT
    two = replace(one, train=replace(one.train, processes=2))
    assert records.run_id(two, {}) != records.run_id(one, {})


def test_the_command_writes_one_record_with_all_pictures(tmp_path: Path) -> None:
    words = "-m augfpn.cli train --budget smoke --steps 3 --device cpu --baseline none --records"
    command = [*RUN, *words.split(), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.count("record: ") == 1
    (record,) = records.records_in([tmp_path])
    assert record.result["processes"] == record.experiment.train.processes == 2
    assert record.result["pictures"] == {"train": 16, "test": 8}
    order = [row["image_id"] for row in record.predictions]
    assert order == sorted(order)
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_shares_are_disjoint_and_whole() -> None:
    shares = [World(rank, 3).share(range(8)) for rank in range(3)]
    assert sorted(i for share in shares for i in share) == list(range(8))


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(UserError, match=r"a step has 16 pictures, which 3 processes cannot share"):
        World(0, 3).check_batch(16)
    World(0, 8).check_batch(16)
