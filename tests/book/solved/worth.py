"""Solutions: what AugFPN is worth, in effects, cost and claims."""

import math
import re
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import torch
from scipy import stats

from augfpn import config
from augfpn.config import AUGFPN
from augfpn.detectors import cost
from augfpn.pyramid import AdaptiveSpatialFusion
from augfpn.settings import parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.speed.roi_align import places_of
from augfpn.study import gates, gather, tables
from augfpn.study.ledger import claims
from augfpn.study.results import against, reported
from augfpn.study.running import grid
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.intervals import Interval
from solved.table import WORDS, percentages, run, solves


def spread_of_one(seeds: int) -> list[float]:
    """One difference for each seed, with a mean of 2 and a standard deviation of 1."""
    values = np.arange(seeds, dtype=float)
    return (2 + (values - values.mean()) / values.std(ddof=1)).tolist()


@solves("putting_it_together", 1, "differences of 1, 2 and 3 points", "from nine seeds")
def intervals_of_three_and_nine_seeds() -> list[str]:
    three, nine = (intervals.mean_interval(spread_of_one(n)) for n in (3, 9))
    assert spread_of_one(3) == [1, 2, 3]
    assert [intervals.verdict(each) for each in (three, nine)] == ["undecided", "holds"]
    factors = [float(stats.t.ppf(0.975, n - 1)) for n in (3, 9)]
    half = f"{three.high - 2:.1f}"
    return [
        "The standard deviation is 1, "
        f"the standard error $1 / \\sqrt 3 \\approx {three.of_seeds:.2f}$",
        f"$t_2 \\approx {factors[0]:.1f}$: from $2 - {half}$ to $2 + {half}$, which contains zero",
        f"the error is $1/3$ and $t_8 \\approx {factors[1]:.1f}$",
        f"from ${nine.low:.1f}$ to ${nine.high:.1f}$",
        f"{WORDS[9 - 3].capitalize()} more pairs of runs, and *undecided* becomes *holds*",
    ]


@solves("putting_it_together", 2, "half a point", "one point between differences")
def single_runs_that_point_the_wrong_way() -> list[str]:
    _, printed = run("putting_it_together", "solution-2")
    one, five = (each / 100 for each in percentages(printed)[-2:])
    pairs = int(printed.split()[-1])
    tens = {20: "twenty", 30: "thirty", 40: "forty"}
    return [
        f"In {WORDS[round(10 * one)]} of ten tries a single pair points the wrong way",
        f"still does in one of {WORDS[round(1 / five)]}",
        f"takes some {tens[round(pairs, -1)]} pairs",
    ]


@solves("putting_it_together", 3, "one dot in each row", "the best of the eight")
def the_best_of_eight_runs() -> list[str]:
    of = gather.committed("scenes", "laptop", "confirmation")
    rows = tables.variant_rows("table2", of)
    given = {"np": np, "rng": np.random.default_rng(1), "rows": rows, "tables": tables}
    _, printed = run("putting_it_together", "solution-3", **given)
    *shares, last = printed.splitlines()
    won = {line.partition(":")[0]: percentages(line)[-1] for line in shares}
    assert len(won) == 8
    assert 44 < won["AugFPN"] < 50
    assert won.pop("FPN") < 0.5 < 1 < min(won.values())
    gain = float(last.split()[-1])
    assert all(100 * of.effects(row.variant, "fpn")["AP"].mean < gain for row in rows[1:])
    return [
        "In about half of the games it is AugFPN; every other combination but FPN wins some",
        f"The published gain is {gain:.1f} points on average, more than any has",
    ]


@solves("cost", 1, "three levels and 256 channels", "25 × 38 places")
def cost_of_the_gates() -> list[str]:
    gates = AdaptiveSpatialFusion(256, 3)
    first, second = (
        sum(q.numel() for q in part.parameters()) for part in (gates.reduce, gates.score)
    )
    macs = [part.weight.numel() for part in (gates.reduce, gates.score)]
    work = 25 * 38 * sum(macs)
    _, whole = cost.at_inference(cost.part_costs(replace(AUGFPN, classes=80)))
    assert 0.5 < 1000 * work / whole < 1.5
    return [
        f"$3 \\cdot 256 \\cdot 256 + 256 = {first}$",
        f"$9 \\cdot 256 \\cdot 3 + 3 = {second}$: together ${first + second}$",
        f"${25 * 38} \\cdot ({macs[0]} + {macs[1]})$, some {work / 1e6:.0f} million",
        "a thousandth of the detector's",
    ]


@solves("cost", 2, "no more than FPN's box head for a thousand")
def proposals_at_equal_work() -> list[str]:
    _, printed = run("cost", "parts", "solution-2")
    assert 450 <= int(printed.split()[0]) <= 550
    return ["About half"]


@solves("claims", 1, "$+1.2$", "$[-0.1, +2.5]$", "$+0.8$")
def an_interval_across_both() -> list[str]:
    found = Interval(1.2, -0.1, 2.5, 3, 0.5, 0.5)
    assert {intervals.verdict(found, margin) for margin in (0, 0.8)} == {"undecided"}
    return ["Undecided, both", "it contains the paper's difference too"]


@solves("claims", 2, "forgot the intervals and believed every mean")
def claims_by_their_means() -> list[str]:
    """The cell on made-up claims; `said/claims.py` runs it on the ledger itself."""
    missing = claims.Line("", None, None, 0.0)
    ledger = [
        SimpleNamespace(
            verdict=verdict,
            lines=[claims.Line("", intervals.around(mean, 3, 0.2, 0.1), None, 0.0), *more],
        )
        for verdict, mean, more in (
            ("holds", 1.2, []),
            ("undecided", 0.5, []),
            ("does not hold", -1.1, []),
            ("undecided", 1.2, [missing]),
        )
    ]
    ledger.append(SimpleNamespace(verdict="holds", lines=[]))
    _, printed = run("claims", "solution-2", ledger=ledger)
    assert printed.strip() == "of 3 claims with all their runs, 2 by their means, 1 by intervals"
    return ["Compare the two counts: the difference is what one would have"]


@solves("claims", 3, "sixty-three tests at 95 %")
def false_verdicts_by_chance() -> list[str]:
    wrong = (1 - intervals.LEVEL) / 2
    assert 1 < wrong * len(claims.claims()) < 2
    return ["in two and a half percent of cases", "one or two of sixty-three"]


@solves("speed", 1, "A box of $100 \\times 100$ px is pooled from $P_5$")
def places_and_reads_of_a_box() -> list[str]:
    most = 0
    for shift in np.linspace(0, 32, 100):
        roi = torch.tensor([[0.0, 300 + shift, 300 + shift, 400 + shift, 400 + shift]])
        places, weights = places_of(roi, 7, 5, (40, 40))
        most = max(most, len(places[weights > 0].unique()))
    across = math.isqrt(most)
    assert across**2 == most
    return [
        f"at most {WORDS[across]} in each direction, {most} in all",
        f"$49 \\cdot 16 = {places.numel()}$ reads",
    ]


@solves("speed", 2, "on 320 × 416 px")
def boxes_from_which_maps_are_reduced_first() -> list[str]:
    places = sum((320 // 2**k) * (416 // 2**k) for k in (2, 3, 4, 5))
    _, printed = run("speed", "solution-2", places=places, p=range(4))
    boxes = int(re.findall(r"\d+", printed)[0])
    assert boxes == round(places / 49 / 4)
    assert 24 <= boxes < 120
    assert round(places, -3) == 11_000
    return ["some eleven thousand places, so a few dozen boxes are enough", "Training samples 512"]


@solves("dials", 1, "costs FPN 20 points of AP")
def harm_that_nothing_mends() -> list[str]:
    regained = gates.LEAST_REGAINED
    assert not gates.Pilot("a dial", 0.2, 0.0).passes
    assert gates.Pilot("a dial", 0.2, regained).passes
    return ["Nothing about the part's own defect"]


@solves("dials", 2, "boxes of 72 pixels", "a box of 18 pixels", "turned to a quarter")
def a_box_after_the_turn() -> list[str]:
    levels = [math.floor(4 + math.log2(18 / size)) for size in (72, 72 / 4)]
    assert levels == [2, 4]
    return [
        "Two doublings below 72, so two levels below: $P_2$.",
        "18 pixels are what $P_4$ is for",
        "a quarter of the places along each side",
    ]


@solves("dials", 3, "model.canonical_size=143")
def another_box_size() -> list[str]:
    base = grid.Run("fpn", "scenes", "laptop", 0).experiment.model.canonical_size
    of = grid.Run("fpn", "canonical_x2", "laptop", 0).experiment.model.canonical_size
    assert (round(base), round(of)) == (72, 143)
    return ["Larger ones, because twice the size brought FPN a gain in one seed."]


@solves("fair_baselines", 1, "one and a half times as long and brings one point")
def where_a_part_breaks_even() -> list[str]:
    assert f"{math.log2(1.5):.2f}" == "0.58"
    assert f"{against.Doubling(0, 3, 1, 1.5).breaks_even:.1f}" == "1.7"
    assert abs(3 * math.log2(1.5) - 1 - 0.75) < 0.01
    return [
        r"$\log_2 1.5 \approx 0.58$, so $1 / 0.58 \approx 1.7$ points.",
        r"$3 \cdot 0.58 - 1 \approx 0.75$ points behind at equal time",
    ]


@solves("fair_baselines", 2, "runs vary by $0.7$ points", "make nine tries")
def the_best_of_nine() -> list[str]:
    _, printed = run("fair_baselines", "solution-2")
    best, again = printed.splitlines()
    assert 0.9 < float(best.split()[-2]) < 1.15
    assert float(again.split()[-2]) == 0
    largest = np.random.default_rng(1).normal(size=(100_000, 9)).max(1).mean()
    assert f"{largest:.1f}" == "1.5"
    return ["About one point, from nothing", "is $1.5$ standard deviations", "nothing is left"]


@solves("fair_baselines", 3, "not scored on the thousand test scenes")
def other_scenes_for_choosing() -> list[str]:
    chosen = experiment(
        parameters.parse({"data": "scenes", "test_split": "tune", "weights": "scratch"}), "cpu"
    ).data
    assert chosen.test != config.Data(name="scenes").test
    return ["On the test scenes the chosen setting would keep that luck"]


@solves("fair_baselines", 4, "--steps 800", "where AugFPN breaks even on your own images")
def what_breaking_even_needs() -> list[str]:
    assert BUDGETS["laptop"].train.steps == 400
    return ["Train FPN with $n$ and $2n$ steps and AugFPN with $n$"]


@solves("the_paper", 1, "gains 2.3 points in Table 1 and 2.4 in Table 2", "tested on `val2017`")
def the_table_of_the_same_images() -> list[str]:
    (row,) = (each for each in reported.ablations() if each.label == "AugFPN")
    (pair,) = (each for each in reported.pairs() if each.label == "Faster R-CNN, ResNet-50")
    assert (pair.gain(), row.gain) == (2.3, 2.4)
    assert round(row.gain - pair.gain(), 1) <= reported.NOISE
    return [f"Table 2, {row.gain}", "The difference of the two is within the noise"]


@solves("the_paper", 2, "two runs differ by a tenth of a point at most", "pairs of Table 4")
def pairs_of_table_4_at_less_noise() -> list[str]:
    close, pairs = reported.pairs_within(reported.printed_ap()["Table 4"], 0.1)
    gains = {each.label: each.gain for each in reported.ablations() if each.table == "Table 4"}
    more = [gains["RA-AP " + ", ".join(("0.1", "0.2", "0.3", "0.4")[:n])] for n in (1, 2, 3, 4)]
    assert all(round(b - a, 1) <= 0.1 for a, b in pairwise(more))
    _, printed = run("the_paper", "beside", "solution-2")
    assert printed.strip() == f"({close}, {pairs})"
    return [f"{close} of {pairs}", "the second ratio, the third or the fourth stays within"]
