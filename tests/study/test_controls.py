"""Controls: what they change, and where tuned settings come from."""

import json
from dataclasses import replace

import numpy as np
import pytest

from augfpn import records
from augfpn.config import Model
from augfpn.detectors import cost
from augfpn.errors import UserError
from augfpn.settings import parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.study import gather, tables
from augfpn.study.evidence import Evidence
from augfpn.study.results import against
from augfpn.study.running import grid, tries
from augfpn.study.running.controls import CONTROL_VARIANTS, WIDTHS
from augfpn.study.running.grid import Run
from augfpn.study.running.recorded import Found
from augfpn.study.running.tries import PILOT_TRIES, tuned_words
from augfpn.study.uncertainty.cells import effect_text
from augfpn.study.uncertainty.resampling import Draws


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """A folder of committed records of its own, and nothing remembered of another."""
    monkeypatch.setattr(records, "COMMITTED", (tmp_path,))
    tuned_words.cache_clear()
    grid.key_of_run.cache_clear()
    yield tmp_path
    tuned_words.cache_clear()
    grid.key_of_run.cache_clear()


def made(variant: str):
    return Run(variant, "scenes", "laptop", 3).experiment


@pytest.mark.parametrize(
    "name",
    [n for n, each in CONTROL_VARIANTS.items() if not each.tuned and each.part != "dialects"],
)
def test_a_control_differs_from_its_variant_as_its_name_says(name: str) -> None:
    control, plain = made(name), made(CONTROL_VARIANTS[name].variant)
    steps = CONTROL_VARIANTS[name].longer * plain.train.steps
    assert control.train == replace(plain.train, steps=steps)
    assert control.data == plain.data
    changed = {
        "fpn_wide": {"channels": WIDTHS["laptop"]},
        "cs_lam1": {"lam": 1.0},
        "cs_separate": {"supervision": "separate"},
        "augfpn_even": {"gates": "even"},
        "srs_even": {"gates": "even"},
        "srs_softmax": {"roi_selection": "softmax"},
        "srs_softmax_even": {"roi_selection": "softmax", "gates": "even"},
        "pafpn": {"neck": "pafpn"},
        "bifpn": {"neck": "bifpn"},
    }
    other = changed.get(name, {})
    assert control.model == replace(plain.model, **other)


@pytest.mark.parametrize("variant", ["fpn", "augfpn"])
@pytest.mark.parametrize("dialect", ["authors", "torchvision"])
def test_a_dialects_control_is_the_run_that_a_user_gets_with_its_option(variant, dialect) -> None:
    words = Run(variant, "bccd", "transfer", 5).words | {"dialect": dialect}
    asked = experiment(parameters.parse(words), "cpu")
    control = Run(f"{variant}_{dialect}", "bccd", "transfer", 5).experiment
    plain = Run(variant, "bccd", "transfer", 5).experiment
    assert control.model == asked.model != plain.model
    assert control.train == asked.train == plain.train  # the schedule is the budget's


@pytest.mark.parametrize("budget", ["laptop", "transfer", "gpu"])
def test_no_other_width_comes_closer_to_augfpns_number_of_parameters(budget: str) -> None:
    def parameters_of(model: Model) -> int:
        return cost.at_inference(cost.part_costs(model))[0]

    pictures = "bccd" if budget == "transfer" else "scenes"
    fpn, augfpn = (Run(v, pictures, budget, 0).experiment.model for v in ("fpn", "augfpn"))
    wanted, width = parameters_of(augfpn), WIDTHS[budget]
    apart = {
        w: abs(parameters_of(replace(fpn, channels=w)) - wanted)
        for w in (width - 1, width, width + 1)
    }
    assert min(apart, key=apart.__getitem__) == width
    assert Run("fpn_wide", pictures, budget, 0).experiment.model.channels == width


def test_controls_have_names_of_their_own_and_no_row_of_the_paper() -> None:
    names = [tables.variant_label(each) for each in ("fpn", "augfpn", *CONTROL_VARIANTS)]
    assert len(set(names)) == len(names)
    assert all(grid.baseline_of(each) == "fpn" for each in CONTROL_VARIANTS)


def test_the_report_subtracts_each_control_from_what_it_is_a_control_for() -> None:
    """AugFPN has 2 points more than FPN with its time, and 1 point less at four times the steps."""
    ap = {"augfpn": 0.5, "fpn_2x_steps": 0.48, "augfpn_4x_steps": 0.53, "fpn_4x_steps": 0.54}

    class Made(Evidence):
        def of(self, variant: str) -> dict[int, Draws]:
            numbers = dict.fromkeys(("AP", "APs", "APm", "APl"), ap.get(variant))
            drawn = {name: np.full(5, x) for name, x in numbers.items()}
            return {s: Draws(numbers, drawn) for s in range(3)} if variant in ap else {}

    rows = against.against_controls(Made("scenes", "laptop", Found({}, ()))).splitlines()[2:]
    assert [row.count("+2.0 [+2.0") for row in rows] == [4, 0]
    assert [row.count("−1.0 [−1.0") for row in rows] == [0, 4]
    assert rows[0].startswith("| AugFPN (50.0) minus FPN, twice the steps (48.0) |")
    assert [row.split("|")[2].strip() for row in rows] == ["3", "3"]


def test_where_augfpn_breaks_even() -> None:
    """Twice as long a step: FPN has one doubling more in AugFPN's time, which brings 3 points."""
    found = against.Doubling(fpn=40.0, fpn_twice=43.0, variant=42.0, ratio=2.0)
    assert (found.brings, found.gain, found.breaks_even) == (3.0, 2.0, 2.0)
    assert found._replace(ratio=4.0).breaks_even == 1.0
    assert (found.at_equal_time, found._replace(ratio=4.0).at_equal_time) == (-1.0, -4.0)


def test_doublings_are_of_the_seeds_that_all_three_have_and_of_the_paper(smoke) -> None:
    seconds = {"fpn": [1.0, 2.0], "augfpn": [2.0, 4.0], "cs": [1.5, 3.0]}
    timing = {"seconds": {"training": seconds}}
    ap = {("fpn", 3): 0.5, ("fpn", 4): 0.1, ("fpn_2x_steps", 3): 0.6, ("augfpn", 3): 0.51}
    ap["cs", 3] = 0.505
    by_key = {
        grid.key_of_run(run): replace(smoke, experiment=run.experiment, result={"AP": value})
        for (variant, seed), value in ap.items()
        for run in [Run(variant, "scenes", "laptop", seed)]
    }
    of = Evidence("scenes", "laptop", Found(by_key, ()), timings=[timing])
    ours, cs, faster, mask = against.doublings(of).values()
    assert ours == pytest.approx((50, 60, 51, 2))
    assert cs == pytest.approx((50, 60, 50.5, 1.5))
    assert (faster[:3], mask[:3]) == ((38.9, 39.7, 40.6), (39.8, 40.8, 41.3))
    assert faster.ratio == mask.ratio == pytest.approx(1.1 / 0.9)
    again = list(against.doublings(of, {"another ratio": 1.5}).values())
    assert [each.ratio for each in again[2:]] == [faster.ratio, 1.5, mask.ratio, 1.5]
    runs = against.ap_by_time(of, 2.0)
    assert sorted(map(tuple, runs[["detector", "time"]].to_numpy())) == [
        *(("AugFPN", 2.0), ("FPN", 1.0), ("FPN", 1.0), ("FPN", 2.0)),
    ]
    untimed = Evidence("scenes", "laptop", Found(by_key, ()))
    assert against.time_figure(untimed) is None
    assert list(against.doublings(untimed)) == list(against.doublings(of))[2:]


def test_a_gain_at_equal_time_has_the_interval_of_its_weighted_sum() -> None:
    """The mean is that of the formula; FPN of both lengths and the variant share their seeds."""
    of = gather.committed("scenes", phase="confirmation")
    for variant, doubling in zip(against.TIMED, against.doublings(of).values(), strict=False):
        found = against.at_equal_time(of, variant)
        assert 100 * found.mean == pytest.approx(doubling.at_equal_time)
        assert (found.high < -0.04, found.seeds) == (True, 6)
        assert effect_text(found) in against.doublings_table(of).replace("\u00a0", " ")


def test_tables_of_tries_have_all_of_a_variant_with_the_best_and_the_plain_marked(
    committed,
) -> None:
    assert against.tries_table("laptop", "fpn") == ""
    write(committed, PILOT_TRIES["laptop"])
    rows = against.tries_table("laptop", "fpn").splitlines()
    assert [cell.strip() for cell in rows[0].strip("|").split("|")] == [
        *("learning rate", "canonical size 71.7", "canonical size 108", "canonical size 143"),
    ]
    assert rows[2:] == [
        "| 0.0005 | **50.0** | 49.0 | 48.0 |",
        "| 0.001 | 47.0 * | 46.0 | 45.0 |",
        "| 0.002 | 44.0 | 43.0 | 42.0 |",
    ]
    assert against.tries_table("laptop", "augfpn").splitlines()[2:] == [
        "| 0.0005 | **41.0** | 40.0 | 39.0 |",
        "| 0.001 | 38.0 | 37.0 * | 36.0 |",
        "| 0.002 | 35.0 | 34.0 | 33.0 |",
    ]


def test_without_a_whole_pilot_nothing_is_tuned(committed) -> None:
    assert grid.runs(["tuned"], "laptop") == []
    with pytest.raises(UserError, match="no tuned settings are known at the laptop budget: `augf"):
        made("fpn_tuned")
    with pytest.raises(UserError, match="no tuned settings are known at the laptop budget: `augf"):
        grid.check_pictures(["tuned"], "laptop", None)
    write(committed, PILOT_TRIES["laptop"][:-1])
    assert tuned_words("laptop") == {}
    assert tables.variant_label("fpn_tuned") == "FPN, tuned"


def test_the_best_tries_become_the_tuned_variants(committed) -> None:
    """AP falls from try to try, and the second of each comes before the first."""
    own = [each for each in PILOT_TRIES["laptop"] if each.variants == ("fpn",)]
    others = [each for each in PILOT_TRIES["laptop"] if each.variants == ("augfpn",)]
    write(committed, [own[4], *own[:4], *own[5:], others[7], *others[:7], others[8]])
    fpn, augfpn = made("fpn_tuned"), made("augfpn_tuned")
    assert (fpn.train.lr, fpn.model.canonical_size) == (own[4].lr, own[4].canonical_size)
    assert (augfpn.train.lr, augfpn.model.lam) == (others[7].lr, others[7].lam)
    assert augfpn.model.canonical_size == BUDGETS["laptop"].model.canonical_size
    assert len(grid.runs(["tuned"], "laptop", seeds=[3])) == 4
    assert grid.runs(["tuned"], "smoke") == []


def write(folder, tried) -> None:
    rows = [each._asdict() | {"AP": 0.5 - i / 100} for i, each in enumerate(tried)]
    (folder / tries.PILOTS).mkdir(exist_ok=True)
    (folder / tries.PILOTS / "laptop.json").write_text(json.dumps(rows))
    tuned_words.cache_clear()
