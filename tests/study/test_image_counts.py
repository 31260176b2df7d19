"""More or fewer test images: what draws of the recorded images say of another number of them."""

import numpy as np
import pytest

from augfpn.study import gather
from augfpn.study.uncertainty import image_counts, intervals, resampling
from augfpn.study.uncertainty.resampling import Draws
from augfpn.study.uncertainty.scoring import class_precision, matches, mean_without_nan

IMAGES, SEEDS = 400, 6


def drawn(images: int, seed: int = 0) -> list[Draws]:
    """Differences of pairs that are means over images: of each seed, shared, and of each alone."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 1.0, images)
    weights, pairs = resampling.weights(images, 2000), []
    for of_seed in rng.normal(0.5, 0.2, SEEDS):
        of_image = of_seed + shared + rng.normal(0, 2.0, images)
        observed = {"AP": float(of_image.mean())}
        pairs.append(Draws(observed, {"AP": weights @ of_image / images}))
    return pairs


def test_with_as_many_images_as_there_are_the_interval_is_that_of_own_differences() -> None:
    pairs = drawn(IMAGES)
    of = image_counts.variances_of(pairs, IMAGES)
    assert image_counts.with_images(of, IMAGES) == of
    assert image_counts.interval_of(of) == pytest.approx(intervals.single(pairs)["AP"], abs=1e-12)


def test_errors_over_images_are_as_large_as_they_were_made() -> None:
    of = image_counts.variances_of(drawn(IMAGES), IMAGES)
    assert of.shared * IMAGES == pytest.approx(1.0, rel=0.2)
    assert of.alone * IMAGES == pytest.approx(4.0, rel=0.2)


def test_four_times_the_images_halve_the_errors_over_images() -> None:
    of = image_counts.variances_of(drawn(IMAGES), IMAGES)
    more = image_counts.with_images(of, 4 * IMAGES)
    assert (more.shared, more.alone) == pytest.approx((of.shared / 4, of.alone / 4))
    assert of.of_pairs - more.of_pairs == pytest.approx(0.75 * of.alone)
    assert image_counts.with_images(of, 10**9).of_pairs >= 0


def test_the_table_has_a_row_for_each_number_of_images() -> None:
    of = image_counts.Variances(0.011, 9, 1000, 2e-4, 6e-6, 6e-7)
    *_, first, last = image_counts.images_table(of, (100, 1000)).splitlines()
    assert first == "| 100 | 1.59 | 0.24 | ± 1.3 |"
    assert last == "| 1,000 | 1.41 | 0.08 | ± 1.1 |"


@pytest.mark.slow
def test_real_draws_of_a_hundred_scenes_vary_as_computed_from_a_thousand() -> None:
    of = gather.committed("scenes", phase="confirmation")
    weights = np.random.default_rng(0).multinomial(100, np.full(1000, 1 / 1000), 300).astype(float)
    measured, computed = [], []
    for seed in (3, 4):
        ap = []
        for variant in ("augfpn", "fpn"):
            record = of.recorded(variant)[seed]
            found = matches(of.truth(record), record.predictions)
            ap.append(mean_without_nan(class_precision(found, "all", weights)))
        measured.append(np.var(ap[0] - ap[1], ddof=1))
        computed.append(10 * of.apart("augfpn", "fpn")[seed].drawn["AP"].var(ddof=1))
    assert np.mean(measured) == pytest.approx(np.mean(computed), rel=0.15)
