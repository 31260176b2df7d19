"""Should you use it?: the box, the first question of the figure, and how many pairs of runs."""

from functools import cache
from math import ceil, log2

from chapters import cells, source

from augfpn.settings import paper, parameters
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.experiment import experiment
from augfpn.study import advice, beside, gather, grid, intervals, timed
from augfpn.study.evidence import Evidence, shared_seeds
from augfpn.study.pairs_needed import pairs_for
from augfpn.study.spreads import own_effect, plans, wider_text
from augfpn.study.tables import variant_rows
from augfpn.study.tries import committed_rows
from said.evidence import at, confirmation, main_effect
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
    "On COCO the paper reports +2.7 (val) and +1.8 (test-dev). On scenes the effect of Consistent "
    "Supervision on small objects is [within 1 AP of zero](all_effects.ipynb).",
)
def small_objects_lose() -> None:
    assert on_small("augfpn") == "−2.0 [−3.8, −0.3]"
    assert on_small("augfpn_tuned", "fpn_tuned") == "−3.6 [−7.0, −0.3]"
    assert advice.printed_gain_text(confirmation(), "augfpn", "APs") == "+2.7"
    assert f"{advice.gain_on_test_dev('APs'):+.1f}" == "+1.8"
    alone = main_effect("cs", "APs")
    assert intervals.verdict(alone, small=intervals.SMALL_EFFECT) == "within 1 AP of zero"


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
    words = command.replace("\\\n", " ").split()[2:]
    names = [word.removeprefix("--").replace("-", "_") for word in words[::2]]
    given = dict(zip(names, words[1::2], strict=True)) | {"data_root": ".", "seed": 0}
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
    assert (found.train.epochs, found.train.batch, found.model.short_side) == (12, 16, 800)
    assert ceil(found.train.epochs * IMAGES / found.train.batch) == 3750
    plain = BUDGETS["gpu"]
    assert (plain.train.steps, plain.train.batch) == (1000, 16)
    assert (plain.model.long_side, plain.model.short_side) == (640, 512)
    assert f"{plain.train.steps * plain.train.batch / IMAGES:.1f}" == "3.2"


@says(
    "should_you_use_it",
    "These 16 trainings take as long as 20 of FPN if a step takes 1.5 times as long, as with our "
    "small detector on a CPU.",
)
@says("should_you_use_it", "Consistent Supervision costs nothing at inference.")
def price_of_eight_pairs() -> None:
    (timing,) = at("scenes").timings
    assert f"{timed.time_ratio(timing, 'training', 'cs').mean:.1f}" == "1.5"
    assert 8 * (1 + 1.5) == 20
    testing = timed.time_ratio(timing, "testing", "cs")
    assert testing.low < 1 < testing.high


@says(
    "should_you_use_it",
    "by the paper, inference of AugFPN takes 1.21 times as long as that of FPN on a GPU. With our "
    "small detectors on a CPU it takes [1.22 times](cost.ipynb) as long.",
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


@says("should_you_use_it", "Each part alone brings about one point in the paper.")
@says("trained_detector", "in the paper one part brings about one.")
@says("should_you_use_it", "does that bring more than 3.5 points?")
def gains_of_single_parts() -> None:
    rows = {(row["CS"], row["RFA"], row["SRS"]): row["AP"] for row in paper.tables()["table2"]}
    base = rows[False, False, False]
    alone = [ap - base for parts, ap in rows.items() if sum(parts) == 1]
    assert len(alone) == 3
    assert {round(gain) for gain in alone} == {1}
    hours = paper.tables()["runtime"]["train_hours_per_epoch"]
    assert f"{1 / log2(hours['AugFPN'] / hours['FPN']):.1f}" == "3.5"


@says(
    "should_you_use_it",
    "Twice the steps brought FPN 12.6 points on scenes. Three times the steps brought 6.8 on "
    "Aquarium, and nobody tested whether the 900 steps of our runs are enough there, or 300 on "
    "blood cells.",
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
    assert gained / log2(3) > 3.5


@says(
    "should_you_use_it",
    "They show a gain of two points; one point may take [27 "
    "pairs](should_you_use_it.ipynb#how-many-pairs).",
)
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
