"""Checks of claims that need no run, because they are about parameters and computation.

A check returns whether the claim holds, and the numbers that show it.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from augfpn.config import AUGFPN, FPN
from augfpn.detectors import cost

PER_RATIO = 2048 * 256 + 256 + 256 * 256 + 9 * 256 + 1  # C5's convolution; the fusion's two


def supervision_is_free() -> tuple[bool, str]:
    """Whether Consistent Supervision has no parameters and no computation at inference."""
    supervised, plain = (
        cost.at_inference(cost.part_costs(replace(FPN, lam=lam))) for lam in (0.25, 0.0)
    )
    parameters, macs = (a - b for a, b in zip(supervised, plain, strict=True))
    return supervised == plain, f"{parameters} parameters and {macs} multiply-accumulates more"


def a_ratio_costs_a_convolution() -> tuple[bool, str]:
    """Whether each ratio adds `PER_RATIO` parameters."""
    counts = [
        cost.at_inference(cost.part_costs(replace(FPN, ratios=(0.1, 0.2, 0.3, 0.4)[:n])))[0]
        for n in (1, 2, 3, 4)
    ]
    steps = {b - a for a, b in pairwise(counts)}
    return steps == {PER_RATIO}, f"{min(steps):,} parameters a ratio"


def fusion_is_small() -> tuple[bool, str]:
    """Whether Soft RoI Selection adds less than a hundredth of PANet's parameters."""
    plain, soft, panet = (
        cost.at_inference(cost.part_costs(replace(FPN, roi_selection=name)))[0]
        for name in ("hard", AUGFPN.roi_selection, "panet")
    )
    text = f"{soft - plain:,} parameters more than FPN; PANet's {panet - plain:,}"
    return 100 * (soft - plain) < panet - plain, text


CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    check.__name__: check
    for check in (supervision_is_free, a_ratio_costs_a_convolution, fusion_is_small)
}
