"""The table of the paper's gains, ours and the costs."""

import pytest

from augfpn.study import gather
from augfpn.study.results import in_one_table
from augfpn.study.spreads import wider_text


@pytest.fixture(scope="module")
def table() -> dict[str, list[str]]:
    later = gather.committed("scenes", phase="confirmation")
    photographs = gather.committed_sets(("bccd", "aquarium"), "transfer")
    (timing,) = gather.committed("scenes").timings
    lines = in_one_table.parts_table(later, photographs, timing).splitlines()
    rows = [
        [cell.strip().replace("\xa0", " ") for cell in line.strip("|").split("|")] for line in lines
    ]
    return {row[0]: row[1:] for row in rows}


def test_it_has_each_part_and_both_kinds_of_gates(table: dict[str, list[str]]) -> None:
    assert [*table][2:] == ["CS", "RFA", "SRS", "AugFPN", "AugFPN, gates that begin even"]


def test_the_papers_gains_are_its_table_2s(table: dict[str, list[str]]) -> None:
    said = [row[0] for row in [*table.values()][2:]]
    assert said == ["+0.9", "+1.0", "+0.8", "+2.4", "–"]  # minus 36.3; even gates are ours


def test_a_gain_has_its_interval_and_pairs_and_is_bold_beyond_zero(table) -> None:
    later = gather.committed("scenes", phase="confirmation")
    assert table["AugFPN"][1] == f"{wider_text(later, 'augfpn')} (9)"
    assert table["CS"][1] == f"**{wider_text(later, 'cs')}** (9)"


def test_two_pairs_are_not_enough(table: dict[str, list[str]]) -> None:
    cells = gather.committed("bccd", "transfer")
    assert in_one_table.gain_and_pairs(cells, "augfpn_tuned") == "–"


def test_supervision_costs_nothing_at_inference(table: dict[str, list[str]]) -> None:
    by_row = {name: float(row[5].removeprefix("× ")) for name, row in [*table.items()][2:]}
    assert by_row["CS"] == pytest.approx(1, abs=0.03)
    assert by_row["AugFPN"] == by_row["AugFPN, gates that begin even"] > 1.1
