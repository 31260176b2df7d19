"""Solutions: one-stage detectors and masks."""

import re
from dataclasses import replace

import torch

from augfpn.config import FCOS
from augfpn.detectors import build
from augfpn.detectors.one_stage import ExtraLevels
from augfpn.settings import recipes
from solved.table import exercises, percentages, run, solves, zeros


def level_of_fcos(side: float, off: float, radius: float | None) -> int:
    """The level on which FCOS learns a square from a point ``off`` pixels left of its middle.

    ``radius`` is the greatest distance, in strides, of a point that is trained on an object; the
    authors' code has no limit (None).
    """
    model = recipes.named("fcos_r50_fpn_1x").model
    _, head, _ = build.fcos(replace(model, fcos=replace(model.fcos, centre_radius=radius)))
    point = torch.tensor([side / 2 - off, side / 2])
    strides = [2.0**k for k in build.DENSE_LEVELS]
    anchors = [torch.cat([point - stride / 2, point + stride / 2])[None] for stride in strides]
    match = head.match(anchors, [torch.tensor([[0, 0, side, side]])])[0].tolist()
    found = [k for k, object_ in zip(build.DENSE_LEVELS, match, strict=True) if object_ == 0]
    assert len(found) == 1, f"{off:g} px off, with a radius of {radius}, levels {found} learn"
    return found[0]


@solves("one_stage_and_masks", 1, "a square of 200 px", "from a point in its middle")
def levels_of_fcos() -> list[str]:
    asked = exercises("one_stage_and_masks")[1].asked
    off = int(re.search(r"a point (\d+) px left of the middle", asked)[1])
    found = {
        tuple(level_of_fcos(200, each, radius) for each in (0, off))
        for radius in (None, FCOS.centre_radius)  # the authors' code, and our own runs
    }
    ((middle, left),) = found
    assert middle != left
    return [
        f"all edges are 100 px away: between 64 and 128, so $P_{middle}$",
        f"From {off} px to the left the right edge is {100 + off} px away: $P_{left}$",
        "One object teaches two levels after all",
    ]


@solves("one_stage_and_masks", 2, "$P_3$ to $P_7$", "800 × 1216 px")
def places_of_a_one_stage_pyramid() -> list[str]:
    made, printed = run("one_stage_and_masks", "solution-2")
    with torch.device("meta"):
        extra = ExtraLevels(in_channels=8, channels=8, on_c5=True, relu=True, context=False)
        maps = {k: zeros(1, 8, 800 // 2**k, 1216 // 2**k) for k in (3, 4, 5)}
        maps |= extra(maps[5], maps[5], None)
    assert made["places"] == {k: x[0, 0].numel() for k, x in maps.items()}
    assert round(sum(made["places"].values()), -3) == 20_000
    assert abs(percentages(printed)[0] - 75) <= 1
    return ["Some twenty thousand, three quarters of them on $P_3$"]
