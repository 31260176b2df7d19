"""Two processes on this machine's CPU train as one would."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import together
import torch.distributed as dist

from augfpn import records
from augfpn.data.batches import draws
from augfpn.data.load import load_pictures
from augfpn.errors import UserError
from augfpn.training.distributed import ALONE, World, join

RUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def run(part: str, folder: Path) -> subprocess.CompletedProcess:
    command = [*RUN, together.__file__, part, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def told(part: str, folder: Path) -> list:
    """The results that each of the two processes wrote."""
    ran = run(part, folder)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_gradients_are_the_mean_over_processes(tmp_path: Path, monkeypatch) -> None:
    """(x w - y)^2 at w = 1: 2 x (x - y) is 2 for (1, 0) and 12 for (3, 1). Rank 1 is silent."""
    monkeypatch.setenv("AUGFPN_PROGRESS", "lines")
    assert told("gradients", tmp_path) == [[7.0, "lines"], [7.0, "off"]]


def test_without_torchrun_nothing_is_started() -> None:
    assert join("cpu") is join("cuda") is ALONE
    assert not dist.is_initialized()


def test_together_they_see_what_one_would_and_agree(tmp_path: Path) -> None:
    first, second = told("weights", tmp_path)
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
def test_a_stopped_run_goes_on_with_equal_weights(tmp_path: Path) -> None:
    assert run("stopped", tmp_path).returncode != 0
    first, second = told("weights", tmp_path)
    assert (first["step"], len(first["seen"])) == (6, 3)
    assert first["total"] == second["total"]


def test_the_command_writes_one_record_with_all_pictures(tmp_path: Path) -> None:
    words = "-m augfpn.cli train --budget smoke --steps 3 --device cpu --baseline none --records"
    command = [*RUN, *words.split(), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.count("record: ") == 1
    (record,) = records.records_in([tmp_path])
    assert record.result["processes"] == 2
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
