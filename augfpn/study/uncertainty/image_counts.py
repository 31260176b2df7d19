"""How sure a comparison would be with more or fewer test images.

Of a pair's difference in AP, a part varies with the seed alone, a part with the test images in this
pair alone, and a part with the test images in all pairs alike. The last two have variances that
fall with the number of images, as that of any mean does; so what draws of the recorded images say
of one number of images says it of another.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from augfpn.study.uncertainty.intervals import Interval, around
from augfpn.study.uncertainty.resampling import Draws


class Variances(NamedTuple):
    """Of the differences of n pairs, all measured on so many test ``images``."""

    mean: float
    pairs: int
    images: int
    of_pairs: float  # between seeds, with what a pair's own variation over images adds to it
    alone: float  # over images, in one pair alone
    shared: float  # over images, in all pairs alike


def variances_of(apart: Sequence[Draws], images: int, number: str = "AP") -> Variances:
    """The variances of a comparison, from one difference for each seed on draws of the images."""
    observed = [each.observed[number] for each in apart]
    drawn = np.array([each.drawn[number] for each in apart])
    of_mean, n = float(drawn.mean(axis=0).var(ddof=1)), len(apart)
    of_each = float(drawn.var(axis=1, ddof=1).mean())
    shared = max(0.0, of_mean - max(0.0, of_each - of_mean) / (n - 1))
    between = float(np.var(observed, ddof=1))
    return Variances(float(np.mean(observed)), n, images, between, of_each - shared, shared)


def with_images(of: Variances, images: int) -> Variances:
    """The same with another number of test images."""
    times = of.images / images
    between = max(0.0, of.of_pairs + of.alone * (times - 1))
    return of._replace(
        images=images, of_pairs=between, alone=of.alone * times, shared=of.shared * times
    )


def interval_of(of: Variances) -> Interval:
    """The comparison's interval by its own differences."""
    return around(of.mean, of.pairs, math.sqrt(of.of_pairs / of.pairs), math.sqrt(of.shared))


def images_table(of: Variances, counts: Sequence[int]) -> str:
    """A row for each number of test images, in points of AP."""
    lines = [
        "| test images | standard deviation of a pair's difference | error $e$ that all pairs "
        f"share | 95 % interval of {of.pairs} pairs |",
        "|--:|--:|--:|---|",
    ]
    for count in counts:
        there = with_images(of, count)
        found = interval_of(there)
        half = 100 * (found.high - found.low) / 2
        errors = (100 * math.sqrt(x) for x in (there.of_pairs, there.shared))
        cells = [f"{count:,}", *(f"{x:.2f}" for x in errors), f"± {half:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
