"""Intervals against worked values, simulations and pycocotools on pictures that really repeat."""

import math

import numpy as np
import pytest
from scipy import stats

from augfpn.study import intervals as st
from augfpn.study.scoring import average_precision, matches
from augfpn.training import evaluate

CLASSES = ({"id": 3, "name": "cat"}, {"id": 7, "name": "dog"})
REGIMES = {
    "seeds": st.Spread(1, 0.1, 0.1),
    "pictures": st.Spread(0.1, 10, 1),
    "luck": st.Spread(0, 1, 1),
    "all": st.Spread(1, 5, 5),
    "luck beside seeds": st.Spread(1, 0, 10),  # as much of the one as of the other
    "seeds beside luck": st.Spread(1.5, 0, 10),
    "seeds beside pictures": st.Spread(1, 10, 0.1),
}


def truth_and_found(pictures: int, seed: int = 0) -> tuple[dict, list[dict]]:
    """Objects of all sizes, and detections near some of them with scores that are all different."""
    rng = np.random.default_rng(seed)
    annotations, found = [], []
    for image in range(1, pictures + 1):
        for _ in range(rng.integers(0, 5)):
            side = float(np.exp(rng.uniform(np.log(12), np.log(150))))
            x, y = rng.uniform(0, 200, 2)
            category = CLASSES[rng.integers(2)]["id"]
            box = [float(x), float(y), side, side]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": box,
                    "area": side * side,
                    "iscrowd": int(rng.random() < 0.1),
                }
            )
            for _ in range(rng.integers(0, 3)):
                moved = [float(v + rng.normal(0, 0.08 * side)) for v in box]
                found.append({"image_id": image, "category_id": category, "bbox": moved})
        for _ in range(rng.integers(0, 3)):
            found.append(
                {"image_id": image, "category_id": 3, "bbox": [*rng.uniform(0, 200, 2), 30.0, 30.0]}
            )
    for rank, each in enumerate(rng.permutation(len(found))):
        found[each]["score"] = (rank + 1) / (len(found) + 1)
    images = [{"id": i, "width": 400, "height": 400} for i in range(1, pictures + 1)]
    return {"images": images, "annotations": annotations, "categories": [*CLASSES]}, found


def repeated(coco: dict, found: list[dict], times: np.ndarray) -> tuple[dict, list[dict]]:
    """A data set in which each picture stands as often as is said, with scores still different."""
    images, annotations, results = [], [], []
    for entry, count in zip(coco["images"], times, strict=True):
        for copy in range(int(count)):
            new = len(images) + 1
            images.append(entry | {"id": new})
            for each in coco["annotations"]:
                if each["image_id"] == entry["id"]:
                    annotations.append(each | {"id": len(annotations) + 1, "image_id": new})
            for each in found:
                if each["image_id"] == entry["id"]:
                    results.append(each | {"image_id": new, "score": each["score"] - 1e-9 * copy})
    return coco | {"images": images, "annotations": annotations}, results


# --- AP of draws of pictures ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_ap_is_pycocotools(seed: int) -> None:
    coco, found = truth_and_found(30, seed)
    expected = evaluate.score(coco, found)
    ours = average_precision(matches(coco, found), np.ones((1, 30)))
    for name in ("AP", "AP50", "AP75", "APs", "APm", "APl"):
        assert ours[name][0] == pytest.approx(expected[name], abs=1e-9)
    for name, ap in expected["by_class"].items():
        assert ours[f"AP of {name}"][0] == pytest.approx(ap, abs=1e-9)


def test_a_draw_is_as_if_pictures_stood_there_again() -> None:
    coco, found = truth_and_found(20)
    draws = st.weights(20, 5)
    ours = average_precision(matches(coco, found), draws)
    for row, times in enumerate(draws):
        expected = evaluate.score(*repeated(coco, found, times))
        for name in ("AP", "AP50", "AP75", "APs", "APm", "APl"):
            assert ours[name][row] == pytest.approx(expected[name], abs=1e-9)


def test_what_a_draw_lacks_does_not_exist() -> None:
    """Of two pictures one has the only cat and the only small object; it is not in the draw."""
    square = {"bbox": [0.0, 0.0, 20.0, 20.0], "area": 400.0, "iscrowd": 0}
    large = {"bbox": [0.0, 0.0, 200.0, 200.0], "area": 4e4, "iscrowd": 0}
    coco = {
        "images": [{"id": i, "width": 300, "height": 300} for i in (1, 2)],
        "categories": [*CLASSES],
        "annotations": [
            square | {"id": 1, "image_id": 1, "category_id": 3},
            large | {"id": 2, "image_id": 2, "category_id": 7},
        ],
    }
    found = [{"image_id": 2, "category_id": 7, "bbox": large["bbox"], "score": 0.5}]
    ap = average_precision(matches(coco, found), np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert ap["AP"].tolist() == [0.5, 1.0]  # the cat that is not there does not count
    assert ap["APs"][0] == 0
    assert math.isnan(ap["APs"][1])
    assert math.isnan(ap["AP of cat"][1])


def test_no_detections_and_no_objects_of_a_class() -> None:
    coco, found = truth_and_found(10)
    none = average_precision(matches(coco, []), np.ones((2, 10)))
    assert none["AP"].tolist() == [0, 0]
    coco["categories"] = [*CLASSES, {"id": 9, "name": "unicorn"}]
    ap = average_precision(matches(coco, found), np.ones((1, 10)))
    assert math.isnan(ap["AP of unicorn"][0])
    assert not math.isnan(ap["AP"][0])


# --- intervals ------------------------------------------------------------------------------------


def draws_of(values: np.ndarray, count: int = 400) -> np.ndarray:
    """Means over draws of the columns."""
    return values @ st.weights(values.shape[1], count).T / values.shape[1]


def test_seeds_alone_give_students_interval() -> None:
    """Three seeds, every picture alike: 1, 2, 3 have a mean of 2 and s = 1."""
    found = st.interval([1.0, 2.0, 3.0], np.array([[1.0] * 50, [2.0] * 50, [3.0] * 50]))
    half = stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert found[:4] == pytest.approx((2, 2 - half, 2 + half, 3))
    assert (found.of_seeds, found.of_pictures) == pytest.approx((1 / math.sqrt(3), 0))


def test_pictures_alone_give_the_bootstraps_interval() -> None:
    """Five seeds that agree on every picture: the standard error of a mean of 100 values."""
    values = np.random.default_rng(0).normal(0, 1, 100)
    found = st.interval([values.mean()] * 5, draws_of(np.tile(values, (5, 1)), 4000))
    assert found.high - found.mean == pytest.approx(1.96 * values.std() / 10, rel=0.04)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_one_seed_says_nothing_of_others() -> None:
    values = np.random.default_rng(0).normal(5, 1, (1, 100))
    found = st.interval([values.mean()], draws_of(values))
    assert found.low > 4.7
    assert math.isnan(found.of_seeds)
    assert st.verdict(found) == "undecided"


def test_a_difference_is_paired() -> None:
    """What both variants share, seed by seed and picture by picture, is no uncertainty."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, (3, 60))
    a, b = (
        [
            st.Draws({"AP": float(row.mean())}, {"AP": draw})
            for row, draw in zip(values, draws_of(values), strict=True)
        ]
        for values in (shared + 0.25, shared)
    )
    found = st.single([*map(st.less, a, b)])["AP"]
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))
    assert st.single(a)["AP"].high - st.single(a)["AP"].low > 0.1


def test_draws_without_such_objects_are_left_out() -> None:
    draws = np.array([[1.0, 2.0, np.nan, 3.0], [1.0, 2.0, 2.0, 3.0]])
    found = st.interval([2.0, 2.0], draws)
    assert found.of_pictures == pytest.approx(1)
    assert math.isnan(st.interval([math.nan], np.full((1, 4), np.nan)).low)


@pytest.mark.parametrize(
    ("low", "high", "margin", "said"),
    [
        (0.1, 0.5, 0.0, "holds"),
        (0.1, 0.5, 0.2, "undecided"),
        (-0.1, 0.5, 0.0, "undecided"),
        (-0.5, -0.1, 0.0, "does not hold"),
        (0.1, 0.5, 0.6, "does not hold"),
        (math.nan, math.nan, 0.0, "undecided"),
    ],
)
def test_verdicts(low: float, high: float, margin: float, said: str) -> None:
    assert st.verdict(st.Interval(0.3, low, high, 3, 0.1, 0.1), margin) == said


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("regime", REGIMES)
def test_an_interval_holds_the_truth_as_often_as_it_says(regime: str, seeds: int) -> None:
    """Within two points of 95 %, and where seeds and pictures weigh alike at times three above."""
    held = st.coverage(REGIMES[regime], seeds, repeats=2000)
    assert 0.95 - 0.02 <= held <= 0.95 + (0.03 if seeds == 3 else 0.02)


def test_an_interval_at_another_level_is_as_if_made_there() -> None:
    values = np.random.default_rng(0).normal(0, 1, (3, 60)) + np.random.default_rng(1).normal(
        0, 1, 60
    )
    observed, draws = values.mean(axis=1).tolist(), draws_of(values)
    wide = st.interval(observed, draws, 0.99)
    assert st.at_level(st.interval(observed, draws), 0.99) == pytest.approx(wide)
    assert st.at_level(st.mean([1.0, 2.0, 4.0]), 0.99)[:4] == st.mean([1.0, 2.0, 4.0], 0.99)[:4]
    assert math.isnan(st.at_level(st.mean([1.0]), 0.99).low)


def test_two_nested_bootstraps_would_not() -> None:
    assert st.coverage(REGIMES["seeds"], 3, repeats=400, nested=True) < 0.85


def test_results_are_the_same_each_time() -> None:
    coco, found = truth_and_found(10)
    once, twice = (st.single([st.drawn(matches(coco, found), 50)] * 2) for _ in range(2))
    assert repr(once) == repr(twice)


# --- planning -------------------------------------------------------------------------------------


def test_seeds_for_an_effect_as_large_as_its_spread() -> None:
    """A published value: a paired t test at 0.05 finds one standard deviation with 10 pairs."""
    assert st.seeds_needed(1.0, 1.0) == 10
    assert st.seeds_needed(2.0, 1.0) == 34


def test_power_is_what_a_simulation_finds() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(1, 1, (4000, 6))
    found = (stats.ttest_1samp(values, 0, axis=1).pvalue < 0.05).mean()
    assert st.power_of(6, 1, 1) == pytest.approx(found, abs=0.02)


def test_power_beside_pictures_is_what_a_simulation_finds() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(1, 1, (4000, 6)) + rng.normal(0, 0.3, (4000, 1))
    made = [st.around(row.mean(), 6, row.std(ddof=1) / math.sqrt(6), 0.3) for row in values]
    found = np.mean([not x.low <= 0 <= x.high for x in made])
    assert st.power_of(6, 1, 1, of_pictures=0.3) == pytest.approx(found, abs=0.02)


def test_no_number_of_seeds_makes_up_for_too_few_pictures() -> None:
    """For four tries of five an effect must be 1.96 + 0.84 standard errors of the pictures."""
    assert st.seeds_needed(1.0, 1.0, of_pictures=1 / 2.7) is None
    assert st.seeds_needed(1.0, 1.0, of_pictures=1 / 3) > st.seeds_needed(1.0, 1.0)
