"""Solutions: average precision, the primer on intervals, and the test bench."""

import re

import numpy as np

from augfpn.study.uncertainty import intervals
from solved.table import WORDS, percentages, run, solves


@solves("average_precision", 1, "three objects", "right, false, right")
def three_boxes() -> list[str]:
    precision, recall = np.array([1, 1 / 2, 2 / 3]), np.array([1, 1, 2]) / 3
    points = np.arange(101) / 100
    best = [max(precision[recall >= r], default=0.0) for r in points]
    counts = [sum(b == value for b in best) for value in (1, 2 / 3)]
    assert counts == [34, 33]
    return [
        f"which are {counts[0]}, then $\\tfrac23$ at the {counts[1]} up to $0.66$",
        f"$(34 + 22) / 101 = {np.mean(best):.3f}$",
    ]


@solves("average_precision", 2, "AP of the triangles", "a score below one half")
def only_boxes_that_are_shown() -> list[str]:
    needed = ("parameters", "boxes", "iou", "match", "curve", "solution-2")
    _, printed = run("average_precision", *needed)
    all_boxes, shown = percentages(printed)[-2:]
    return [f"{shown} % in place of {all_boxes} %"]


@solves("intervals", 1, "Nine pairs", r"$t_8 \approx 2.31$")
def nine_pairs() -> list[str]:
    values = np.arange(9.0)
    made = 1.6 + 1.2 * (values - values.mean()) / values.std(ddof=1)
    found = intervals.mean_interval(made.tolist())
    assert f"{intervals.factor(0.95, 8):.2f}" == "2.31"
    assert intervals.verdict(found) == "holds"
    return [
        f"The standard error is $1.2 / \\sqrt 9 = {found.of_seeds:.1f}$",
        f"from ${found.low:.2f}$ to ${found.high:.2f}$",
        "It lies above zero",
    ]


@solves("intervals", 2, "contain the true effect", "takes 1.96 for Student's factor")
def a_factor_that_is_too_small() -> list[str]:
    _, printed = run("intervals", "solution-2", intervals=intervals)
    normal, student = (each / 100 for each in percentages(printed)[-2:])
    assert round(student, 2) == 0.95
    return [
        f"In about {WORDS[round(5 * normal)]} of five studies, where 95 % were promised",
        "Student's factor keeps the promise",
    ]


@solves("test_bench", 1, "60 % with three classes", "60 % with two")
def how_far_from_guessing() -> list[str]:
    three, two = ((0.6 - 1 / n) / (1 - 1 / n) for n in (3, 2))
    return [
        f"from {1 / 3:.0%}".replace("%", " %"),
        f"{three:.0%} of the way".replace("%", " %"),
        f"only {two:.0%}".replace("%", " %"),
    ]


@solves("test_bench", 2, "500 objects, eight numbers each", "three times as large")
def likeness_that_no_rotation_changes() -> list[str]:
    _, printed = run("test_bench", "solution-2")
    turned, nothing = re.findall(r": (\d\.\d\d)$", printed, re.M)
    return [f"CKA is ${turned}$", f"nothing in common have ${nothing}$, not zero"]
