"""Scenes as a data set: annotations, fingerprint, worker processes; what is refused."""

import json
import multiprocessing
import os
import pickle
import re

import numpy as np
import pytest
import torch
from pycocotools import mask as rle
from pycocotools.coco import COCO

from augfpn.data.scenes import scene as module
from augfpn.data.scenes.scene import scene, scenes
from augfpn.data.scenes.settings import CLASSES, SceneSettings

SMALL = SceneSettings(width=96, height=64, smallest=10, largest=0.6, fewest=2, most=4)


@pytest.fixture(scope="module")
def small():
    return scenes(SMALL, "val", 12)


def test_coco_dict_loads_and_its_masks_have_the_stated_areas(small, capsys):
    coco = COCO()
    coco.dataset = json.loads(json.dumps(small.coco))
    coco.createIndex()
    assert len(coco.anns) == sum(len(scene(SMALL, "val", i).objects) for i in range(12))
    assert [coco.cats[i]["name"] for i in sorted(coco.cats)] == list(CLASSES)
    for index, (number, entry) in enumerate(sorted(coco.imgs.items())):
        made = scene(SMALL, "val", index)
        assert entry["file_name"] == f"scenes-val-{index:06d}.png"
        assert np.array_equal(small.read(entry), made.image)
        found = coco.loadAnns(coco.getAnnIds(number))
        for annotation, thing in zip(found, made.objects, strict=True):
            assert annotation["category_id"] == thing.category + 1
            assert np.array_equal(coco.annToMask(annotation), thing.mask)
            assert rle.area(annotation["segmentation"]) == annotation["area"]
            assert list(rle.toBbox(annotation["segmentation"])) == annotation["bbox"]


def test_pictures_of_scenes_can_be_trained_on(small):
    image, target = small[3]
    assert image.shape == (3, 64, 96)
    assert len(target["boxes"]) == len(scene(SMALL, "val", 3).objects)
    assert small.classes == CLASSES
    copy = pickle.loads(pickle.dumps(small))  # as a data loader's workers receive it
    assert torch.equal(copy[3][0], image)


def test_fingerprint_names_settings_split_and_count(small):
    others = [
        scenes(SMALL, "val", 11),
        scenes(SMALL, "train", 12),
        scenes(SceneSettings(**{**vars(SMALL), "seed": 1}), "val", 12),
    ]
    assert len({small.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert small.fingerprint == scenes(SMALL, "val", 12).fingerprint
    assert re.fullmatch("[0-9a-f]{64}", small.fingerprint)


def made_by(workers, monkeypatch):
    """Pixels and annotations of 300 scenes that at most ``workers`` processes make."""
    monkeypatch.setattr(os, "cpu_count", lambda: workers)
    made = scenes(SMALL, "train", 300)
    return np.stack([made.read(entry) for entry in made.coco["images"]]), made.coco


@pytest.fixture(scope="module")
def alone():
    with pytest.MonkeyPatch.context() as monkeypatch:
        return made_by(1, monkeypatch)


def same(made, expected):
    return np.array_equal(made[0], expected[0]) and made[1] == expected[1]


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_make_the_same_scenes_in_the_same_order(method, alone, monkeypatch):
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(method, force=True)
    try:
        assert same(made_by(2, monkeypatch), alone)
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_workers_that_break_are_done_without(alone, monkeypatch):
    class Breaking(module.ProcessPoolExecutor):
        def map(self, make, indices, chunksize):
            yield make(indices[0])
            raise module.BrokenProcessPool

    monkeypatch.setattr(module, "ProcessPoolExecutor", Breaking)
    assert same(made_by(2, monkeypatch), alone)


def test_progress_is_told():
    told = []
    scenes(SMALL, "train", 120, lambda *numbers: told.append(numbers))
    assert told == [(50, 120), (100, 120), (120, 120)]


# --- refusals ---


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"width": 20}, "width=20 .* 64 or more"),
        ({"height": 256.0}, "height=256.0 .* whole number"),
        ({"smallest": 5}, "smallest=5 .* 10"),
        ({"smallest": 200}, "smallest=200 .* from 10 to 128"),
        ({"largest": 1.5}, "largest=1.5 .* from 0.0469 to 0.9"),
        ({"largest": 0.01}, "largest=0.01"),
        ({"largest": "0.5"}, "largest='0.5'"),
        ({"largest": float("nan")}, "largest=nan"),
        ({"fewest": 0}, "fewest=0 .* 1 or more"),
        ({"most": 2}, "most=2 .* from 3 to 100"),
        ({"most": 1000}, "most=1000"),
        ({"smallest": 100, "fewest": 3}, "fewest=3 .* from 1 to 2"),
        ({"seed": -1}, "seed=-1 .* 0 or more"),
    ],
)
def test_settings_that_fit_no_scene_are_refused_in_one_sentence(wrong, expected):
    with pytest.raises(ValueError, match=f"^{expected}[^.]*(\\.\\d[^.]*)*\\.$"):
        SceneSettings(**wrong)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: scene(SMALL, "", 0), "split=''"),
        (lambda: scene(SMALL, "train", -1), "index=-1"),
        (lambda: scenes(SMALL, "train", 0), "count=0"),
    ],
)
def test_scenes_that_do_not_exist_are_refused(make, expected):
    with pytest.raises(ValueError, match=f"^{expected}"):
        make()
