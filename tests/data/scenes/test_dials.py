"""The dials of scenes: what they leave unchanged, and where they put the class information."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, replace
from functools import cache
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from augfpn.config import DIALS, NEW_DIALS
from augfpn.data.load import scene_settings
from augfpn.data.scenes import dials
from augfpn.data.scenes.drawing import SPOT_AT, SPOT_RADIUS, spots
from augfpn.data.scenes.scene import SCENES_VERSION, Scene, scene, scenes
from augfpn.data.scenes.settings import ARRANGED, LEAST_LINED, LINED, PILLS, SceneSettings
from augfpn.data.scenes.silhouettes import axes
from augfpn.errors import UserError
from augfpn.settings import parameters
from augfpn.settings.budgets import BUDGETS

PLAIN = SceneSettings(
    fewest=4, most=10, classes=("disk", "triangle", "cross"), tilt=0.25, own_colours=0.8
)
Features = NDArray[np.float64]


@cache
def made(dial: str, value: float, split: str, count: int) -> list[Scene]:
    settings = replace(PLAIN, **{dial: value})
    return [scene(settings, split, index) for index in range(count)]


def accuracy(first: list[Features], second: list[Features]) -> tuple[float, int]:
    """Accuracy of a ridge classifier of two classes, fitted on half of each, tested on the rest.

    Also the number of objects that it was tested on.
    """
    pairs = [(x, sign) for some, sign in ((first, 1), (second, -1)) for x in some]
    x = np.array([np.append(each.ravel(), 1) for each, _ in pairs])
    y = np.array([sign for _, sign in pairs])
    learn = np.arange(len(y)) % 2 == 0
    kernel = x[learn] @ x[learn].T
    ridge = 1e-2 * np.trace(kernel) / len(kernel)
    weights = x[learn].T @ np.linalg.solve(kernel + ridge * np.eye(len(kernel)), y[learn])
    return float((np.sign(x[~learn] @ weights) == y[~learn]).mean()), int((~learn).sum())


def chance(count: int) -> float:
    """An accuracy that guessing seldom exceeds: three standard deviations above a half."""
    return 0.5 + 3 * sqrt(0.25 / count)


def spectrum(patch: NDArray) -> Features:
    """The normalised power spectrum of a grey patch: no orientation or phase can hide a period."""
    grey = patch.mean(axis=2) - patch.mean()
    power = np.abs(np.fft.rfft2(grey * np.hanning(len(grey))[:, None] * np.hanning(len(grey))))
    return np.log1p(power / (power.mean() + 1e-6))


def relief(patch: NDArray, rows: int) -> Features:
    """Mean differences between neighbouring rows of the shrunken patch, and its colours."""
    small = Image.fromarray(patch).resize((rows, rows), Image.Resampling.BOX)
    pixels = np.asarray(small, float) / 255
    return np.concatenate([np.abs(np.diff(pixels, axis=0)).mean((1, 2)) * 10, pixels.ravel()])


def by_class(dial: str, value: float, classes: tuple[str, str], count: int) -> list[list]:
    """For each of two classes of a dial, its (scene, object) pairs."""
    names = replace(PLAIN, **{dial: value}).all_classes
    found: list[list] = [[], []]
    for each in made(dial, value, "val", count):
        for thing in each.objects:
            if names[thing.category] in classes:
                found[classes.index(names[thing.category])].append((each, thing))
    return found


# --- at 0 -----------------------------------------------------------------------------------------


def test_dials_at_0_change_nothing() -> None:
    """Neither a pixel nor a fingerprint changes, so records from before the dials stay valid."""
    others = (*DIALS, *NEW_DIALS, "told_by_colour")
    told = {name: value for name, value in asdict(PLAIN).items() if name not in others}
    key = json.dumps([SCENES_VERSION, told, "val", 2]).encode()
    pictures = scenes(PLAIN, "val", 2)
    assert pictures.fingerprint == hashlib.sha256(key).hexdigest()
    assert pictures.classes == PLAIN.classes


@pytest.mark.parametrize("dial", DIALS)
def test_a_dial_changes_the_fingerprint(dial: str) -> None:
    turned_up = scenes(replace(PLAIN, **{dial: 0.5}), "val", 1)
    assert turned_up.fingerprint != scenes(PLAIN, "val", 1).fingerprint


@pytest.mark.parametrize("value", [0.25, 0.75])
@pytest.mark.parametrize(("dial", "own"), [("detail", LINED), ("context", PILLS)])
def test_the_value_is_a_share_of_the_objects(dial: str, own: tuple, value: float) -> None:
    names = replace(PLAIN, **{dial: value}).all_classes
    assert names == PLAIN.classes + own
    count = Counter(
        names[thing.category] for each in made(dial, value, "val", 60) for thing in each.objects
    )
    share = sum(count[name] for name in own) / count.total()
    # Large objects find room less often than others.
    assert share == pytest.approx(value, abs=0.12 if dial == "detail" else 0.07)


def test_other_classes_are_as_they_were() -> None:
    """Context does not change how plain objects look: same classes, surfaces and sizes."""
    plain = [thing for each in made("context", 0.0, "val", 60) for thing in each.objects]
    beside = [t for each in made("context", 0.5, "val", 60) for t in each.objects if t.category < 3]
    for name in ("category", "surface"):
        shares = [Counter(getattr(thing, name) for thing in some) for some in (plain, beside)]
        for key, n in shares[0].items():
            assert shares[1][key] / len(beside) == pytest.approx(n / len(plain), abs=0.1)
    sizes = [np.median([max(t.box[2:]) for t in some]) for some in (plain, beside)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.35)


# --- where the information is ---------------------------------------------------------------------


def test_only_fine_texture_tells_the_lined_classes_apart() -> None:
    """A patch of 24 px does at full resolution; at an eighth of it, accuracy is at chance."""
    fine, coarse = [], []
    for kind in (0, 1):
        for each, thing in by_class("detail", 0.75, LINED, 60)[kind]:
            x, y, w, h = thing.box
            inside = thing.mask[y : y + h, x : x + w]
            row, column = (int(a.mean()) for a in np.nonzero(inside))
            patch = each.image[y + row - 12 : y + row + 12, x + column - 12 : x + column + 12]
            if patch.shape[:2] != (24, 24):
                continue
            small = Image.fromarray(each.image[y : y + h, x : x + w]).reduce(8).resize((12, 12))
            fine.append((spectrum(patch), kind))
            coarse.append((spectrum(np.asarray(small, float)), kind))
    seen, _ = accuracy(*([x for x, k in fine if k == kind] for kind in (0, 1)))
    blurred, count = accuracy(*([x for x, k in coarse if k == kind] for kind in (0, 1)))
    assert seen > 0.9
    assert blurred < chance(count)


def test_lined_objects_are_large() -> None:
    for some in by_class("detail", 0.75, LINED, 60):
        whole = [
            max(thing.box[2:])
            for each, thing in some
            if thing.box[0] > 0
            and thing.box[0] + thing.box[2] < PLAIN.width
            and thing.box[1] > 0
            and thing.box[1] + thing.box[3] < PLAIN.height
            and thing is each.objects[-1]  # the nearest is not hidden
        ]
        assert len(whole) > 3
        assert min(whole) >= LEAST_LINED * PLAIN.height - 2


def test_only_the_surroundings_tell_pills_apart() -> None:
    """A crop with a margin of a quarter of the pill's side does not, the whole picture does."""
    crops: list[list] = [[], []]
    pictures: list[list] = [[], []]
    for kind, some in enumerate(by_class("context", 0.5, PILLS, 150)):
        for each, thing in some:
            x, y, w, h = thing.box
            a, b = w // 4, h // 4
            crop = each.image[max(0, y - b) : y + h + b, max(0, x - a) : x + w + a]
            crops[kind].append(relief(crop, 16))
            pictures[kind].append(relief(each.image, 32))
    alone, count = accuracy(*crops)
    assert alone < chance(count)
    assert accuracy(*pictures)[0] > 0.95


def test_pills_lie_alike_under_a_roof_and_over_a_floor() -> None:
    """Their position alone does not tell the classes apart, and no pill is near a strip."""
    heights = []
    for some in by_class("context", 0.5, PILLS, 150):
        boxes = np.array([thing.box for _, thing in some])
        strip = dials.STRIP * PLAIN.height
        margin = boxes[:, 3] / 4
        assert (boxes[:, 1] - margin >= strip).all()
        assert (boxes[:, 1] + boxes[:, 3] + margin <= PLAIN.height - strip).all()
        heights.append(boxes[:, 1] + boxes[:, 3] / 2)
    spread = sqrt(sum(x.var() / len(x) for x in heights))
    assert abs(heights[0].mean() - heights[1].mean()) < 3 * spread


def test_every_picture_with_context_has_one_strip_and_one_kind_of_pill() -> None:
    kinds = Counter()
    for each in made("context", 0.5, "val", 150):
        here = {thing.category for thing in each.objects if thing.category >= 3}
        assert len(here) <= 1
        kinds.update(here)
    assert min(kinds.values()) > 40


def away_from_home(value: float, split: str) -> float:
    """The share of objects whose size is not in their class's half of the sizes."""
    low, high = PLAIN.smallest, PLAIN.largest * PLAIN.height
    away = []
    for each in made("scale", value, split, 60):
        thing = each.objects[-1]  # the nearest, which is not hidden
        x, y, w, h = thing.box
        if min(x, y) > 0 and x + w < PLAIN.width and y + h < PLAIN.height:
            small = max(w, h) < sqrt(low * high)
            away.append(small != (thing.category % 2 == 0))
    return float(np.mean(away))


@pytest.mark.parametrize(("value", "share"), [(0.0, 0.5), (0.5, 0.25), (1.0, 0.0)])
def test_training_keeps_classes_at_home(value: float, share: float) -> None:
    assert away_from_home(value, "train") == pytest.approx(share, abs=0.2 if share else 0.03)
    assert away_from_home(value, "val") == pytest.approx(0.5, abs=0.2)


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"detail": 1.5}, "detail=1.5: give a number from 0 to 1"),
        ({"detail": 0.75, "context": 0.5}, "their sum may be 1 at most"),
        ({"detail": 0.5, "largest": 0.3}, "with detail, give 0.4 or more"),
        (
            {"context": 0.5, "smallest": 100, "fewest": 1, "most": 1},
            "with context, give 76 at most",
        ),
    ],
)
def test_settings_that_do_not_fit_are_named(wrong: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(PLAIN, **wrong)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"detail": "2"}, "detail = '2': expected less than or equal to 1"),
        ({"detail": 0.5, "data": "bccd"}, "detail = 0.5 does not go with data='bccd'"),
        ({"detail": 0.6, "context": 0.6}, "detail = 0.6 and context = 0.6 are shares of the same"),
    ],
)
def test_parameters_that_do_not_fit_are_named(words: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parameters.parse(words)


@pytest.mark.parametrize("budget", ["smoke", "laptop", "gpu"])
@pytest.mark.parametrize("dial", DIALS)
def test_every_budget_has_scenes_with_each_dial(budget: str, dial: str) -> None:
    settings = replace(BUDGETS[budget].data, **{dial: 0.5})
    assert getattr(scene_settings(settings, "test"), dial) == 0.5


# --- arrangement: the same parts, arranged in two ways --------------------------------------------


def alone(kind: str, turn: tuple[float, float]) -> NDArray:
    """The share of the second colour of a disk of 120 px that is turned: (120, 120)."""
    middle = (slice(0, 120), slice(0, 120))
    x, y = axes(middle, (60.0, 60.0), turn)
    return spots(kind, x, y, 120.0)


def test_both_arrangements_have_the_same_parts_and_only_their_places_differ() -> None:
    """Cut into quarters, both have two equal quarters with a spot and two with a ring."""
    quarters = {}
    for kind in ARRANGED:
        whole = alone(kind, (1.0, 0.0))
        each = [whole[:60, :60], whole[:60, 60:], whole[60:, :60], whole[60:, 60:]]
        upright = [each[0], each[1][:, ::-1], each[2][::-1], each[3][::-1, ::-1]]
        quarters[kind] = sorted(part.tobytes() for part in upright)
    assert quarters["crossed"] == quarters["sided"]
    assert not np.array_equal(alone("crossed", (1.0, 0.0)), alone("sided", (1.0, 0.0)))


@pytest.mark.parametrize("size", [LEAST_LINED * 256, 0.65 * 256])
def test_what_sees_23_px_sees_one_spot_at_a_time(size: float) -> None:
    """The least gap between two spots is wider than the view of C2, so it sees no arrangement."""
    assert 2 * (SPOT_AT - SPOT_RADIUS) * size > 23


def test_arrangement_is_a_share_of_the_objects_and_turns_them_by_any_angle() -> None:
    settings = replace(PLAIN, arrangement=0.5)
    assert settings.all_classes == PLAIN.classes + ARRANGED
    found = [thing for i in range(60) for thing in scene(settings, "val", i).objects]
    count = Counter(settings.all_classes[thing.category] for thing in found)
    assert (count["crossed"] + count["sided"]) / count.total() == pytest.approx(0.5, abs=0.12)
    assert count["crossed"] == pytest.approx(count["sided"], rel=0.3)
    assert scenes(settings, "val", 1).fingerprint != scenes(PLAIN, "val", 1).fingerprint
