"""The finished case of a trained detector: what the page says of its committed files."""

import json
from math import exp
from statistics import mean
from xml.etree import ElementTree

from chapters import BOOK, ROOT

from said.table import says

VAL = json.loads((ROOT / "experiments/worked/val.json").read_text("utf-8"))


@says("trained_detector", "We made one, in 600 steps from random weights: 11 minutes.")
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


@says(
    "trained_detector",
    "three pairs differ by −0.3, +1.1 and 0.0 points of AP (+0.2 on average, before rounding).",
)
@says(
    "trained_detector",
    "Their mean is +0.2 points, and its 95 % interval goes from −1.7 to +2.2: undecided.",
)
def three_pairs_of_the_case() -> None:
    """As the drawing has them, which its own test computes again."""
    drawing = ElementTree.parse(BOOK / "figures" / "finished_case.svg").getroot()
    found = json.loads(drawing.find(".//{http://purl.org/dc/elements/1.1/}description").text)
    apart = [a - b for a, b in zip(found["with"], found["without"], strict=True)]
    assert [round(x, 1) for x in apart] == [-0.3, 1.1, 0.0]
    assert [round(x, 1) for x in found["difference, low, high"]] == [0.2, -1.7, 2.2]
    assert round(mean(apart), 1) == 0.2


@says("trained_detector", "[eleven lines of Python](#train-pairs)")
def lines_to_type() -> None:
    page = (BOOK / "trained_detector.md").read_text("utf-8")
    code = page.split("```python\nfrom torchvision_continue")[1].split("```")[0].splitlines()
    assert sum(bool(x) and not x.startswith("#") for x in code) == 11
