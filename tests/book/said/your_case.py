"""Should you use it?: what to ask before a test, small objects, and how many pairs of runs."""

from functools import cache
from math import log2

from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.starts import STARTS
from augfpn.study import gather, tables, timed
from augfpn.study.bench import pages
from augfpn.study.evidence import Evidence
from augfpn.study.results import reported
from augfpn.study.results.pairs_needed import TIMES_AS_LONG, image_passes, pairs_for
from augfpn.study.running import grid
from augfpn.study.spreads import own_effect, plans
from augfpn.study.uncertainty import planning
from said.costs import INFERENCE, SMALL, own_ratio
from said.evidence import at, confirmation, on_scenes, tries
from said.full_size import times_as_long
from said.standing import NEWER_FPN
from said.table import says

EITHER_GATES = ("augfpn", "augfpn_even")
SMALLER_ANCHORS = "model.anchor_sizes=[16,32,64,128,256]"


@cache
def blood_cells() -> Evidence:
    return gather.committed("bccd", "transfer")


def on_small(variant: str, base: str = "fpn") -> str:
    """The same of AP of small objects."""
    return on_scenes(variant, base, "APs")


@says(
    "should_you_use_it",
    "**A loss** with random gates on scenes, *found afterwards*; with even ones, or CS alone, it "
    "is *undecided*. **A gain** in the paper.",
)
def small_objects() -> None:
    assert on_small("augfpn") == "−2.0 [−3.8, −0.3]"
    assert on_small("augfpn_tuned", "fpn_tuned") == "−3.6 [−7.0, −0.3]"
    assert on_small("augfpn_even") == "−0.8 [−2.5, +0.9]"
    assert on_small("cs") == "+0.2 [−1.0, +1.3]"
    gates = [confirmation().recorded(name)[3].experiment.model.gates for name in EITHER_GATES]
    assert gates == ["random", "even"]
    assert f"{tables.variant_row('augfpn', confirmation()).printed_gain('APs'):+.1f}" == "+2.7"
    (pair,) = (each for each in reported.pairs() if each.label == "Faster R-CNN, ResNet-50")
    assert f"{pair.gain('APs'):+.1f}" == "+1.8"


@says(
    "should_you_use_it",
    "then use larger images with smaller anchors ({numref}`tab-wrong`); we did not measure them.",
)
@says(
    "your_pictures",
    f"`--short-side 1200` (640 at `transfer`) with `--settings {SMALLER_ANCHORS}`; the side alone "
    "enlarges anchors, too",
)
def larger_images_and_smaller_anchors() -> None:
    """For both starts: from COCO's weights on a GPU, and at "transfer"."""
    for start, side in ((STARTS[0], 1200), (STARTS[1], 640)):
        larger = start.words | {"short_side": side}
        asked = start.words, larger, larger | {"settings": (SMALLER_ANCHORS,)}
        plain, side_alone, both = (start._replace(words=words).experiment.model for words in asked)
        assert both.short_side == side > plain.short_side
        assert min(side_alone.anchor_sizes) > min(plain.anchor_sizes)
        assert all(a < b for a, b in zip(both.anchor_sizes, side_alone.anchor_sizes, strict=True))


@says(
    "should_you_use_it",
    "sixteen trainings count as twenty of FPN, if a step of CS takes 1.5 times as long.",
)
@says("should_you_use_it", "It costs nothing at inference. On scenes")
def price_of_eight_pairs() -> None:
    (timing,) = at("scenes").timings
    assert f"{timed.time_ratio(timing, 'training', 'cs').mean:.1f}" == "1.5"
    assert image_passes(5000) == 20 * 12 * 5000
    assert TIMES_AS_LONG == 1.5
    testing = timed.time_ratio(timing, "testing", "cs")
    assert testing.low < 1 < testing.high


@says(
    "should_you_use_it",
    "On a CPU, a training step takes [1.25 to 1.5 times](cost.ipynb) as long as FPN's with CS, and "
    "1.3 to 2.2 times with all three parts, most on small images. Inference with all three takes "
    "1.06 to 1.25 times as long, and 1.21 times on a GPU by the paper.",
)
@says("should_you_use_it", "or all three parts if inference may be slower.")
def price_of_all_parts() -> None:
    printed = paper.tables()["runtime"]["inference_fps"]
    assert f"{printed['FPN'] / printed['AugFPN']:.2f}" == "1.21"
    assert f"{own_ratio(INFERENCE)['median']:.2f}" == "1.06"
    (timing,) = at("scenes").timings
    assert f"{timed.time_ratio(timing, 'testing').mean:.2f}" == "1.22"
    steps = [times_as_long("augfpn"), own_ratio(SMALL)["median"]]
    assert [f"{each:.1f}" for each in steps] == ["1.3", "2.2"]


@says(
    "should_you_use_it",
    "The limits depend on the time of a step: 2 to 3 points for CS; for all of AugFPN 4",
)
@says("should_you_use_it", "does that bring more than 2 points, or 4 if you would test all three")
@says("should_you_use_it", "as one run of each cannot tell 2 from 3.")
@says(
    "fair_baselines",
    "For one point of Consistent Supervision it is 2 to 3 points: $\\rho$ is 1.5 with our small "
    "detector, [1.25](cost.ipynb) with a ResNet-50 at 800 px on a CPU, and not measured on a GPU.",
)
def ratios_of_consistent_supervision() -> None:
    large = times_as_long("cs")
    assert f"{large:.2f}" == "1.25"
    assert round(8 * (1 + large)) == 18
    assert [round(1 / log2(ratio)) for ratio in (large, TIMES_AS_LONG)] == [3, 2]


@says("should_you_use_it", "to 8 at 800 px, and 2 to 3 on small images.")
def limits_of_all_parts() -> None:
    hours = paper.tables()["runtime"]["train_hours_per_epoch"]
    ours = pages.ratio_at_the_papers_size(pages.committed_bench("goals"))
    ratios = ours, times_as_long("augfpn"), hours["AugFPN"] / hours["FPN"]
    assert [round(printed_gain("augfpn") / log2(ratio)) for ratio in ratios] == [4, 6, 8]
    assert [round(printed_gain("augfpn") / log2(ratio)) for ratio in (1.9, 2.2)] == [3, 2]


def printed_gain(variant: str) -> float:
    """What the paper's ablation prints as a variant's gain over FPN."""
    return tables.variant_row(variant, confirmation()).printed_gain("AP")


@says(
    "should_you_use_it",
    "**The paper's gain**, by single runs. We did not run it. A [newer "
    "FPN](where_augfpn_stands.md) with twice the epochs is 0.3 points below that AugFPN.",
)
@says("trained_detector", "In the paper one part brings about one point.")
def gains_in_the_paper() -> None:
    """What the newer FPN has stands in `said.standing`."""
    assert [f"{printed_gain(name):+.1f}" for name in ("cs", "augfpn")] == ["+0.9", "+2.4"]
    assert {round(printed_gain(name)) for name in ("cs", "rfa", "srs")} == {1}
    augfpn = next(row["AP"] for row in paper.tables()["table2"] if all_parts(row))
    assert round(augfpn - NEWER_FPN[24], 1) == 0.3


def all_parts(row: dict) -> bool:
    """Whether a row of the paper's ablation has all three parts."""
    return all(row[part] for part in ("CS", "RFA", "SRS"))


@says(
    "should_you_use_it",
    "**Our own detectors fail the first question**: they should train longer, but for those on "
    "blood cells.",
)
def our_detectors_fail_the_first_question() -> None:
    twice = confirmation().effects("fpn_2x_steps", "fpn")["AP"]
    assert f"{100 * twice.mean:.1f}" == "12.6"
    own = BUDGETS["transfer"].train
    tried = [
        row for row in tries() if (row["variant"], row["frozen"], row["lr"]) == ("fpn", 5, own.lr)
    ]
    steps = {
        name: {row["steps"]: row["AP"] for row in tried if row["pictures"] == name}
        for name in ("aquarium", "bccd")
    }
    gained = {name: 100 * (ap[900] - ap[300]) for name, ap in steps.items()}
    assert [f"{gained[name]:.1f}" for name in ("aquarium", "bccd")] == ["6.8", "2.0"]
    assert gained["aquarium"] / log2(3) > 2 > gained["bccd"] / log2(3)


@says(
    "open_questions",
    "eight pairs can detect a true gain of two points, in 80 of 100 cases, and for one point plan "
    "with [up to 27](should_you_use_it.ipynb#how-many-pairs).",
)
@says(
    "trained_detector",
    "If pairs vary as on our blood cells, where the backbone is frozen, a true gain of two points "
    "of AP (average precision, from 0 to 100) takes 4 to 8 pairs, and one point 7 to 27.",
)
@says(
    "trained_detector",
    "On blood cells with a frozen backbone, one point takes 7 pairs by the deviation of eight such "
    "pairs, and 27 by that of all our runs there; two points take 4 to 8.",
)
@says("should_you_use_it", "A gain as large as the paper's, if there is one, most likely shows.")
def pairs_of_both_estimates() -> None:
    found = [pairs_for(blood_cells(), "cs", gain) for gain in (0.01, 0.02)]
    assert found == [(7, 27), (4, 8)]
    own, together = own_effect(blood_cells(), "cs", "fpn"), blood_cells().effects("cs", "fpn")["AP"]
    assert own.seeds == 8
    assert own.high - own.low < together.high - together.low
    even = pairs_for(blood_cells(), "augfpn_even", printed_gain("augfpn") / 100)
    assert max(even) <= 8


@says("trained_detector", "With a backbone that learns two points take 3 to 13.")
@says("should_you_use_it", "four pairs hardly tell how much pairs vary.")
@says(
    "should_you_use_it",
    "so small that eight pairs of runs, with it and without, may well say *undecided*.",
)
def pairs_where_the_backbone_learns() -> None:
    learning = gather.committed("bccd_learning", "transfer")
    assert len(learning.apart("cs", "fpn")) == 4
    assert pairs_for(learning, "cs", 0.02) == (3, 13)
    together = blood_cells().effects("cs", "fpn")["AP"]
    spread = together.of_seeds * together.seeds**0.5
    gain = printed_gain("cs") / 100
    assert planning.power_of(8, spread, gain, together.of_pictures) < 0.5


@says("putting_it_together", "the seeds that show a gain *of the paper's size*")
def the_plan_has_both_estimates() -> None:
    rows = tables.variant_rows("table2", confirmation())
    planned = plans(rows)
    assert {each.variant for each in planned} == set(grid.part("table2").variants) - {"fpn"}
    assert all(each.own_seeds and each.seeds for each in planned)
