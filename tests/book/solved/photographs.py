"""Solutions: photographs, from pretrained weights."""

import ast
import math

import torch

from augfpn.pyramid import AdaptiveSpatialFusion
from solved.table import run, solves


@solves("photographs", 1, "whose side is $c/3$", "$s = 3c/4$")
def levels_of_a_fish() -> list[str]:
    small, large = (4 + math.log2(part) for part in (1 / 3, 3 / 4))
    assert (f"{math.log2(1 / 3):.1f}", f"{math.log2(3 / 4):.1f}") == ("-1.6", "-0.4")
    assert (max(2, math.floor(small)), math.floor(large)) == (2, 3)
    return [
        r"$\log_2 (1/3) \approx -1.6$, so $\lfloor 2.4 \rfloor = 2$.",
        r"$\log_2 (3/4) \approx -0.4$ gives $\lfloor 3.6 \rfloor = 3$.",
    ]


@solves("photographs", 2, r"is $t_{n-1}\,\sigma/\sqrt n$", "half a point", "if of one")
def pairs_that_show_a_point() -> list[str]:
    _, printed = run("photographs", "solution-2")
    half, one = (ast.literal_eval(line.partition(" ")[2]) for line in printed.splitlines())
    assert max(half[4], one[7]) < 1 < min(half[3], one[6])
    return [
        f"four pairs are enough: their half-width is {half[4]}, that of three {half[3]}.",
        f"With one point seven are enough, with {one[7]}; six have {one[6]}.",
    ]


@solves("photographs", 3, "Why does the same first draw shut them with ImageNet's weights?")
def gates_of_larger_maps() -> list[str]:
    fusion = AdaptiveSpatialFusion(8, 2)
    fusion_maps = [torch.randn(3, 8, 5, 5) for _ in range(2)]
    small, large = (fusion.weights([k * x for x in fusion_maps]).logit() for k in (0.2, 1.0))
    torch.testing.assert_close(5 * small, large, rtol=1e-3, atol=1e-3)
    assert torch.tensor(3.0).sigmoid() > 0.95
    return [
        "Maps that are five times as large make it five times as large",
        "a sigmoid is nearly 0 or 1 beyond three on either side",
    ]
