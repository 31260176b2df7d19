"""A training log: a panel for each loss, a line for each run, and where losses should start."""

import numpy as np
from matplotlib.colors import to_hex

from augfpn.figures import watched
from augfpn.figures.theme import GREY

CURVE = [
    {"step": i, "lr": 0.1, "loss_objectness": 8.0 - i, "loss_box_reg": 1.0 + i, "objects": i}
    for i in range(6)
]
LOSSES = ("loss_objectness", "loss_box_reg")


def test_a_panel_for_each_column_begins_with_the_first_value() -> None:
    figure = watched.log_figure({"a run": CURVE}, (*LOSSES, "lr", "objects"), {LOSSES[0]: 0.5})
    assert [axis.get_title() for axis in figure.axes] == [
        "proposals: object or not",
        "head: box",
        "learning rate",
        "RoIs that are objects",
    ]
    line, expected = figure.axes[0].lines
    assert line.get_ydata()[0] == 8.0
    assert list(expected.get_ydata()) == [0.5, 0.5]
    assert not figure.legends


def test_lines_are_means_over_the_last_steps() -> None:
    long = [{"step": i, "lr": 0.1, "loss_objectness": float(i)} for i in range(30)]
    (line,) = watched.log_figure({"a run": long}, LOSSES[:1]).axes[0].lines
    assert line.get_ydata()[29] == np.mean(range(20, 30))


def test_the_first_of_several_runs_is_a_wide_grey_line_below_the_others() -> None:
    figure = watched.log_figure({"healthy": CURVE, "A": CURVE[:3], "B": CURVE}, LOSSES, log=True)
    first, *others = figure.axes[0].lines
    colours = [to_hex(line.get_color()) for line in (first, *others)]
    assert len(set(colours)) == 3
    assert colours[0] == GREY.lower()
    assert all(first.get_linewidth() > 3 * line.get_linewidth() for line in others)
    assert len({line.get_linestyle() for line in others}) == 2


def test_all_of_several_runs_are_named() -> None:
    figure = watched.log_figure({"healthy": CURVE, "A": CURVE[:3], "B": CURVE}, LOSSES, log=True)
    assert [len(line.get_xdata()) for line in figure.axes[1].lines] == [6, 3, 6]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["healthy", "A", "B"]
    assert {axis.get_yscale() for axis in figure.axes} == {"log"}
