"""The exercises' folded solutions: each answer is worked out again and looked for in the text.

A check returns the words that the solution must then contain, so that neither a changed text nor a
changed package goes unnoticed. Code cells are run with the earlier cells they need; what these
would read or draw at length is given to them instead.
"""

import contextlib
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import box_iou

from augfpn.config import AUGFPN, FCOS
from augfpn.data.coco import coco
from augfpn.detectors import build, cost
from augfpn.detectors.backbones import backbone
from augfpn.detectors.roi_align import torchvision_roi_align
from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import (
    AdaptiveSpatialFusion,
    ConsistentSupervision,
    ExtraLevels,
    HardRoISelection,
    Samples,
    ratio_invariant_pool,
)
from augfpn.settings import recipes
from augfpn.settings.budgets import BUDGETS
from augfpn.study import claims, intervals, tables
from augfpn.study.intervals import Interval
from augfpn.training import train

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("*.ipynb"))
UNCHECKED = ("A thought.", "By experiment.")  # headings of exercises without a checkable answer
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

per_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.fixture(autouse=True, scope="module")
def a_tidy_workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Chapters make folders with `tempfile`; and on a busy machine two threads wait for another."""
    before = tempfile.tempdir, torch.get_num_threads()
    tempfile.tempdir = str(tmp_path_factory.mktemp("made"))
    torch.set_num_threads(1)
    yield
    tempfile.tempdir = before[0]
    torch.set_num_threads(before[1])


# --- the exercises as they stand in the chapters --------------------------------------------------


class Exercise(NamedTuple):
    """An exercise: its heading, what is asked, what is folded away."""

    heading: str  # "By hand.", "In code.", or nothing
    asked: str
    solution: str


def plain(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


@cache
def cells(chapter: str) -> list[dict]:
    return json.loads((BOOK / f"{chapter}.ipynb").read_text("utf-8"))["cells"]


@cache
def exercises(chapter: str) -> dict[int, Exercise]:
    """A chapter's exercises by number."""
    texts = ["".join(c["source"]) for c in cells(chapter) if c["cell_type"] == "markdown"]
    _, _, text = "\n\n".join(texts).partition("## Exercises")
    found = {}
    for part in re.split(r"^(?=\*\*\d+\.)", text, flags=re.M)[1:]:
        number, heading = re.match(r"\*\*(\d+)\.\s*([^*]*)\*\*", part).groups()
        folded = r"```\{admonition\} Solution\n:class: dropdown\n(.*?)```"
        asked, solution, *_ = (*re.split(folded, part, flags=re.S), "")
        assert int(number) not in found, f"{chapter} has two exercises {number}"
        found[int(number)] = Exercise(heading.strip(), plain(asked), plain(solution))
    return found


@per_chapter
def test_three_to_five_exercises_each_with_a_folded_solution(chapter: str) -> None:
    found = exercises(chapter)
    assert list(found) == list(range(1, len(found) + 1))
    assert 3 <= len(found) <= 5
    assert not [number for number, each in found.items() if len(each.solution.split()) < 5]


@per_chapter
def test_code_of_a_solution_is_hidden_and_stands_behind_its_exercise(chapter: str) -> None:
    number, seen = 0, set()
    for cell in cells(chapter):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            number = int((re.findall(r"^\*\*(\d+)\.", source, re.M) or [number])[-1])
        elif cell["id"].startswith("solution-"):
            assert cell["id"] == f"solution-{number}"
            assert "hide-cell" in cell["metadata"]["tags"]
            seen.add(number)
    assert seen == {n for n, each in exercises(chapter).items() if each.heading == "In code."}


# --- the table of checks --------------------------------------------------------------------------


class Check(NamedTuple):
    """What an exercise takes for granted, and what its solution must say."""

    asked: tuple[str, ...]  # found in the question
    answers: Callable[[], list[str]]  # worked out again; found in the solution


CHECKS: dict[tuple[str, int], Check] = {}


def solves(chapter: str, number: int, *asked: str) -> Callable:
    """Put a function into the table as the check of an exercise."""

    def put(answers: Callable[[], list[str]]) -> Callable[[], list[str]]:
        assert (chapter, number) not in CHECKS
        CHECKS[chapter, number] = Check(asked, answers)
        return answers

    return put


def run(chapter: str, *ids: str, **names: Any) -> tuple[dict[str, Any], str]:
    """Run some code cells of a chapter; returns all names and what was printed.

    ``names`` stand in for what earlier cells would have made.
    """
    by_id = {c["id"]: "".join(c["source"]) for c in cells(chapter) if c["cell_type"] == "code"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for each in ids:
            exec(by_id[each], names)
    return names, printed.getvalue()


def percentages(printed: str) -> list[int]:
    return [int(each) for each in re.findall(r"(\d+)%", printed)]


def zeros(*shape: int) -> torch.Tensor:
    """A tensor with a shape and nothing in it: layers then only say what comes out."""
    return torch.empty(*shape, device="meta")


# --- from one map to a pyramid --------------------------------------------------------------------


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


@solves("why_one_map", 2, "less than one place at stride 32", "a hundred places at stride 4")
def objects_that_a_single_stride_serves_badly() -> list[str]:
    made, printed = run("why_one_map", "imports", "solution-2")
    small, large = percentages(printed)
    neither = ((made["sides"] >= 32) & (made["sides"] <= 40)).float().mean()
    assert min(small, large) >= 30
    assert neither < 0.15
    return ["Both shares are large", "hardly any object belongs to neither"]


@solves("why_one_map", 3, "stride 4", "no strides in between")
def places_without_strides() -> list[str]:
    assert (32 // 4) ** 2 == 64
    return ["sixty-four times as many places as $C_5$"]


@solves("fpn", 1, "800 × 1216 px", "224 px on $P_4$", "200 × 150 px")
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
    _, printed = run("fpn", "toy", "toy-doubled", "solution-2")
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


@solves("two_forwards", 2, "Switch AugFPN's parts off one by one", "leaves the list as it is")
def losses_without_each_part() -> list[str]:
    made, printed = run("two_forwards", "toy", "solution-2")
    whole = set(made["detector"](made["pictures"], made["targets"]))
    left = {
        re.match(r"without (\w+):", line)[1]: set(line.split()[2:])
        for line in printed.splitlines()
        if line.startswith("without")
    }
    assert {name for name, each in left.items() if each == whole} == {"RFA", "SRS"}
    assert left["CS"] == {name for name in whole if "supervision" not in name} != whole
    return ["Only Consistent Supervision has losses of its own", "The other two change what"]


# --- three defects, three mends -------------------------------------------------------------------


def supervised(lam: float, levels: int) -> float:
    """The loss of so many levels that all have the same map and the same head."""
    select = HardRoISelection((2,), 2, torchvision_roi_align)
    boxes = torch.tensor([[4.0, 4, 40, 40], [10, 0, 60, 30]])
    samples = Samples([boxes], [torch.tensor([1, 0])], [torch.zeros(2, 4)], [torch.zeros(2)])
    torch.manual_seed(0)
    head = torch.nn.Sequential(TwoMLPHead(3 * 2 * 2, 4), FastRCNNPredictor(4, 2))
    supervision = ConsistentSupervision(head, lam, [select] * levels, partial(roi_loss, beta=1.0))
    losses = supervision({2: torch.rand(1, 3, 16, 16)}, samples)
    return sum(loss.item() for loss in losses.values())


@solves("consistent_supervision", 1, r"$\lambda = 1/4$ on four levels", "at one half")
def weights_of_the_levels_together() -> list[str]:
    assert supervised(0.25, 4) == pytest.approx(supervised(1.0, 1))
    assert supervised(0.125, 4) == pytest.approx(supervised(0.5, 1))
    return [
        "Four times a quarter is one: as much as the detector's own head",
        "A single level at one weighs the same",
        "at one half is matched by one eighth on four levels",
    ]


@solves("consistent_supervision", 2, "the supervision's losses alone", "3×3 convolution of $P_3$")
def what_supervision_reaches() -> list[str]:
    made, printed = run("consistent_supervision", "toy", "cost", "solution-2")
    (line,) = [each for each in printed.splitlines() if each.startswith("[")]
    reached = set(re.findall(r"'([\w.]+)'", line))
    assert {name for name in reached if not name.startswith("backbone.")} == {
        "fpn.lateral",
        *(name for name in reached if name.startswith("supervision.")),
    }
    assert {name.split(".")[0] for name in reached} == {"backbone", "fpn", "supervision"}
    every = {".".join(n.split(".")[:2]) for n, _ in made["detector"].named_parameters()}
    assert {"fpn.output", "fpn.augment", "rpn.head"} <= every - reached
    return [
        "The backbone, the 1×1 convolutions and the supervision's own head",
        "Not the 3×3 convolutions, not Residual Feature Augmentation, not the proposal network",
    ]


@solves("consistent_supervision", 3, "A probe fitted on $M_2$ fails on $M_3$")
def a_sum_of_two_languages_that_loses_nothing() -> list[str]:
    rng = np.random.default_rng(0)
    features, wanted = rng.normal(size=(200, 4)), rng.normal(size=4)
    a, b = np.eye(4, 8), np.eye(4, 8, 4)  # into the first half of the channels, into the second
    probe = np.linalg.lstsq(features @ a, features @ wanted, rcond=None)[0]
    assert np.allclose(features @ a @ probe, features @ wanted)
    assert np.allclose(features @ b @ probe, 0)  # nothing is recognised
    assert np.linalg.matrix_rank(a + b) == 4  # and the sum holds all there was
    return ["each probe fails on the other level and the sum loses nothing"]


def pooled_sizes(height: int, width: int) -> list[tuple[int, int]]:
    c5 = torch.zeros(1, 1, height, width)
    return [tuple(ratio_invariant_pool(c5, ratio).shape[2:]) for ratio in (0.1, 0.2, 0.3)]


@solves("residual_feature_augmentation", 1, "480 × 640 px", "stay one place high")
def pooled_sizes_of_a_small_picture() -> list[str]:
    sizes = pooled_sizes(15, 20)
    assert [height == 1 for height, _ in sizes] == [True, False, False]
    tenth, two, three = (f"${h} \\times {w}$" for h, w in sizes)
    return [
        f"$480 / 32 = {480 // 32}$ by $640 / 32 = {640 // 32}$ places",
        f"A tenth is {tenth} (one and a half is truncated)",
        f"two tenths {two}, three tenths {three}",
        "Only the first is one place high",
    ]


@solves("residual_feature_augmentation", 2, "25 × 38", "800 × 1216 px")
def pooled_sizes_of_a_large_picture() -> list[str]:
    first, second, third = (f"${h} \\times {w}$" for h, w in pooled_sizes(25, 38))
    assert 0.1 * 25 == 2.5
    assert 11 < 0.3 * 38 < 11.5
    return [
        f"{first}, {second} and {third}",
        "a tenth of 25 is two and a half, truncated to 2; three tenths of 38 is eleven and a bit",
    ]


@solves("residual_feature_augmentation", 3, "a tenth, two and three tenths the same as PSP's")
def squares_that_are_pooled_as_by_psp() -> list[str]:
    _, printed = run("residual_feature_augmentation", "toy", "solution-3")
    sides = [int(each) for each in re.findall(r"for a C5 of (\d+) x", printed)]
    low, high = min(sides), max(sides)
    assert sides == list(range(low, high + 1))
    assert {int(side * n / 10) == n for side in sides for n in (1, 2, 3)} == {True}
    return [
        f"For {low} × {low} up to {high} × {high}: the truncated fractions are then 1, 2 and 3",
        f"a picture of {32 * low} px",
    ]


@solves("soft_roi_selection", 1, "200 × 150 pixels", "short side of 256")
def levels_of_a_box() -> list[str]:
    box, side = torch.tensor([[0.0, 0, 200, 150]]), math.sqrt(200 * 150)
    sides = torch.arange(174, 300).float()
    squares = torch.stack([0 * sides, 0 * sides, sides, sides], dim=1)
    lines = []
    for canonical in (224, 224 * 256 / 800):
        rule = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align, canonical)
        exact, level = 4 + math.log2(side / canonical), rule.level_of(box).item()
        lines += [f"\\approx {exact - 4:.2f}$", f"the floor of ${exact:.2f}$ is {level}, so $P_"]
        lines += [f"so $P_{level}$", f"{canonical:g}"]
    large = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align).level_of(squares)
    first = sides[large > 3][0].item()
    return [*lines, f"\\approx {side:.1f}$", f"a square of {first:.0f} pixels, on $P_4$"]


@solves(
    "soft_roi_selection", 2, "augfpn.detectors.variants.Sum", "better than guessing", "as the gates"
)
def a_sum_in_the_unfair_world() -> list[str]:
    torch.manual_seed(0)
    hard = HardRoISelection((2, 3, 4, 5), 7, torchvision_roi_align)
    draw = SimpleNamespace(level_weights=lambda *_, **__: None)
    ids = ("imports", "world", "train", "trained", "solution-2")
    made, printed = run("soft_roi_selection", *ids, hard=hard, plots=draw)
    gated, guessed, summed = percentages(printed)
    assert guessed == round(100 / 15)
    assert 2 * guessed < summed < 0.8 * gated
    level, gates = made["level"][made["test"]], made["gates"]  # the latter (4, boxes)
    opposite = (gates.argmax(dim=0) + 2 == 7 - level).float().mean()
    assert opposite > 0.9, "the gates have not found the opposite staircase"
    return ["Better than guessing", "Not as good as the gates"]


# --- what it is worth -----------------------------------------------------------------------------


def spread_of_one(seeds: int) -> list[float]:
    """So many differences with a mean of 2 and a standard deviation of 1."""
    values = np.arange(seeds, dtype=float)
    return (2 + (values - values.mean()) / values.std(ddof=1)).tolist()


@solves("putting_it_together", 1, "differences of 1, 2 and 3 points", "from nine seeds")
def intervals_of_three_and_nine_seeds() -> list[str]:
    three, nine = (intervals.mean(spread_of_one(n)) for n in (3, 9))
    assert spread_of_one(3) == [1, 2, 3]
    assert [intervals.verdict(each) for each in (three, nine)] == ["undecided", "holds"]
    factors = [float(stats.t.ppf(0.975, n - 1)) for n in (3, 9)]
    half = f"{three.high - 2:.1f}"
    return [
        "The standard deviation is 1, "
        f"the standard error $1 / \\sqrt 3 \\approx {three.of_seeds:.2f}$",
        f"$t_2 \\approx {factors[0]:.1f}$: from $2 - {half}$ to $2 + {half}$, which holds zero",
        f"the error is $1/3$ and $t_8 \\approx {factors[1]:.1f}$",
        f"from ${nine.low:.1f}$ to ${nine.high:.1f}$",
        f"{WORDS[9 - 3].capitalize()} more runs, and *undecided* becomes *holds*",
    ]


@solves("putting_it_together", 2, "half a point", "one point between differences")
def single_runs_that_point_the_wrong_way() -> list[str]:
    _, printed = run("putting_it_together", "toy", "solution-2", tables=tables)
    one, five = (each / 100 for each in percentages(printed)[-2:])
    pairs = int(printed.split()[-1])
    tens = {20: "twenty", 30: "thirty", 40: "forty"}
    return [
        f"In {WORDS[round(10 * one)]} of ten tries a single pair points the wrong way",
        f"still does in one of {WORDS[round(1 / five)]}",
        f"takes some {tens[round(pairs, -1)]} pairs",
    ]


@solves("putting_it_together", 3, "seven variants with one seed")
def the_largest_of_seven() -> list[str]:
    found, _ = integrate.quad(
        lambda x: 7 * x * stats.norm.pdf(x) * stats.norm.cdf(x) ** 6, -math.inf, math.inf
    )
    assert 1 < found < 1.5
    assert 0.5**7 < 0.01  # that all seven lie below zero
    return [
        "The largest of seven random numbers: on average a bit more than one standard deviation",
        "nearly always a gain",
    ]


@solves("putting_it_together", 4, "--seeds 6")
def twice_the_seeds() -> list[str]:
    before, after = (float(stats.t.ppf(0.975, n - 1)) for n in (3, 6))
    tenths = WORDS[round(10 * after / before / math.sqrt(2))]
    return [
        f"from above {WORDS[int(before)]} to below {WORDS[math.ceil(after)]}",
        f"some {tenths} tenths of what it was",
    ]


def level_of_fcos(side: float, off: float, radius: float | None) -> int:
    """The level on which FCOS learns a square from a point so far left of its middle.

    ``radius`` is how far from the middle, in strides, points learn; the authors have no limit.
    """
    model = recipes.named("fcos_r50_fpn_1x").model
    _, head, _ = build.fcos(replace(model, fcos=replace(model.fcos, centre_radius=radius)))
    point = torch.tensor([side / 2 - off, side / 2])
    strides = [2.0**k for k in build.DENSE_LEVELS]
    anchors = [torch.cat([point - stride / 2, point + stride / 2])[None] for stride in strides]
    match = head.match(anchors, torch.tensor([[0, 0, side, side]])).tolist()
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
        extra = ExtraLevels(8, 8, on_c5=True, relu=True, context=False)
        maps = {k: zeros(1, 8, 800 // 2**k, 1216 // 2**k) for k in (3, 4, 5)}
        maps |= extra(maps[5], maps[5], None)
    assert made["places"] == {k: x[0, 0].numel() for k, x in maps.items()}
    assert round(sum(made["places"].values()), -3) == 20_000
    assert abs(percentages(printed)[0] - 75) <= 1
    return ["Some twenty thousand, three quarters of them on $P_3$"]


@solves("cost", 1, "three levels and 256 channels", "25 × 38 places")
def cost_of_the_gates() -> list[str]:
    gates = AdaptiveSpatialFusion(256, 3)
    first, second = (
        sum(q.numel() for q in part.parameters()) for part in (gates.reduce, gates.score)
    )
    macs = [part.weight.numel() for part in (gates.reduce, gates.score)]
    work = 25 * 38 * sum(macs)
    _, whole = cost.in_testing(cost.cost(replace(AUGFPN, classes=80)))
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
    return ["Undecided, both", "it holds the paper's difference too"]


@solves("claims", 2, "forgot the intervals and believed every mean")
def claims_by_their_means() -> list[str]:
    """The cell on three made-up claims; `tests/said/claims.py` runs it on the ledger itself."""
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


@solves("claims", 3, "sixty-one tests at 95 %")
def false_verdicts_by_chance() -> list[str]:
    wrong = (1 - intervals.LEVEL) / 2
    assert 1 < wrong * len(claims.claims()) < 2
    return ["in two and a half percent of cases", "one or two of sixty-one"]


# --- your turn ------------------------------------------------------------------------------------


@cache
def own_folder() -> dict[str, Any]:
    """The names of the cell that makes a folder in COCO's format."""
    made, _ = run("your_pictures", "parameters", "folder", Path=Path)
    return made


@solves("your_pictures", 1, "Which three numbers tie a box to its picture and its class?")
def what_ties_a_box_to_its_class() -> list[str]:
    found = json.loads((own_folder()["root"] / "annotations/instances_train.json").read_text())
    ids = {name: {each["id"] for each in found[name]} for name in ("images", "categories")}
    assert {each["image_id"] for each in found["annotations"]} <= ids["images"]
    assert {each["category_id"] for each in found["annotations"]} <= ids["categories"]
    for new, each in zip((9, 2), found["categories"], strict=True):  # the file's order turned round
        each["id"], each["name"] = new, f"class {new}"
    for each in found["annotations"]:
        each["category_id"] = 9
    folder = Path(tempfile.mkdtemp())
    (folder / "annotations").mkdir()
    (folder / "annotations/instances_train.json").write_text(json.dumps(found))
    (folder / "train").symlink_to(own_folder()["root"] / "train")
    order = {
        ("class 2", "class 9"): "in the order of their ids",
        ("class 9", "class 2"): "in the order of the file",
    }
    return [
        "`image_id` of an annotation is the `id` of a picture, `category_id` the `id` of a class",
        f"the package counts classes from 1 {order[coco(folder, 'train').classes]}",
    ]


@solves("your_pictures", 2, "with the sides of the anchors at this budget")
def sides_beside_anchors() -> list[str]:
    root, model = own_folder()["root"], BUDGETS["smoke"].model
    names = {
        "torch": torch,
        "pictures": coco(root, "train"),
        "image": coco(root, "val")[0][0],
        "record": SimpleNamespace(experiment=SimpleNamespace(model=model)),
    }
    _, printed = run("your_pictures", "solution-2", **names)
    sides = [int(each) for each in re.findall(r"\[(.*)\]", printed)[0].split(", ")]
    smallest, largest = min(model.anchor_sizes), max(model.anchor_sizes)
    assert smallest / math.sqrt(2) <= sides[0] <= sides[-1] <= largest * math.sqrt(2)
    return ["They should cover the same range"]


@cache
def of_recipe() -> dict[str, Any]:
    """The names of the cell that draws the recipe's rates."""
    made, _ = run("coco_recipe", "parameters", "rates")
    return made


@solves("coco_recipe", 1, "at sixteen a step", "four GPUs with two pictures each")
def steps_of_an_epoch_and_the_rate_of_half_a_batch() -> list[str]:
    paper, pictures = of_recipe()["paper"], of_recipe()["PICTURES"]
    steps = train.number_of_steps(replace(paper, epochs=1), pictures)
    assert paper.batch == 16
    assert steps == math.ceil(pictures / 16)
    half = replace(paper, batch=4 * 2)
    rate = train.learning_rate(half, half.warmup_steps, 2 * half.warmup_steps)
    return [
        f"${pictures} / {paper.batch} \\approx {pictures / paper.batch:.0f}$ steps",
        f"a rate of {rate:g}",
    ]


@solves("coco_recipe", 2, "At which steps does the recipe's rate drop?")
def steps_at_which_the_rate_drops() -> list[str]:
    _, printed = run("coco_recipe", "solution-2", **of_recipe())
    *drops, steps = (int(each) for each in re.findall(r"\d+", printed))
    first, second = (round(12 * each / steps, 3) for each in drops)
    assert (first, second) == (8, 11)
    return [f"After two thirds and after eleven twelfths: epochs {first:g} and {second:g} of 12"]


# --- they are what the chapters say ---------------------------------------------------------------


@pytest.mark.parametrize(("chapter", "number"), CHECKS)
def test_the_answer_worked_out_again_is_in_the_solution(chapter: str, number: int) -> None:
    check, exercise = CHECKS[chapter, number], exercises(chapter)[number]
    for words in check.asked:
        assert words in exercise.asked
    for words in check.answers():
        assert words in exercise.solution


def test_no_exercise_with_an_answer_is_left_out() -> None:
    every = {(chapter, n): each for chapter in CHAPTERS for n, each in exercises(chapter).items()}
    wanted = {key for key, each in every.items() if each.heading not in UNCHECKED}
    assert CHECKS.keys() <= every.keys()
    assert not sorted(wanted - CHECKS.keys())
