"""You have a trained detector: what the page says of our runs."""

import statistics

from augfpn.settings.budgets import BUDGETS
from augfpn.study import gather, spreads, timed
from augfpn.study.pairs_needed import image_passes
from augfpn.study.planning import seeds_for
from said.evidence import at, confirmation, runs, undecided
from said.table import says


@says("trained_detector", "On drawn scenes, from scratch, [it gained](what_we_found.ipynb).")
@says(
    "trained_detector",
    "On blood cells, from ImageNet's weights, its difference to FPN is [undecided]",
)
@says(
    "trained_detector",
    "On blood cells, from ImageNet's weights, it [cost AP](photographs.ipynb).",
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
    "a training step of our small detectors took 1.5 times as long on a CPU; inference costs "
    "nothing more ([What it costs](cost.ipynb)). So eight pairs take as long as some 20 trainings "
    "of the control",
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


@says("what_we_found", "on scenes two epochs, after which FPN has an AP of 48.")
def fpn_after_two_epochs() -> None:
    ap = [run.result["AP"] for run in confirmation().recorded("fpn").values()]
    assert round(100 * statistics.mean(ap)) == 48
    (run, *_) = confirmation().recorded("fpn").values()
    made = run.experiment
    assert (made.model.channels, made.model.short_side, made.model.long_side) == (64, 256, 320)
    assert made.train.steps * made.train.batch == 2 * run.result["pictures"]["train"]


@says("open_questions", "Aquarium is at hand, with 435 training images of seven classes;")
@says(
    "open_questions",
    "About 320,000 passes of an image, by arithmetic: some nine hours where a GPU trains FPN on "
    "ten images a second.",
)
@says("open_questions", "Sixteen runs, some five minutes each on a CPU core.")
def passes_of_the_first_question() -> None:
    aquarium = gather.committed_sets(("aquarium",), "transfer")["aquarium"]
    record = aquarium.recorded("fpn")[4]
    images = record.result["pictures"]["train"]
    assert (images, len(record.classes)) == (435, 7)
    assert image_passes(images) == 320_000
    assert 8.5 < image_passes(images) / 10 / 3600 < 9.5
    cells = gather.committed("bccd", "transfer").recorded("augfpn")
    assert 3 < statistics.median(run.result["seconds"] for run in cells.values()) / 60 < 8
