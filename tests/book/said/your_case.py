"""Should you use it?: the box, the first question of the figure, and how many pairs of runs."""

import shlex
from dataclasses import replace
from functools import cache
from math import ceil, log2

from chapters import cells, source

from augfpn.config import AUGFPN, FPN, Model
from augfpn.detectors import cost
from augfpn.settings import paper, parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.study import advice, beside, gather, grid, timed
from augfpn.study.evidence import Evidence, shared_seeds
from augfpn.study.pairs_needed import TIMES_AS_LONG, image_passes, pairs_for
from augfpn.study.spreads import own_effect, plans, wider_text
from augfpn.study.tables import variant_rows
from augfpn.study.tries import committed_rows
from said.evidence import at, confirmation
from said.table import says

IMAGES = 5000  # of the reader for whom the box is


@cache
def blood_cells() -> Evidence:
    return gather.committed("bccd", "transfer")


def on_small(variant: str, base: str = "fpn") -> str:
    """An effect on AP of small objects on scenes, with the wider of its two intervals."""
    return wider_text(confirmation(), variant, base, number="APs").replace("\u00a0", " ")


@says(
    "should_you_use_it",
    "AugFPN changes AP of small objects by −2.0 [−3.8, −0.3] points over FPN on [drawn "
    "scenes](test_bench.ipynb), and by −3.6 [−7.0, −0.3] with [both tuned](fair_baselines.ipynb). "
    "With gates that begin [even](photographs.ipynb) no loss is shown: −0.8 [−2.5, +0.9], in six "
    "later seeds. On COCO the paper reports +2.7 (val) and +1.8 (test-dev). On scenes Consistent "
    "Supervision changes it by +0.2 [−1.0, +1.3].",
)
def small_objects_lose() -> None:
    assert on_small("augfpn") == "−2.0 [−3.8, −0.3]"
    assert on_small("augfpn_tuned", "fpn_tuned") == "−3.6 [−7.0, −0.3]"
    assert on_small("augfpn_even") == "−0.8 [−2.5, +0.9]"
    assert confirmation().effects("augfpn_even", "fpn")["APs"].seeds == 6
    assert advice.printed_gain_text(confirmation(), "augfpn", "APs") == "+2.7"
    assert f"{advice.gain_on_test_dev('APs'):+.1f}" == "+1.8"
    assert on_small("cs") == "+0.2 [−1.0, +1.3]"


@says(
    "should_you_use_it",
    "On scenes a search of rate and rule brought FPN +2.7 [+1.3, +4.1] on small objects. With "
    "twice the steps FPN was 14.8 points ahead of AugFPN on them.",
)
def what_plain_fpn_gains_on_small_objects() -> None:
    assert on_small("fpn_tuned") == "+2.7 [+1.3, +4.1]"
    assert on_small("augfpn", "fpn_2x_steps").startswith("−14.8 [")
    plain, tuned = (confirmation().recorded(name)[3].experiment for name in ("fpn", "fpn_tuned"))
    assert tuned.train.lr == 2 * plain.train.lr
    assert tuned.model.canonical_size > plain.model.canonical_size


def trained_by(command: str) -> dict:
    """The parameters of a command of the page, on a GPU, and its experiment."""
    words = shlex.split(command.replace("\\\n", " "))[2:]
    names = [word.removeprefix("--").replace("-", "_") for word in words[::2]]
    given = dict(zip(names, words[1::2], strict=True)) | {"data_root": ".", "seed": 0}
    if "settings" in given:
        given["settings"] = (given["settings"],)
    return experiment(parameters.parse(given), "cuda", "coco", "bf16")


@says(
    "should_you_use_it",
    "Without `--epochs` and `--short-side` a GPU makes 1000 steps of 16 images: 3.2 passes over "
    "5,000 images, at 640 × 512 px at most.",
)
def what_the_commands_ask_for() -> None:
    box = source(cells("should_you_use_it")[0])
    (command,) = (each for each in box.split("\n\n") if each.lstrip().startswith("augfpn doctor"))
    checks, trains = (f"augfpn{each}" for each in command.split("augfpn")[1:])
    found = trained_by(trains)
    assert trained_by(checks) == found
    assert (found.train.epochs, found.train.batch, found.model.short_side) == (12, 16, 1200)
    sizes = ",".join(map(str, found.model.anchor_sizes))
    assert f"`--settings model.anchor_sizes=[{sizes}]`" == advice.SMALLER_ANCHORS
    assert advice.LARGER[advice.FROM_COCO] == found.model.short_side
    assert ceil(found.train.epochs * IMAGES / found.train.batch) == 3750
    plain = BUDGETS["gpu"]
    assert (plain.train.steps, plain.train.batch) == (1000, 16)
    assert (plain.model.long_side, plain.model.short_side) == (640, 512)
    assert f"{plain.train.steps * plain.train.batch / IMAGES:.1f}" == "3.2"


@says(
    "should_you_use_it",
    "sixteen trainings of 12 epochs count as twenty of FPN, because a step of Consistent "
    "Supervision takes 1.5 times as long with our small detector on a CPU.",
)
@says("should_you_use_it", "Consistent Supervision costs nothing at inference.")
def price_of_eight_pairs() -> None:
    (timing,) = at("scenes").timings
    assert f"{timed.time_ratio(timing, 'training', 'cs').mean:.1f}" == "1.5"
    assert image_passes(1) == 20 * 12
    assert TIMES_AS_LONG == 1.5
    testing = timed.time_ratio(timing, "testing", "cs")
    assert testing.low < 1 < testing.high


@says(
    "should_you_use_it",
    "by the paper, inference of AugFPN takes 1.21 times as long as that of FPN on a GPU. On a CPU "
    "it takes [1.22 times](cost.ipynb) as long with our small detectors, and 1.06 times with a "
    "ResNet-50 at 800 × 1216 px.",
)
@says(
    "should_you_use_it",
    "Choose one test: Consistent Supervision, or all three parts if inference may take 1.2 times "
    "as long.",
)
def price_of_all_parts() -> None:
    printed = paper.tables()["runtime"]["inference_fps"]
    assert f"{printed['FPN'] / printed['AugFPN']:.2f}" == "1.21"
    (timing,) = at("scenes").timings
    assert f"{timed.time_ratio(timing, 'testing').mean:.2f}" == "1.22"


def macs_ratio(fpn: Model, part: Model, **size: tuple[int, int]) -> float:
    """How many times as many multiply-accumulates as FPN a training step of a part has."""
    base, more = (cost.in_training(cost.part_costs(each, **size))[1] for each in (fpn, part))
    return more / base


@says(
    "should_you_use_it",
    "By multiply-accumulates it is 1.46 on scenes, 1.22 for our runs from pretrained weights "
    "({numref}`tab-should-you` has their measured times) and 1.15 with ResNet-50 at 800 px.",
)
@says(
    "should_you_use_it",
    "For Consistent Supervision this ratio lies between 1.15, by counted multiply-accumulates "
    "at 800 px, and 1.5, measured with our small detector on a CPU: a limit of 5 to 2 points.",
)
@says("should_you_use_it", "does that bring more than 2 to 5 points?")
@says(
    "fair_baselines",
    "For one point of Consistent Supervision it is 2 to 5 points: $\\rho$ is 1.5 with our small "
    "detector, 1.15 by [counted multiply-accumulates](cost.ipynb) at 800 px, and not measured on a "
    "GPU.",
)
def ratios_of_consistent_supervision() -> None:
    """Those of the study at the size of its batches: sides are multiples of 32."""
    plain = replace(FPN, classes=80)
    large = macs_ratio(plain, replace(plain, lam=AUGFPN.lam))
    found = []
    for of, size in ((confirmation(), (256, 320)), (blood_cells(), (320, 448))):
        pair = [of.recorded(name) for name in ("fpn", "cs")]
        models = [runs[min(runs)].experiment.model for runs in pair]
        found.append(macs_ratio(*models, size=size))
    assert [f"{ratio:.2f}" for ratio in (*found, large)] == ["1.46", "1.22", "1.15"]
    assert [round(1 / log2(ratio)) for ratio in (large, TIMES_AS_LONG)] == [5, 2]


@says(
    "should_you_use_it",
    "For all of AugFPN, with the paper's gain and times, the limit is some 8 points.",
)
def limit_of_all_parts() -> None:
    rows = {(row["CS"], row["RFA"], row["SRS"]): row["AP"] for row in paper.tables()["table2"]}
    gain = rows[True, True, True] - rows[False, False, False]
    hours = paper.tables()["runtime"]["train_hours_per_epoch"]
    assert round(gain / log2(hours["AugFPN"] / hours["FPN"])) == 8


@says("should_you_use_it", "Each part alone brings about one point in the paper.")
@says("should_you_use_it", "the claimed gain of one part is one")
@says("trained_detector", "in the paper one part brings about one.")
def gains_of_single_parts() -> None:
    rows = {(row["CS"], row["RFA"], row["SRS"]): row["AP"] for row in paper.tables()["table2"]}
    base = rows[False, False, False]
    alone = [ap - base for parts, ap in rows.items() if sum(parts) == 1]
    assert len(alone) == 3
    assert {round(gain) for gain in alone} == {1}


@says(
    "should_you_use_it",
    "Twice the steps brought FPN 12.6 points on scenes. Three times the steps brought 6.8 on "
    "Aquarium (one run of each), about four a doubling, and nobody tested whether the 900 "
    "steps of our runs are enough there, or 300 on blood cells.",
)
def our_detectors_fail_the_first_question() -> None:
    twice = confirmation().effects("fpn_2x_steps", "fpn")["AP"]
    assert f"{100 * twice.mean:.1f}" == "12.6"
    own = BUDGETS["transfer"].train
    tried = [
        row
        for row in committed_rows("transfer")
        if (row["variant"], row["frozen"], row["lr"]) == ("fpn", 5, own.lr)
    ]
    steps = {
        name: {row["steps"]: row["AP"] for row in tried if row["pictures"] == name}
        for name in ("aquarium", "bccd")
    }
    assert (set(steps["aquarium"]), set(steps["bccd"])) == ({300, 900}, {300})
    gained = 100 * (steps["aquarium"][900] - steps["aquarium"][300])
    assert f"{gained:.1f}" == "6.8"
    assert round(gained / log2(3)) == 4


@says(
    "should_you_use_it",
    "One point may take [27 pairs](should_you_use_it.ipynb#how-many-pairs).",
)
@says("should_you_use_it", "The affordable test sees two points of AP")
@says(
    "should_you_use_it",
    "For Consistent Supervision one point takes 7 to 27 pairs on blood cells, and two points take "
    "4 to 8. For AugFPN with even gates one point takes 27 to 39 pairs, and two points 7 to 9.",
)
@says(
    "should_you_use_it",
    "by their own estimate, the interval of Consistent Supervision's eight pairs on blood cells is "
    "half as wide as by the other.",
)
@says(
    "trained_detector",
    "On our blood cells eight pairs show a gain of two points, and one point takes [7 to "
    "27](should_you_use_it.ipynb#how-many-pairs).",
)
@says(
    "your_pictures",
    "on blood cells one point of AP [takes](should_you_use_it.ipynb#how-many-pairs) 7 to 27 pairs "
    "of Consistent Supervision.",
)
def pairs_of_both_estimates() -> None:
    found = {
        variant: [pairs_for(blood_cells(), variant, gain) for gain in (0.01, 0.02)]
        for variant in ("cs", "augfpn_even")
    }
    assert found == {"cs": [(7, 27), (4, 8)], "augfpn_even": [(27, 39), (7, 9)]}
    own, together = own_effect(blood_cells(), "cs", "fpn"), blood_cells().effects("cs", "fpn")["AP"]
    assert own.seeds == 8
    assert abs((own.high - own.low) / (together.high - together.low) - 0.5) < 0.05


@says(
    "should_you_use_it",
    "[The plan of seeds](putting_it_together.ipynb) does the same for each gain of the paper.",
)
def the_plan_has_both_estimates() -> None:
    rows = variant_rows("table2", confirmation())
    planned = plans(rows)
    assert {each.variant for each in planned} == set(grid.part("table2").variants) - {"fpn"}
    assert all(each.own_seeds and each.seeds for each in planned)


@says("should_you_use_it", "with random gates, and FPN on blood cells, pretrained:")
@says(
    "should_you_use_it",
    "This interval comes from these runs' own differences alone, because `compare` knows no "
    "others.",
)
def what_compare_prints() -> None:
    of = blood_cells()
    runs = [of.recorded(name) for name in ("augfpn", "fpn")]
    found = beside.beside([each.folder for by_seed in runs for each in by_seed.values()])
    assert found.seeds == shared_seeds({name: of.of(name) for name in ("augfpn", "fpn")})
    alone = own_effect(of, "augfpn", "fpn")
    assert found.differences["AP"][:3] == alone[:3]
    assert {record.experiment.model.gates for record in runs[0].values()} == {"random"}


@says(
    "should_you_use_it",
    "The mean is higher with even gates, but it is undecided whether they help.",
)
def even_gates_help_or_not() -> None:
    found = blood_cells().combination(["augfpn_even"], ["augfpn"], "AP")
    assert found.mean > 0 > found.low
