"""Which pictures are in a batch: by seed and step, and by shape where there are two."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from augfpn.data.batches import batches, draws, in_groups
from augfpn.data.pictures import Pictures
from augfpn.errors import UserError

SIZES = st.integers(1, 5)
SHAPES = st.lists(st.booleans(), min_size=1, max_size=12)


def drawn(shapes: list[bool], size: int, steps: range, seed: int = 0) -> list:
    wide = frozenset(i for i, is_wide in enumerate(shapes) if is_wide)
    return list(draws(list(range(len(shapes))), size, steps, seed, wide))


@given(SHAPES, SIZES, st.integers(0, 9), st.integers(0, 9))
def test_a_stopped_run_sees_the_same_batches(shapes, size, first, more) -> None:
    every = drawn(shapes, size, range(first + more))
    assert len(every) == first + more
    assert drawn(shapes, size, range(first, first + more)) == every[first:]


@given(SHAPES, SIZES)
def test_wide_and_high_pictures_never_meet_and_none_is_forgotten(shapes, size) -> None:
    steps = 20
    every = drawn(shapes, size, range(steps))
    assert all(len(batch) == size for batch in every)
    assert all(len({shapes[i] for i, _ in batch}) == 1 for batch in every)
    numbers = [draw for batch in every for _, draw in batch]
    assert len(set(numbers)) == len(numbers)
    seen = Counter(i for batch in every for i, _ in batch)
    # fewer than `size` of either shape wait at the end; the passes over the pictures are whole
    passes = (steps * size) // len(shapes)
    assert all(passes - size <= seen[i] <= passes + size for i in range(len(shapes)))


@given(st.integers(1, 9), SIZES, st.booleans())
def test_pictures_of_one_shape_come_in_the_plain_order(n, size, wide) -> None:
    assert drawn([wide] * n, size, range(7)) == drawn([False] * n, size, range(7))
    stream = [each for batch in drawn([wide] * n, size, range(7)) for each in batch]
    assert [draw for _, draw in stream] == list(range(7 * size))


@pytest.fixture
def folder(small_coco, write_coco, tmp_path):
    from augfpn.data.coco import coco

    write_coco(small_coco, tmp_path / "annotations/train.json", tmp_path / "train")
    return coco(tmp_path, "train")


def test_batches_keep_shapes_apart_on_request(folder: Pictures) -> None:
    assert folder.wider_than_high() == {0}  # 40x30; 20x50 and 16x16 are not
    options = {"seed": 0, "flip": 0.5}
    feed = batches(folder, [0, 1, 2], 2, range(9), by_shape=True, workers=0, **options)
    found = [[target["image_id"] for target in targets] for _, targets in feed]
    assert {tuple(sorted(set(ids))) for ids in found} <= {(7,), (3,), (12,), (3, 12)}
    assert [7, 7] in found


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_broke_meanwhile_is_one_sentence(folder, tmp_path, workers) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "train" / "seven.png")
    with pytest.raises(UserError) as caught:
        list(in_groups(folder, [[0, 1]], workers))
    assert str(caught.value).startswith("coco train: seven.png has 9x9 pixels, but its annotation")
    assert "\n" not in str(caught.value)


def test_python_ends_though_batches_are_kept() -> None:
    """By a traceback, say: it waited forever for the processes that read them."""
    code = (
        "import sys, torch\n"
        "from augfpn.data.batches import loaded\n"
        "class Zeros(torch.utils.data.Dataset):\n"
        "    def __getitem__(self, index):\n"
        "        return torch.zeros(3, 4, 4), {}\n"
        "kept = loaded(Zeros(), [[0, 1]] * 50, 2)\n"
        "next(kept)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]  # torch warns where there is one core
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
