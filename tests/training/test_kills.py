"""A run that is killed at any instruction ends, when it is started again, as if it had not been.

Its record has the same bits, and no work is repeated that was finished.
"""

import random
from pathlib import Path

import pytest
from killed import check, told

CHOSEN = [
    ["open", ".running.lock", 1],
    ["call", "torch.save", 1],  # the first checkpoint is half written
    ["call", "append_hash", 2],  # the second has no hash yet
    ["os.link", "checkpoint.previous.pt", 2],
    ["os.rename", "checkpoint.pt", 3],
    ["call", "detections_in", 2],  # half of the pictures are tested
    ["os.rename", "predictions.json.gz", 1],
    ["call", "score", 1],  # tested, not scored
    ["os.rename", "result.json", 1],
    ["call", "save_weights", 1],
    ["os.rename", "settings.json", 1],  # all but one file of the record
    ["os.rename", "record", 1],  # it is complete in the hidden folder
    ["call", "remove_checkpoints", 1],  # it has its name, and its checkpoints are in it
    ["os.remove", "checkpoint.pt", 1],
    ["os.remove", ".running.lock", 1],  # only the lock is left
]


def moments(seed: int, count: int = 20) -> list[list]:
    """Random moments of a run, as shares of its time."""
    draw = random.Random(seed)
    return [["after", draw.uniform(0.02, 1.0)] for _ in range(count)]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    folder = tmp_path_factory.mktemp("killed")
    return folder, told(folder, CHOSEN)


@pytest.mark.parametrize("number", range(len(CHOSEN)), ids=lambda i: "-".join(map(str, CHOSEN[i])))
def test_killed_at_a_chosen_instruction(number: int, chosen: tuple[Path, list[dict]]) -> None:
    folder, each = chosen
    check(folder, number, CHOSEN[number], each[number])


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    kills = moments(seed=0)
    for number, (kill, what) in enumerate(zip(kills, told(tmp_path, kills), strict=True)):
        check(tmp_path, number, kill, what)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["chosen", "random"])
def test_two_processes_of_which_one_is_killed(which: str, tmp_path: Path) -> None:
    kills = CHOSEN if which == "chosen" else moments(seed=1)
    each = told(tmp_path, kills, processes=2)
    for number, (kill, what) in enumerate(zip(kills, each, strict=True)):
        check(tmp_path, number, kill, what)
