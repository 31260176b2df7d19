"""You have a trained detector: what the page says of our runs."""

from augfpn.settings.budgets import BUDGETS
from augfpn.study import ap_lists, gather, spreads, timed
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
    "of the control.",
)
def time_of_eight_pairs() -> None:
    (timing,) = at("scenes").timings
    training, testing = (timed.time_ratio(timing, use, "cs") for use in ("training", "testing"))
    assert f"{training.mean:.1f}" == "1.5"
    assert testing.low < 1 < testing.high
    assert round(8 * (1 + training.mean)) == 20


@says("trained_detector", "**COCO's weights**: no run of ours starts from them.")
@says("trained_detector", "Our photographs are at most 427 by 320 px.")
def what_no_run_has() -> None:
    every = runs()
    assert "coco" not in {each.experiment.model.weights for each in every}
    assert {each.experiment.device for each in every} == {"cpu"}
    model = BUDGETS["transfer"].model
    assert (model.long_side, model.short_side) == (427, 320)


INVENTED = (
    "without: 7 runs, mean 31.1 AP with: 7 runs, mean 31.6 AP with minus without: +0.5 AP, 95 % "
    "interval [+0.2, +0.8] from 7 pairs; standard deviation of a difference: 0.31 AP"
)


@says("trained_detector", INVENTED)
def interval_of_invented_runs() -> None:
    lists = (
        ["31.2", "30.8", "31.5", "31.0", "31.4", "30.6", "31.3"],
        ["31.9", "31.4", "32.0", "31.1", "31.7", "31.6", "31.5"],
    )
    of = ap_lists.ap_lists(("without", "with"), lists, paired=True)
    printed = ap_lists.ap_lists_text(of, ap_lists.ap_difference(of))
    assert INVENTED in " ".join(printed.split())
