"""Pairs of runs: a row for each seed, the difference beside it, and a row of means."""

import pandas as pd

from augfpn.figures.pairs import seed_pairs_figure

RUNS = pd.DataFrame({
    "label": ["FPN", "FPN", "AugFPN", "AugFPN"],
    "seed": [3, 4, 4, 3],
    "AP": [48.0, 49.0, 47.0, 51.0],
})  # fmt: skip


def test_each_seed_has_its_row_with_the_difference_of_its_two_runs() -> None:
    (axis,) = seed_pairs_figure(RUNS).axes
    rows = [label.get_text() for label in axis.get_yticklabels()]
    assert rows == ["seed 3", "seed 4", "mean"]
    assert [text.get_text() for text in axis.texts] == ["+3.0", "−2.0", "+0.5"]
    first, second = axis.collections[1:]
    assert first.get_offsets()[:, 0].tolist() == [48.0, 49.0, 48.5]
    assert second.get_offsets()[:, 0].tolist() == [51.0, 47.0, 49.0]
