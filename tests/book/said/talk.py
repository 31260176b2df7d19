"""The numbers of the talk's slides, by the checks of the same sentences in the pages."""

from augfpn.study.results import reported
from said import costs, full_size, seminar
from said.table import says

PAGE = "talk/slides"

for words, check in (
    (
        "**+0.9 to +2.3 points of AP on COCO test-dev, with one run of each.**",
        seminar.all_twelve_gain,
    ),
    ("Two runs of one setting differ by up to 0.3 points.", seminar.single_runs),
    (
        "**Consistent Supervision alone: +0.8 [+0.1, +1.6].**",
        seminar.supervision_is_better_and_the_others_are_not_shown_to_add,
    ),
    (
        "**Soft RoI Selection: small objects −2.3 [−3.4, −1.3], medium ones +2.8 [+2.2, +3.3].**",
        seminar.soft_selection_is_a_trade,
    ),
    (
        "All three parts are probably better than FPN after equally many steps: +1.1 [−0.02, "
        "+2.2].",
        seminar.augfpn_is_probable_and_no_more,
    ),
    ("After equal time FPN is far ahead there.", seminar.at_equal_time),
    ("**1.22 times the training time of FPN on a GPU, by the paper;", seminar.prices),
    ("1.31 or 1.48 times on two CPUs, by us.**", full_size.single_parts_take),
    ("At inference 1.21 times by the paper, 1.06 to 1.25 times by us", costs.price_beside_our_fpn),
    ("in the paper it brings a few tenths of a point.", seminar.shares_of_the_sides_in_the_paper),
):
    says(PAGE, words)(check)


@says(PAGE, "The gain of all parts is beyond that. Choices inside a part are not.")
def the_gain_of_all_parts_and_choices_inside() -> None:
    seminar.single_runs()
    assert 2 * reported.NOISE < 2.4
