"""Sentences that say what came out of the records, each beside a check of these records.

A sentence is quoted word for word, so that nobody changes it without its check; a check fails when
new records say something else. What rests on measurements, run times, counts and the mean of AP is
checked in the plain run. What rests on intervals needs every record scored: that is slow.
"""

import contextlib
import io
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.ops import box_iou

from augfpn import claims, cost, paper, predict, report, runtime, statistics, study
from augfpn.budgets import BUDGETS
from augfpn.config import AUGFPN, FPN
from augfpn.data.scenes import SceneSettings, scenes
from augfpn.diagnostics.objects import Maps, maps
from augfpn.distributed import World
from augfpn.evidence import ADDED, OF_DIAL, Evidence, base_of
from augfpn.pyramid import AdaptiveSpatialFusion, HardRoISelection
from augfpn.records import COMMITTED, Record
from augfpn.roi_align import torchvision_roi_align
from augfpn.statistics import Interval
from augfpn.train import load_pictures

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
BOTH = ("scenes", "bccd")
OWN_DIAL = {"cs": "scale", "rfa": "context", "srs": "detail"}
NOISE = 0.3  # points of AP that two runs of one setting on COCO differ by, at most


# --- pages ----------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


@cache
def cells(page: str) -> list[dict]:
    return json.loads((BOOK / f"{page}.ipynb").read_text("utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def shown(cell: dict) -> str:
    """A figure's caption and alt text."""
    options = cell["metadata"].get("mystnb", {})
    return " ".join(x for kind in options.values() if isinstance(kind, dict) for x in kind.values())


@cache
def text(page: str) -> str:
    """All that a page says, code left out."""
    for path in (ROOT / f"{page}.md", BOOK / f"{page}.md"):
        if path.exists():
            return plain(path.read_text("utf-8"))
    return plain(
        " ".join(source(c) if c["cell_type"] == "markdown" else shown(c) for c in cells(page))
    )


class Sentence(NamedTuple):
    """Where something is said, in which words, and what makes it true."""

    page: str
    words: str
    check: Callable[[], None]
    scored: bool  # whether the check needs intervals


SENTENCES: list[Sentence] = []


def says(page: str, words: str, scored: bool = False) -> Callable:
    """Put a function into the table as the check of a sentence."""

    def put(check: Callable[[], None]) -> Callable[[], None]:
        SENTENCES.append(Sentence(page, plain(words), check, scored))
        return check

    return put


# --- records --------------------------------------------------------------------------------------


@cache
def every() -> dict[str, Evidence]:
    """What the repository's records hold, by pictures; nothing is scored."""
    found, timings = study.collect(COMMITTED), runtime.read(COMMITTED, "laptop")
    return {name: Evidence(name, "laptop", found, timings=timings) for name in study.SETS}


def at(pictures: str) -> Evidence:
    return every()[pictures]


def runs() -> list[Record]:
    """All records."""
    return list(at("scenes").found.by_key.values())


def ap(pictures: str, variant: str, number: str = "AP") -> dict[int, float]:
    """A number of a variant's runs, in points, by seed."""
    there = at(pictures).recorded(variant)
    return {seed: 100 * record.result[number] for seed, record in there.items()}


def gain(pictures: str, variant: str, number: str = "AP", base: str | None = None) -> float:
    """A variant's mean difference to FPN, or to another, over the seeds that both have."""
    a, b = ap(pictures, variant, number), ap(pictures, base or base_of(variant), number)
    return mean(a[seed] - b[seed] for seed in a.keys() & b.keys())


def effect(pictures: str, variant: str, number: str = "AP") -> Interval:
    """The same with its interval, in points; three seeds or more."""
    found = at(pictures).effects(variant, base_of(variant))[number]
    assert found.seeds >= statistics.FEWEST_SEEDS
    return Interval(*(100 * x for x in found[:3]), found.seeds, math.nan, math.nan)


def compared(part: str, pictures: str) -> list[str]:
    """The variants of a part that are compared with FPN and have runs."""
    chosen = study.part(part).variants
    return [v for v in chosen if v != base_of(v) and at(pictures).recorded(v)]


def undecided(of: Interval) -> bool:
    return statistics.verdict(of) == "undecided"


def printed(variant: str) -> float:
    """The paper's difference to FPN."""
    model = study.model_of(variant)
    return paper.row_of(model)[1]["AP"] - paper.base_row(model)["AP"]


def measured(pictures: str, variant: str, number: str, less: str | None = None) -> Interval:
    """A number that was measured, or its difference to another variant's, times a hundred."""
    found = at(pictures).measured([variant], [] if less is None else [less], number)
    assert found.seeds >= statistics.FEWEST_SEEDS
    return Interval(*(100 * x for x in found[:3]), found.seeds, math.nan, math.nan)


@cache
def ledger(pictures: str) -> list[claims.Row]:
    return claims.ledger(at(pictures))


def verdict(pictures: str, name: str) -> str:
    """The verdict on one claim."""
    (claim,) = [each for each in claims.claims() if each.id == name]
    return claims.judged(claim, at(pictures)).verdict


@cache
def looked_at(variant: str) -> tuple[torch.nn.Module, dict, Maps]:
    """The detector with committed weights, what it finds in the book's scene, and its maps."""
    detector, record = predict.load(at("scenes").recorded(variant)[0].folder, "cpu")
    image, target = load_pictures(replace(record.experiment.data, test_scenes=5), "test")[4]
    with torch.no_grad():
        (found,) = detector([image / 255])
    return detector, found, maps(detector, image, target, "cpu")


# --- the README -----------------------------------------------------------------------------------


@says("README", "what AugFPN found after seven minutes on a CPU core")
def seconds_of_the_pictures_in_the_readme() -> None:
    shown_runs = [at(pictures).recorded("augfpn")[0] for pictures in BOTH]
    assert all(run.environment["threads"] == 1 for run in shown_runs)
    assert all(6 <= run.result["seconds"] / 60 <= 8 for run in shown_runs)


@says("README", "No COCO run has been made: the recipes build, take a step and evaluate")
@says("intro", "nobody here has trained on COCO yet")
@says("claims", "**What nobody has run** are the headline rows on COCO with this code.")
@says("coco_recipe", "We have not made that run, for want of eight GPUs.")
@says("coco_recipe", "What is *not*: a COCO run, eight GPUs, mixed precision over a whole run.")
def no_run_on_coco() -> None:
    """But for a few pictures learned by heart, to see that the code can."""
    assert not [run for run in runs() if run.experiment.budget == "paper"]
    on_coco = [run.result["pictures"] for run in runs() if run.experiment.data.name == "coco"]
    assert all(each["train"] <= 10 for each in on_coco)
    assert len(World(0, 8).share(list(range(16)))) == 2


@says(
    "README",
    "| `laptop` | a small detector from scratch, scenes or your data | 2 CPU cores, minutes |",
)
def minutes_of_the_laptop_budget() -> None:
    of_study = [run for run in runs() if run.experiment.data.name in BOTH]
    assert {run.experiment.budget for run in of_study} <= {"laptop", "gpu"}
    laptop = [run for run in of_study if run.experiment.budget == "laptop"]
    assert max(run.result["seconds"] for run in laptop) < 30 * 60


@says("README", "| `gpu` | the paper's ResNet-50, 640 x 512 | one GPU; not measured yet |")
def nothing_measured_on_a_gpu() -> None:
    assert not [run for run in runs() if run.environment["device"] != "cpu"]


@says("README", "most effects here are smaller than what another seed does")
def effects_are_smaller_than_what_a_seed_does() -> None:
    smaller = []
    for pictures in BOTH:
        variants = {v for part in ("table2", "table3", "table5") for v in compared(part, pictures)}
        values = [ap(pictures, v).values() for v in variants]
        moved = mean(max(each) - min(each) for each in values if len(each) >= 3)
        smaller += [abs(gain(pictures, v)) < moved for v in variants]
    assert mean(smaller) > 0.5


@says("README", "Here each is a mean over seeds, paired with FPN of the same seed")
@says("intro", "on made-up scenes and on pictures of blood cells, with several seeds each")
def several_seeds_of_every_combination() -> None:
    for pictures in BOTH:
        seeds = [set(ap(pictures, v)) for v in study.part("table2").variants]
        assert all(each == seeds[0] and len(each) >= 3 for each in seeds)


@says("reproducibility", "All runs of the study use one thread.")
def one_thread() -> None:
    of_study = [run for run in runs() if run.experiment.data.name in BOTH]
    assert {run.environment["threads"] for run in of_study} == {1}


# --- intro: what came out, in short ---------------------------------------------------------------


@says("intro", "a class probe of one level fails on another")
@says("claims", "The levels of M do differ in meaning")
@says("fpn", "The three defects are there.")
@says("consistent_supervision", "The gap is there, large")
@says("consistent_supervision", "the *directions* of the features differ")
def a_probe_fails_on_other_levels() -> None:
    assert [verdict(pictures, "C59") for pictures in BOTH] == ["holds", "holds"]


@says("intro", "part of $C_5$ cannot be read from $M_5$")
@says("claims", "something of $C_5$ is lost in $M_5$")
@says("fpn", "The three defects are there.")
@says(
    "residual_feature_augmentation",
    "There *is* a loss: a good part of $C_5$'s variance is not in $M_5$.",
)
def something_of_c5_is_lost() -> None:
    assert [verdict(pictures, "C48") for pictures in BOTH] == ["holds", "holds"]
    assert all(measured(pictures, "fpn", "C5 lost in M5").low > 10 for pictures in BOTH)


@says("intro", "predictions jump where the size rule changes its level")
@says("fpn", "The three defects are there.")
def predictions_jump_at_a_border() -> None:
    for pictures in BOTH:
        jump = measured(pictures, "fpn", "change across a border less change elsewhere")
        assert jump.low > 5 * measured(pictures, "fpn", "change elsewhere").mean


@says("intro", "AugFPN's mean effect on AP is **above zero on both**")
def augfpn_is_above_zero_by_its_mean() -> None:
    assert all(gain(pictures, "augfpn") > 0 for pictures in BOTH)


@says("intro", "of a size that needs more seeds to be sure of: its intervals still hold zero", True)
def augfpn_is_undecided() -> None:
    assert all(undecided(effect(pictures, "augfpn")) for pictures in BOTH)


@says(
    "intro",
    "Consistent Supervision with Soft RoI Selection is clearly better than FPN on scenes",
    scored=True,
)
def supervision_with_soft_selection_is_better() -> None:
    assert verdict("scenes", "C21") == "holds"
    assert effect("scenes", "cs_srs").low > 0


@says("intro", "The story that **each part mends its own defect does not show**")
@says(
    "intro",
    "the part that should mend it gains no more there than on plain ones, with one exception",
)
@says("putting_it_together", "**The account does not show.**")
@says(
    "putting_it_together",
    "Where its own dial is turned up, a part gains no more than on plain scenes, but for "
    "Consistent Supervision on *scale*",
)
def parts_gain_no_more_on_their_own_dial() -> None:
    more = [part for part, dial in OWN_DIAL.items() if gain(dial, part) > gain("scenes", part)]
    assert more == ["cs"]


# --- from one map to a pyramid --------------------------------------------------------------------


def losses_by_level() -> np.ndarray:
    """The loss of objects by the level of their size and the level they are read from."""
    found = at("scenes").arrays("fpn", "assignment", "oracle", "loss")
    assert np.isnan(found[3]).all()
    return found[:3]


@says("why_one_map", "an empty row has too few objects")
@says("why_one_map", "Objects are read best from their own level")
@says("why_one_map", "and second best from a neighbour")
def own_level_first_then_a_neighbour() -> None:
    for own, row in enumerate(losses_by_level()):
        best, second, *_ = row.argsort()
        assert best == own
        assert abs(second - own) == 1


@says(
    "why_one_map",
    "Reading a small object from the coarsest map, or a large one from the finest, costs dearly.",
)
def the_wrong_end_of_the_pyramid_is_dear() -> None:
    small, _, large = losses_by_level()
    assert small[-1] > 3 * small[0]
    assert large[0] > 3 * large[2]


@says(
    "why_one_map",
    "The lowest losses lie on or next to the diagonal; far from it they are several times as high.",
)
def lowest_losses_near_the_diagonal() -> None:
    for own, row in enumerate(losses_by_level()):
        far = [row[k] for k in range(4) if abs(k - own) > 1]
        assert abs(row.argmin() - own) <= 1
        assert min(far) > 3 * row.min()


@says("why_one_map", "scenes: 12 px to two thirds of the picture's height")
@says("why_one_map", "those of our small scenes from a dozen to some 170")
def sizes_of_objects_in_scenes() -> None:
    made = SceneSettings()
    assert (made.width, made.height) == BUDGETS["laptop"].data.scene_size
    assert made.smallest == 12
    assert abs(made.largest - 2 / 3) < 0.02
    assert round(made.largest * made.height, -1) == 170


@cache
def costs(**settings: object) -> tuple[cost.Cost, ...]:
    return tuple(cost.cost(replace(FPN, classes=80, **settings)))


def own(every: Sequence[cost.Cost], part: str) -> cost.Cost:
    (found,) = [each for each in every if each.part == part]
    return found


def work_by_level() -> dict[int, int]:
    """Multiply-accumulates of FPN's two convolutions of each level, 800 x 1216 px, ResNet-50."""
    places = {k: (800 // 2**k) * (1216 // 2**k) for k in (2, 3, 4, 5)}
    return {k: n * 256 * (64 * 2**k + 9 * 256) for k, n in places.items()}


@says("fpn", "A level's share of the work falls by three to four from level to level.")
@says("fpn", "$P_2$ alone takes nearly three quarters of the pyramid's")
def work_of_the_levels() -> None:
    work = work_by_level()
    assert sum(work.values()) == own(costs(), "FPN").testing
    assert all(3 <= work[k] / work[k + 1] <= 4 for k in (2, 3, 4))
    assert 0.70 < work[2] / sum(work.values()) < 0.75


@says("fpn", "FPN is small beside the backbone, and most of it is in the 3×3 convolutions")
def fpn_is_small() -> None:
    fpn, smoothing = own(costs(), "FPN"), 4 * (9 * 256 + 1) * 256
    assert fpn.parameters < own(costs(), "backbone").parameters / 5
    assert smoothing > fpn.parameters / 2


@says("fpn", "whole objects are set apart from the ground, in pale on dark, down to level 2")
@says("fpn", "In P, the fine levels have what came down from the coarse ones")
@says("fpn", "First row, M2 to M5: outlines and surfaces at level 2, blurred blobs at level 5.")
def objects_are_pale_in_p() -> None:
    """In M2 objects stand out by what is large in them, in all of P by what is small: pale."""
    _, _, of = looked_at("fpn")
    for levels, pale in ((of.m, None), (of.p, True)):
        for k, x in levels.items():
            strength, inside = x[0].abs().mean(dim=0), torch.zeros(x.shape[2:], dtype=torch.bool)
            for left, top, right, bottom in (of.boxes / 2**k).round().int().tolist():
                inside[top : bottom + 1, left : right + 1] = True
            below = (strength[inside][:, None] < strength[~inside][None]).float().mean()
            if pale:
                assert below > 0.7
            elif k == 2:
                assert below < 0.3


@says("two_forwards", "Left: some forty proposals, crowded around the objects in several sizes.")
@says("two_forwards", "Right: one box for most objects, with its class.")
def one_box_for_most_objects() -> None:
    _, found, of = looked_at("augfpn")
    scale = of.batch.image_sizes[0][1] / 320
    sure = found["scores"] >= 0.5
    overlap = box_iou(of.boxes, scale * found["boxes"][sure])
    assert ((overlap >= 0.5).sum(dim=1) <= 1).all()
    assert ((overlap >= 0.5).sum(dim=1) == 1).float().mean() > 0.5


# --- the first defect -----------------------------------------------------------------------------


@says(
    "consistent_supervision",
    "and FPN's was *larger* after training than before in each of our runs: levels specialise",
)
def the_gap_grew_in_every_run() -> None:
    grown = [
        each["gap"] - each["gap before training"]
        for pictures in BOTH
        for each in at(pictures).measurements("fpn").values()
    ]
    assert len(grown) >= 6
    assert min(grown) > 0


@says("consistent_supervision", "on our two sets of pictures they hold zero")
@says("consistent_supervision", "and the claim stands as undecided")
def the_gap_with_supervision_is_undecided() -> None:
    for pictures in BOTH:
        assert undecided(measured(pictures, "cs", "gap", less="fpn"))
        assert undecided(measured(pictures, "augfpn", "gap", less="fpn"))
        assert verdict(pictures, "C27") == "undecided"


@says(
    "consistent_supervision",
    "On the diagonal the numbers are high; next to it they fall, and far from it they are close "
    "to guessing in the first two.",
)
def transfer_is_close_to_guessing() -> None:
    found, guess = at("scenes"), 1 / len(at("scenes").recorded("fpn")[0].classes)
    panels = [found.arrays("fpn", "semantic_gap_before", "probe")]
    panels += [found.arrays(v, "semantic_gap", "probe") for v in ("fpn", "cs")]
    apart = np.abs(np.subtract.outer(range(4), range(4)))
    for panel in panels:
        assert all(panel[i, i] == panel[i].max() > guess + 0.15 for i in range(4))
    assert all(np.abs(panel[apart > 1] - guess).max() < 0.06 for panel in panels[:2])
    assert np.abs(panels[2][apart > 1] - guess).max() > 0.15


@says(
    "consistent_supervision",
    "In the paper, the best weight for all levels is a quarter, the best for a single level is one",
)
@says("consistent_supervision", "its difference shrinks to two tenths of a point")
def best_weights_in_the_paper() -> None:
    rows = {r.model: r.row["AP"] for r in paper.results() if r.table == "Table 3" and r.model.lam}
    best = {
        kind: max((m for m in rows if m.supervision == kind), key=rows.get)
        for kind in ("all", "single")
    }
    assert (best["all"].lam, best["single"].lam) == (0.25, 1)
    assert round(rows[best["all"]] - rows[best["single"]], 1) == 0.2


@says(
    "consistent_supervision",
    "On scenes it comes out against the paper: a single level at one is better than FPN, and "
    "better than all levels at a quarter, both with intervals above zero.",
    scored=True,
)
@says(
    "claims",
    "And on scenes a single supervised level is better than all four at the same total weight.",
    scored=True,
)
def a_single_level_is_better_than_all() -> None:
    assert effect("scenes", "cs_single_lam1").low > 0
    less = at("scenes").combination(["cs_single_lam1"], ["cs"], "AP")
    assert statistics.verdict(less) == "holds"
    assert verdict("scenes", "C28") == "does not hold"


# --- the second defect ----------------------------------------------------------------------------


@cache
def gates_of_context() -> tuple[torch.Tensor, torch.Tensor]:
    """The gates of the three contexts, (3, h, w), and the size of M6 against that of M5, (h, w)."""
    detector, _, of = looked_at("augfpn")
    augment = detector.fpn.augment
    with torch.no_grad():
        gates = augment.fusion.weights(augment.contexts(of.c[5]))[0]
    return gates, of.m6.norm(dim=1)[0] / of.m[5].norm(dim=1)[0]


@says(
    "residual_feature_augmentation",
    "{numref}`fig-gates` is sobering: the gates are all but closed. Inside the picture they let "
    "through less than a tenth of the context; they open only at the edges",
)
@says("residual_feature_augmentation", "pale inside the picture and darker along its edges")
def gates_of_the_context_are_all_but_closed() -> None:
    gates, _ = gates_of_context()
    inside = gates[:, 1:-1, 1:-1]
    assert inside.max() < 0.1
    assert gates.max() > 0.3  # in a corner
    edges = gates.sum(dim=(1, 2)) - inside.sum(dim=(1, 2))
    places = gates[0].numel() - inside[0].numel()
    assert (edges / places > 2 * inside.mean(dim=(1, 2))).all()


@says("residual_feature_augmentation", "and $M_6$ is a small correction to $M_5$")
@says("residual_feature_augmentation", "Four maps of ten by eight places")
@says(
    "residual_feature_augmentation",
    "the fourth is the size of M6 against that of M5, at most about a quarter",
)
def m6_is_small() -> None:
    _, size = gates_of_context()
    assert size.shape == (8, 10)
    assert size.mean() < 0.1
    assert 0.2 < size.max() < 0.3


@says(
    "residual_feature_augmentation",
    "And $M_6$ adds next to nothing that a linear readout would find",
)
@says("residual_feature_augmentation", "*M5 + M6* gives back no more of $C_5$ than $M_5$ alone")
def m6_gives_nothing_back() -> None:
    for pictures, variant in itertools.product(BOTH, ("rfa", "augfpn")):
        lost = [measured(pictures, variant, f"C5 lost in {x}").mean for x in ("M5", "M5 + M6")]
        assert lost[0] <= lost[1] < lost[0] + 1
        for what in ("content", "classes"):
            with_m6 = measured(pictures, variant, f"{what} from M5 + M6 less {what} from M5")
            assert with_m6.mean < 1


@says(
    "residual_feature_augmentation",
    "what it can bring is a sense of the whole, and on these pictures even that is hard to see",
)
def the_sense_of_the_whole_is_hard_to_see() -> None:
    for pictures in BOTH:
        assert abs(measured(pictures, "rfa", "content from P5", less="fpn").mean) < 1


@says(
    "residual_feature_augmentation",
    "most lie within a few tenths of a point of each other, as far apart as two runs of "
    "one setting; the one that does not is the global *maximum*, which cost the paper nearly two "
    "points",
)
def the_papers_table_4() -> None:
    circles = {v: printed(v) for v in study.part("table4").variants[1:]}
    worst = circles.pop("rfa_gmp_sum")
    assert -2 < worst < -1.5
    middle = median(circles.values())
    assert mean(abs(each - middle) <= NOISE + 0.01 for each in circles.values()) > 0.8


@says(
    "residual_feature_augmentation",
    "This oddest row of the table repeats on scenes, where the maximum costs several points and "
    "its interval lies far below zero, while the global *average*, added in the same way, stays "
    "close to FPN.",
    scored=True,
)
def the_global_maximum_harms_and_the_average_does_not() -> None:
    worst, average = (effect("scenes", f"rfa_{pool}_sum") for pool in ("gmp", "gap"))
    assert worst.mean < -3
    assert worst.high < -2
    assert abs(average.mean) < 1
    assert undecided(average)
    assert at("scenes").effects("rfa_gap_sum", "rfa_gmp_sum")["AP"].low > 0


# --- the third defect -----------------------------------------------------------------------------


def mixture() -> np.ndarray:
    """Figure 4 on scenes: mean weights by the level of the rule (rows) and the level mixed."""
    return at("scenes").arrays("augfpn", "assignment", "mixture", "mean")


@says("soft_roi_selection", "In {numref}`fig-mixture` the four panels look alike")
@says(
    "soft_roi_selection", "on scenes the finest map weighs most in all of them, whatever the rule"
)
@says("soft_roi_selection", "In all panels P2 has the highest or second highest bar.")
@says("soft_roi_selection", "is a favourite of its own boxes only at $P_2$")
def four_panels_alike_with_p2_at_the_top() -> None:
    orders = {tuple(row.argsort()) for row in mixture()}
    assert len(orders) == 1
    assert orders.pop()[-1] == 0


@says(
    "soft_roi_selection",
    "depends on the run: a level that is half open with one seed is next to closed with another",
)
def levels_that_take_part_depend_on_the_run() -> None:
    runs = at("scenes").recorded("augfpn").values()
    gates = [np.array(x.diagnostics["assignment"]["mixture"]["mean"]).max(axis=0) for x in runs]
    assert any(max(each) > 0.5 and min(each) < 0.1 for each in zip(*gates, strict=True))
    assert {verdict(pictures, "C53") for pictures in BOTH} == {"undecided"}


@says(
    "soft_roi_selection",
    "On scenes a border of the rule moves predictions some ten times as far as an equal step "
    "elsewhere, and soft selection makes that jump disappear; on blood cells it is some forty "
    "times as far, and soft selection leaves a factor of two.",
)
def how_far_a_border_moves_predictions() -> None:
    across, elsewhere = "change across a border", "change elsewhere"
    times = {
        (pictures, v): measured(pictures, v, across).mean / measured(pictures, v, elsewhere).mean
        for pictures, v in itertools.product(BOTH, ("fpn", "srs", "augfpn"))
    }
    assert 8 < times["scenes", "fpn"] < 13
    assert 35 < times["bccd", "fpn"] < 45
    for variant in ("srs", "augfpn"):
        assert times["scenes", variant] < 1.2
        assert 1.5 < times["bccd", variant] < 2.5


@says("soft_roi_selection", "So the rule *is* arbitrary where the paper says it is.")
@says("claims", "and on scenes the size rule does not choose the best level")
def the_rule_is_arbitrary() -> None:
    assert verdict("scenes", "C56") == "holds"
    assert verdict("scenes", "C61") == "holds"


@says("soft_roi_selection", "Nor are they a rare accident.")
def many_objects_are_near_a_border() -> None:
    made = scenes(SceneSettings(), "val", 100)
    boxes = torch.cat([made.target(i)["boxes"] for i in range(len(made))])
    rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align, 224 * 256 / 800)
    assert (rule.level_of(0.9 * boxes) != rule.level_of(1.1 * boxes)).float().mean() > 0.2


@says(
    "soft_roi_selection",
    "P2 has a weight near one for small boxes that falls to six tenths for large ones, P4 gains "
    "what P2 loses, P3 and P5 have next to none.",
)
def gates_of_one_picture() -> None:
    written = (BOOK / "extra" / "interactive" / "levels.js").read_text("utf-8")
    data = json.loads(written.partition(" = ")[2].rstrip().rstrip(";"))
    shape = len(data["sides"]), len(data["ys"]), len(data["xs"]), 4
    p2, p3, p4, p5 = np.array(data["weights"]).reshape(shape)[:, shape[1] // 2, shape[2] // 2].T
    assert p2[0] > 0.9
    assert round(p2[-1], 1) == 0.6
    assert p4[-1] - p4[0] == pytest.approx(p2[0] - p2[-1], abs=0.15)
    assert max(*p3, *p5) < 0.05


@says("soft_roi_selection", "its ASF and ACF differ no more than two runs of one setting do")
def the_papers_fusions_differ_little() -> None:
    assert abs(printed("srs") - printed("srs_acf")) <= NOISE


@says("soft_roi_selection", "or 38.5 million parameters, about 140 times as many as the gates have")
def panet_beside_the_gates() -> None:
    gates = sum(q.numel() for q in AdaptiveSpatialFusion(256, 4).parameters())
    panet = 3 * (7 * 7 * 256 * 1024 + 1024)
    assert round(panet / 1e6, 1) == 38.5
    assert round(panet / gates, -1) == 140


@says(
    "soft_roi_selection",
    "An interval that holds zero means *undecided*, not *no effect*. Most do",
    True,
)
def most_fusions_are_undecided() -> None:
    held = [undecided(effect("scenes", v)) for v in compared("table5", "scenes")]
    assert mean(held) > 0.5


# --- the ablation ---------------------------------------------------------------------------------


def table2(pictures: str) -> dict[str, float]:
    """The effects of Table 2 by their means, in its order."""
    return {v: gain(pictures, v) for v in compared("table2", pictures)}


@says("putting_it_together", "Most of their steps are a few tenths of a point of AP")
def steps_of_the_papers_tables() -> None:
    rows = [[row["AP"] for row in paper.tables()[f"table{n}"]] for n in (2, 3, 4, 5)]
    steps = [abs(b - a) for each in rows for a, b in itertools.pairwise(each)]
    assert mean(each < 0.5 for each in steps) > 0.5


@says("putting_it_together", "It reads some seventy records")
def records_that_the_ablation_reads() -> None:
    dials = ("scenes", *study.DIALS)
    parts = [("table2", "scenes"), *(("defects", pictures) for pictures in dials)]
    read = {
        record.id
        for part, pictures in parts
        for variant in study.part(part).variants
        for record in at(pictures).recorded(variant).values()
    }
    assert round(len(read), -1) == 70


@says(
    "putting_it_together",
    "The dots of one column lie up to three points apart, further than the columns' means lie "
    "from each other.",
)
def runs_of_a_column_lie_far_apart() -> None:
    columns = [list(ap("scenes", v).values()) for v in study.part("table2").variants]
    apart = max(max(each) - min(each) for each in columns)
    assert round(apart) == 3
    assert apart > max(map(mean, columns)) - min(map(mean, columns))


@says(
    "putting_it_together",
    "Had we run each combination once, almost any order of the columns could have come out.",
)
def almost_any_order() -> None:
    columns = [list(ap("scenes", v).values()) for v in study.part("table2").variants]
    either = [min(a) < max(b) and min(b) < max(a) for a, b in itertools.combinations(columns, 2)]
    assert mean(either) > 0.8


@says(
    "putting_it_together",
    "On scenes every mean is above zero and the order is much like the paper's: pairs above "
    "single parts, all three at the top.",
)
@says("putting_it_together", "The dots grow from top to bottom as the circles do")
def order_of_the_means_on_scenes() -> None:
    means = table2("scenes")
    assert min(means.values()) > 0
    assert list(means.values()) == sorted(means.values())
    groups = [[x for v, x in means.items() if len(parts_of(v)) == n] for n in (1, 2, 3)]
    assert max(groups[0]) < min(groups[1])
    assert max(groups[1]) < min(groups[2])
    assert stats.spearmanr(list(means.values()), [printed(v) for v in means])[0] > 0.8


def parts_of(variant: str) -> list[str]:
    """The parts of AugFPN that a variant of Table 2 has."""
    return ["cs", "rfa", "srs"] if variant == "augfpn" else variant.split("_")


@says("putting_it_together", "One interval excludes zero.", True)
@says("putting_it_together", "most bars cross the line at zero", True)
@says("putting_it_together", "they also agree with several of these effects being nothing", True)
def one_interval_excludes_zero() -> None:
    decided = [v for v in table2("scenes") if not undecided(effect("scenes", v))]
    assert decided == ["cs_srs"]


@says("putting_it_together", "So the data agree with the paper", True)
def intervals_hold_the_papers_effects() -> None:
    """Its numbers are printed to a tenth, so their differences are sure to a tenth."""
    for variant in table2("scenes"):
        found = effect("scenes", variant)
        assert found.low - 0.1 <= printed(variant) <= found.high + 0.1


@says(
    "putting_it_together",
    "On blood cells the combinations of parts bring less, one mean is below zero",
)
def blood_cells_bring_less() -> None:
    here, there = table2("bccd"), table2("scenes")
    assert all(here[v] < there[v] for v in here if len(parts_of(v)) > 1)
    assert sum(x < 0 for x in here.values()) == 1


@says("putting_it_together", "one mean is below zero, and nothing is decided.", True)
def nothing_is_decided_on_blood_cells() -> None:
    assert all(undecided(effect("bccd", v)) for v in table2("bccd"))


@says(
    "putting_it_together", "Consistent Supervision on *scale*, whose interval excludes zero", True
)
def supervision_on_its_own_dial() -> None:
    assert effect("scale", "cs").low > 0


@says(
    "putting_it_together",
    "and which has better means still on *detail* and *context*, where nobody would have looked "
    "for them",
)
def supervision_on_other_dials() -> None:
    assert min(gain("detail", "cs"), gain("context", "cs")) > gain("scale", "cs")


@says(
    "putting_it_together",
    "On the two classes that *context* adds, Residual Feature Augmentation has the best mean of "
    "its row, and the interval still holds zero.",
    scored=True,
)
def context_on_the_classes_of_its_dial() -> None:
    best = effect("context", "rfa", OF_DIAL)
    others = [effect(pictures, "rfa").mean for pictures in ("scenes", *study.DIALS)]
    assert best.mean > max(*others, effect("detail", "rfa", OF_DIAL).mean)
    assert undecided(best)


@says(
    "putting_it_together",
    "Soft RoI Selection has its lowest mean exactly where large objects need fine maps.",
)
def soft_selection_on_its_own_dial() -> None:
    means = {pictures: gain(pictures, "srs") for pictures in ("scenes", *study.DIALS)}
    assert min(means, key=means.get) == "detail"
    assert "detail" in ADDED


# --- one-stage detectors --------------------------------------------------------------------------


@says(
    "one_stage_and_masks",
    "all fall but the supervision's box loss, which rises at first. Right: the sum of the main "
    "losses of FPN and AugFPN, falling together.",
)
def losses_of_retinanet() -> None:
    for variant in ("retinanet:fpn", "retinanet:augfpn"):
        curve = at("scenes").recorded(variant)[0].curve
        tenths = [curve[i : i + len(curve) // 10] for i in range(0, len(curve), len(curve) // 10)]
        for name in (key for key in curve[0] if key.startswith("loss_")):
            means = [mean(row[name] for row in part) for part in tenths]
            rises = name == "loss_supervision_box"
            assert (max(means[1:3]) > means[0]) if rises else (means[-1] < means[0])


@says(
    "one_stage_and_masks",
    "RetinaNet with supervision and context is better than without, with an interval well above "
    "zero and a mean above the paper's.",
    scored=True,
)
@says("one_stage_and_masks", "RetinaNet's bar lies to the right of zero, FCOS's around it", True)
@says(
    "one_stage_and_masks",
    "On scenes {numref}`fig-one-stage` holds the clearest effect on AP of all",
    True,
)
def the_clearest_effect() -> None:
    found = effect("scenes", "retinanet:augfpn")
    assert found.low > 1
    assert found.mean > printed("retinanet:augfpn")
    assert undecided(effect("scenes", "fcos:augfpn"))
    parts = [name for name, part in study.parts().items() if "scenes" in part.sets]
    variants = {v for name in parts for v in compared(name, "scenes")}
    three = [v for v in variants if len(at("scenes").recorded(v)) >= statistics.FEWEST_SEEDS]
    assert max(three, key=lambda v: effect("scenes", v).low) == "retinanet:augfpn"


@says(
    "one_stage_and_masks",
    "FCOS, on the same pictures and with the same parts, shows nothing overall, and is worse for "
    "small objects.",
    scored=True,
)
def fcos_is_worse_for_small_objects() -> None:
    assert undecided(effect("scenes", "fcos:augfpn"))
    assert effect("scenes", "fcos:augfpn", "APs").high < 0


@says("one_stage_and_masks", "It is low: four hundred steps from scratch are far too few")
def retinanet_is_at_its_beginning() -> None:
    assert {run.result["steps"] for run in at("scenes").recorded("retinanet:fpn").values()} == {400}
    assert mean(ap("scenes", "retinanet:fpn").values()) < mean(ap("scenes", "fpn").values()) / 3


@says("one_stage_and_masks", "AugFPN gets *further in as many steps*")
def further_in_as_many_steps() -> None:
    a, b = (at("scenes").recorded(f"retinanet:{v}") for v in ("augfpn", "fpn"))
    for seed, run in a.items():
        assert run.result["steps"] == b[seed].result["steps"]
        assert run.result["AP"] > b[seed].result["AP"]


@says(
    "one_stage_and_masks",
    "So it is not shown that what is left of AugFPN helps one-stage detectors in general, nor "
    "that it does not.",
    scored=True,
)
def one_stage_in_general() -> None:
    verdicts = {verdict(pictures, name) for pictures in BOTH for name in ("C7", "C9")}
    assert len(verdicts) > 1 or "undecided" in verdicts


# --- what it costs --------------------------------------------------------------------------------


SETTINGS = {
    "cs": {"lam": AUGFPN.lam},
    "rfa": {"ratios": AUGFPN.ratios},
    "srs": {"roi_selection": AUGFPN.roi_selection},
    "panet": {"roi_selection": "panet"},
}


def added(variant: str) -> tuple[float, float]:
    """Parameters and multiply-accumulates in testing, more than FPN's, as shares of FPN's."""
    plain_, more = (cost.in_testing(each) for each in (costs(), costs(**SETTINGS[variant])))
    return tuple((b - a) / a for a, b in zip(plain_, more, strict=True))


def augfpn() -> tuple[cost.Cost, ...]:
    return costs(**SETTINGS["cs"], **SETTINGS["rfa"], **SETTINGS["srs"])


@says("cost", "The supervision is the largest addition by far, a whole box head")
@says("cost", "Backbone and box head are the same in both")
def supervision_is_the_largest_addition() -> None:
    every, before = augfpn(), {each.part for each in costs()}
    parameters = {each.part: each.parameters for each in every if each.part not in before}
    parameters["gates"] = own(every, "box RoI selection").parameters
    supervision = parameters.pop("Consistent Supervision")
    assert supervision == own(every, "box head").parameters
    assert supervision > 5 * sum(parameters.values())
    assert own(every, "Consistent Supervision").testing is None
    for part in ("backbone", "box head"):
        assert own(every, part) == own(costs(), part)


@says("cost", "which hardly compute anything because they run on a handful of places")
def context_hardly_computes() -> None:
    work = own(augfpn(), "RFA, reductions").testing
    assert work < 0.001 * cost.in_testing(augfpn())[1]


@says("cost", "next to no parameters, but as much arithmetic as the whole box head")
def gates_compute_as_much_as_the_head() -> None:
    gates, head = (own(augfpn(), part) for part in ("box RoI selection", "box head"))
    assert gates.parameters < 0.02 * head.parameters
    assert 0.9 < gates.testing / head.testing < 1.1


@says("cost", "With $n = 4$ and $C = 256$ that is a little over a quarter of a million parameters.")
def parameters_of_the_gates() -> None:
    n, c = 4, 256
    assert own(augfpn(), "box RoI selection").parameters == n * c * c + c + 9 * c * n + n
    assert 250_000 < n * c * c + c + 9 * c * n + n < 300_000


@says("cost", "Training seems cheaper than testing for a plain FPN")
def training_counts_fewer_boxes() -> None:
    assert cost.in_training(costs())[1] < cost.in_testing(costs())[1]


@says("cost", "Supervision changes the column of testing by nothing, to the last digit")
@says("cost", "Residual Feature Augmentation adds parameters without adding work.")
@says("cost", "Soft RoI Selection adds work without adding parameters.")
@says("cost", "PANet's pooling adds both")
@says(
    "claims",
    "Consistent Supervision costs nothing in testing, a ratio costs what the formula says, gates "
    "are a small fraction of PANet's layers.",
)
def what_each_part_adds() -> None:
    assert added("cs") == (0, 0)
    assert added("rfa")[0] > 0.03 > 0.003 > added("rfa")[1]
    assert added("srs")[1] > 0.03 > 0.01 > added("srs")[0]
    assert min(added("panet")) > 0.1
    assert {verdict("scenes", name) for name in ("C33", "C46", "C52")} == {"holds"}


def times(budget: str, use: str) -> Interval:
    """How many times as long as FPN AugFPN takes, on a CPU."""
    (found,) = [
        each
        for each in runtime.read(COMMITTED, budget)
        if each["budget"] == budget and each["environment"]["device"] == "cpu"
    ]
    return runtime.times_as_long(found, use)


@says(
    "cost",
    "so the gates and the second head weigh more than on a GPU, where the paper's ratios come",
)
@says("claims", "our ratios are larger than the paper's, which were taken on a GPU")
def cpu_ratios_are_larger() -> None:
    for use, theirs in paper.times_as_long().items():
        assert all(times(budget, use).low > theirs for budget in ("laptop", "paper"))


@says(
    "cost",
    "At the paper's sizes the backbone takes more of the whole and training comes closer; "
    "testing, with five times as many proposals, does not.",
)
def ratios_at_the_papers_sizes() -> None:
    assert times("paper", "training").high < times("laptop", "training").low
    assert times("paper", "testing").low > times("laptop", "testing").high
    assert FPN.proposals[1] == 5 * BUDGETS["laptop"].model.proposals[1]


@says("cost", "What takes memory in training are the pooled RoIs and their gradients")
def memory_goes_into_rois() -> None:
    used = {
        v: median(run.result["memory_mb"] for run in at("scenes").recorded(v).values())
        for v in ("fpn", "cs", "rfa", "srs", "augfpn")
    }
    assert min(used["cs"], used["srs"]) > used["fpn"] + 100
    assert abs(used["rfa"] - used["fpn"]) < 30
    assert used["augfpn"] == max(used.values())


@says("cost", "with half of them, the gates cost half, and the box head too")
def half_the_proposals() -> None:
    whole, half = (cost.cost(replace(AUGFPN, classes=80), rois=n) for n in (1000, 500))
    for part in ("box RoI selection", "box head"):
        assert 2 * own(half, part).testing == own(whole, part).testing


# --- the claims -----------------------------------------------------------------------------------


@says("claims", "This one makes sixty-one that can be tested")
def number_of_claims() -> None:
    assert len(claims.claims()) == 61


@says("claims", "Most of {numref}`fig-verdicts` is blue and grey", True)
@says(
    "claims",
    "most of the headline claims are grey, and blue is the commonest colour of the others",
    scored=True,
)
def colours_of_the_verdicts() -> None:
    counts = Counter((row.claim.group == "headline", row.verdict) for row in ledger("scenes"))
    blue_and_grey = sum(n for (_, v), n in counts.items() if v in ("undecided", "not run"))
    assert blue_and_grey > 61 / 2
    headline, others = (
        {verdict_: n for (is_headline, verdict_), n in counts.items() if is_headline == wanted}
        for wanted in (True, False)
    )
    assert headline["not run"] > sum(headline.values()) / 2
    assert max(others, key=others.get) == "undecided"


@says("claims", "**What holds** is, above all, structure and mechanism.", True)
def what_holds_is_structure() -> None:
    kinds = [row.claim.kind for row in ledger("scenes") if row.verdict == "holds"]
    assert mean(kind in ("exact", "measured") for kind in kinds) > 0.6


@says(
    "claims",
    "a claim that every one of many numbers is better fails with a single one that is worse",
    scored=True,
)
def one_of_many_numbers_is_worse() -> None:
    single = [
        row.claim.id
        for row in ledger("scenes")
        if row.verdict == "does not hold"
        and len(row.lines) > 5
        and sum(statistics.verdict(x.found, x.margin) == row.verdict for x in row.lines if x.found)
        == 1
    ]
    assert single


@says("claims", "and small objects often are, here")
def small_objects_are_often_worse() -> None:
    worse = [gain("scenes", v, "APs") < 0 for v in compared("table2", "scenes")]
    assert mean(worse) > 0.5


@says(
    "claims",
    "**What is undecided** is the ranking of variants that differ by a few tenths of a point: "
    "weights of supervision, numbers of ratios, kinds of fusion.",
    scored=True,
)
def rankings_are_undecided() -> None:
    for pictures, name in itertools.product(BOTH, ("C30", "C31", "C41", "C42", "C43", "C49")):
        assert verdict(pictures, name) in ("undecided", "not run")


@says("claims", "To decide most of them, a hundred seeds and more would be needed", True)
def seeds_for_rankings() -> None:
    rows = [row for row in ledger("scenes") if row.claim.id in ("C30", "C31", "C42", "C43", "C49")]
    needed = [
        statistics.seeds_needed(x.found.of_seeds * math.sqrt(x.found.seeds), x.printed / 100)
        for row in rows
        for x in row.lines
        if x.found is not None and x.found.seeds >= statistics.FEWEST_SEEDS and x.printed
    ]
    assert mean(each >= 100 for each in needed) > 0.5


@says(
    "claims",
    "their accuracy on their own level less that on the others, in trained detectors with plain "
    "FPN, should be above ten points",
)
def margin_of_the_first_defect() -> None:
    (claim,) = [each for each in claims.claims() if each.id == "C59"]
    (test,) = claim.tests
    assert (test.plus, test.minus, test.numbers) == (("fpn",), (), ("gap",))
    assert test.margin == 0.1


@says("claims", "Some of these will turn out right with more seeds.", True)
def believing_every_mean() -> None:
    """The exercise's cell, on the ledger itself."""
    (code,) = [source(c) for c in cells("claims") if c["id"] == "solution-2"]
    for pictures in BOTH:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, {"ledger": ledger(pictures)})
        _, by_means, by_intervals = map(int, re.findall(r"\d+", out.getvalue()))
        assert by_means > 2 * by_intervals


# --- your turn ------------------------------------------------------------------------------------


@says(
    "your_pictures",
    "205 photographs to learn from, three classes, no pretrained weights, three to nine minutes "
    "on one CPU core",
)
def time_on_blood_cells() -> None:
    made = [run for v in ("fpn", "augfpn") for run in at("bccd").recorded(v).values()]
    assert {run.result["pictures"]["train"] for run in made} == {205}
    assert {(len(run.classes), run.experiment.model.weights) for run in made} == {(3, "scratch")}
    assert {run.environment["threads"] for run in made} == {1}
    minutes = [run.result["seconds"] / 60 for run in made]
    assert (round(min(minutes)), round(max(minutes))) == (3, 9)


@says(
    "your_pictures",
    "From scratch, a few hundred pictures of few classes are enough for something that one can see",
)
def something_that_one_can_see() -> None:
    assert mean(ap("bccd", "augfpn", "AP50").values()) > 80


# --- they are said, and they are so ---------------------------------------------------------------


def named(each: Sentence) -> str:
    return f"{each.page}: {each.words[:60]}"


PLAIN = [each for each in SENTENCES if not each.scored]
SCORED = [each for each in SENTENCES if each.scored]


@pytest.fixture(scope="module")
def all_scored() -> None:
    """Every record on the draws of its test pictures, by as many processes as there are cores."""
    of = at("scenes")
    found = report.prepared([*study.parts()], "laptop", None, of.found, of.timings)
    for pictures, each in found.items():
        at(pictures).scored.update(each.scored)


@pytest.mark.parametrize("each", SENTENCES, ids=named)
def test_the_sentence_is_on_its_page(each: Sentence) -> None:
    assert each.words in text(each.page)


@pytest.mark.parametrize("each", PLAIN, ids=named)
def test_the_records_say_so(each: Sentence) -> None:
    each.check()


@pytest.mark.slow
@pytest.mark.book
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("each", SCORED, ids=named)
@pytest.mark.usefixtures("all_scored")
def test_the_intervals_say_so(each: Sentence) -> None:
    each.check()


# --- nothing is left out --------------------------------------------------------------------------

READS = re.compile(r"\bevidence\.|\bfound\.|\bfindings\.|\btables\.(?!ratio_text)|\btimings\b")
NOTHING_SAID = {  # chapter and cell, of those that read records: behind it nothing is made of them
    ("claims", "ledger"),
    ("claims", "one"),
    ("consistent_supervision", "halved"),
    ("one_stage_and_masks", "curves"),
    ("one_stage_and_masks", "masks"),
    ("putting_it_together", "toy"),
    ("putting_it_together", "planning"),
    ("two_forwards", "opened"),
    ("two_forwards", "results"),
}
DRAWN_ONLY = {  # the same of alt texts and captions, which tell no more than how a figure is drawn
    ("consistent_supervision", "effects"),
    ("residual_feature_augmentation", "effects"),
    ("soft_roi_selection", "effects"),
}


def reading_cells() -> Iterator[tuple[str, dict, str]]:
    """A chapter, a code cell of it that reads records, and the text behind that cell."""
    for path in sorted(BOOK.glob("*.ipynb")):
        every_cell = cells(path.stem)
        for i, cell in enumerate(every_cell):
            if cell["cell_type"] == "code" and READS.search(source(cell)):
                behind = (c for c in every_cell[i:] if c["cell_type"] == "markdown")
                yield path.stem, cell, plain(source(next(behind)))


def checked(page: str, words: str) -> bool:
    """Whether a page's text holds a sentence of the table."""
    return any(each.page == page and each.words in words for each in SENTENCES)


def test_what_is_said_behind_records_is_checked() -> None:
    left = {(page, cell["id"]) for page, cell, said in reading_cells() if not checked(page, said)}
    assert left == NOTHING_SAID


def test_what_alt_texts_and_captions_say_of_records_is_checked() -> None:
    figures = [(page, cell) for page, cell, _ in reading_cells() if shown(cell)]
    left = {(page, cell["id"]) for page, cell in figures if not checked(page, plain(shown(cell)))}
    assert left == DRAWN_ONLY
