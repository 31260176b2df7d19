"""The drawing of RoIAlign, and the chapter that works it out by hand, say what torchvision does."""

import importlib
import json
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest
from chapters import BOOK
from solved.table import run

DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


@pytest.fixture(scope="module")
def drawn() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BOOK / "figures")
        yield importlib.import_module("roi_align")


def test_the_committed_drawing_has_the_numbers_of_today(drawn: ModuleType) -> None:
    """Else draw it again: python book/figures/roi_align.py."""
    root = ElementTree.parse(BOOK / "figures" / "roi_align.svg").getroot()
    assert root.find(f".//{DESCRIPTION}").text == drawn.numbers()
    assert json.loads(drawn.numbers())["sample"] == [5.0, 3.0, 3.5]


def test_a_bin_is_the_mean_of_its_samples_by_hand(drawn: ModuleType) -> None:
    across, down = drawn.points()
    samples = np.array([[drawn.by_hand(x, y)[2] for x in across] for y in down])
    assert samples[:2, :2].ravel().tolist() == [3.5, 6.25, 2.5, 5.75]
    by_hand = samples.reshape(2, 2, 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(drawn.binned(), by_hand, atol=0.001)


def test_the_chapter_has_the_map_and_the_box_of_the_drawing(drawn: ModuleType) -> None:
    names, printed = run("fpn", "roi-align")
    assert names["small"] == drawn.PLACES.tolist()
    assert names["box"][0].tolist() == list(drawn.BOX)
    assert "4.5000" in printed
