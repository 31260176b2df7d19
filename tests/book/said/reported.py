"""What the paper reports: sentences about its numbers."""

import math

from chapters import cells, source

from augfpn.study.results import reported
from said.table import says

PAGE = "the_paper"
GAINS = {each.label: each for each in reported.pairs()}
AP = reported.printed_ap()


@says(PAGE, "**All twelve gain, at every size of objects, in boxes and in masks.**")
@says(PAGE, "the smallest gain in AP, 0.9 in FCOS, is three times the noise")
@says(PAGE, "ResNet-101 is there with 12 and with 24 epochs")
@says(PAGE, "**Large objects gain most, in each of the twelve.**")
def all_gain() -> None:
    every = [*GAINS.values(), *reported.pairs(masks=True)]
    assert all(each.gain(number) > 0 for each in every for number in ("AP", *reported.BY_SIZE))
    assert len(GAINS) == 12
    assert min(each.gain() for each in GAINS.values()) == round(3 * reported.NOISE, 1) == 0.9
    assert min(GAINS, key=lambda label: GAINS[label].gain()).startswith("FCOS")
    longer = [label.removesuffix(", 24 epochs") for label in GAINS if label.endswith(" epochs")]
    assert longer == ["Faster R-CNN, ResNet-101", "Mask R-CNN, ResNet-101"]
    assert set(longer) < set(GAINS)
    assert all(max(reported.BY_SIZE, key=each.gain) == "APl" for each in every)


@says(
    PAGE,
    "**ResNet-50 gains more than ResNet-101, and that more than ResNeXt-101**, in Faster R-CNN. "
    "But the rule ends there: MobileNet-v2, the weakest, gains less than ResNet-50.",
)
@says(PAGE, "**On the same backbone, FCOS and RetinaNet gain less than Faster R-CNN.**")
@says(
    PAGE,
    "RetinaNet on ResNet-50 gains as much as Faster R-CNN on MobileNet-v2, and more than on "
    "ResNeXt-101.",
)
def by_backbone() -> None:
    of = {label.removeprefix("Faster R-CNN, "): each.gain() for label, each in GAINS.items()}
    next_ = [of["ResNeXt-101-32x4d"], of["ResNeXt-101-64x4d"]]
    assert of["ResNet-50"] > of["ResNet-101"] > max(next_)
    assert of["MobileNet-v2"] < of["ResNet-50"]
    weakest = min(GAINS.values(), key=lambda each: each.fpn["AP"])
    assert weakest.label == "Faster R-CNN, MobileNet-v2"
    for backbone in ("ResNet-50", "MobileNet-v2"):
        one_stage = [of.get(f"{name}, {backbone}", 0) for name in ("RetinaNet", "FCOS")]
        assert max(one_stage) < of[backbone]
    assert of["RetinaNet, ResNet-50"] == of["MobileNet-v2"]
    assert of["RetinaNet, ResNet-50"] > max(next_)


@says(
    PAGE,
    "The gain is highest in the middle, 2.3 points for Faster R-CNN with ResNet-50 at an AP of "
    "36.5. It is 1.3 and 1.6 for the weakest, with MobileNet-v2, and falls from ResNet-50 over "
    "ResNet-101 to ResNeXt-101 at 1.3. FCOS lies lowest, at 0.9.",
)
def least_and_most() -> None:
    first, *_, last = sorted(GAINS.values(), key=reported.Pair.gain)
    assert (first.label, first.gain()) == ("FCOS, ResNet-50", 0.9)
    assert (last.label, last.gain(), last.fpn["AP"]) == ("Faster R-CNN, ResNet-50", 2.3, 36.5)
    weakest = [each for each in GAINS.values() if "MobileNet" in each.label]
    assert [each.gain() for each in sorted(weakest, key=reported.Pair.gain)] == [1.3, 1.6]
    assert max(each.fpn["AP"] for each in weakest) < min(
        each.fpn["AP"] for each in GAINS.values() if each not in weakest
    )
    of = {each.backbone: each.gain() for each in GAINS.values() if each.detector == "Faster R-CNN"}
    assert of["ResNet-50"] > of["ResNet-101"] > of["ResNeXt-101-64x4d"] == 1.3


@says(
    PAGE,
    "All lie above zero but for the maximum in Table 4, at minus 1.8. AugFPN, at 2.4, is far from "
    "all others; most rows of Tables 3 to 5 lie between 0.4 and 1.1, and their grey bars overlap "
    "those of their neighbours",
)
def the_ablations() -> None:
    rows = reported.ablations()
    below = [(each.label, each.gain) for each in rows if each.gain <= 0]
    assert (len(rows), below) == (28, [("GMP, sum", -1.8)])
    *others, best = sorted(each.gain for each in rows)
    assert best == 2.4
    assert max(others) < best - 2 * reported.NOISE
    inside = [0.4 <= each.gain <= 1.1 for each in rows if each.table != "Table 2"]
    assert sum(inside) >= len(inside) - 3


@says(PAGE, "AugFPN on ResNet-50 gains 2.3 points in Table 1 and 2.4 in Table 2.")
def both_tables() -> None:
    (row,) = (each for each in reported.ablations() if each.label == "AugFPN")
    assert (GAINS["Faster R-CNN, ResNet-50"].gain(), row.gain) == (2.3, 2.4)


@says(
    PAGE,
    "In Table 2 the distance to the next row is more than twice the noise, and even with twice the "
    "deviation the row wins again in 92 of 100 draws.",
)
@says(PAGE, "In Table 4 more than half of all pairs lie within the noise.")
@says(PAGE, '"three ratios are better than two" rests on a tenth of a point')
@says(PAGE, "the distance is within the noise ([our runs](variants.ipynb))")
def what_stands_firm() -> None:
    *_, second, best = sorted(AP["Table 2"])
    assert best - second > 2 * reported.NOISE
    assert round(100 * reported.best_again(AP["Table 2"], 2 * reported.NOISE)) == 92
    close, every = reported.pairs_within(AP["Table 4"], reported.NOISE)
    assert close > every / 2
    gains = {(each.table, each.label): each.gain for each in reported.ablations()}
    three, two = (gains["Table 4", f"RA-AP 0.1, 0.2{end}"] for end in (", 0.3", ""))
    assert round(three - two, 1) == 0.1
    total_of_one = gains["Table 3", "all, λ = 0.25"] - gains["Table 3", "single, λ = 1"]
    assert 0 < total_of_one <= reported.NOISE


@says(
    PAGE,
    "two rows that are no more than 0.3 points apart may differ by chance. The figure shows it by "
    "a grey bar of plus and minus 0.15 points around each row.",
)
@says(PAGE, "Grey: plus and minus 0.15 points, half of the noise")
@says(
    PAGE,
    "We take 0.15 points: then two runs are less than 0.3 apart in 84 of 100 cases. The last "
    "column takes 0.3 points.",
)
def noise_and_a_single_run() -> None:
    """Of a normal distribution; the difference of two runs has sqrt 2 times the deviation."""
    (parameters,) = (source(each) for each in cells(PAGE) if each["id"] == "parameters")
    assert parameters.startswith(f"noise = {reported.NOISE} ")
    of_one = reported.of_one_run(reported.NOISE)
    assert (reported.NOISE, of_one) == (0.3, 0.15)
    assert round(100 * math.erf(reported.NOISE / of_one / 2)) == 84
    assert 2 * of_one == 0.3  # the caption's second deviation


@says(
    PAGE,
    "**Small objects** gain 2.7 points by all three parts. In Table 1, on `test-dev`, the same "
    "detector gains only 1.8 on them;",
)
def small_objects() -> None:
    fpn, *rows = reported.paper.tables()["table2"]
    small = {reported.parts_label(row): round(row["APs"] - fpn["APs"], 1) for row in rows}
    assert [small[x] for x in ("CS", "RFA", "SRS", "AugFPN")] == [0.4, 1.1, 0.4, 2.7]
    in_table1 = GAINS["Faster R-CNN, ResNet-50"].gain("APs")
    assert in_table1 == 1.8
    assert round((small["AugFPN"] - in_table1) / reported.NOISE, 1) == 3


@says(
    PAGE,
    "Table 1 cites Faster R-CNN with FPN on ResNet-101 from elsewhere, and all its numbers but AP "
    "are those of the cited RetinaNet on ResNet-101.",
)
def a_row_that_repeats_another() -> None:
    cited = {
        row["method"]: row
        for row in reported.paper.tables()["table1"]
        if row["cited"] and row["backbone"] == "ResNet-101-FPN"
    }
    one, other = cited["Faster R-CNN"], cited["RetinaNet"]
    same = [name for name in reported.paper.AP_NAMES if one[name] == other[name]]
    assert same == [name for name in reported.paper.AP_NAMES if name != "AP"]


@says(PAGE, "no pair gains more than the sum of what its parts gain alone")
@says(
    PAGE,
    "An interaction of two parts combines four rows, FPN's among them, so its deviation is "
    "$\\sqrt{4} = 2$ times that of a run. With three parts FPN's row counts twice, and the factor "
    "is $\\sqrt{1 + 3 + 2^2} = 2.8$. All four lie within two of their deviations of zero, so they "
    "fit *the gains simply add up*.",
)
def they_add_up() -> None:
    found = reported.interactions()
    of_one = reported.of_one_run(reported.NOISE)
    factors = {name: round(each.deviation / of_one, 1) for name, each in found.items()}
    assert factors == {"CS + RFA": 2, "CS + SRS": 2, "RFA + SRS": 2, "AugFPN": 2.8}
    assert max(each.beyond for each in found.values()) <= 0
    assert all(abs(each.beyond) < 2 * each.deviation for each in found.values())


@says(PAGE, "The mean as pooling gains five tenths by the table and six by the text.")
@says(
    PAGE,
    "Residual Feature Augmentation alone has other numbers for medium and large objects in Table 2 "
    "than in Table 4.",
)
def slips() -> None:
    tables = reported.paper.tables()
    alone = next(row for row in tables["table2"] if reported.parts_label(row) == "RFA")
    again = next(
        row for row in tables["table4"] if reported.context_label(row) == "RA-AP 0.1, 0.2, 0.3"
    )
    assert alone["AP"] == again["AP"]
    assert all(alone[size] != again[size] for size in ("APm", "APl"))
    gains = {each.label: each.gain for each in reported.ablations()}
    assert gains["GAP, sum"] == 0.5
    assert any("improves the baseline by 0.6" in each for each in tables["inconsistencies"])


@says(
    PAGE,
    "[it stays behind](fair_baselines.ipynb) AugFPN with half of them. 3. **Its FPN is of 2019.**",
)
def fpn_twice_as_long() -> None:
    longer = GAINS["Faster R-CNN, ResNet-101, 24 epochs"]
    assert longer.fpn["AP"] < GAINS["Faster R-CNN, ResNet-101"].augfpn["AP"]
    twice = [each.detector for each in GAINS.values() if each.schedule == "2x"]
    assert twice == ["Faster R-CNN", "Mask R-CNN"]
