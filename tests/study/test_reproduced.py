"""What a repeated run should give: the records' own numbers, and how far off it may be."""

import itertools
import math

import numpy as np
import pytest

from augfpn.study import gather
from augfpn.study.evidence import Evidence
from augfpn.study.results import reproduced
from augfpn.study.running import grid

PAIR = ("cs", "fpn")


@pytest.fixture(scope="module")
def scenes() -> Evidence:
    return gather.committed("scenes")


def rows_of(table: str) -> dict[str, list[str]]:
    """The rows of a Markdown table by their first cell."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {label: values for label, *values in cells[2:]}


def test_the_table_has_the_numbers_of_the_records(scenes: Evidence) -> None:
    rows = rows_of(reproduced.expected_table(scenes, PAIR))
    for variant, label in zip(PAIR, ("CS", "FPN"), strict=True):
        result = scenes.recorded(variant)[0].result
        numbers = [result[name] for name in reproduced.EXPECTED]
        assert rows[f"{label}, Intel Xeon"] == [f"{100 * x:.1f}" for x in numbers]


def test_the_same_runs_on_another_processor_are_within_what_is_allowed(scenes: Evidence) -> None:
    """Else the page's sentence "you are right if" is wrong for the one who wrote it."""
    for variant in PAIR:
        own = scenes.recorded(variant)[0]
        again = reproduced.elsewhere(own)
        assert again is not None
        assert again.experiment == own.experiment
        assert again.fingerprints == own.fingerprints
        assert reproduced.processor_called(again) != reproduced.processor_called(own)
        for name in reproduced.EXPECTED:
            apart = abs(again.result[name] - own.result[name])
            assert apart <= reproduced.may_differ_by(scenes, name), (variant, name)


def test_the_spread_is_that_within_settings(scenes: Evidence) -> None:
    runs = [scenes.recorded(v).values() for v in grid.part("table2").variants]
    variances = [np.var([run.result["AP"] for run in each], ddof=1) for each in runs]
    assert len(variances) == 8
    pooled = math.sqrt(np.mean(variances))  # all settings have three seeds
    assert reproduced.spread_of_seeds(scenes, "AP") == pytest.approx(pooled)


def test_two_seeds_of_one_setting_differ_by_less_in_nearly_all_cases(scenes: Evidence) -> None:
    most = reproduced.may_differ_by(scenes, "AP")
    runs = [scenes.recorded(v).values() for v in grid.part("table2").variants]
    pairs = [
        abs(a.result["AP"] - b.result["AP"]) <= most
        for each in runs
        for a, b in itertools.combinations(each, 2)
    ]
    assert np.mean(pairs) >= 0.9


def test_without_runs_elsewhere_the_table_has_one_processor(scenes: Evidence, monkeypatch) -> None:
    monkeypatch.setattr(reproduced, "REPEATED_IN", "nowhere")
    rows = rows_of(reproduced.expected_table(scenes, PAIR))
    assert len(rows) == 4
