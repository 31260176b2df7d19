"""Your turn: a detector for one's own pictures."""

from statistics import mean, median

from augfpn.settings.budgets import BUDGETS
from augfpn.study import grid
from augfpn.study.bench import pages
from said.evidence import ap, at, confirmation
from said.table import says


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
    "From scratch, a few hundred images of few classes are enough for something that one can see",
)
def something_that_one_can_see() -> None:
    assert mean(ap("bccd", "augfpn", "AP50").values()) > 80


@says(
    "your_pictures",
    "`--budget laptop`: 400 steps | three and a half minutes, by the steps of [the bench]",
)
def time_of_the_laptop_budget() -> None:
    """Its steps with AugFPN, and its test images, as the bench timed them."""
    run, found = BUDGETS["laptop"], pages.committed_bench("goals")["laptop"]
    step, image = (median(found["seconds"][use]["augfpn"]) for use in ("training", "testing"))
    assert found["environment"]["threads"] == 2
    assert run.train.steps == 400
    minutes = (run.train.steps * step + run.data.test_scenes * image) / 60
    assert round(2 * minutes) / 2 == 3.5


@says("reproducibility", "The 72 runs that confirm took about six hours of one core.")
def hours_of_the_confirming_runs() -> None:
    variants = grid.part("table2").variants
    runs = [run for each in variants for run in confirmation().recorded(each).values()]
    assert len(runs) == 72
    assert {run.environment["threads"] for run in runs} == {1}
    assert 5.5 < sum(run.result["seconds"] for run in runs) / 3600 < 6.5
