"""What trained gates mix, on scenes: the figure of mean weights."""

import numpy as np

from augfpn.study import mechanisms
from said.evidence import BOTH, at, verdict
from said.table import says


def mixtures_by_seed() -> np.ndarray:
    """Figure 4 on scenes: mean weights, by seed, the rule's level and the mixed-in level."""
    return np.array([each["mean"] for each in mechanisms.mixtures_of(at("scenes"), "augfpn")])


@says(
    "soft_roi_selection",
    "one run's four panels look alike, and the three runs do not: what a box is made of depends "
    "more on the seed than on its size.",
)
def runs_differ_more_than_panels() -> None:
    of_seeds = mixtures_by_seed()
    assert of_seeds.std(0, ddof=1).mean() > 2 * of_seeds.std(1, ddof=1).mean()


@says(
    "soft_roi_selection",
    "$P_2$ weighs most in all panels of two runs; in the third run $P_5$ weighs more in the two "
    "middle ones.",
)
@says("soft_roi_selection", "With two seeds P2 has the highest bar in every panel.")
def levels_that_weigh_most() -> None:
    most = (2 + mixtures_by_seed().argmax(2)).tolist()
    assert most == [[2] * 4, [2] * 4, [2, 5, 5, 2]]


@says("soft_roi_selection", "In two of our three runs $P_3$ is all but shut.")
def a_level_that_is_all_but_shut() -> None:
    of_p3 = mixtures_by_seed()[:, 1:, 1].max(axis=1)
    assert sorted(of_p3 < 0.05) == [False, True, True]
    assert {verdict(pictures, "#53") for pictures in BOTH} == {"undecided"}
