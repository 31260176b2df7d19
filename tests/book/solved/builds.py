"""Solutions: the parts that a reader builds. The folded classes equal ours; wrong ones are caught.

A wrong class is a folded one in which some words are replaced by a typical mistake.
"""

import math
import re

import torch
from chapters import cells, source

from augfpn.detectors.rebuildable import supervision_part
from augfpn.detectors.rebuilt import Rebuilt, compare_with_ours
from solved.table import run, solves

PAGE = "build_it_yourself"
CLASSES = {
    "supervision": ("Supervision", 1),
    "fusion": ("Fusion", 2),
    "augmentation": ("Augmentation", 3),
    "selection": ("Selection", 4),
}


def solution(number: int) -> str:
    """The code of a folded solution."""
    (code,) = (source(each) for each in cells(PAGE) if each["id"] == f"solution-{number}")
    return code


def found(part: str, *mistake: str) -> Rebuilt:
    """What the check finds in a folded solution after ``mistake``: words and others for them."""
    name, number = CLASSES[part]
    made, _ = run(PAGE, "imports", *(["solution-2"] if number > 2 else []))
    code = solution(number)
    if mistake:
        assert mistake[0] in code
        code = code.replace(*mistake)
    exec(code, made)
    return compare_with_ours(part, made[name])


def wrong(part: str, *mistake: str) -> str:
    """What the check says of a solution with a mistake, without what other mistakes would give."""
    finding = found(part, *mistake)
    assert finding.passed is False
    assert finding.lines[-1] == "DIFFERS"
    return re.sub(r" \(.*\)", "", finding.lines[-2])


@solves(PAGE, 1, "averaged over the RoIs", "summed over the objects and divided by $R$")
def the_loss_of_supervision() -> list[str]:
    assert found("supervision").passed
    whole, part = "return lam * loss", "/ len(labels)"
    at_zero = wrong("supervision", whole, f"{whole} / 4")
    assert "makes 1.1 of their sum. Yours is 0.275" in at_zero
    assert "Yours is 4.39" in wrong("supervision", whole, "return loss")
    by_objects = wrong("supervision", part, "/ max(1, int(objects.sum()))")
    assert "with 5 objects the loss is 3.56, yours is 7:" in by_objects
    assert "to 29.5, and divided by the number of all RoIs, 12" in by_objects
    _, labels, targets, _ = supervision_part().probes[-1].inputs
    far = targets[labels > 0].abs()
    summed = float(torch.where(far < 1, far**2 / 2, far - 0.5).sum())
    assert (len(labels), len(far), f"{summed:.1f}") == (12, 5, "29.5")
    assert [f"{math.log(3) + summed / n:.3g}" for n in (12, 5)] == ["3.56", "7"]
    any_class = wrong("supervision", "[objects, labels[objects]]", "[objects, 1]")
    assert "its own class's box" in any_class
    everywhere = wrong("supervision", "objects = 0, labels > 0", "objects = 0, labels >= 0")
    assert "background has no box to learn" in everywhere
    return [
        "a level's loss is ln 3, and a quarter of the sum over four levels is `1.1`",
        "If your class gives `0.275`, it averages over levels; with `4.39` it forgets",
        "five of the twelve RoIs become objects",
        "smooth L1 to the targets sums up to `29.5`. The loss is ln 3 + 29.5/12, which is `3.56`",
        "a division by the number of objects makes it ln 3 + 29.5/5, about `7`",
    ]


@solves(PAGE, 2, "ReLU, and a 3 × 3 convolution with padding 1", "biases zero")
def adaptive_spatial_fusion() -> list[str]:
    assert found("fusion").passed
    softmax = wrong("fusion", ".sigmoid()", ".softmax(1)")
    assert "three maps of ones give 1.5. Yours give 1" in softmax
    without = wrong("fusion", "nn.init.zeros_(layer.bias)", "layer.bias = None")
    assert "259 fewer than in ours: the biases are missing" in without
    assert "as in ours" in found("fusion", "F.relu(self.reduce(", "(self.reduce(").lines[0]
    assert "is the ReLU missing?" in wrong("fusion", "F.relu(self.reduce(", "(self.reduce(")
    drawn = wrong("fusion", "nn.init.xavier_uniform_(layer.weight)", "pass")
    assert "first weights: those of reduce reach" in drawn
    ones = wrong("fusion", "nn.init.zeros_(layer.bias)", "pass")
    assert ones == "first weights: the biases of reduce do not begin at zero"
    return ["give `1.5`. A softmax gives `1`", "Without biases `259` parameters are missing"]


@solves(PAGE, 3, "truncated and at least 1", "that aligns corners")
def residual_feature_augmentation() -> list[str]:
    assert found("augmentation").passed
    pool = "F.adaptive_avg_pool2d(c5, size) for size in sizes"
    fixed = wrong("augmentation", pool, "F.adaptive_avg_pool2d(c5, i) for i in (1, 2, 3)")
    assert "equal on a C5 of 10 x 10 and not on one of 10 x 20" in fixed
    rounded = wrong("augmentation", "int(ratio * side)", "round(ratio * side)")
    assert "equal on sides of 10 and 20, not on 15 x 38" in rounded
    assert (int(0.1 * 15), round(0.1 * 15)) == (1, 2)
    corners = wrong("augmentation", "align_corners=True", "align_corners=False")
    assert "differ already on a C5 of 10 x 10" in corners
    return [
        "fixed bins agree on 10 × 10 and not on 10 × 20",
        "not on 15 × 38, where a tenth of 15 is truncated to 1",
    ]


@solves(PAGE, 4, "the scale $1 / 2^k$", "two samples a bin", "`aligned=False`")
def soft_roi_selection() -> list[str]:
    assert found("selection").passed
    each = "2) for k in self.levels"
    never = wrong("selection", each, "2) * (k < 5) for k in self.levels")
    assert "ones in P5 and zeros elsewhere give 0.5. Yours give 0" in never
    fewer = wrong("selection", "super().__init__()", "super().__init__(); levels = levels[:3]")
    assert fewer.endswith("67,841 fewer than in ours: a map is missing")
    competing = solution(2).replace(".sigmoid()", ".softmax(1)")
    softmax = wrong("selection", "class Selection", f"{competing}\n\nclass Selection")
    assert "ones in P2 and zeros elsewhere give 0.5. Yours give 0.25" in softmax
    assert "a map of x coordinates" in wrong("selection", "1 / 2**k", "1 / 4")
    assert "a map of x coordinates" in wrong("selection", "2**k, 2)", "2**k, 2, aligned=True)")
    return [
        "Ones in a single level give `0.5`. A level that you never pool gives `0`",
        "A fusion of three maps has `67,841` parameters too few",
        "only a map of coordinates shows that the boxes lie elsewhere",
    ]
