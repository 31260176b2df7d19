"""`augfpn bench --engines`: the same detector, picture and boxes in three engines."""

import json
from dataclasses import replace

import pytest

from augfpn.errors import UserError
from augfpn.study.bench import engines, pages, report
from augfpn.study.bench.settings import BenchSettings

SMALL = BenchSettings(budget="laptop", size=(64, 96), rois=20, threads=1, rounds=2, seconds=1)


def test_engines_detect_the_same_in_all_given_boxes(tmp_path) -> None:
    """Also the proposals' network runs in the file: its time belongs to a picture."""
    found = engines.measure_engines(SMALL)
    result = found["engines"]["augfpn"]
    assert list(result["engines"]) == list(engines.ENGINES)
    for each in result["engines"].values():
        assert len(each["seconds"]) == 2
        assert min(each["median"], each["cpu_ratio"]["median"]) > 0
    for each in result["detections"].values():
        assert each["same"] > 0
        assert each["apart"] == 0

    (file,) = report.write_files(found, tmp_path)
    assert json.loads(file.read_text())["settings"]["variants"] == ["augfpn"]
    assert "OpenVINO 0, onnxruntime 0" in engines.engines_text(found)
    rows = pages.engines_table([found]).splitlines()
    assert len(rows) == 2 + len(engines.ENGINES)


def test_torchvision_s_detector_is_not_exported() -> None:
    with pytest.raises(UserError, match="leave torchvision out of --variants"):
        engines.measure_engines(replace(SMALL, variants=("torchvision", "fpn")))
