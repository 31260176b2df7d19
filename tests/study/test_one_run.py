"""Tables and sentences about a run and its twin, with and without masks."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from augfpn.config import AUGFPN, FPN, Model
from augfpn.records import Record
from augfpn.settings import paper
from augfpn.settings.experiment import experiment
from augfpn.settings.parameters import parse
from augfpn.study import one_run

MASK_AUGFPN = replace(AUGFPN, detector="mask_rcnn")
MASK_FPN = replace(FPN, detector="mask_rcnn")


def run(model: Model, ap: float, classes: dict, mask: dict | None = None) -> Record:
    """A record in which all numbers but AP50 are ``ap``; ``mask`` has the numbers of masks."""
    settings = experiment(parse({"budget": "smoke", "weights": "scratch"}), "cpu")
    result = numbers(ap, classes) | {"steps": 20, "pictures": {"train": 8, "test": 4}}
    return Record(
        folder=Path("nowhere"),
        experiment=replace(settings, model=replace(model, norm="batch")),
        fingerprints={},
        classes=tuple(classes),
        report=(),
        environment={},
        result=result | ({"mask": mask} if mask else {}),
    )


def numbers(ap: float, classes: dict) -> dict:
    return dict.fromkeys(paper.AP_NAMES, ap) | {"AP50": ap + 0.2, "by_class": classes}


@pytest.fixture
def masked() -> tuple[Record, Record]:
    """A Mask R-CNN run and its twin. One class is called "mask", and one is in no test picture."""
    mine = run(
        MASK_AUGFPN,
        0.395,
        {"face": 0.5, "mask": 0.29, "hat": None},
        numbers(0.363, {"face": 0.4, "mask": 0.25, "hat": None}),
    )
    twin = run(
        MASK_FPN,
        0.375,
        {"face": 0.4, "mask": 0.31, "hat": None},
        numbers(0.369, {"face": 0.3, "mask": 0.2, "hat": None}),
    )
    return mine, twin


def table_of(text: str) -> dict[str, list[str]]:
    """A printed table's cells by the labels of rows; a dash is added to a label that repeats."""
    lines = text.splitlines()
    assert len(set(map(len, lines))) == 1, "all rows end in the same column"
    header = lines[0].removeprefix("box/mask").split()
    table = {"": header}
    for line in lines[1:]:
        label, *cells = line.rsplit(maxsplit=len(header))
        table[label + "'" * (label in table)] = cells
    return table


def test_cells_of_a_mask_run_are_box_and_mask_as_in_table_1(masked):
    text = one_run.as_text(one_run.run_rows(*masked))
    assert text.startswith("box/mask ")
    table = table_of(text)
    assert table[""] == list(paper.AP_NAMES)
    assert table["AugFPN"] == ["39.5/36.3", "59.5/56.3", *["39.5/36.3"] * 4]
    assert table["FPN twin"][:2] == ["37.5/36.9", "57.5/56.9"]
    assert table["difference"] == ["+2.0/-0.6"] * 6


def test_the_paper_s_row_beside_a_mask_run_has_its_masks(masked):
    table = table_of(one_run.as_text(one_run.run_rows(*masked)))
    (label,) = (label for label in table if label.startswith("the paper, Table 1"))
    assert table[label] == (
        ["39.5/36.3", "61.8/58.7", "42.9/38.8", "23.4/19.7", "42.7/39.2", "49.1/47.5"]
    )
    assert table["the paper's FPN"][0] == "37.5/34.4"
    assert table["difference'"] == (
        ["+2.0/+1.9", "+2.4/+2.4", "+2.3/+2.2", "+1.3/+1.1", "+2.1/+2.0", "+2.9/+3.0"]
    )


def test_a_run_without_masks_and_its_paper_s_row_have_one_number_a_cell():
    mine, twin = run(AUGFPN, 0.387, {"disk": 0.387}), run(FPN, 0.363, {"disk": 0.363})
    text = one_run.as_text(one_run.run_rows(mine, twin))
    assert "/" not in text
    table = table_of(text)
    assert table["AugFPN"][0] == "38.7"
    assert table["difference"][0] == table["difference'"][0] == "+2.4"
    assert table["the paper's FPN"] == ["36.3", "58.3", "39.0", "21.4", "40.3", "46.6"]


def test_the_paper_s_rows_on_coco_are_not_shown_beside_a_folder_of_one_s_own():
    mine, twin = run(AUGFPN, 0.387, {"disk": 0.387}), run(FPN, 0.363, {"disk": 0.363})
    data = replace(mine.experiment.data, name="folder")
    mine = replace(mine, experiment=replace(mine.experiment, data=data))
    rows = [label for label, _ in one_run.run_rows(mine, twin)]
    assert rows == ["AugFPN", "FPN twin", "difference"]


def test_what_does_not_exist_is_a_dash_for_boxes_and_for_masks_apart(masked):
    mine, twin = masked
    mine.result["APs"] = mine.result["mask"]["APs"] = None
    twin.result["mask"]["APl"] = None
    table = table_of(one_run.as_text(one_run.run_rows(mine, twin)))
    places = [paper.AP_NAMES.index(name) for name in ("APs", "APl")]
    assert [table["AugFPN"][i] for i in places] == ["-/-", "39.5/36.3"]
    assert [table["difference"][i] for i in places] == ["-/-", "+2.0/-"]


def test_an_old_record_without_masks_beside_one_with_is_compared_by_its_boxes(masked):
    old = run(MASK_FPN, 0.375, {"face": 0.4, "mask": 0.31, "hat": None})
    table = table_of(one_run.as_text(one_run.run_rows(masked[0], old)))
    assert table["FPN twin"][0] == "37.5"
    assert table["difference"][0] == "+2.0"
    assert "2.0 more than FPN's 37.5;" in one_run.run_conclusion(masked[0], old)


def test_classes_have_box_and_mask_ap_even_one_that_is_called_mask(masked):
    printed = one_run.class_table(one_run.results_of(*masked))
    heading, *rows = (re.split(r" {2,}", line.strip()) for line in printed.splitlines())
    assert heading == ["box/mask", "this run", "FPN twin"]
    assert rows == [["face", "50.0/40.0", "40.0/30.0"], ["mask", "29.0/25.0", "31.0/20.0"]]


def test_a_name_of_hundreds_of_letters_does_not_widen_the_table():
    rows = [("x" * 300, {"AP": 50.0}), ("y" * 60, {"AP": 40.0})]
    lines = one_run.as_text(rows, ["AP"]).splitlines()
    assert lines[1].split() == ["x" * 57 + "...", "50.0"]
    assert lines[2].split() == ["y" * 60, "40.0"]


def test_classes_that_no_test_picture_shows_are_left_out():
    empty, full = {"by_class": {"cat": None, "dog": None}}, {"by_class": {"cat": None, "dog": 0.25}}
    assert one_run.class_table({"run": empty}) == ""
    printed = one_run.class_table({"run": full, "FPN": empty})
    assert [line.split() for line in printed.splitlines()] == [["run", "FPN"], ["dog", "25.0", "-"]]


def test_a_class_called_difference_has_an_ap_without_a_sign():
    printed = one_run.class_table({"run": {"by_class": {"difference": 0.25}}})
    assert printed.splitlines()[1].split() == ["difference", "25.0"]


def test_the_conclusion_says_both(masked):
    said = one_run.run_conclusion(*masked)
    assert said.startswith(
        "AugFPN reaches box/mask AP 39.5/36.3 (AP50 59.5/56.3) on 4 held-out pictures (scenes), "
        "2.0 more than FPN's 37.5 in boxes and 0.6 less than FPN's 36.9 in masks; smoke budget"
    )
    assert one_run.run_conclusion(masked[1], None) == (
        "FPN reaches box/mask AP 37.5/36.9 (AP50 57.5/56.9) on 4 held-out pictures (scenes); "
        "smoke budget, 20 steps."
    )


def test_the_conclusion_of_boxes_alone():
    mine, twin = run(AUGFPN, 0.25, {"disk": 0.25}), run(FPN, 0.3, {"disk": 0.3})
    assert one_run.run_conclusion(mine, twin).startswith(
        "AugFPN reaches AP 25.0 (AP50 45.0) on 4 held-out pictures (scenes), 5.0 less than FPN's "
        "30.0; smoke budget, 20 steps, one run of each"
    )
    assert "no record of the same run with FPN" in one_run.run_conclusion(mine, None)
    mine.result["AP"] = None
    assert "nothing to measure" in one_run.run_conclusion(mine, None)


def test_every_row_of_the_paper_can_be_shown():
    for name in ("table1", "table2", "table3", "table4", "table5"):
        for row in paper.tables()[name]:
            (cells,) = one_run.as_text([("row", one_run.cells(row))]).splitlines()[1:]
            assert cells.count("/") == (len(paper.AP_NAMES) if row.get("mask") else 0)
            assert f"{row['AP']:.1f}" in cells


@pytest.mark.parametrize(
    ("commit", "said"), [("0123456789ab", "(commit 0123456789ab)"), (None, "(no clone of git)")]
)
def test_the_code_that_made_a_run_is_named(commit: str | None, said: str) -> None:
    made = run(AUGFPN, 0.3, {"disk": 0.3})
    where = {"device_name": "a CPU", "versions": {"torch": "2", "augfpn": "1"}, "commit": commit}
    needed = made.result | {"seconds": 60.0, "memory_mb": None}
    text = one_run.run_resources(replace(made, environment=where, result=needed))
    assert text.startswith("trained for 1 min 00 s (20 steps), on a CPU")
    assert text.endswith(f"on a CPU; torch 2, augfpn 1 {said}")
    once = replace(made, environment=where, result=needed | {"steps": 1})
    assert "(1 step)" in one_run.run_resources(once)
