"""Solutions: from one map to a pyramid."""

import math
import re

import torch
from torchvision.models.detection._utils import Matcher
from torchvision.ops import box_iou

from augfpn.detectors.pretrained import backbone
from augfpn.pyramid import HardRoISelection
from augfpn.speed.roi_align import torchvision_roi_align
from solved.table import percentages, run, solves, zeros


@solves("why_one_map", 1, "24 × 24 px", "strides 4, 8, 16 and 32", "at least nine")
def places_of_an_object() -> list[str]:
    places = {stride: (24 / stride) ** 2 for stride in (4, 8, 16, 32)}
    *most, last = (f"{round(n, 2):g}" for n in places.values())
    (none,) = [stride for stride, n in places.items() if n < 1]
    nine = [str(stride) for stride, n in places.items() if n >= 9]
    return [
        f"{', '.join(most)} and {last} places",
        f"All but stride {none} leave it one",
        f"strides {' and '.join(nine)} leave it nine",
    ]


@solves("why_one_map", 2, "does a map of each stride $s$ serve", "from $s$ to $10 s$")
def objects_that_a_single_stride_serves() -> list[str]:
    made, printed = run("why_one_map", "imports", "solution-2")
    four, eight, sixteen, thirty_two = percentages(printed)
    assert eight < sixteen
    small = (made["sides"] < 16).float().mean()
    assert 0.08 < small < 0.12
    assert small > 0.9 * (1 - sixteen / 100)
    ends = f"Strides 4 and 32 serve {four:.0f} and {thirty_two:.0f} %"
    return [f"Stride 16 serves {sixteen:.0f} %", ends, "the smallest objects, a tenth of all"]


@solves("why_one_map", 3, "stride 4", "no strides in between")
def places_without_strides() -> list[str]:
    assert (32 // 4) ** 2 == 64
    fine, coarse = ((3 - 1) * stride for stride in (4, 32))
    return [
        "sixty-four times as many places as $C_5$",
        f"adds {fine} px to its side at stride 4, and {coarse} px at stride 32",
    ]


@solves("fpn", 1, "800 × 1216 px", "eq-size-rule", "200 × 150 px")
def sizes_of_the_stages_and_the_level_of_a_box() -> list[str]:
    with torch.device("meta"):
        c = backbone("resnet50", "batch").eval()(zeros(1, 3, 800, 1216))
    *most, last = (f"{x.shape[2]} × {x.shape[3]}" for x in c.values())
    rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
    (level,) = rule.level_of(torch.tensor([[0.0, 0, 200, 150]])).tolist()
    side = math.sqrt(200 * 150)
    assert 112 < side < 224
    return [
        f"{', '.join(most)} and {last}",
        f"\\sqrt{{200 \\cdot 150}} \\approx {side:.0f}$ px",
        f"less than 224 and more than 112, so $P_{level}$",
    ]


@solves("fpn", 2, "the sum at level 2 is the sum of all four M's")
def the_way_down_at_once() -> list[str]:
    _, printed = run("fpn", "toy", "solution-2")
    assert printed.splitlines()[-1] == "True"
    return ["True: repeating values twice is repeating them four times"]


@solves("two_forwards", 1, "20 × 20 px", "5 px to the right", "at one half")
def overlap_of_a_shifted_box() -> list[str]:
    boxes = torch.tensor([[0.0, 0, 20, 20], [5, 0, 25, 20], [7, 0, 27, 20]])
    overlap = box_iou(boxes[:1], boxes[1:])
    assert Matcher(0.5, 0.5)(overlap).tolist() == [0, -1]  # the first counts, the second does not
    near, far = overlap[0].tolist()
    shared = [(20 - shift) * 20 for shift in (5, 7)]
    whole = [800 - n for n in shared]
    return [
        f"$15 \\cdot 20 = {shared[0]}$ of $400 + 400 - {shared[0]} = {whole[0]}$",
        f"an IoU of ${near:.1f}$, which counts",
        f"${shared[1]} / {whole[1]} \\approx {far:.2f}$, which does not",
    ]


@solves("two_forwards", 2, "Switch AugFPN's parts off one by one", "leave the list as it is")
def losses_without_each_part() -> list[str]:
    made, printed = run("two_forwards", "toy", "toy-losses", "solution-2")
    whole = set(made["detector"](made["pictures"], made["targets"]))
    left = {
        re.match(r"without (\w+):", line)[1]: set(line.split()[2:])
        for line in printed.splitlines()
        if line.startswith("without")
    }
    assert {name for name, each in left.items() if each == whole} == {"RFA", "SRS"}
    assert left["CS"] == {name for name in whole if "supervision" not in name} != whole
    return ["Only Consistent Supervision has losses of its own", "The other two change what"]
