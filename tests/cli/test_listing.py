"""The list of recipes: the paper's numbers beside counted ones."""

import pytest

from augfpn.cli import listing
from augfpn.errors import UserError


def test_the_list_says_the_papers_numbers() -> None:
    text = listing.of_recipes(listing.recipe_rows("faster_rcnn_r50_augfpn"))
    (line,) = [line for line in text.splitlines() if line.startswith("faster_rcnn_r50_augfpn_1x ")]
    assert line.split()[1:6] == ["38.7", "38.8", "43.81", "14.31", "237.9"]
    assert "37.5/34.4" in listing.of_recipes(listing.recipe_rows("mask_rcnn_r50_fpn_1x"))


def test_a_word_that_no_recipe_has_is_named() -> None:
    with pytest.raises(UserError, match="no recipe has 'yolo' in its name"):
        listing.recipe_rows("yolo")
