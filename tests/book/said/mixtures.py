"""What trained gates mix, on scenes: the figure of mean weights."""

import numpy as np

from augfpn.study.results import mechanisms
from said.evidence import BOTH, at, verdict
from said.table import says


def mixtures_by_seed() -> np.ndarray:
    """Figure 4 on scenes: mean weights, by seed, the rule's level and the mixed-in level."""
    return np.array([each["mean"] for each in mechanisms.mixtures_of(at("scenes"), "augfpn")])


@says(
    "soft_roi_selection",
    "**The weights depend more on the seed than on the box's size.** On scenes seeds explain 77 % "
    "of their variation and sizes 14 %, in three runs, too few for an [interval](intervals.ipynb).",
)
def runs_differ_more_than_panels() -> None:
    of_seeds = mixtures_by_seed()
    apart = of_seeds - of_seeds.mean((0, 1))  # of each mixed-in level's mean
    explained = [np.square(apart.mean(axis)).mean() for axis in (1, 0)]
    shares = [round(100 * each / np.square(apart).mean()) for each in explained]
    assert shares == [77, 14]
    assert len(of_seeds) == 3


@says("soft_roi_selection", "With two seeds P2 is the highest line throughout.")
def levels_that_weigh_most() -> None:
    most = (2 + mixtures_by_seed().argmax(2)).tolist()
    assert most == [[2] * 4, [2] * 4, [2, 5, 5, 2]]


@says("soft_roi_selection", "In two of the three $P_3$ is all but shut,")
def a_level_that_is_all_but_shut() -> None:
    of_p3 = mixtures_by_seed()[:, 1:, 1].max(axis=1)
    assert sorted(of_p3 < 0.05) == [False, True, True]
    assert {verdict(pictures, "#53") for pictures in BOTH} == {"undecided"}
