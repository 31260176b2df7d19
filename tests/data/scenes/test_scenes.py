"""Scenes: the same everywhere, exact in their boxes and masks, and balanced in what they show."""

import ast
import hashlib
import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augfpn.data.scenes import dials, drawing, settings, silhouettes
from augfpn.data.scenes import scene as module
from augfpn.data.scenes.drawing import SURFACES
from augfpn.data.scenes.scene import SCENES_VERSION, scene, scenes
from augfpn.data.scenes.settings import CLASSES, SceneSettings

SMALL = SceneSettings(width=96, height=64, smallest=10, largest=0.6, fewest=2, most=4)
# Change this only together with SCENES_VERSION, by which records identify their data.
GOLDEN = "scenes 2", "f412a5b6cc46af788c7e53ee9c3fda55986be280135bc1588e2c07673acd4d90"


def digest(made) -> str:
    """A hash of everything in a scene."""
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
    assert (SCENES_VERSION, together) == GOLDEN


def test_another_process_makes_the_same_scene():
    code = """
import hashlib, sys
import augfpn
heavy = {"torch", "pooch"}  # pooch downloads
before = heavy & set(sys.modules)
from augfpn.data.scenes.scene import scene
from augfpn.data.scenes.settings import SceneSettings
print(hashlib.sha256(scene(SceneSettings(), "train", 3).image.tobytes()).hexdigest())
print(heavy & set(sys.modules) == before)  # workers start fast: drawing needs neither
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        cwd=Path(module.__file__).parents[3],
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
    """Other platforms cannot be tested here, so operations that may differ are banned by name."""
    exact = (
        "abs any arange ascontiguousarray asfortranarray array bincount bool_ clip count_nonzero "
        "empty_like flatnonzero float32 floor full inf int8 max maximum minimum random sqrt uint8 "
        "where zeros"
    )
    files = (each.__file__ for each in (module, drawing, settings, silhouettes, dials))
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
    monkeypatch.setitem(silhouettes.CORNER_RADIUS, name, 0.0)
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
    areas, paint, ground = [], module.paint, module.ground

    def begin(*given):
        areas.append([])
        return ground(*given)

    def record(rng, canvas, patch, *more):
        whole = np.zeros(canvas.shape[1:], bool)
        whole[patch.window] = patch.distance <= 0
        margin = (canvas.shape[1] - 256) // 2
        areas[-1].append(np.count_nonzero(whole[margin:-margin, margin:-margin]))
        paint(rng, canvas, patch, *more)

    monkeypatch.setattr(module, "ground", begin)
    monkeypatch.setattr(module, "paint", record)
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
    """Guess the class from the mean colour of an object's pixels."""

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
    assert min(low, middle, high) > 0.2  # log-uniform: equal thirds, except for hidden parts


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
