"""A checkpoint that is damaged or of another run is never loaded; the one before it is used."""

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from augfpn.errors import UserError
from augfpn.training import checkpoints
from augfpn.training.checkpoints import NEWEST, PREVIOUS, resume, save_checkpoint


def parts(seed: int) -> dict:
    torch.manual_seed(seed)
    layer = nn.Linear(30, 20)
    return {"detector": layer, "optimizer": torch.optim.AdamW(layer.parameters(), 0.1)}


def weights(made: dict) -> torch.Tensor:
    return made["detector"].weight.detach().clone()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with checkpoints after steps 1 and 2, of the seeds 1 and 2."""
    for step in (1, 2):
        save_checkpoint(tmp_path, "run", parts(step), {"step": step, "curve": []})
    return tmp_path


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    return bytes(changed)


def flipped_at_its_end(content: bytes) -> bytes:
    return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]


DAMAGES = {
    "cut in half": cut,
    "one bit flipped": flipped,
    "one bit of the hash flipped": flipped_at_its_end,
    "its last byte lost": lambda content: content[:-1],
    "a byte more": lambda content: content + b"\n",
    "empty": lambda _: b"",
    "a page": lambda _: b"<html>Please log in</html>",
    "zeros": lambda content: bytes(len(content)),
    "twice": lambda content: content * 2,
    "without hash": lambda content: content[: -checkpoints.END],
}


def test_a_run_goes_on_from_its_newest_checkpoint(work: Path) -> None:
    fresh = parts(7)
    assert resume(work, "run", fresh) == {"step": 2, "curve": []}
    assert torch.equal(weights(fresh), weights(parts(2)))
    assert torch.load(work / NEWEST, weights_only=True)["state"]["step"] == 2  # torch reads it
    assert sorted(file.name for file in work.iterdir()) == [PREVIOUS, NEWEST]


def test_random_numbers_go_on(tmp_path: Path) -> None:
    made = parts(3)
    save_checkpoint(tmp_path, "run", made, {"step": 1})
    drawn = torch.rand(3)
    torch.manual_seed(99)
    resume(tmp_path, "run", made)
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_one_before_a_damaged_one_is_used(
    damage: Callable[[bytes], bytes], work: Path, capsys: pytest.CaptureFixture
) -> None:
    (work / NEWEST).unlink()  # the other name of a file must not change with it
    save_checkpoint(work, "run", parts(2), {"step": 2})
    save_checkpoint(work, "run", parts(3), {"step": 3})
    (work / NEWEST).write_bytes(damage((work / NEWEST).read_bytes()))
    fresh = parts(7)
    assert resume(work, "run", fresh)["step"] == 2
    assert torch.equal(weights(fresh), weights(parts(2)))
    said = capsys.readouterr().out
    assert f"{work / NEWEST} is damaged (its " in said
    assert "training goes on from step 2, the checkpoint before" in said


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_if_both_are_damaged_a_sentence_names_them(
    damage: Callable[[bytes], bytes], work: Path
) -> None:
    for name in (NEWEST, PREVIOUS):
        (work / name).write_bytes(damage((work / name).read_bytes()))
    fresh = parts(7)
    said = (
        rf"{NEWEST} is damaged \(its .*\): remove {work / NEWEST} and {work / PREVIOUS}, and the "
        "run starts again from step 0"
    )
    with pytest.raises(UserError, match=said):
        resume(work, "run", fresh)
    assert torch.equal(weights(fresh), weights(parts(7)))
    for name in (NEWEST, PREVIOUS):
        (work / name).unlink()
    assert resume(work, "run", fresh)["step"] == 0


def test_another_runs_checkpoint_is_refused(work: Path) -> None:
    fresh = parts(7)
    with pytest.raises(UserError, match=r"is the checkpoint of another run: remove .* step 0"):
        resume(work, "other", fresh)
    assert torch.equal(weights(fresh), weights(parts(7)))


def test_a_detector_of_other_layers_is_refused(work: Path) -> None:
    other = nn.Linear(3, 4)
    made = {"detector": other, "optimizer": torch.optim.AdamW(other.parameters(), 0.1)}
    with pytest.raises(UserError, match=r"was written by another version of augfpn \(.*remove"):
        resume(work, "run", made)
    with pytest.raises(UserError, match="was written by another version"):
        resume(work, "run", parts(7) | {"average": nn.Linear(1, 1)})


def test_a_newer_checkpoint_after_a_damaged_one_leaves_two_good_ones(work: Path) -> None:
    (work / NEWEST).write_bytes(b"damaged")
    fresh = parts(7)
    resume(work, "run", fresh)
    save_checkpoint(work, "run", fresh, {"step": 2})
    save_checkpoint(work, "run", fresh, {"step": 3})
    assert checkpoints.fault_in(work / NEWEST) is None
    assert checkpoints.fault_in(work / PREVIOUS) is None


# --- the disk -------------------------------------------------------------------------------------


@pytest.fixture
def full() -> Callable[[int], None]:
    """A disk that takes no file of more bytes, until the test ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("most", [0, 10, 100, 1000, 5000])
def test_a_full_disk_loses_nothing(most: int, work: Path, full: Callable[[int], None]) -> None:
    full(most)
    with pytest.raises(UserError) as told:
        save_checkpoint(work, "run", parts(3), {"step": 3})
    assert str(told.value) == (
        "File too large: the checkpoint of step 3 could not be written; when this is mended, the "
        "same command goes on from the last checkpoint, or from step 0 if there is none."
    )
    fresh = parts(7)
    assert resume(work, "run", fresh)["step"] == 2
    assert torch.equal(weights(fresh), weights(parts(2)))
    assert not list(work.glob("*.partial"))


def test_a_full_disk_before_the_first_checkpoint(
    tmp_path: Path, full: Callable[[int], None]
) -> None:
    full(100)
    with pytest.raises(UserError, match="or from step 0 if there is none"):
        save_checkpoint(tmp_path, "run", parts(3), {"step": 3})
    assert resume(tmp_path, "run", parts(3))["step"] == 0


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No such file or directory .*gone.*: the checkpoint of"):
        save_checkpoint(tmp_path / "gone", "run", parts(3), {"step": 3})


def test_an_error_of_torch_that_is_not_the_disks_stays_itself(tmp_path: Path) -> None:
    class Broken:
        def state_dict(self) -> dict:
            raise RuntimeError("CUDA error: out of memory")

        def load_state_dict(self, state: dict) -> None: ...

    with pytest.raises(RuntimeError, match="CUDA error"):
        save_checkpoint(tmp_path, "run", {"detector": Broken()}, {"step": 3})
