"""The gate of a dial: what its pilot must show, which runs wait for it, and what is told of it."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from augfpn import records
from augfpn.cli.program import main
from augfpn.errors import UserError
from augfpn.study import gates
from augfpn.study.evidence import Evidence
from augfpn.study.gates import Pilot, allowed, closed, pilot_of, pilots_of
from augfpn.study.running import grid, recorded
from augfpn.study.running.recorded import Found
from augfpn.study.running.sets import AP_AWAY, GATES
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.resampling import Draws
from augfpn.study.uncertainty.scores import scored_away


def with_ap(smoke: records.Record, ap: dict[tuple[str, str, int], float]) -> Found:
    """Records of laptop runs, by variant, picture set and seed, with a chosen AP."""
    by_key = {}
    for (variant, pictures, seed), value in ap.items():
        run = grid.Run(variant, pictures, "laptop", seed)
        made = replace(smoke, experiment=run.experiment, result=smoke.result | {"AP": value})
        by_key[grid.key_of_run(run)] = made
    return Found(by_key, ())


def of_fpn(smoke: records.Record, home: float, turned: float, control: float) -> Found:
    sets = {"scenes": home, "channels_x0.125": turned, "channels_x4": control}
    return with_ap(smoke, {("fpn", name, 0): value for name, value in sets.items()})


@pytest.mark.parametrize(
    ("home", "turned", "control", "passes"),
    [
        (0.5, 0.4, 0.49, True),
        (0.5, 0.43, 0.5, False),  # FPN loses 7 AP
        (0.5, 0.4, 0.47, False),  # the control regains 70 %
        (0.5, 0.6, 0.5, False),  # FPN gains
    ],
)
def test_fpn_must_lose_and_the_control_regain(smoke, home, turned, control, passes) -> None:
    found = of_fpn(smoke, home, turned, control)
    (pilot,) = pilots_of(["channels_x0.125"], "laptop", found).values()
    assert pilot.loss == pytest.approx(home - turned)
    assert pilot.regained == pytest.approx((control - turned) / (home - turned))
    assert pilot.passes == passes
    run = grid.Run("rfa", "channels_x0.125", "laptop", 0)
    assert bool(closed([run], found)) != passes


def test_without_a_control_or_without_runs_no_dial_passes(smoke: records.Record) -> None:
    found = with_ap(smoke, {("fpn", "scenes", 0): 0.5, ("fpn", "channels_x0.25", 0): 0.3})
    half, none = pilots_of(["channels_x0.25", "arrangement"], "laptop", found).values()
    assert (half.loss, half.regained, half.passes) == (pytest.approx(0.2), None, False)
    assert none == Pilot("arrangement", None, None)
    assert str(none) == "arrangement: no pilot yet"
    assert "FPN loses 20.0 AP, no control yet: does not pass" in str(half)


def test_only_the_pilots_seeds_count(smoke: records.Record) -> None:
    sets = {"scenes": 0.5, "channels_x0.125": 0.3, "channels_x4": 0.5}
    found = with_ap(smoke, {("fpn", name, 3): value for name, value in sets.items()})
    (pilot,) = pilots_of(["channels_x0.125"], "laptop", found).values()
    assert pilot.loss is None


def test_fpn_plain_scenes_and_smoke_runs_need_no_pilot() -> None:
    nothing = Found({}, ())
    for dial, (home, control, _) in GATES.items():
        free = [grid.Run("fpn", name, "laptop", 0) for name in (home, dial, control)]
        free += [grid.Run("augfpn", "scenes", "laptop", 0), grid.Run("augfpn", dial, "smoke", 0)]
        assert closed(free, nothing) == {}
        assert closed([grid.Run("augfpn", dial, "laptop", 3)], nothing).keys() == {dial}


def test_a_dial_that_was_named_is_refused_and_others_are_left_out_aloud() -> None:
    nothing, said = Found({}, ()), []
    missing = [grid.Run(v, p, "laptop", 0) for p in ("scenes", "detail") for v in ("fpn", "cs")]
    with pytest.raises(UserError, match="detail: no pilot yet; components are run only on dials"):
        allowed(missing, nothing, named=True, say=said.append)
    kept = allowed(missing, nothing, named=False, say=said.append)
    assert [str(run) for run in missing if run not in kept] == ["cs on detail, seed 0"]
    (line,) = said
    command = "study run dials --budget laptop --pictures scenes detail detail_told"
    assert f"`augfpn {command}`" in line


def test_the_command_refuses_a_matrix_without_a_pilot_before_any_run(tmp_path, capsys) -> None:
    words = ["study", "run", "regained", "--budget", "gpu", "--pictures", "channels_x0.125"]
    assert main([*words, "--records", str(tmp_path)]) == 2
    assert "channels_x0.125: no pilot yet" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dials_runs_differ_by_the_dial_and_by_the_remedy_only() -> None:
    for dial, (home, control, number) in GATES.items():
        at_home, turned, remedy = (
            grid.Run("fpn", name, "laptop", 0).experiment for name in (home, dial, control)
        )
        assert at_home != turned
        assert remedy != turned
        assert (at_home.train.steps, at_home.seed) == (turned.train.steps, turned.seed)
        told = replace(turned, data=replace(turned.data, told_by_colour=True))
        jittered = replace(turned, train=replace(turned.train, augment="scale_jitter"))
        wider = replace(at_home, model=replace(at_home.model, channels=256))
        assert remedy in (at_home, told, jittered, wider)
        assert (number == AP_AWAY) == (remedy == jittered)


def test_one_run_without_the_rule_serves_all_its_settings() -> None:
    def key(variant: str, pictures: str) -> str:
        return grid.key_of_run(grid.Run(variant, pictures, "laptop", 0))

    for variant in ("srs", "augfpn", "cs_rfa", "cs_single_lam1.2", "panet", "rfa"):
        same = key(variant, "canonical_x4") == key(variant, "scenes")
        rule = grid.Run(variant, "scenes", "laptop", 0).experiment.model.roi_selection == "hard"
        assert same != rule


# --- objects away from home -----------------------------------------------------------------------


def away_ones(record: records.Record, coco: dict) -> list[dict]:
    """By hand: disks and crosses are at home below the geometric middle of the sizes."""
    middle = (12 * 0.65 * 256) ** 0.5
    number = {each["name"]: each["id"] for each in coco["categories"]}
    small_at_home = {number["disk"], number["cross"]}
    return [
        each
        for each in coco["annotations"]
        if (max(each["bbox"][2:]) > middle) == (each["category_id"] in small_at_home)
    ]


def test_only_objects_away_from_home_are_scored(smoke: records.Record, coco: dict) -> None:
    away = away_ones(smoke, coco)
    assert 0 < len(away) < len(coco["annotations"])

    def ap(found: list[dict]) -> float:
        names = ("image_id", "category_id", "bbox")
        made = replace(smoke)
        made.__dict__["predictions"] = [{k: x[k] for k in names} | {"score": 0.5} for x in found]
        return scored_away(made, coco, 1).draws.observed["AP"]

    assert ap(away) == pytest.approx(1)
    assert ap(coco["annotations"]) == pytest.approx(1)  # at home: neither right nor wrong
    assert ap([each for each in coco["annotations"] if each not in away]) == 0


# --- intervals of shares --------------------------------------------------------------------------


def test_fiellers_interval_contains_the_true_ratio_in_95_of_100_studies() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        above, below = 0.05 + 0.01 * rng.standard_normal(6), 0.1 + 0.01 * rng.standard_normal(6)
        of = intervals.ratio(*(alike(each) for each in (above, below)), "AP")
        held += of.low <= 0.5 <= of.high
    assert 0.92 <= held / 400 <= 0.98


def alike(values: np.ndarray) -> list[Draws]:
    """Draws on which pictures do not matter."""
    return [Draws({"AP": float(x)}, {"AP": np.full(5, float(x))}) for x in values]


def test_a_ratio_to_what_may_be_zero_has_no_limits() -> None:
    of = intervals.ratio(alike(np.array([0.1, 0.2, 0.3])), alike(np.array([-0.1, 0.0, 0.2])), "AP")
    assert np.isnan(of.low)
    assert np.isnan(of.high)


AP_OF_DIALS = {"scenes": 0.5, "channels_x0.125": 0.3, "canonical_x4": 0.6, "channels_x4": 0.5}


class Known:
    """What stands for a record of which only the AP is asked."""

    def __init__(self, value: float) -> None:
        self.result = {"AP": value}


class Made(Evidence):
    """One seed of FPN on four picture sets, and RFA, which is better by 10 points on one."""

    def recorded(self, variant: str) -> dict:
        return {0: Known(AP_OF_DIALS[self.pictures])} if self.pictures in AP_OF_DIALS else {}

    def of(self, variant: str) -> dict[int, Draws]:
        if self.pictures not in AP_OF_DIALS:
            return {}
        extra = 0.1 if (variant, self.pictures) == ("rfa", "channels_x0.125") else 0.0
        return dict(enumerate(alike(np.array([AP_OF_DIALS[self.pictures] + extra]))))


@pytest.fixture
def made(monkeypatch) -> dict[str, Evidence]:
    monkeypatch.setattr(gates, "Evidence", Made)
    dials = ("channels_x0.125", "canonical_x4")
    monkeypatch.setattr(gates, "GATES", {name: GATES[name] for name in dials})
    return {"scenes": Made("scenes", "laptop", recorded.Found({}, ()))}


def test_the_report_tells_the_pilots_and_what_components_regain(made) -> None:
    """The control regains all that FPN lost, RFA half, on one seed; pictures do not matter."""
    about, table = gates.section("dials", made)
    assert "8 AP" in about
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    passes, gains = rows[2:]
    assert [cell.replace("\u00a0", " ") for cell in passes] == [
        *("channels_x0.125", "passes *", "+20.0 [+20.0, +20.0] *"),
        *("100.0 [100.0, 100.0] *", "channels_x4"),
    ]
    assert gains[1] == "does not pass *"
    assert gains[3] == "–", "where nothing is lost, nothing is given back"
    told = "\n".join(gates.section("regained", made))
    assert "50.0 [50.0,\u00a050.0] *" in told
    assert pilot_of("channels_x0.125", gates.on_all_sets(made, "")).passes


def test_the_figure_of_pilots_has_the_table_s_numbers(made) -> None:
    lost, regained = gates.pilots_figure(gates.on_all_sets(made, "")).axes
    assert dots(lost) == [(pytest.approx(-10), 1), (pytest.approx(20), 0)]
    assert dots(regained) == [(pytest.approx(100), 0)]
    names = [text.get_text() for text in lost.get_yticklabels()]
    assert names == ["channels × 0.125", "canonical × 4"]


def dots(axis: Axes) -> list[tuple[float, float]]:
    clouds = [each for each in axis.collections if isinstance(each, PathCollection)]
    return sorted(tuple(at) for cloud in clouds for at in cloud.get_offsets().tolist())
