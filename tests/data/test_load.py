"""Load a data set by its name; the error for one that is entered in one of two places only."""

import pytest

from augfpn import config
from augfpn.data import load as module
from augfpn.data.load import load
from augfpn.errors import UserError


def test_load_gives_each_source_by_name(real_data):
    assert load("bccd", "test", real_data("bccd")).name == "bccd test"
    assert load("coco", "val", real_data("coco-mini")).name == "coco val"


def test_load_makes_scenes():
    scenes = load("scenes", "train", count=2)
    image, target = scenes[0]
    assert len(scenes) == 2
    assert image.shape[0] == 3
    assert len(target["boxes"]) == len(target["labels"]) > 0


def test_load_refuses_unknown_names():
    with pytest.raises(UserError, match="did you mean 'bccd'"):
        load("bcdd", "train")
    with pytest.raises(UserError, match=r"scenes split 'test' is unknown; choose from train, val"):
        load("scenes", "test")
    with pytest.raises(UserError, match="give count, the number of scenes"):
        load("scenes", "train")


def test_every_data_set_has_both_places() -> None:
    assert {"scenes", *module.LOADERS} == set(config.DATA_SETS)


def test_half_an_entry_names_the_place_that_is_missing(monkeypatch) -> None:
    monkeypatch.setitem(config.DATA_SETS, "voc", config.DataSet(("train", "val")))
    with pytest.raises(UserError, match=r"'voc' .* no function in LOADERS of augfpn/data/load\.py"):
        load("voc", "train")
    made = load("scenes", "train", count=1)
    monkeypatch.setitem(module.LOADERS, "voc", lambda root, split: made)
    assert load("voc", "train", "here") is made
    monkeypatch.delitem(config.DATA_SETS, "voc")
    with pytest.raises(UserError, match=r"'voc' .* not in DATA_SETS of augfpn/config\.py: add it"):
        load("voc", "train")


def test_a_loader_that_returns_no_pictures_is_named(monkeypatch):
    monkeypatch.setitem(module.LOADERS, "bccd", lambda root, split: None)
    with pytest.raises(UserError, match=r"LOADERS\['bccd'\] in augfpn/data/load.py returned None"):
        load("bccd", "test")
