"""Levels and RoIs, against cases where the answer is known."""

import numpy as np
import pytest

from augfpn.diagnostics import assignment
from augfpn.diagnostics.numbers import gain_by_size, share_numbers


def made_up(side: list, level: list, loss: list, each: list, mirrored: list) -> assignment.Objects:
    n = len(side)
    each = np.array(each, float)
    return assignment.Objects(
        *(np.array(side, float), np.array(level), np.array(loss, float)),
        *(np.zeros((n, 1)), np.zeros((n, 1), bool)),
        *(each, np.array(mirrored, float), each < 0.5),
    )


def test_the_oracle_cannot_profit_from_the_noise_of_one_view() -> None:
    """The level is chosen by the losses on the mirrored picture; the loss is the picture's own."""
    of = made_up([50] * 20, [2] * 20, [0] * 20, [[1.0, 0.2, 3.0]] * 20, [[0.5, 0.6, 0.1]] * 20)
    found = assignment.oracle(of, (2, 3, 4))
    assert (found["loss_assigned"], found["loss_best"]) == (1.0, 3.0)
    assert found["table"] == [[0, 0, 20], [0, 0, 0], [0, 0, 0]]
    assert found["loss"] == [[1.0, pytest.approx(0.2), 3.0], [None] * 3, [None] * 3]
    assert (found["right_assigned"], found["right_best"]) == (0.0, 0.0)


def test_another_level_for_all_objects_of_a_size() -> None:
    """Forty objects of P2 would gain 0.4 at P3; twenty objects of P3 are at their best level."""
    each = [[1.0, 0.6, 3.0]] * 40 + [[2.0, 0.5, 0.7]] * 20 + [[0.1, 0.1, 9.0]] * 3
    of = made_up([50] * 63, [2] * 40 + [3] * 20 + [4] * 3, [0] * 63, each, each)
    found = assignment.oracle(of, (2, 3, 4))
    assert gain_by_size(found) == pytest.approx(0.4 * 40 / 60)
    few = assignment.oracle(made_up([50], [2], [0], [[1.0, 0.6]], [[1.0, 0.6]]), (2, 3))
    assert gain_by_size(few) is None


def test_distance_is_in_octaves_from_the_nearest_border() -> None:
    sides = [112 * 2**0.2] * 20 + [448 * 2**-0.2] * 20 + [112 * 2**0.5] * 30 + [20] * 10
    losses = [1.0] * 40 + [3.0] * 40
    of = made_up(sides, [2] * 80, losses, [[0.0]] * 80, [[0.0]] * 80)
    found = assignment.by_distance(of, (112, 224, 448))
    assert (found["near"], found["far"]) == (1.0, 3.0)
    assert (found["objects_near"], found["objects_far"]) == (40, 40)


def test_changes_are_compared_for_the_same_objects() -> None:
    """Two objects: only the first crosses a border, in its second step."""
    of = made_up([50, 50], [2, 2], [0, 0], [[0.0]] * 2, [[0.0]] * 2)._replace(
        steps=np.array([[0.1, 0.8, 0.3], [9.0, 9.0, 9.0]]),
        crosses=np.array([[False, True, False], [False, False, False]]),
    )
    assert assignment.scaled(of) == {
        "across": 0.8,
        "elsewhere": pytest.approx(0.2),
        "crossings": 1,
    }


def test_shares_and_entropy_of_weights() -> None:
    gate = np.array([[0.8, 0.8, 0.8, 0.8]] * 20 + [[0.9, 1e-9, 1e-9, 1e-9]] * 20)
    level = np.array([2] * 20 + [5] * 20)
    found = assignment.mixture_by_level(level, gate, (2, 3, 4, 5))
    assert found["rois"] == [20, 0, 0, 20]
    assert found["mean"][0] == pytest.approx([0.8] * 4)
    assert found["mean"][1] == [None] * 4
    assert found["share"][3] == pytest.approx([1, 0, 0, 0], abs=1e-6)
    assert found["entropy"] == [pytest.approx(1), None, None, pytest.approx(0, abs=1e-6)]
    numbers = share_numbers((2, 3, 4, 5), found)
    assert numbers["P5's share at P2"] == pytest.approx(0.25)
    assert numbers["P2's share at P3"] is None
    assert numbers["least share"] is None  # there are too few RoIs of P3 and P4
    whole = assignment.mixture_by_level(
        np.repeat([2, 3, 4, 5], 20), np.repeat(gate[:20], 4, axis=0), range(2, 6)
    )
    assert share_numbers(range(2, 6), whole)["least share"] == pytest.approx(0.25)
