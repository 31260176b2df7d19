"""The drawings of AugFPN's three parts show what a trained detector computes."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from chapters import BOOK

from augfpn.figures.theme import write_svg

FIGURES = BOOK / "figures"
MOST_BYTES = 200_000
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


@pytest.fixture(scope="module")
def parts() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FIGURES)
        yield importlib.import_module("parts")


@pytest.fixture(scope="module")
def found(parts: ModuleType):
    return parts.computed()


@pytest.mark.parametrize("name", ["cs", "rfa", "srs"])
def test_a_committed_drawing_is_small_and_has_the_numbers_of_today(parts, found, name: str) -> None:
    """Else draw it again: python book/figures/parts.py."""
    file = FIGURES / f"part_{name}.svg"
    assert file.stat().st_size < MOST_BYTES
    kept = json.loads(ElementTree.parse(file).getroot().find(f".//{DESCRIPTION}").text)
    today = parts.printed(found)
    assert kept.keys() == today.keys()
    for key in kept:
        np.testing.assert_allclose(kept[key], today[key], atol=0.006)


def test_a_drawing_is_the_same_file_each_time(parts, found, tmp_path: Path) -> None:
    once, again = tmp_path / "once.svg", tmp_path / "again.svg"
    for file in (once, again):
        write_svg(parts.soft_roi_selection(found), file)
    assert once.read_bytes() == again.read_bytes()


def test_maps_have_the_sizes_of_a_test_image(found) -> None:
    assert {k: x.shape for k, x in found.cs.maps.items()} == {
        2: (64, 80), 3: (32, 40), 4: (16, 20), 5: (8, 10),
    }  # fmt: skip
    assert [x.shape for x in found.rfa.pooled] == [(1, 1), (1, 2), (2, 3)]
    assert {x.shape for x in (*found.rfa.enlarged, *found.rfa.weights)} == {(8, 10)}
    assert {x.shape for x in found.srs.crops.values()} == {(7, 7)}


def test_shares_of_a_mixed_crop_are_what_each_level_gives_to_the_sum(found) -> None:
    of = found.srs
    given = torch.stack([torch.tensor(of.weights[k] * of.crops[k]) for k in of.crops])
    shares = torch.stack([torch.tensor(of.shares[k]) for k in of.crops])
    torch.testing.assert_close(shares, given / given.sum(0))
    assert (of.mixed <= given.sum(0).numpy() + 1e-3).all()  # the triangle inequality


def test_the_rule_is_fpns_for_a_box_of_an_image_of_this_size(found) -> None:
    side = found.box[2] - found.box[0]
    assert found.srs.by_rule == np.floor(4 + np.log2(side / (224 * 256 / 800)))
