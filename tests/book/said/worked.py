"""The finished case of a trained detector: what the page says of its committed files."""

import json
from math import exp

from chapters import ROOT

from said.table import says

VAL = json.loads((ROOT / "experiments/worked/val.json").read_text("utf-8"))


@says("trained_detector", "a checkpoint, in 600 steps from random weights: 11 minutes.")
@says(
    "trained_detector",
    "| checkpoint | 54.7 | | control, 150 more steps at a rate of `3e-5` | 54.1 | | at `1e-4` | "
    "54.2 | | at `3e-4` | 54.0 |",
)
def ap_on_the_images_for_choosing() -> None:
    first, more = VAL["checkpoint"], VAL["controls"]
    assert (first["steps"], round(first["seconds"] / 60), f"{first['AP']:.1f}") == (600, 11, "54.7")
    shown = [(each["steps"], each["rate"], f"{each['AP']:.1f}") for each in more]
    assert shown == [(150, 3e-5, "54.1"), (150, 1e-4, "54.2"), (150, 3e-4, "54.0")]


@says(
    "trained_detector",
    "AP is 51 here and was 54 in {numref}`tab-finished`, because those are other",
)
def ap_on_other_images() -> None:
    printed = (ROOT / "book/examples/worked_pairs.txt").read_text("utf-8").splitlines()
    shown = [float(line.split()[1]) for line in printed if line.startswith(("A   ", "B   "))]
    assert [round(each) for each in shown] == [51, 51]
    assert {round(each["AP"]) for each in VAL["controls"]} == {54}


@says("trained_detector", "a run took 2 to 5 minutes, beside other work.")
@says("trained_detector", "a checkpoint of 11 minutes is no detector in use.")
def time_of_a_run() -> None:
    every = [x / 60 for of in VAL["pairs"]["seconds"].values() for x in of]
    assert (len(every), round(min(every)), round(max(every))) == (6, 2, 5)
    assert round(VAL["checkpoint"]["seconds"] / 60) == 11


@says("trained_detector", "in 22 of 100 cases it is less than half of the true one.")
def deviation_of_three_pairs() -> None:
    """Chi-squared with two degrees of freedom is exponential, with a mean of 2."""
    assert f"{1 - exp(-2 * 0.5**2 / 2):.2f}" == "0.22"
