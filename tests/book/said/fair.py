"""Fair baselines: equal time, longer training, settings that were looked for alike."""

from collections import Counter
from dataclasses import replace
from functools import cache
from math import log2
from statistics import mean

from augfpn.data.load import load_pictures
from augfpn.figures.pictures import THRESHOLD
from augfpn.settings import paper, recipes
from augfpn.settings.budgets import BUDGETS
from augfpn.study.bench import pages
from augfpn.study.ledger import claims, freeze
from augfpn.study.results import against
from augfpn.study.running.controls import WIDTHS
from augfpn.study.running.tries import Tuning, results_of_tuning
from augfpn.study.spreads import wider_text
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import effect_text
from said.costs import LARGE, own_ratio
from said.evidence import confirmation, undecided
from said.table import says


@cache
def doublings() -> list[against.Doubling]:
    """On scenes of AugFPN and CS, and on COCO of Faster R-CNN and of Mask R-CNN."""
    return list(against.doublings(confirmation()).values())


@says(
    "fair_baselines",
    "FPN's dots at 800 steps lie far above AugFPN's at 400, which took about as long; at the same "
    "number of steps AugFPN's dots lie a little higher and further right.",
)
@says("fair_baselines", "At *equal steps*, 400 or 1,600, AugFPN's dots lie slightly higher.")
def above_at_equal_time_and_below_at_equal_steps() -> None:
    runs = against.ap_by_time(confirmation(), against.step_ratio(confirmation()))
    fpn, augfpn = (
        runs[runs["detector"] == name].groupby("time")["AP"].mean() for name in ("FPN", "AugFPN")
    )
    assert len(fpn) > len(augfpn)
    assert augfpn.iloc[0] > fpn.iloc[0]
    assert augfpn.iloc[-1] > fpn.iloc[-1]
    before = fpn[fpn.index <= augfpn.index[0] * 1.2]
    assert before.iloc[-1] > augfpn.iloc[0] + 10


@says("fair_baselines", "its 800 steps take hardly more time than AugFPN's 400.")
@says("fair_baselines", "The 800 steps of FPN took 7 % more time than the 400 of AugFPN.")
@says(
    "fair_baselines",
    "AugFPN is 11.8 points behind FPN with twice the steps, which takes 7 % more time, over six "
    "seeds. At exactly equal time {eq}`eq-break-even` puts it 10.5 points behind: −10.5 [−12.3, "
    "−8.7].",
)
@says(
    "what_we_found",
    "Interpolated to exactly equal time AugFPN [is 10.5 points behind](fair_baselines.ipynb)",
)
@says("seminar", "interpolated to exactly equal time, some −10.5")
@says(
    "what_we_found",
    "and Consistent Supervision alone [6.2](fair_baselines.ipynb#where-it-pays): these small "
    "detectors are far from done",
)
@says(
    "intro",
    "**In the same training time** plain FPN [gets far ahead](fair_baselines.ipynb) on scenes, "
    "where training is short;",
)
def twice_the_steps() -> None:
    of = confirmation()
    found = of.effects("augfpn", "fpn_2x_steps")["AP"]
    assert (round(100 * found.mean, 1), found.seeds) == (-11.8, 6)
    assert round(100 * (2 / against.step_ratio(of) - 1)) == 7
    assert [round(each.at_equal_time, 1) for each in doublings()[:2]] == [-10.5, -6.2]
    assert effect_text(against.at_equal_time(of, "augfpn")) == "−10.5 [−12.3, −8.7]"


@says(
    "fair_baselines",
    "with four times the steps for both, AugFPN is *probably* better than FPN: +1.6 [−0.3, +3.5], "
    "in three seeds.",
)
@says(
    "fair_baselines",
    "AugFPN would be ahead at equal time only if FPN's next doubling brought less than 1.8 points; "
    "in these seeds the last, from 800 to 1,600 steps, brought 9.3.",
)
def four_times_the_steps() -> None:
    of = confirmation()
    found = of.effects("augfpn_4x_steps", "fpn_4x_steps")["AP"]
    assert (effect_text(found), found.seeds) == ("+1.6 [+0.3, +3.0]", 3)
    alone = of.apart("augfpn_4x_steps", "fpn_4x_steps")
    assert undecided(intervals.single(list(alone.values()))["AP"])
    last = mean(
        100 * each.observed["AP"] for each in of.apart("fpn_4x_steps", "fpn_2x_steps").values()
    )
    even = 100 * found.mean / log2(against.step_ratio(of))
    assert of.apart("fpn_4x_steps", "fpn_2x_steps").keys() == alone.keys()
    assert (round(last, 1), round(even, 1)) == (9.3, 1.8)


@says(
    "fair_baselines",
    "Consistent Supervision alone has +0.7 [−0.6, +2.0]: *undecided*, with a mean as large as "
    "after 400 steps.",
)
def supervision_after_four_times_the_steps() -> None:
    of = confirmation()
    found = of.effects("cs_4x_steps", "fpn_4x_steps")["AP"]
    own = intervals.single(list(of.apart("cs_4x_steps", "fpn_4x_steps").values()))["AP"]
    assert (effect_text(found), found.seeds) == ("+0.7 [−0.6, +2.0]", 3)
    assert effect_text(own) == "+0.7 [−0.02, +1.4]"
    assert abs(found.mean - of.effects("cs", "fpn")["AP"].mean) < 0.002


@says(
    "fair_baselines",
    "Only the first row was fixed before its runs were made. All others came after the confirming "
    "runs: where their interval excludes zero, they are [*found afterwards*]",
)
def rows_that_were_fixed() -> None:
    every = {each.id: each for each in claims.claims()}
    planned = freeze.decided_by_table2(every.values())  # their runs were, too
    tests = [test for name in planned for test in every[name].tests]
    pairs = {(*test.plus, *test.minus) for test in tests}
    rows = [pair for pair in against.AGAINST if confirmation().apart(*pair)]
    assert [pair for pair in rows if pair in pairs] == rows[:1]


@says(
    "fair_baselines",
    "For all of AugFPN, with the paper's gain, this is some 8 points with the paper's times, and 4 "
    "to 6 with ours at 800 px.",
)
@says(
    "fair_baselines",
    "or about three with our ratio, which rests on two rounds (1.42 and 1.54).",
)
def break_even_at_three_ratios() -> None:
    ratio = pages.ratio_at_the_papers_size(pages.committed_bench("goals"))
    found = against.doublings(confirmation(), {"ours": ratio}).values()
    _, _, printed, ours, _, other = found
    rows = {(row["CS"], row["RFA"], row["SRS"]): row["AP"] for row in paper.tables()["table2"]}
    gain = rows[True, True, True] - rows[False, False, False]
    limits = [gain * each.breaks_even / each.gain for each in (printed, ours)]
    assert [round(each) for each in limits] == [8, 4]
    rounds = own_ratio(LARGE)
    assert [f"{rounds[end]:.2f}" for end in ("low", "high")] == ["1.42", "1.54"]
    assert {round(each.breaks_even) for each in (ours, other)} == {3}
    for each in (ours._replace(ratio=rounds["high"]), other._replace(ratio=rounds["high"])):
        assert 2 < each.breaks_even < 3
        assert each.at_equal_time > 0


@says("fair_baselines", "**On scenes it does not pay, on COCO it does**, by the paper's own")
@says(
    "fair_baselines",
    "a doubling brings twelve points, and no part of a pyramid brings as much, not even Consistent "
    "Supervision alone, whose step is cheaper.",
)
@says(
    "fair_baselines",
    "a doubling brings a point or less. For FPN to be ahead at equal time it would have to bring "
    "more than five",
)
@says("fair_baselines", "AugFPN with 12 epochs is even better there than FPN with 24.")
@says(
    "fair_baselines",
    "On COCO the order is reversed: by the paper's numbers AugFPN is ahead even at equal time, "
    "because a doubling of the training brings a point or less there.",
)
@says("intro", "on COCO, by the paper's single runs with ResNet-101, AugFPN is ahead.")
def where_it_pays() -> None:
    scenes, cs, *coco = doublings()
    assert 12 < scenes.brings < 13
    for each in (scenes, cs):
        assert each.brings > 5 * each.breaks_even
        assert each.breaks_even < 2
    assert cs.breaks_even > scenes.breaks_even
    assert len(coco) == 2
    for each in coco:
        assert each.brings <= 1.0 + 1e-9
        assert 5 < each.breaks_even < 6
        assert each.variant > each.fpn_twice
        assert each.at_equal_time > 0


@says("fair_baselines", "Here are those of the paper's Table 1, Faster R-CNN with ResNet-101")
def what_the_cell_has() -> None:
    names = ("fpn_1x", "fpn_2x", "augfpn_1x")
    (table,) = {recipes.named(f"faster_rcnn_r101_{name}").rows[0].table for name in names}
    assert table == "Table 1"
    assert doublings()[2] == against.Doubling(38.9, 39.7, 40.6, 1.1 / 0.9)


@says(
    "fair_baselines",
    "FPN and AugFPN after 400 steps find the crosses, take one triangle for another shape and miss "
    "the other. FPN after 800 steps finds both triangles.",
)
@says(
    "fair_baselines",
    "After 400 steps FPN and AugFPN fail on the same two objects, and FPN with 800 on neither.",
)
def what_three_detectors_find() -> None:
    scene = 3
    of = confirmation()
    settings = of.recorded("fpn")[3].experiment.data
    pictures = load_pictures(replace(settings, test_scenes=scene + 1), "test")
    _, target = pictures[scene]
    true = Counter(pictures.classes[label - 1] for label in target["labels"])
    assert true == {"cross": 4, "triangle": 2}
    found = {}
    for variant in ("fpn", "augfpn", "fpn_2x_steps"):
        found[variant] = Counter(
            pictures.classes[pictures.label_of[each["category_id"]] - 1]
            for each in of.recorded(variant)[3].predictions
            if each["image_id"] == target["image_id"] and each["score"] >= THRESHOLD
        )
    assert found["fpn_2x_steps"] == true
    for variant in ("fpn", "augfpn"):
        assert found[variant]["triangle"] == 0
        assert found[variant].total() == 5


@says("fair_baselines", "after 400 steps of four images, which are two epochs of its 800 scenes")
def epochs_of_a_run() -> None:
    budget = BUDGETS["laptop"]
    of = (budget.train.steps, budget.train.batch, budget.data.train_scenes)
    assert of == (400, 4, 800)


@says("fair_baselines", "needs 68 channels in place of 64 here")
def as_many_parameters() -> None:
    assert (WIDTHS["laptop"], BUDGETS["laptop"].model.channels) == (68, 64)
    assert not confirmation().recorded("fpn_wide")


@cache
def tries() -> dict[str, dict[Tuning, float]]:
    """AP of each try in points, by variant."""
    found = results_of_tuning("laptop")
    return {
        name: {each: 100 * ap for each, ap in found.items() if each.variants == (name,)}
        for name in ("fpn", "augfpn")
    }


@says("fair_baselines", "nine tries each, on 500 scenes that are used for nothing else")
@says("fair_baselines", "Both prefer the highest rate that was tried")
@says(
    "fair_baselines",
    "With this seed the search brought FPN 4.5 points, and AugFPN less than two. On the scenes for "
    "choosing, the best of each are within a tenth of a point of each other.",
)
def what_the_search_found() -> None:
    gains, best = {}, {}
    for name, found in tries().items():
        assert len(found) == 9
        chosen = max(found, key=found.__getitem__)
        assert chosen.lr == max(each.lr for each in found)  # the edge
        (plain,) = (ap for each, ap in found.items() if each.is_plain)
        gains[name], best[name] = found[chosen] - plain, found[chosen]
    assert (f"{gains['fpn']:.1f}", 1 < gains["augfpn"] < 2) == ("4.5", True)
    assert abs(best["fpn"] - best["augfpn"]) < 0.1


@says(
    "fair_baselines",
    "The search brings both more than two points. Tuned alike, AugFPN is *undecided*: "
    "+0.3 [−1.2, +1.8], in six seeds. The interval is that of these two settings, not of the two "
    "detectors at their best: one seed chose the settings, at the edge of what was tried, and no "
    "interval counts that. And AugFPN with the study's settings is 1.8 points *behind* an FPN that "
    "was tuned: nine tries brought the baseline more than AugFPN's parts did. What stays is the "
    "trade: with both tuned, small objects lose and medium and large ones gain.",
)
@says(
    "fair_baselines",
    "Tuned alike, no gain of AugFPN is shown, and a tuned FPN is ahead of AugFPN with the study's "
    "settings. The trade between sizes stays.",
)
@says("intro", "If both are [tuned](fair_baselines.ipynb), its effect is *below the paper's gain*.")
def tuned_alike() -> None:
    of = confirmation()
    pairs = {"both": ("augfpn_tuned", "fpn_tuned"), "one": ("augfpn", "fpn_tuned")}
    found = {name: of.effects(*pair) for name, pair in pairs.items()}
    assert wider_text(of, *pairs["both"]) == "+0.3 [−1.2, +1.8]"
    assert found["both"]["AP"].seeds == 6
    assert found["both"]["APs"].high < 0 < min(found["both"][x].low for x in ("APm", "APl"))
    assert effect_text(found["one"]["AP"]).startswith("−1.8 [")
    assert found["one"]["AP"].high < 0
    alone = intervals.single(list(of.apart("augfpn", "fpn_tuned").values()))["AP"]
    assert alone.high < 0
    search = [of.effects(f"{name}_tuned", name)["AP"].mean for name in ("fpn", "augfpn")]
    assert min(search) > 0.02
    assert search[0] > of.effects("augfpn", "fpn")["AP"].mean
