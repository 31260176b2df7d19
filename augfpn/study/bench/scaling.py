"""How the cost of a step grows with RoIs, levels, area and batch: `augfpn bench --scaling`.

On each axis one number changes and the others stay. Only whole steps are timed.
"""

import statistics
from dataclasses import replace
from typing import Any

from augfpn.config import TWO_STAGE
from augfpn.study.bench import measure
from augfpn.study.bench.contestants import contestants
from augfpn.study.bench.settings import SIDE, BenchSettings, Use, base_of, variants_of
from augfpn.study.bench.work import make_work
from augfpn.support.text import columns

Points = dict[str, BenchSettings]  # by the label of the number that changes
COMPARED = ("torchvision", "fpn", "augfpn")
ROIS = {"testing": (250, 500, 1000, 2000), "training": (128, 256, 512)}
AREAS = (0.25, 0.5, 1.0)  # of the size that is asked for
BATCHES_TRIED, LEVELS_TRIED = (1, 2, 4), (1, 2, 4)


def axes_of(settings: BenchSettings, use: Use) -> dict[str, Points]:
    """What is varied in one use, by axis."""
    plain = settings.for_use(use)
    if plain.variants is None:
        plain = replace(plain, variants=COMPARED)
    sizes = dict.fromkeys(scaled_size(plain.size_of(use), area) for area in AREAS)
    axes = {
        "size": {f"{h}x{w}": replace(plain, size=(h, w)) for h, w in sizes},
        "batch": {str(n): replace(plain, batch=n) for n in BATCHES_TRIED},
    }
    if settings.detector in TWO_STAGE:
        name = "sampled" if use == "training" else "rois"
        axes["RoIs"] = {str(n): replace(plain, **{name: n}) for n in ROIS[use]}
        soft = replace(plain, variants=("fpn", "srs"))
        axes["levels of srs"] = {str(n): replace(soft, roi_levels=n) for n in LEVELS_TRIED}
    return axes


def scaled_size(size: tuple[int, int], area: float) -> tuple[int, int]:
    """Height and width of a part of an area, in multiples of `SIDE` and not below it."""
    height, width = (max(SIDE, round(side * area**0.5 / SIDE) * SIDE) for side in size)
    return height, width


def measure_scaling(settings: BenchSettings) -> dict[str, Any]:
    """Median seconds and ratios of all variants at each point of each axis, by use."""
    axes = {use: axes_of(settings, use) for use in settings.uses}
    every = [at for each in axes.values() for points in each.values() for at in points.values()]
    least = sum(len(variants_of(each)) for each in every) * (1 + measure.FEWEST_ROUNDS)
    with measure.measuring(settings, "scaling", least) as (found, share, told):
        left = len(every)
        scaling: dict[str, Any] = {}
        for use, each in axes.items():
            scaling[use] = {axis: {} for axis in each}
            for axis, points in each.items():
                for label, point in points.items():
                    scaling[use][axis][label] = at_point(point, use, share(left), told)
                    left -= 1
        found["scaling"] = scaling
    return found


def at_point(
    settings: BenchSettings, use: Use, until: float, tell: measure.Tell
) -> dict[str, dict[str, float]]:
    """Median seconds and the median ratio of each variant, with one combination of numbers."""
    names = variants_of(settings)
    every = contestants(settings, use, make_work(settings, use), names, tell)
    measure.run_rounds(every, settings.rounds, until, tell, by_part=False)
    seconds = {each.variant: each.seconds for each in every}
    base = seconds[base_of(names)]
    return {
        name: {
            "median": statistics.median(own),
            "ratio": measure.ratio_of_rounds(own, base)["median"],
        }
        for name, own in seconds.items()
    }


def scaling_text(found: dict[str, Any]) -> str:
    """A table for each use and axis: seconds and, in brackets, the ratio to the first variant."""
    blocks = []
    for use, axes in found["scaling"].items():
        for axis, points in axes.items():
            names = list(next(iter(points.values())))
            rows = [
                (label, *(f"{at[n]['median']:.3g} ({at[n]['ratio']:.2f})" for n in names))
                for label, at in points.items()
            ]
            blocks.append(columns((f"{use}: {axis}", *names), rows))
    return "\n\n".join([*blocks, "seconds of a step (ratio to the first variant)"])
