"""Names on pictures and labels of rows: they cover neither each other nor small objects."""

import itertools

import numpy as np
import pytest

from augfpn.figures.effect_rows import on_two_lines
from augfpn.figures.names import places_of_names, share_covered

PICTURE = (640, 512)


def rectangles(edges: list[list[float]], sizes: list[tuple[int, int]]) -> np.ndarray:
    corners = places_of_names(np.array(edges, dtype=float), sizes, PICTURE)
    return np.hstack([corners, corners + np.array(sizes)])


def test_a_name_with_room_stands_above_its_box_at_the_left():
    assert rectangles([[100, 200, 300, 400]], [(80, 30)]).tolist() == [[100, 170, 180, 200]]


def test_names_of_crowded_boxes_cover_neither_each_other_nor_small_boxes():
    edges = [[200, 200, 400, 400], [210, 200, 390, 390], [205, 180, 229, 204], [240, 170, 260, 190],
             [200, 400, 420, 500], [600, 0, 639, 20], [600, 21, 639, 45]]  # fmt: skip
    names = rectangles(edges, [(110, 35)] * len(edges))
    for one, other in itertools.combinations(names, 2):
        assert share_covered(one[None], other[None]).item() == 0
    small = np.array(edges)[[2, 3, 5, 6]]
    assert share_covered(small, names).max() == 0
    assert (names[:, :2] >= 0).all()
    assert (names[:, 2:] <= PICTURE).all()


def test_a_name_that_is_larger_than_the_picture_begins_at_its_corner():
    assert places_of_names(np.array([[0.0, 0, 9, 9]]), [(90, 30)], (20, 20)).tolist() == [[0, 0]]
    assert places_of_names(np.zeros((0, 4)), [], PICTURE).shape == (0, 2)


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("AugFPN, scenes", ["AugFPN, scenes"]),
        ("AugFPN, even gates, blood cells", ["AugFPN, even gates,", "blood cells"]),
        ("CS on one level, scenes", ["CS on one level,", "scenes"]),
        ("RFA (global maximum, sum)", ["RFA (global", "maximum, sum)"]),
        ("onewordofmanyletters", ["onewordofmanyletters"]),
    ],
)
def test_a_long_label_of_a_row_takes_two_lines_and_breaks_at_a_comma(label, lines):
    assert on_two_lines(label).split("\n") == lines
