"""The commands with which the page on a trained detector compares runs, and what they print."""

import importlib
import json
import re
import subprocess
import textwrap
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from chapters import BOOK

from augfpn.cli.program import main
from augfpn.study import gather
from augfpn.study.uncertainty.truth import truth_of

PAGE = (BOOK / "trained_detector.md").read_text("utf-8")
TORCHVISION, DETECTRON2, MMDETECTION = re.findall(
    r"^((?: +found=.*\n)? +augfpn interval --annotations (?:.*\\\n)*.*)$", PAGE, re.M
)


def compare_words(command: str) -> list[str]:
    """The words that a shell makes of a command of the page, for `augfpn`."""
    shown = "augfpn() { printf '%s\\n' \"$@\"; }\n" + textwrap.dedent(command)
    return subprocess.run(
        ["bash", "-ec", shown], capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize(
    ("command", "place", "annotations"),
    [
        (DETECTRON2, "runs/{}/coco_instances_results.json", "test.json"),
        (MMDETECTION, "tested/{}.bbox.json", "data/test.json"),
    ],
)
def test_the_commands_find_what_the_libraries_leave(
    command: str, place: str, annotations: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    """Where each leaves its detections is read in its source (`COCOEvaluator`, `CocoMetric`)."""
    monkeypatch.chdir(tmp_path)
    truth = {"categories": [{"id": 0, "name": "a"}], "images": [], "annotations": []}
    for n in range(4):
        image = {"id": n, "width": 99, "height": 99, "file_name": f"{n}.jpg"}
        truth["images"].append(image)
        box = {"id": n + 1, "image_id": n, "category_id": 0, "bbox": [9, 9, 40, 40]}
        truth["annotations"].append(box)
    Path(annotations).parent.mkdir(exist_ok=True)
    Path(annotations).write_text(json.dumps(truth))
    for seed in range(8):
        for k, kind in enumerate(("without", "with")):
            file = Path(place.format(f"{kind}-{seed}"))
            file.parent.mkdir(parents=True, exist_ok=True)
            off = [9 + seed, 9 + 5 * (1 - k), 40, 40]
            rows = [{"image_id": n, "category_id": 0, "bbox": off, "score": 0.5} for n in range(4)]
            file.write_text(json.dumps(rows))
    assert main(compare_words(command)) == 0
    said = capsys.readouterr().out
    assert "8 pairs of runs, 4 test images" in said
    assert "A is better than B" in said


@pytest.fixture
def worked(monkeypatch) -> ModuleType:
    """The drawing of the finished case, which reads its committed detections."""
    monkeypatch.syspath_prepend(BOOK / "figures")
    return importlib.import_module("finished_case")


def test_the_page_prints_what_the_command_says_of_the_finished_case(
    worked, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    files = worked.unpacked(tmp_path)
    assert len(files["without"]) == len(files["with"]) >= 3
    assert main(compare_words(TORCHVISION)) == 0
    assert capsys.readouterr().out == (BOOK / "examples/worked_pairs.txt").read_text("utf-8")


def test_its_annotations_are_those_of_our_runs_on_blood_cells(worked, tmp_path) -> None:
    worked.unpacked(tmp_path)
    made = json.loads((tmp_path / "test.json").read_text())
    ours = truth_of(gather.committed("bccd", "transfer").recorded("fpn")[0])
    assert len(made["images"]) == len(ours["images"]) == 72
    boxes = [
        sorted((a["category_id"], *a["bbox"]) for a in each["annotations"]) for each in (made, ours)
    ]
    assert boxes[0] == boxes[1]


def test_its_drawing_has_its_numbers(worked) -> None:
    """Else draw it again: python book/figures/finished_case.py."""
    drawing = ElementTree.parse(BOOK / "figures/finished_case.svg").getroot()
    said = json.loads(drawing.find(".//{http://purl.org/dc/elements/1.1/}description").text)
    found = json.loads(worked.finished().text())
    assert said.keys() == found.keys()
    for name, values in found.items():
        assert said[name] == pytest.approx(values, abs=0.011)


def test_two_lists_of_ap_are_enough_for_an_interval(capsys) -> None:
    (words,) = re.findall(r"^ +augfpn interval (--without (?:.*\\\n)*.*)$", PAGE, re.M)
    assert main(["interval", *words.replace("\\", "").split()]) == 0
    assert "from 4 pairs" in capsys.readouterr().out
