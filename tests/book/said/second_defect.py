"""The second defect: Residual Feature Augmentation."""

import itertools
import json
from functools import cache
from statistics import mean, median
from xml.etree import ElementTree

import numpy as np
import torch
from chapters import BOOK

from augfpn.diagnostics import top_level
from augfpn.diagnostics.objects import maps
from augfpn.pyramid import ratio_invariant_pool
from augfpn.study.factorial import wider_main_effect
from augfpn.study.results import measured_apart, mechanisms
from augfpn.study.results.reported import printed_main_effect
from augfpn.study.running import grid
from augfpn.study.tables import variant_row
from augfpn.study.uncertainty.cells import SIZE_OF, effect_text
from augfpn.training import reopen
from said.evidence import (
    BOTH,
    NOISE,
    at,
    compared,
    confirmation,
    looked_at,
    measured,
    printed,
    undecided,
)
from said.parts import by_wider, pretrained
from said.table import says

READOUT = "C5 lost in M5 + M6 minus C5 lost in M5"


@cache
def weights_of_context() -> top_level.ContextWeights:
    """How far the context's weights open in each test image of scenes."""
    detector, run = reopen.load_detector(at("scenes").recorded("augfpn")[0].folder, "cpu")
    return top_level.context_weights(detector, reopen.recorded_pictures(run, "test"), "cpu")


@says(
    "residual_feature_augmentation",
    "In each of the 100 images its border is stronger than its inside, in the middle one nearly "
    "three times.",
)
def most_of_m6_is_a_frame() -> None:
    detector, run = reopen.load_detector(at("scenes").recorded("augfpn")[0].folder, "cpu")
    pictures, times = reopen.recorded_pictures(run, "test"), []
    for i in range(len(pictures)):
        m6 = maps(detector, *pictures[i], "cpu").m6[0].norm(dim=0).numpy()
        inside = np.zeros(m6.shape, bool)
        inside[1:-1, 1:-1] = True
        times.append(m6[~inside].mean() / m6[inside].mean())
    assert min(times) > 1
    middle = np.argsort(weights_of_context().size)[len(times) // 2]
    assert middle == 39  # that of book/figures/one_scene.py
    assert 2.7 < times[middle] < 3


@says(
    "residual_feature_augmentation",
    "With the part alone only one of six intervals lies clear of zero: on scenes M5 + M6 loses "
    "slightly more than M5. With all three parts P5 loses more than FPN's on scenes and less on "
    "blood cells.",
)
def what_is_drawn_of_the_top() -> None:
    alone, together = (
        {
            (row.row, pictures): at(pictures).measured(
                [row.variant], [row.base] if row.base else [], row.number
            )
            for row in measured_apart.OF_RFA
            if row.variant == variant
            for pictures in BOTH
        }
        for variant in ("rfa", "augfpn")
    )
    decided = [key for key, found in alone.items() if not undecided(found)]
    assert (decided, len(alone)) == ([("M5 + M6, minus M5", "scenes")], 6)
    lost = [together["P5, minus FPN's P5", pictures] for pictures in BOTH]
    assert lost[0].low > 0 > lost[1].high


@says(
    "residual_feature_augmentation",
    "**In three of four images all three weights stay below 0.1.** The global map's weight exceeds "
    "0.2 in ten images, and all ten are dark.",
)
@says(
    "residual_feature_augmentation",
    "Only in dark images, with a brightness below half, does the ratio 0.1 have larger weights, in "
    "ten of them from 0.2 to 0.6.",
)
def the_context_opens_in_dark_images() -> None:
    found = weights_of_context()
    assert len(found.size) == 100
    assert 0.73 < (found.weights < 0.1).all(axis=1).mean() < 0.78
    wide = found.weights[:, 0] > 0.2
    assert wide.sum() == 10
    assert found.brightness[wide].max() < 45
    assert round(found.weights.max(), 1) == 0.6
    assert found.weights[found.brightness > 50].max() < 0.12


@says(
    "residual_feature_augmentation",
    "In the middle image, $M_6$ has 9 % of the norm of $M_5$.",
)
@says("residual_feature_augmentation", "each of the 100 test images")
def size_of_m6() -> None:
    found = weights_of_context()
    assert len(found.size) == 100
    assert round(100 * median(found.size)) == 9


@says(
    "residual_feature_augmentation",
    "C5 is pooled to 1 by 1, 1 by 2 and 2 by 3 bins. Each pooled map is enlarged again to 8 by 10 "
    "places. Adaptive Spatial Fusion gives each a weight map, with means of 0.07, 0.07 and 0.06, "
    "darker along the border.",
)
def the_drawing_of_augmentation() -> None:
    drawing = ElementTree.parse(BOOK / "figures" / "part_rfa.svg").getroot()
    kept = drawing.find(".//{http://purl.org/dc/elements/1.1/}description").text
    means = [f"{each:.2f}" for each in json.loads(kept)["weights of M6"]]
    assert means == ["0.07", "0.07", "0.06"]


@says("residual_feature_augmentation", "and 256 into 64 in our small detectors.")
@says("residual_feature_augmentation", "as 64 channels cannot hold all that 256 say.")
def channels_of_the_top() -> None:
    _, _, of = looked_at("augfpn")
    assert (of.c[5].shape[1], of.m[5].shape[1]) == (256, 64)


@says(
    "residual_feature_augmentation",
    "**23 % of the variance of $C_5$ on scenes, and 40 % on blood cells, cannot be read from our "
    "FPN's $M_5$** by the best linear map.",
)
def what_is_lost_at_the_top() -> None:
    lost = [measured(pictures, "fpn", "C5 lost in M5").mean for pictures in BOTH]
    assert [round(each) for each in lost] == [23, 40]


@says(
    "residual_feature_augmentation",
    "On scenes $M_5 + M_6$ gives back a little *less* of $C_5$ than $M_5$ of the same runs.",
)
def m6_gives_nothing_back() -> None:
    for pictures, variant in itertools.product(BOTH, ("rfa", "augfpn")):
        lost = [measured(pictures, variant, f"C5 lost in {x}").mean for x in ("M5", "M5 + M6")]
        assert lost[0] <= lost[1] < lost[0] + 1
        for what in ("content", "classes"):
            with_m6 = measured(pictures, variant, f"{what} from M5 + M6 minus {what} from M5")
            assert with_m6.mean < 1
    more = [effect_text(at(pictures).measured(["rfa"], [], READOUT)) for pictures in BOTH]
    assert more == ["+0.3 [+0.2, +0.4]", "+0.1 [−0.2, +0.5]"]


@says(
    "residual_feature_augmentation",
    "**On scenes its effect is [*within 1 AP of zero*](what_we_found.ipynb#how-to-read-it)**, in "
    "nine seeds that were [fixed beforehand](what_we_found.ipynb#what-was-fixed): the main effect "
    "is −0.2 [−0.9, +0.4]. Alone and for each size of objects the "
    "interval contains zero and lies below the paper's gain. **On blood cells** nothing is known "
    "from scratch; from pretrained weights the interval lies below the paper's gain again.",
)
@says(
    "residual_feature_augmentation",
    "All intervals contain zero; the paper's squares lie to the right of the intervals in their "
    "rows.",
)
def what_augmentation_brings() -> None:
    assert by_wider("rfa", main=True) == ("−0.2 [−0.9, +0.4]", "within 1 AP of zero")
    verdicts = [by_wider("rfa", of=of)[1] for of in (None, at("bccd"), pretrained())]
    assert verdicts == ["below the paper's gain", "undecided", "below the paper's gain"]
    main = {n: wider_main_effect(confirmation(), "rfa", n) for n in SIZE_OF}
    assert all(100 * main[n].high < printed_main_effect("rfa", n) for n in SIZE_OF)
    assert all(map(undecided, main.values()))


@says(
    "residual_feature_augmentation",
    "They have at most 256 × 320 px (height × width), which pools to 1 × 1, 1 × 2 and 2 × 3 "
    "places, or 320 × 427 px from pretrained weights: 1 × 1, 2 × 2 and 3 × 4.",
)
def sizes_of_the_pools() -> None:
    asked = [*((at(pictures), (256, 320)) for pictures in BOTH), (pretrained(), (320, 427))]
    pooled = []
    for evidence, sides in asked:
        model = evidence.recorded("rfa")[0].experiment.model
        assert (model.short_side, model.long_side) == sides
        c5 = torch.zeros(1, 1, *(-(-side // 32) for side in sides))
        pools = [ratio_invariant_pool(c5, ratio).shape[2:] for ratio in model.ratios]
        pooled.append([f"{height} × {width}" for height, width in pools])
    assert pooled == [["1 × 1", "1 × 2", "2 × 3"]] * 2 + [["1 × 1", "2 × 2", "3 × 4"]]


@says(
    "residual_feature_augmentation",
    "**That any level gets a better sense of the whole image is not shown either**: in all [other "
    "readouts](test_bench.ipynb) the differences to FPN have [intervals](intervals.ipynb) that "
    "contain zero.",
)
def nothing_else_is_decided() -> None:
    assert {each.split()[0] for each in mechanisms.TOP_NUMBERS[:3]} == {"C5"}
    for pictures, variant, number in itertools.product(
        BOTH, ("rfa", "augfpn"), mechanisms.TOP_NUMBERS[3:]
    ):
        if "M6" not in number:  # FPN has none
            assert undecided(measured(pictures, variant, number, less="fpn"))


@says(
    "variants",
    "on scenes and in the paper, where it costs nearly two points.",
)
@says(
    "variants",
    "Their rows lie within a few tenths of a point of each other in the paper, as far apart as two "
    "runs of one setting.",
)
def the_papers_table_4() -> None:
    circles = {v: printed(v) for v in grid.part("table4").variants[1:]}
    worst = circles.pop("rfa_gmp_sum")
    assert -2 < worst < -1.5
    middle = median(circles.values())
    assert mean(abs(each - middle) <= NOISE + 0.01 for each in circles.values()) > 0.8


@says("residual_feature_augmentation", "(a fourth, 0.4, gains 0.1 AP in its Table 4)")
def a_fourth_ratio_in_the_paper() -> None:
    of = {v: grid.model_of_variant(v).ratios for v in grid.part("table4").variants}
    (four,) = [v for v, ratios in of.items() if len(ratios) == 4]
    assert of[four] == (*of["rfa"], 0.4)
    assert round(printed(four) - printed("rfa"), 1) == 0.1


@says(
    "variants",
    "Not by a global maximum: its AP minus that of FPN is −6.7 [−9.1, −4.3]. No other way is shown "
    "to differ from FPN.",
)
@says("variants", "No: −0.3 [−1.8, +1.2], close to FPN.")
@says("variants", "Here no interval but that of the maximum excludes zero ({numref}`tab-table4`).")
@says(
    "variants",
    "On scenes the global maximum lies far to the left, and the paper's square is the only one "
    "left of zero. All other intervals cross the line at zero.",
)
@says("residual_feature_augmentation", "a global maximum costs more than six points,")
def the_global_maximum_harms_and_the_average_does_not() -> None:
    rows = {v: variant_row(v, at("scenes")).wider["AP"] for v in compared("table4", "scenes")}
    shown = [effect_text(rows[f"rfa_{pool}_sum"]) for pool in ("gmp", "gap")]
    assert shown == ["−6.7 [−9.1, −4.3]", "−0.3 [−1.8, +1.2]"]
    assert {v for v, found in rows.items() if not undecided(found)} == {"rfa_gmp_sum"}
    assert {found.seeds for found in rows.values()} == {3}
    assert [v for v in rows if printed(v) < 0] == ["rfa_gmp_sum"]
    assert at("scenes").effects("rfa_gap_sum", "rfa_gmp_sum")["AP"].low > 0
