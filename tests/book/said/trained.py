"""You have a trained detector: what the page says of our runs."""

import statistics

import pytest

from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS
from augfpn.study import gather, spreads, timed
from augfpn.study.evidence import Evidence
from augfpn.study.results.pairs_needed import image_passes
from augfpn.study.running import grid
from augfpn.study.uncertainty.planning import seeds_for
from said.evidence import at, confirmation, runs, undecided
from said.table import says


@says("trained_detector", "On drawn scenes, from scratch, [it gained](what_we_found.ipynb).")
@says(
    "trained_detector",
    "On blood cells, from ImageNet's weights, its difference to FPN is [undecided]",
)
@says(
    "trained_detector",
    "On blood cells, from ImageNet's weights, it [cost AP](photographs.ipynb) with gates that "
    "began at random",
)
@says(
    "trained_detector",
    "Residual Feature Augmentation changes the forward, too, and changed little there.",
)
def what_the_parts_brought() -> None:
    assert spreads.wider_effect(confirmation(), "cs").low > 0
    cells = gather.committed("bccd", "transfer")
    assert undecided(spreads.wider_effect(cells, "cs"))
    assert spreads.wider_effect(cells, "srs").high < 0
    assert undecided(spreads.wider_effect(cells, "rfa"))
    for record in [each for v in ("cs", "srs", "rfa") for each in cells.recorded(v).values()]:
        assert record.experiment.model.weights == "imagenet"


@says(
    "trained_detector",
    "a training step with a ResNet-50 at 800 × 1216 px took 1.25 times as long on a CPU, and 1.5 "
    "times with our small detectors; inference costs nothing more ([What it costs](cost.ipynb)). "
    "So eight pairs take as long as 18 to 20 trainings of the control",
)
def time_of_eight_pairs() -> None:
    (timing,) = at("scenes").timings
    training, testing = (timed.time_ratio(timing, use, "cs") for use in ("training", "testing"))
    assert f"{training.mean:.1f}" == "1.5"
    assert testing.low < 1 < testing.high
    assert round(8 * (1 + training.mean)) == 20


@says(
    "trained_detector",
    "Of our blood cells 72 were enough: there the seeds varied the difference more than five times "
    "as much as the images.",
)
def seeds_and_images() -> None:
    cells = gather.committed("bccd", "transfer")
    run = next(iter(cells.recorded("cs").values()))
    assert run.result["pictures"]["test"] == 72
    found = spreads.wider_effect(cells, "cs")
    assert found.of_seeds > 5 * found.of_pictures
    assert seeds_for(found, 0.02) <= 8


@says("trained_detector", "**COCO's weights**: no run of ours starts from them.")
@says("trained_detector", "Our photographs are at most 320 × 427 px.")
def what_no_run_has() -> None:
    every = runs()
    assert "coco" not in {each.experiment.model.weights for each in every}
    assert {each.experiment.device for each in every} == {"cpu"}
    model = BUDGETS["transfer"].model
    assert (model.long_side, model.short_side) == (427, 320)


@says("what_we_found", "| steps of four images | 400: two epochs | 400 | 300, 900 |")
@says("what_we_found", "| FPN's AP | 48 | 52 | 54, 17 to 19 |")
@says("what_we_found", "| for training | 800 | 205 | 205, 435 |")
@says("what_we_found", "| 100 for the seeds 0 to 2, 1,000 for the later ones | 72 | 72, 157 |")
@says("what_we_found", "| size, px | 256 × 320 | 256 × 320 | 320 × 427 |")
@says("what_we_found", "| pyramid | 64 channels | 64 | 64 |")
def runs_that_the_figure_shows() -> None:
    of = [
        *(confirmation(), gather.committed("bccd")),
        *gather.committed_sets(("bccd", "aquarium"), "transfer").values(),
    ]
    runs = [[*each.recorded("fpn").values()] for each in of]
    made = [each.experiment for each, *_ in runs]
    trained = [each.result["pictures"]["train"] for each, *_ in runs]
    assert trained == [800, 205, 205, 435]
    tested = [each.result["pictures"]["test"] for each, *_ in runs]
    assert tested == [1000, 72, 72, 157]
    first = gather.committed("scenes").recorded("fpn")
    assert {each.result["pictures"]["test"] for each in first.values()} == {100}
    assert [(each.train.steps, each.train.batch) for each in made] == [
        *((400, 4), (400, 4), (300, 4), (900, 4))
    ]
    assert made[0].train.steps * made[0].train.batch == 2 * trained[0]
    assert [(each.model.short_side, each.model.long_side) for each in made] == [
        *2 * [(256, 320)],
        *2 * [(320, 427)],
    ]
    assert {each.model.channels for each in made} == {64}
    ap = [100 * statistics.mean(run.result["AP"] for run in each) for each in runs[:3]]
    assert [*map(round, ap)] == [48, 52, 54]
    groups = [shared_mean(of[3], variant) for variant in ("augfpn", "cs")]
    assert [*map(round, groups)] == [17, 19]


@says("what_we_found", "| AdamW, 0.001, falling as a cosine | the same | the same |")
@says("what_we_found", "| Intel Xeon; with even gates AMD EPYC | Intel Xeon |")
@says("what_we_found", "Intel Xeon; AMD EPYC for the later seeds, and in part for Aquarium |")
@says("what_we_found", "Every run took one thread of a CPU.")
def optimizer_and_processor_of_the_runs() -> None:
    photographs = gather.from_pretrained()
    pairs = {"fpn", "augfpn"}
    intel = [
        *(confirmation().recorded(v) for v in grid.part("table2").variants),
        *(gather.committed("bccd").recorded(v) for v in pairs),
        *(photographs[name].recorded(v) for name in ("bccd", "bccd_learning") for v in pairs),
    ]
    amd = [confirmation().recorded("augfpn_even"), photographs["bccd_again"].recorded("srs")]
    made_on = [
        {run.environment["device_name"].split()[0] for by_seed in of for run in by_seed.values()}
        for of in (intel, amd, [photographs["aquarium"].recorded("fpn")])
    ]
    assert made_on == [{"Intel(R)"}, {"AMD"}, {"Intel(R)", "AMD"}]
    every = [run for of in (*intel, *amd) for run in of.values()]
    assert {run.environment["threads"] for run in every} == {1}
    trained = {(x.optimizer, x.lr, x.schedule) for x in (run.experiment.train for run in every)}
    assert trained == {("adamw", 0.001, "cosine")}


def shared_mean(of: Evidence, variant: str) -> float:
    """FPN's AP, in percent, over the seeds that it shares with a variant."""
    runs = of.recorded("fpn")
    return 100 * statistics.mean(runs[seed].result["AP"] for seed in of.apart(variant, "fpn"))


@says("open_questions", "Aquarium is at hand, with 435 training images of seven classes;")
@says(
    "open_questions",
    "About 320,000 passes of an image, by arithmetic: some nine hours where a GPU trains FPN on "
    "ten images a second.",
)
def passes_of_the_first_question() -> None:
    aquarium = gather.committed_sets(("aquarium",), "transfer")["aquarium"]
    record = aquarium.recorded("fpn")[4]
    images = record.result["pictures"]["train"]
    assert (images, len(record.classes)) == (435, 7)
    assert image_passes(images) == 320_000
    assert 8.5 < image_passes(images) / 10 / 3600 < 9.5


def minutes(of: Evidence, *variants: str) -> list[float]:
    """The median time of a run of each variant, in minutes."""
    every = (of.recorded(variant).values() for variant in variants)
    return [statistics.median(run.result["seconds"] for run in runs) / 60 for runs in every]


@says(
    "open_questions",
    "On blood cells sixteen runs of some eight minutes each on a CPU core, on Aquarium of some "
    "twenty: eight hours together.",
)
@says("open_questions", "Sixteen runs of five minutes each on a CPU core.")
@says("open_questions", "Sixteen runs of three to six minutes each on a CPU core.")
def times_of_the_other_questions() -> None:
    sets = gather.committed_sets(("bccd", "aquarium"), "transfer")
    cells, animals = minutes(sets["bccd"], "augfpn"), minutes(sets["aquarium"], "augfpn")
    assert 6 < cells[0] < 9
    assert 18 < animals[0] < 23
    assert 7 < 16 * (8 + 21) / 60 < 8.5
    assert all(4.5 < each < 5.5 for each in minutes(at("scenes"), "cs", "cs_single_lam1"))
    fpn, srs = minutes(at("scenes"), "fpn", "srs")
    assert 3 < fpn < srs < 6


@says("open_questions", "some 480 hours, or three weeks.")
@says("open_questions", "a run takes 11 hours for FPN and 13 for AugFPN by the paper's times")
def hours_on_coco() -> None:
    an_epoch = paper.tables()["runtime"]["train_hours_per_epoch"]
    hours = [12 * an_epoch[neck] for neck in ("FPN", "AugFPN")]
    assert [*map(round, hours)] == [11, 13]
    assert 40 * statistics.mean(hours) == pytest.approx(480)
    assert 480 / 24 / 7 < 3


@says("open_questions", "on scenes, one minus four is −0.1 [−1.1, +0.8]")
def one_level_minus_four() -> None:
    assert spreads.wider_text(confirmation(), "cs_single_lam1", "cs") == "−0.1 [−1.1, +0.8]"
