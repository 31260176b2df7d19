"""Diagnostics of a record: measured once, written down, and read by the study."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from augfpn import records
from augfpn.cli.program import main
from augfpn.data import load
from augfpn.detectors import build
from augfpn.diagnostics import assignment, objects
from augfpn.diagnostics.measure import diagnostics_of, measure_record
from augfpn.diagnostics.numbers import diagnostic_numbers
from augfpn.errors import UserError
from augfpn.pyramid import AdaptiveSpatialFusion, SoftRoISelection
from augfpn.study.evidence import Evidence
from augfpn.study.results import mechanisms
from augfpn.study.running import grid, recorded
from augfpn.training import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """AugFPN at the smoke budget, on 12 and 12 scenes."""
    run = grid.Run("augfpn", "scenes", "smoke", 0)
    experiment = run.experiment
    data = dataclasses.replace(experiment.data, train_scenes=12, test_scenes=12)
    record = train.train(
        dataclasses.replace(experiment, data=data), tmp_path_factory.mktemp("records")
    )
    return record.folder


def test_a_record_is_measured_once(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["measure", str(folder), "--device", "cpu"]) == 0
    file = folder / records.DIAGNOSTICS
    assert str(file) in capsys.readouterr().out
    found = records.read(folder).diagnostics
    assert found is not None
    numbers = diagnostic_numbers(found)
    assert set(mechanisms.GAP_NUMBERS) <= numbers.keys()
    assert set(mechanisms.TOP_NUMBERS) <= numbers.keys()
    assert "loss, level by rule" not in numbers  # a soft selection has no such level
    assert sum(found["assignment"]["mixture"]["rois"]) > 100
    assert np.shape(found["semantic_gap"]["cka"]) == (4, 4)
    before = file.stat().st_mtime_ns
    measure_record(folder)
    assert file.stat().st_mtime_ns == before


def test_one_stage_detectors_have_three_levels_and_no_rois(folder: Path) -> None:
    record = records.read(folder)
    run = grid.Run("fcos:augfpn", "scenes", "smoke", 0)
    data = record.experiment.data
    record = dataclasses.replace(record, experiment=run.experiment)
    torch.manual_seed(0)
    detector = build.build_detector(run.experiment.model).eval()
    pictures = [load.load_pictures(data, use) for use in ("test", "train")]
    found = diagnostics_of(record, detector, *pictures, "cpu")
    assert found["semantic_gap"]["levels"] == ["M3", "M4", "M5"]
    assert found["semantic_gap"] == found["semantic_gap_before"]  # nothing was learned
    assert "assignment" not in found
    assert "C5 lost in M5 + M6" in diagnostic_numbers(found)


def test_measurements_are_of_the_record_alone(folder: Path, tmp_path: Path) -> None:
    """Measuring twice gives the same digits; a file without a version is measured again."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / records.DIAGNOSTICS).write_text("{}")
    again = json.loads(measure_record(copy).read_text())
    assert again == json.loads(measure_record(folder).read_text())


def test_evidence_and_figures_come_from_the_records(folder: Path) -> None:
    measure_record(folder)
    record = records.read(folder)
    key = grid.key_of_run(grid.Run("augfpn", "scenes", "smoke", 0))
    of = Evidence("scenes", "smoke", recorded.Found({key: record}, ()), number_of_draws=10)
    gap = of.measured(["augfpn"], [], "gap")
    assert gap.mean == diagnostic_numbers(record.diagnostics)["gap"]
    assert np.isnan(gap.low)  # one seed
    assert of.measured(["augfpn"], ["fpn"], "gap") is None
    text = mechanisms.measured_table(of, mechanisms.GAP_NUMBERS)
    assert "AugFPN (1 seeds)" in text
    assert f"{100 * gap.mean:.1f}" in text
    assert mechanisms.mixture_figure(of) is not None
    assert mechanisms.level_figure(of) is None
    assert "nothing there" in mechanisms.errors_table(of)


def test_what_cannot_be_measured_is_said(folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(folder, tmp_path / "bare")
    (bare / records.WEIGHTS).unlink()
    (bare / records.DIAGNOSTICS).unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"has no weights\.safetensors"):
        measure_record(bare)
    (bare / records.DIAGNOSTICS).write_text("{")
    with pytest.raises(UserError, match="is not a complete record"):
        records.read(bare)


def test_soft_weights_are_those_of_the_fusion(folder: Path) -> None:
    """The gates that are measured are those with which the fusion multiplies."""
    record = records.read(folder)
    detector = build.build_detector(record.experiment.model).eval()
    assert isinstance(detector.select, SoftRoISelection)
    assert isinstance(detector.select.fusion, AdaptiveSpatialFusion)
    nn.init.zeros_(detector.select.fusion.score.weight)
    with torch.no_grad():
        detector.select.fusion.score.bias.copy_(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    test = load.load_pictures(record.experiment.data, "test")
    rule = build.hard_selection(record.experiment.model, build.ROI_LEVELS, build.BOX_BINS)
    level, gate = assignment.gates(detector, rule, objects.maps(detector, *test[0], "cpu"))
    assert len(level) == len(gate) > 0
    wanted = torch.tensor([0.0, 1.0, 2.0, 3.0]).sigmoid().expand(len(gate), 4)
    np.testing.assert_allclose(gate, wanted, rtol=1e-5)
