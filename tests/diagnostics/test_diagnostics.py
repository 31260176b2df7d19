"""Measurements of the three defects against cases where the answer is known."""

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
from augfpn.detectors import build
from augfpn.diagnostics import assignment, measure, objects, probes, semantic_gap, top_level
from augfpn.diagnostics.objects import Seen
from augfpn.errors import UserError
from augfpn.pyramid import AdaptiveSpatialFusion, SoftRoISelection
from augfpn.study import grid, mechanisms
from augfpn.study.evidence import Evidence
from augfpn.training import train

PICTURES = np.repeat(np.arange(40), 5)  # five objects in each of forty pictures


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# --- readouts -------------------------------------------------------------------------------------


def test_cka_ignores_rotation_and_scale_and_sees_what_is_unrelated(rng) -> None:
    x = rng.normal(size=(2000, 8))
    turned = x @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert probes.linear_cka(x, x) == pytest.approx(1)
    assert probes.linear_cka(x, 3 * turned + 5) == pytest.approx(1)
    assert probes.linear_cka(x, rng.normal(size=(2000, 8))) < 0.02


def test_cka_by_hand() -> None:
    """Columns (1, -1, 0) and (1, 0, -1): centred; X'Y = 1, X'X = Y'Y = 2, so 1 / 4."""
    assert probes.linear_cka(
        np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0], [0.0], [-1.0]])
    ) == pytest.approx(0.25)


def test_a_readout_finds_again_what_is_there_and_only_that(rng) -> None:
    x = rng.normal(size=(200, 3))
    linear = x @ rng.normal(size=(3, 4))
    assert probes.explained(x, linear, PICTURES) > 0.95
    assert abs(probes.explained(x, rng.normal(size=(200, 4)), PICTURES)) < 0.1
    half = np.concatenate(
        [linear[:, :1], np.std(linear[:, :1]) * rng.normal(size=(200, 1))], axis=1
    )
    assert probes.explained(x, half, PICTURES) == pytest.approx(0.5, abs=0.1)


def test_pictures_are_never_fitted_and_judged_on() -> None:
    for fit, judge in probes.halves(PICTURES):
        assert not set(PICTURES[fit]) & set(PICTURES[judge])
        assert fit.sum() + judge.sum() == len(PICTURES)


def levels_of(rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Three classes on three levels: the second is the first shifted and stretched, the third has
    the classes in other places."""
    labels = rng.integers(1, 4, len(PICTURES))
    centres = 4 * np.eye(3)
    first = centres[labels - 1] + rng.normal(size=(len(labels), 3))
    third = centres[labels % 3] + rng.normal(size=(len(labels), 3))
    return labels, [first, 10 * first + 3, third]


def test_a_probe_transfers_where_the_meaning_is_the_same(rng) -> None:
    labels, levels = levels_of(rng)
    found = probes.transfer(levels, labels, PICTURES)
    assert found[0, 0] > 0.9
    assert found[0, 1] == pytest.approx(found[1, 1], abs=0.05)  # neither scale nor shift counts
    assert found[0, 2] < 0.1


def test_the_gap_is_what_a_probe_loses_on_other_levels(rng) -> None:
    labels, levels = levels_of(rng)
    seen = [
        Seen(
            labels[i == PICTURES],
            {f"M{k}": x[i == PICTURES] for k, x in zip((3, 4, 5), levels, strict=True)}
            | {"M5 + M6": np.zeros((5, 3))},
            {},
        )
        for i in range(40)
    ]
    found = semantic_gap.semantic_gap(seen)
    assert (found["levels"], found["objects"]) == (["M3", "M4", "M5"], 200)
    numbers = semantic_gap.numbers(found)
    probe = np.array(found["probe"])
    assert numbers["own level"] == pytest.approx(np.trace(probe) / 3)
    assert numbers["other level"] == pytest.approx((probe.sum() - np.trace(probe)) / 6)
    assert numbers["gap"] > 0.4


def test_content_and_loss_at_the_top(rng) -> None:
    """M5 holds half of C5's channels; P5 at every place also tells how many objects there are."""

    def look(i: int) -> Seen:
        labels = rng.integers(1, 3, rng.integers(1, 9))
        c5 = rng.normal(size=(20, 4))
        counts = np.bincount(labels, minlength=3)[1:]
        p5 = np.concatenate([c5[:, :2], np.tile(counts, (20, 1))], axis=1)
        maps = {"C5": c5, "M5": c5[:, :2], "P5": p5}
        return Seen(labels, {name: x[: len(labels)] for name, x in maps.items()}, maps)

    seen, learned = [look(i) for i in range(40)], [look(i) for i in range(60)]
    found = top_level.top_level(seen, learned, 2)
    assert found["c5"]["M5"] == pytest.approx(0.5, abs=0.05)
    assert found["content"]["P5"] > 0.9
    assert found["content"]["M5"] < 0.1
    assert top_level.numbers(found | {"surroundings": {}})["C5 lost in M5"] == pytest.approx(
        1 - found["c5"]["M5"]
    )


def test_only_what_is_near_the_object_stays() -> None:
    image = torch.zeros(3, 60, 100, dtype=torch.uint8)
    image[:, 20:40, 30:50] = 200
    bare = top_level.without_surroundings(image, torch.tensor([30.0, 20.0, 50.0, 40.0]))
    assert torch.equal(bare[:, 15:45, 25:55], image[:, 15:45, 25:55])  # 1.5 times 20 px
    assert bare[:, :15].unique().tolist() == [round(200 * 400 / 6000)]


# --- levels and RoIs ------------------------------------------------------------------------------


def made_up(side: list, level: list, loss: list, each: list, mirrored: list) -> assignment.Objects:
    n = len(side)
    each = np.array(each, float)
    return assignment.Objects(
        *(np.array(side, float), np.array(level), np.array(loss, float)),
        *(np.zeros((n, 1)), np.zeros((n, 1), bool)),
        *(each, np.array(mirrored, float), each < 0.5),
    )


def test_the_oracle_cannot_profit_from_the_noise_of_one_view() -> None:
    """The choice is made by the mirrored losses, and paid for with the real ones."""
    of = made_up([50] * 20, [2] * 20, [0] * 20, [[1.0, 0.2, 3.0]] * 20, [[0.5, 0.6, 0.1]] * 20)
    found = assignment.oracle(of, (2, 3, 4))
    assert (found["loss_assigned"], found["loss_best"]) == (1.0, 3.0)
    assert found["table"] == [[0, 0, 20], [0, 0, 0], [0, 0, 0]]
    assert found["loss"] == [[1.0, pytest.approx(0.2), 3.0], [None] * 3, [None] * 3]
    assert (found["right_assigned"], found["right_best"]) == (0.0, 0.0)


def test_another_level_for_all_objects_of_a_size() -> None:
    """Forty objects of P2 would do better by 0.4 at P3, twenty of P3 are best where they are."""
    each = [[1.0, 0.6, 3.0]] * 40 + [[2.0, 0.5, 0.7]] * 20 + [[0.1, 0.1, 9.0]] * 3
    of = made_up([50] * 63, [2] * 40 + [3] * 20 + [4] * 3, [0] * 63, each, each)
    found = assignment.oracle(of, (2, 3, 4))
    assert assignment.gain_by_size(found) == pytest.approx(0.4 * 40 / 60)
    few = assignment.oracle(made_up([50], [2], [0], [[1.0, 0.6]], [[1.0, 0.6]]), (2, 3))
    assert assignment.gain_by_size(few) is None


def test_distance_is_in_octaves_from_the_nearest_border() -> None:
    sides = [112 * 2**0.2] * 20 + [448 * 2**-0.2] * 20 + [112 * 2**0.5] * 30 + [20] * 10
    losses = [1.0] * 40 + [3.0] * 40
    of = made_up(sides, [2] * 80, losses, [[0.0]] * 80, [[0.0]] * 80)
    found = assignment.by_distance(of, (112, 224, 448))
    assert (found["near"], found["far"]) == (1.0, 3.0)
    assert (found["objects_near"], found["objects_far"]) == (40, 40)


def test_changes_are_compared_for_the_same_objects() -> None:
    """Two objects: only the first crosses a border, in its second step."""
    of = made_up([50, 50], [2, 2], [0, 0], [[0.0]] * 2, [[0.0]] * 2)._replace(
        steps=np.array([[0.1, 0.8, 0.3], [9.0, 9.0, 9.0]]),
        crosses=np.array([[False, True, False], [False, False, False]]),
    )
    assert assignment.scaled(of) == {
        "across": 0.8,
        "elsewhere": pytest.approx(0.2),
        "crossings": 1,
    }


def test_shares_and_entropy_of_weights() -> None:
    gate = np.array([[0.8, 0.8, 0.8, 0.8]] * 20 + [[0.9, 1e-9, 1e-9, 1e-9]] * 20)
    level = np.array([2] * 20 + [5] * 20)
    found = assignment.mixture(level, gate, (2, 3, 4, 5))
    assert found["rois"] == [20, 0, 0, 20]
    assert found["mean"][0] == pytest.approx([0.8] * 4)
    assert found["mean"][1] == [None] * 4
    assert found["share"][3] == pytest.approx([1, 0, 0, 0], abs=1e-6)
    assert found["entropy"] == [pytest.approx(1), None, None, pytest.approx(0, abs=1e-6)]
    numbers = assignment.shares((2, 3, 4, 5), found)
    assert numbers["P5's share at P2"] == pytest.approx(0.25)
    assert numbers["P2's share at P3"] is None
    assert numbers["least share"] is None  # RoIs of P3 and P4 are too few to know
    whole = assignment.mixture(
        np.repeat([2, 3, 4, 5], 20), np.repeat(gate[:20], 4, axis=0), range(2, 6)
    )
    assert assignment.shares(range(2, 6), whole)["least share"] == pytest.approx(0.25)


# --- on a record ----------------------------------------------------------------------------------


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
    numbers = measure.numbers(found)
    assert set(mechanisms.GAP) <= numbers.keys()
    assert set(mechanisms.TOP) <= numbers.keys()
    assert "loss, level by rule" not in numbers  # a soft selection has no such level
    assert sum(found["assignment"]["mixture"]["rois"]) > 100
    assert np.shape(found["semantic_gap"]["cka"]) == (4, 4)
    before = file.stat().st_mtime_ns
    measure.measure(folder)
    assert file.stat().st_mtime_ns == before


def test_one_stage_detectors_have_three_levels_and_no_rois(folder: Path) -> None:
    record = records.read(folder)
    run = grid.Run("fcos:augfpn", "scenes", "smoke", 0)
    data = record.experiment.data
    record = dataclasses.replace(record, experiment=run.experiment)
    torch.manual_seed(0)
    detector = build.build_detector(run.experiment.model).eval()
    pictures = [train.load_pictures(data, use) for use in ("test", "train")]
    found = measure.measured(record, detector, *pictures, "cpu")
    assert found["semantic_gap"]["levels"] == ["M3", "M4", "M5"]
    assert found["semantic_gap"] == found["semantic_gap_before"]  # nothing was learned
    assert "assignment" not in found
    assert "C5 lost in M5 + M6" in measure.numbers(found)


def test_measurements_are_of_the_record_alone(folder: Path, tmp_path: Path) -> None:
    """The same twice, to the last digit; what is of no version is measured anew."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / records.DIAGNOSTICS).write_text("{}")
    again = json.loads(measure.measure(copy).read_text())
    assert again == json.loads(measure.measure(folder).read_text())


def test_evidence_and_figures_come_from_the_records(folder: Path) -> None:
    measure.measure(folder)
    record = records.read(folder)
    key = grid.key_of_run(grid.Run("augfpn", "scenes", "smoke", 0))
    of = Evidence("scenes", "smoke", grid.Found({key: record}, ()), number_of_draws=10)
    gap = of.measured(["augfpn"], [], "gap")
    assert gap.mean == measure.numbers(record.diagnostics)["gap"]
    assert np.isnan(gap.low)  # one seed
    assert of.measured(["augfpn"], ["fpn"], "gap") is None
    text = mechanisms.measured(of, mechanisms.GAP)
    assert "AugFPN (1 seeds)" in text
    assert f"{100 * gap.mean:.1f}" in text
    assert mechanisms.mixture_figure(of) is not None
    assert mechanisms.level_figure(of) is None
    assert "nothing there" in mechanisms.errors(of)


def test_what_cannot_be_measured_is_said(folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(folder, tmp_path / "bare")
    (bare / "weights.pt").unlink()
    (bare / records.DIAGNOSTICS).unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"has no weights\.pt"):
        measure.measure(bare)
    (bare / records.DIAGNOSTICS).write_text("{")
    with pytest.raises(UserError, match="is no whole record"):
        records.read(bare)


def test_soft_weights_are_those_of_the_fusion(folder: Path) -> None:
    """The gates of a picture are what the fusion itself multiplies with."""
    record = records.read(folder)
    detector = build.build_detector(record.experiment.model).eval()
    assert isinstance(detector.select, SoftRoISelection)
    assert isinstance(detector.select.fusion, AdaptiveSpatialFusion)
    nn.init.zeros_(detector.select.fusion.score.weight)
    with torch.no_grad():
        detector.select.fusion.score.bias.copy_(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    test = train.load_pictures(record.experiment.data, "test")
    rule = build.hard_selection(record.experiment.model, build.ROI_LEVELS, build.BOX_BINS)
    level, gate = assignment.gates(detector, rule, objects.maps(detector, *test[0], "cpu"))
    assert len(level) == len(gate) > 0
    wanted = torch.tensor([0.0, 1.0, 2.0, 3.0]).sigmoid().expand(len(gate), 4)
    np.testing.assert_allclose(gate, wanted, rtol=1e-5)
