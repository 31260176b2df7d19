"""Scenes: the same everywhere, exact in their boxes and masks, and balanced in what they show."""

import ast
import hashlib
import json
import math
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from pycocotools import mask as rle
from pycocotools.coco import COCO

from augfpn.data.scenes import dials, drawing, silhouettes
from augfpn.data.scenes import scene as module
from augfpn.data.scenes.scene import CLASSES, SURFACES, SceneSettings, scene, scenes

SMALL = SceneSettings(width=96, height=64, smallest=10, largest=0.6, fewest=2, most=4)
# Change this together with VERSION, never alone: records name their data by VERSION.
GOLDEN = "scenes 2", "f412a5b6cc46af788c7e53ee9c3fda55986be280135bc1588e2c07673acd4d90"


def digest(made) -> str:
    """What a scene is, in one number."""
    found = hashlib.sha256(made.image.tobytes())
    for thing in made.objects:
        found.update(json.dumps([thing.category, thing.surface, thing.box]).encode())
        found.update(thing.mask.tobytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def many():
    return [scene(SceneSettings(), "val", index) for index in range(200)]


# --- the same everywhere ---


def test_golden_hash():
    made = [scene(SceneSettings(), "train", index) for index in range(6)]
    made += [
        scene(SceneSettings(width=200, height=333, largest=0.5, most=12, seed=7), "val", 5),
        scene(SMALL, "x", 9),
    ]
    together = hashlib.sha256("".join(map(digest, made)).encode()).hexdigest()
    assert (module.VERSION, together) == GOLDEN


def test_another_process_makes_the_same_scene():
    code = """
import hashlib, sys
import augfpn
before = "torch" in sys.modules
from augfpn.data.scenes.scene import SceneSettings, scene
print(hashlib.sha256(scene(SceneSettings(), "train", 3).image.tobytes()).hexdigest())
print(("torch" in sys.modules) == before)  # workers start fast: scenes need no torch
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        cwd=Path(module.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    here = hashlib.sha256(scene(SceneSettings(), "train", 3).image.tobytes()).hexdigest()
    assert done.stdout.split() == [here, "True"]


def test_a_scene_does_not_depend_on_those_before():
    forwards = [digest(scene(SMALL, "train", index)) for index in range(4)]
    backwards = [digest(scene(SMALL, "train", index)) for index in reversed(range(4))]
    assert forwards == backwards[::-1]


def test_seeds_splits_and_indices_share_no_scene():
    made = [
        digest(scene(SceneSettings(**{**vars(SMALL), "seed": seed}), split, index))
        for seed in (0, 1, 10)
        for split in ("train", "val", "train1")
        for index in (0, 1, 10)
    ]
    assert len(set(made)) == len(made)


def test_only_exactly_rounded_operations_lead_to_pixels():
    """Other platforms cannot be tried here, so what would differ on them is kept out by name."""
    exact = (
        "abs any arange ascontiguousarray asfortranarray array bincount bool_ clip count_nonzero "
        "empty_like flatnonzero float32 floor full inf int8 max maximum minimum random sqrt uint8 "
        "where zeros"
    )
    files = (each.__file__ for each in (module, drawing, silhouettes, dials))
    tree = ast.parse("".join(Path(file).read_text() for file in files))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in ("np", "rng")
    }
    assert used <= set(exact.split())
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"sum", "mean", "std", "prod", "cumsum", "dot", "uniform", "normal"}
    assert not any(isinstance(node, ast.Pow | ast.MatMult) for node in ast.walk(tree))


# --- exact ---


def test_boxes_are_tight_around_masks(many):
    for thing in (thing for made in many for thing in made.objects):
        rows, columns = np.nonzero(thing.mask)
        x, y, w, h = thing.box
        assert (x, x + w) == (columns.min(), columns.max() + 1)
        assert (y, y + h) == (rows.min(), rows.max() + 1)


def test_masks_do_not_overlap(many):
    for made in many:
        assert np.sum([thing.mask for thing in made.objects], axis=0).max() == 1


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "disk"])
def test_silhouettes_are_the_polygons_they_say(name, monkeypatch):
    """Against Pillow's polygons, whose corners come from sines and cosines here."""
    monkeypatch.setitem(silhouettes.ROUNDING, name, 0.0)
    corners = {
        "square": [(1, 90 * k) for k in range(4)],
        "triangle": [(1, 120 * k) for k in range(3)],
        "star": [(1 if k % 2 == 0 else 0.44, 36 * k) for k in range(10)],
        "cross": [
            (math.hypot(a, b), 90 * k + math.degrees(math.atan2(b, a)))
            for k in range(4)
            for a, b in ((0.27, -0.27), (1, -0.27), (1, 0.27))
        ],
    }[name]
    turn = 37
    points = [
        (
            120 + 100 * r * math.cos(math.radians(a + turn)),
            120 + 100 * r * math.sin(math.radians(a + turn)),
        )
        for r, a in corners
    ]
    canvas = Image.new("1", (240, 240))
    ImageDraw.Draw(canvas).polygon([(x - 0.5, y - 0.5) for x, y in points], fill=1)
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    x, y = silhouettes.axes((slice(0, 240), slice(0, 240)), (120, 120), (cosine, sine))
    ours, theirs = silhouettes.distance(name, x, y, 100) <= 0, np.asarray(canvas)
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97  # Pillow draws the border, too


def test_a_lone_object_has_the_size_asked_for():
    settings = SceneSettings(smallest=60, largest=60 / 256, fewest=1, most=1)
    for index in range(60):
        made = scene(settings, "train", index).objects[0]
        x, y, w, h = made.box
        if x > 0 and y > 0 and x + w < 320 and y + h < 256:
            assert abs(max(w, h) - 60) <= 1
            if made.category == CLASSES.index("disk"):
                assert made.mask.sum() == pytest.approx(math.pi * 900, rel=0.01)
        assert min(w, h) >= 60 * 0.75


def test_half_of_each_object_stays_visible(monkeypatch):
    areas, gather = [], module._objects

    def record(placed, stage, classes):
        areas.append(stage.areas)
        return gather(placed, stage, classes)

    monkeypatch.setattr(module, "_objects", record)
    made = [scene(SceneSettings(fewest=8), "val", index) for index in range(30)]
    seen = [[np.count_nonzero(thing.mask) for thing in one.objects] for one in made]
    shares = np.concatenate([np.divide(*pair) for pair in zip(seen, areas, strict=True)])
    assert 0.5 <= shares.min() < 0.8  # some objects are hidden in part
    assert shares.max() == 1
    assert all(one[-1] == area[-1] for one, area in zip(seen, areas, strict=True))
    assert min(max(thing.box[2:]) for one in made for thing in one.objects) >= 8


def test_only_the_classes_asked_for_upright_when_asked():
    settings = SceneSettings(classes=("cross", "disk"), tilt=0.0)
    pictures = scenes(settings, "val", 20)
    assert pictures.classes == ("cross", "disk")
    made = [scene(settings, "val", index) for index in range(20)]
    assert {thing.category for one in made for thing in one.objects} == {0, 1}
    lone = SceneSettings(classes=("cross",), tilt=0.0, fewest=1, most=1, largest=0.3)
    for x, y, w, h in (scene(lone, "val", index).objects[0].box for index in range(30)):
        if x > 0 and y > 0 and x + w < 320 and y + h < 256:
            assert abs(w - h) <= 1  # an upright cross is as wide as high


def test_colours_tell_the_class_only_when_asked():
    """The mean colour of an object's pixels, against the shares of its class."""

    def told(own_colours):
        settings = SceneSettings(classes=("disk", "triangle", "cross"), own_colours=own_colours)
        right = []
        for index in range(40):
            made = scene(settings, "val", index)
            for thing in made.objects:
                colour = made.image[thing.mask].mean(axis=0)
                hues = [np.dot(drawing.HUES[name], colour) for name in settings.classes]
                right.append(int(np.argmax(hues)) == thing.category)
        return np.mean(right)

    assert told(1.0) > 0.75
    assert told(0.0) == pytest.approx(1 / 3, abs=0.1)


def test_a_crowded_picture_leaves_out_what_has_no_room():
    settings = SceneSettings(width=64, height=64, smallest=30, largest=0.9, fewest=1, most=1)
    assert len(scene(settings, "train", 0).objects) == 1
    settings = SceneSettings(width=64, height=64, smallest=10, largest=0.2, fewest=10, most=10)
    assert {len(scene(settings, "train", index).objects) for index in range(20)} <= set(
        range(6, 11)
    )


# --- balanced and legible ---


def test_sizes_span_the_scales(many):
    sizes = np.array([max(thing.box[2:]) for made in many for thing in made.objects])
    assert sizes.min() <= 13
    assert sizes.max() > 256 / 2
    low, middle, high = (
        np.mean((sizes >= a) & (sizes < b)) for a, b in ((0, 29), (29, 69), (69, 999))
    )
    assert min(low, middle, high) > 0.2  # log-uniform: equal thirds, but for what is covered


def test_classes_and_surfaces_are_equally_frequent_and_independent(many):
    pairs = Counter((thing.category, thing.surface) for made in many for thing in made.objects)
    mean = sum(pairs.values()) / 20
    assert len(pairs) == 20
    assert 0.5 * mean < min(pairs.values()) <= max(pairs.values()) < 1.5 * mean
    for axis, kinds in enumerate((range(len(CLASSES)), SURFACES)):
        counts = [sum(n for pair, n in pairs.items() if pair[axis] == kind) for kind in kinds]
        assert min(counts) > 0.8 * np.mean(counts)


def test_each_ink_stands_out_from_each_ground_of_its_palette():
    for text in drawing.PALETTES:
        tints, inks = (
            [np.array([*bytes.fromhex(code)]) / 255 for code in half.split()]
            for half in text.split("|")
        )
        assert (len(tints), len(inks)) == (3, 6)
        assert min(np.linalg.norm(ink - tint) for ink in inks for tint in tints) > 0.45


# --- as a data set ---


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


@pytest.fixture(scope="module")
def alone():
    return [module._make(SMALL, "train", index) for index in range(300)]


def same(made, expected):
    pairs = zip(made, expected, strict=True)
    return all(np.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in pairs)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_make_the_same_scenes_in_the_same_order(method, alone, monkeypatch):
    before = multiprocessing.get_start_method(allow_none=True)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    multiprocessing.set_start_method(method, force=True)
    try:
        assert same(module._made(SMALL, "train", 300), alone)
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_workers_that_break_are_done_without(alone, monkeypatch):
    class Breaking(module.ProcessPoolExecutor):
        def map(self, make, indices, chunksize):
            yield make(indices[0])
            raise module.BrokenProcessPool

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(module, "ProcessPoolExecutor", Breaking)
    assert same(module._made(SMALL, "train", 300), alone)


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
