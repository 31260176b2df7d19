"""How large objects are for FPN's rule, and the tries at budget transfer."""

import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from augfpn import records
from augfpn.figures import gate_weights, sizes
from augfpn.study import gather, photographs
from augfpn.study.evidence import Evidence


def test_sides_are_those_of_the_image_as_the_network_gets_it(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image of 640 x 512 is halved at the budget, whose canonical size is 71.68."""
    boxes = ([0, 0, 160, 40], [9, 9, 143, 143], [0, 0, 144, 144], [0, 0, 300, 300])
    truth = {
        "images": [{"id": 7, "width": 640, "height": 512}],
        "annotations": [{"image_id": 7, "bbox": box} for box in boxes],
    }
    monkeypatch.setattr(Evidence, "truth", lambda self, record: truth)
    found = photographs.sides_on({"scenes": evidence})
    assert list(found["images"].unique()) == ["scenes"]
    assert found["side"].tolist() == pytest.approx([side / 71.68 for side in (40, 71.5, 72, 150)])
    assert found["level"].tolist() == [3, 3, 4, 5]


def test_a_set_without_records_has_no_objects(evidence: Evidence) -> None:
    empty = replace(evidence, found=replace(evidence.found, by_key={}))
    found = photographs.sides_on({"bccd": empty, "scenes": evidence})
    assert list(found["images"].unique()) == ["scenes"]


def test_blood_cells_are_of_one_size() -> None:
    """Fewer than one in ten leaves P3, as the description of the data says, too."""
    found = photographs.sides_on({"bccd": gather.committed("bccd")})
    assert found["level"].value_counts(normalize=True)[3] == pytest.approx(0.86, abs=0.02)


def test_the_figure_has_each_objects_level_and_its_share() -> None:
    found = photographs.sides_on({"bccd": gather.committed("bccd")})
    figure = sizes.object_sizes(found)
    (axis,) = figure.axes
    said = {text.get_text() for text in axis.texts}
    shares = found["level"].value_counts(normalize=True)
    assert said == {f"P{level}: {share:.0%}" for level, share in shares.items()}
    assert sum(bar.get_height() for bar in axis.patches) == pytest.approx(100)
    plt.close(figure)


def test_gains_stand_by_size_where_there_are_objects_enough() -> None:
    """BCCD's test images have seven small objects."""
    of = gather.committed("bccd")
    figure = photographs.gains_figure({"bccd": of})
    (axis,) = figure.axes
    assert [label.get_text().replace("\n", " ") for label in axis.get_yticklabels()] == [
        "blood cells, all",
        "blood cells, medium",
        "blood cells, large",
    ]
    found = of.effects("augfpn", "fpn")
    means, papers = axis.lines[1].get_xdata(), axis.lines[2].get_xdata()
    assert means == pytest.approx([100 * found[name].mean for name in ("AP", "APm", "APl")])
    assert papers == pytest.approx([2.4, 2.2, 2.9])
    plt.close(figure)


def test_without_records_there_is_no_figure(evidence: Evidence) -> None:
    empty = replace(evidence, found=replace(evidence.found, by_key={}))
    assert photographs.gains_figure({"scenes": empty}) is None


def test_every_try_of_the_pilot_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"pictures": "bccd", "variant": "fpn", "steps": 300, "lr": 0.001, "frozen": 5}
    row |= {"AP": 0.531, "APs": 0.1, "APm": 0.2, "APl": 0.3}
    (tmp_path / "pilots").mkdir()
    (tmp_path / "pilots" / "transfer.json").write_text(json.dumps([row, row | {"AP": 0.5}]))
    monkeypatch.setattr(records, "COMMITTED", (tmp_path,))
    _, _, first, second = photographs.tries_on_photographs().splitlines()
    assert [cell.strip() for cell in first.strip("|").split("|")] == [
        *("blood cells", "FPN", "300", "0.001", "up to C5"),
        *("53.1", "10.0", "20.0", "30.0"),
    ]
    assert "50.0" in second


def test_the_weight_of_the_fine_maps_is_that_of_small_boxes() -> None:
    """Shares of a measured run, by the rule's level of the box (rows) and the map (columns)."""
    of = gather.committed("bccd", "transfer")
    found = photographs.gates_of_runs(of).set_index(["gates", "seed"])
    record = of.recorded("augfpn")[5]
    small, *_ = record.diagnostics["assignment"]["mixture"]["share"]
    assert found.loc[("random", 5), "fine"] == pytest.approx(100 * (small[0] + small[1]))
    assert found.loc[("random", 5), "AP"] == pytest.approx(100 * record.result["AP"])


def test_each_run_of_the_figure_of_gates_has_its_seed() -> None:
    runs = pd.DataFrame(
        [("random", 0, 50.0, 10.0), ("even", 3, 54.0, 90.0)],
        columns=["gates", "seed", "AP", "fine"],
    )
    figure = gate_weights.gates_and_ap(runs)
    (axis,) = figure.axes
    places = {text.get_text(): tuple(text.xy) for text in axis.texts}
    assert places == {"0": (10.0, 50.0), "3": (90.0, 54.0)}
    assert [text.get_text() for text in axis.get_legend().texts] == ["random", "even"]
    plt.close(figure)
