"""Boxes and masks on pictures: their places and colours; the given picture is not changed."""

import numpy as np
import pytest
import torch
from PIL import ImageColor

from augfpn.figures.colours import CLASS_COLOURS, LEVEL_COLOURS
from augfpn.figures.pictures import draw_boxes, draw_named

CLASSES = ("cat", "dog", "bird")
GREY = np.full((600, 800, 3), 128, np.uint8)


def colour(label: int) -> tuple[int, ...]:
    return ImageColor.getrgb(CLASS_COLOURS[label - 1])


def test_a_frame_in_its_class_colour_lies_on_the_edges_of_its_box():
    drawn = draw_boxes(
        GREY, torch.tensor([[100.0, 200.0, 300.0, 400.0]]), torch.tensor([2]), CLASSES
    )
    for y, x in ((300, 100), (300, 299), (399, 200)):
        assert tuple(drawn[y, x]) == colour(2)
    assert (drawn[210:390, 110:290] == 128).all(), "inside, nothing is drawn"
    assert (drawn[410:] == 128).all()
    assert (GREY == 128).all(), "the picture that was given is not drawn on"


def test_boxes_may_have_names_and_colours_of_their_own():
    boxes = [[100, 200, 300, 400], [400, 200, 600, 400]]
    drawn = draw_named(GREY, boxes, ["1", "2"], ["#ffffff", "#dddddd"])
    assert [drawn[300, x].tolist() for x in (100, 400)] == [[255] * 3, [221] * 3]


@pytest.mark.parametrize(
    ("top", "bottom", "ground"),
    [(200, 500, 195), (0, 500, 510), (0, 600, 10)],
    ids=["above", "no room above", "no room above or below"],
)
def test_the_name_stands_above_its_box_or_below_or_else_inside(top, bottom, ground):
    drawn = draw_boxes(GREY, [[100, top, 500, bottom]], [1], CLASSES, [0.5])
    assert tuple(drawn[ground, 102]) == colour(1)
    assert (drawn[top + 30 : bottom - 30, 110:490] == 128).all(), "the object is seen"


def test_a_name_of_any_length_is_cut_and_keeps_its_score():
    one = draw_boxes(GREY, [[100, 200, 500, 500]], [1], ["x" * 5000], [0.5])
    other = draw_boxes(GREY, [[100, 200, 500, 500]], [1], ["x" * 39 + "yz"], [0.5])
    third = draw_boxes(GREY, [[100, 200, 500, 500]], [1], ["x" * 39 + "yz"], [0.6])
    assert (one == other).all()
    assert (other != third).any()


def test_the_surest_detection_is_on_top():
    boxes = [[100, 100, 300, 300], [100, 100, 300, 300]]
    for scores, top in (((0.9, 0.3), 1), ((0.3, 0.9), 3)):
        drawn = draw_boxes(GREY, boxes, [1, 3], CLASSES, scores)
        assert tuple(drawn[299, 200]) == colour(top)


@pytest.mark.parametrize(("shape", "factor"), [((32, 48), 10), ((256, 320), 2), ((480, 640), 1)])
def test_small_pictures_are_enlarged_by_a_whole_factor(shape, factor):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    drawn = draw_boxes(image, [], [], CLASSES)
    assert (drawn == image.repeat(factor, 0).repeat(factor, 1)).all()


def test_a_box_that_sticks_out_is_drawn_at_the_picture_s_edge():
    drawn = draw_boxes(GREY, [[-50, 300, 900, 500]], [1], CLASSES)
    assert tuple(drawn[400, 0]) == tuple(drawn[400, 799]) == colour(1)


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_a_mask_is_filled_half_transparently_and_only_where_it_is(ground):
    image = np.full((600, 800, 3), ground, np.uint8)
    mask = np.zeros((1, 600, 800), np.uint8)
    mask[0, 150:250, 150:350] = 1
    drawn = draw_boxes(image, [[100, 100, 400, 300]], [2], CLASSES, masks=torch.from_numpy(mask))
    bare = draw_boxes(image, [[100, 100, 400, 300]], [2], CLASSES)
    half = (np.array(colour(2)) + ground) / 2
    assert np.abs(drawn[150:250, 150:350] - half).max() <= 1
    drawn[150:250, 150:350] = ground
    assert (drawn == bare).all(), "box and name are as without a mask"
    assert (image == ground).all(), "the picture that was given is not drawn on"


def test_masks_lie_under_all_boxes_and_the_surest_hides_the_others():
    boxes = [[100, 100, 300, 300], [100, 100, 300, 300]]
    masks = np.zeros((2, 600, 800), bool)
    masks[0, 400:], masks[1, :550] = True, True
    drawn = draw_boxes(GREY, boxes, [1, 3], CLASSES, [0.9, 0.3], masks)
    for row, label in ((350, 3), (500, 1), (580, 1)):  # the other one, both, the surest
        assert np.abs(drawn[row, 500] - (0.5 * np.array(colour(label)) + 64)).max() <= 1
    assert tuple(drawn[299, 200]) == colour(1)


def test_masks_are_enlarged_with_their_picture():
    image = np.full((32, 48, 3), 128, np.uint8)
    masks = np.zeros((1, 32, 48), bool)
    masks[0, 10, 20] = True
    drawn = draw_boxes(image, [[0, 0, 48, 32]], [1], CLASSES, masks=masks)
    half = (np.array(colour(1)) + 128) / 2
    assert np.abs(drawn[100:110, 200:210] - half).max() <= 1
    assert (drawn[110, 210:250] == 128).all()


def test_boxes_may_have_other_colours_than_those_of_classes():
    levels = list(LEVEL_COLOURS.values())
    drawn = draw_boxes(GREY, [[100, 200, 300, 400]], [2], ["P2", "P3"], colours=levels)
    assert tuple(drawn[300, 100]) == ImageColor.getrgb(LEVEL_COLOURS[3])


def test_no_objects_have_no_masks():
    assert (draw_boxes(GREY, [], [], CLASSES, [], np.zeros((0, 600, 800))) == GREY).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"image": GREY / 255}, "float64"),
        ({"labels": [1, 2]}, "one label per box"),
        ({"labels": [4]}, "from 1 to 3"),
        ({"labels": [0]}, "from 1 to 3"),
        ({"scores": []}, "scores and masks for all or none"),
        ({"masks": np.ones((2, 600, 800))}, "scores and masks for all or none"),
        ({"masks": np.ones((1, 800, 600))}, r"masks of shape \(1, 800, 600\) on a picture of"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(wrong, sentence):
    right = {"image": GREY, "boxes": [[1, 2, 3, 4]], "labels": [1], "classes": CLASSES}
    with pytest.raises(ValueError, match=sentence):
        draw_boxes(**right | wrong)
