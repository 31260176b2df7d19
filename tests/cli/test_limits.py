"""Numbers that no machine has room for are refused in a sentence, before any work is done."""

import pytest

from augfpn.cli.program import main


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("bench --batch 100000000", "give a whole number, 1024 or less"),
        ("bench --rois 100000000", "give a whole number, 100000 or less"),
        ("bench --size 320000x320000", "give sides of 8192 pixels at most"),
        ("study run --jobs 100000", "give a whole number, 1024 or less"),
        ("study time --batch 100000000", "give a whole number, 1024 or less"),
        ("study status --seeds 2000000000", "give a number of seeds up to 1000, or FIRST-LAST"),
        ("study status --seeds 0-2000000000", "give a number of seeds up to 1000, or FIRST-LAST"),
        ("train --batch 100000000", "batch = '100000000'"),
        ("train --workers 100000", "workers = '100000'"),
        ("train --accumulate 100000000 --budget smoke", "images of a step: give"),
        ("train --steps 100000000000000000000", "steps = '100000000000000000000'"),
        ("train --short-side 100000", "short_side = '100000'"),
        ("train --settings train.lr_batch=1e400", "train.lr_batch"),
        ("train --settings model.channels=100000000", "expected less than or equal to 10000"),
        ("train --settings model.head_width=100000000", "model.head_width = 100000000"),
        ("train --settings data.scene_size=[100000,100000]", "data.scene_size.0: expected less"),
    ],
)
def test_too_much_is_refused(words: str, sentence: str, capsys: pytest.CaptureFixture) -> None:
    assert main([*words.split()]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert sentence in line
    assert printed.out == ""
