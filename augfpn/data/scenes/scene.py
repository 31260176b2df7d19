"""Scenes: pictures made on the spot from a seed, with exact boxes and masks.

A scene is a lit, textured ground with a few objects that overlap. An object's class is its
silhouette. The class is independent of the object's surface, colour, size and position and of the
ground, unless a dial changes that (`augfpn.data.scenes.dials`). Strokes and blobs lie between the
ground and the objects, and are no objects themselves.
"""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray
from pycocotools import mask as rle

from augfpn.config import DIALS, NEW_DIALS
from augfpn.data.scenes import dials
from augfpn.data.scenes.dials import Plan
from augfpn.data.scenes.drawing import (
    SURFACES,
    clutter,
    colours,
    develop,
    ground,
    own_ink,
    paint,
    palette,
    strip,
)
from augfpn.data.scenes.settings import SceneSettings, expect_whole
from augfpn.data.scenes.silhouettes import Patch, Window, log_between, pick, silhouette, turn_within

if TYPE_CHECKING:
    from augfpn.data.pictures import Pictures

SCENES_VERSION = "scenes 2"  # part of the fingerprint: change it whenever a pixel changes
_Made = tuple[NDArray[np.uint8], list[dict[str, Any]]]  # a picture and its COCO annotations


@dataclass(frozen=True)
class Object:
    """The visible part of one object of a scene.

    Shapes: `category`: index into the settings' all_classes; `box`: x, y, w, h in px, tight around
        `mask`; `mask`: (H, W) bool. The masks of a scene do not overlap.
    """

    category: int
    surface: str
    box: tuple[int, int, int, int]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """One picture, (H, W, 3) uint8 RGB, and its objects from the farthest to the nearest."""

    image: NDArray[np.uint8]
    objects: tuple[Object, ...]


def scene(settings: SceneSettings, split: str, index: int) -> Scene:
    """Make one scene: always the same one for the same settings, split and index.

    Raises: ValueError for a split without a name or a negative index.
    """
    rng = _generator(settings.seed, split, index)
    tints, inks = palette(rng)
    up, right = turn_within(rng, 0.6)
    light = right, -up
    # The canvas has a margin, so that objects at the edge of the picture can be drawn whole.
    height, width, margin = settings.height, settings.width, settings.height // 4 + 12
    picture = slice(margin, margin + height), slice(margin, margin + width)
    canvas = np.zeros((3, height + 2 * margin, width + 2 * margin), np.float32)
    canvas[:, *picture] = ground(rng, (height, width), tints, light)
    above = dials.strip_above(rng, settings)
    if settings.context:
        strip(rng, canvas, picture, dials.STRIP if above else -dials.STRIP, inks[:3], light)
    for _ in range(2 + int(rng.random() * 5)):
        clutter(rng, canvas, picture, inks + tints)
    stage = _Stage(picture, np.full(canvas.shape[1:], -1, np.int8))
    placed: list[Plan] = []
    for plan in _cast(rng, settings, split):
        plan = dials.recast(rng, settings, plan, above)
        if patch := _place(rng, plan, dials.least_size(settings, split, plan), stage):
            hue = dials.hue_of(settings, plan)
            ink = len(placed) if hue is None else own_ink(hue, inks)
            paint(rng, canvas, patch, plan.surface, colours(rng, inks, ink), light)
            placed.append(plan)
    objects = _objects(placed, stage, settings.all_classes)
    return Scene(develop(rng, canvas[:, *picture]), tuple(objects))


def scenes(
    settings: SceneSettings,
    split: str,
    count: int,
    progress: Callable[[int, int], None] | None = None,
) -> "Pictures":
    """Make the first `count` scenes of a split as a data set, with COCO annotations.

    The pictures are held in memory, 3 * width * height bytes each. From 300 scenes on, several
    processes make them. `progress(done, total)` is called after every 50 scenes and at the end.
    Raises: ValueError for a split without a name or a count below 1.
    """
    from augfpn.data.pictures import Pictures  # imports torch, which worker processes do not need

    expect_whole("count", count, 1)
    size = {"width": settings.width, "height": settings.height}
    images, pixels, annotations = [], {}, []
    for number, (picture, found) in enumerate(_made(settings, split, count), start=1):
        pixels[number] = picture
        images.append({"id": number, "file_name": f"scenes-{split}-{number - 1:06d}.png"} | size)
        for annotation in found:
            annotations.append({"id": len(annotations) + 1, "image_id": number} | annotation)
        if progress and (number % 50 == 0 or number == count):
            progress(number, count)
    categories = [{"id": i, "name": name} for i, name in enumerate(settings.all_classes, start=1)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    of_dials = (*DIALS, *NEW_DIALS, "told_by_colour")
    told = {k: v for k, v in asdict(settings).items() if v or k not in of_dials}
    key = json.dumps([SCENES_VERSION, told, split, count]).encode()
    fingerprint = hashlib.sha256(key).hexdigest()
    read = partial(_read, pixels)
    return Pictures(f"scenes-{split}", coco, read=read, fingerprint=fingerprint)


@dataclass
class _Stage:
    """Which object is visible at each pixel of the canvas, and each object's area when placed."""

    picture: Window
    seen: NDArray[np.int8]  # the object's number, -1 where there is none
    areas: list[int] = field(default_factory=list)  # pixels in the picture, before others hide some

    def mask(self, number: int) -> NDArray[np.bool_]:
        """The visible pixels of an object in the picture: (H, W)."""
        return self.seen[self.picture] == number


def _generator(seed: int, split: str, index: int) -> Generator:
    expect_whole("index", index, 0)
    if not split:
        raise ValueError("split='' does not name a set of scenes: give a name such as 'train'.")
    words = hashlib.sha256(json.dumps([seed, split, index]).encode()).digest()
    return Generator(PCG64(SeedSequence(int.from_bytes(words, "big"))))


def _cast(rng: Generator, settings: SceneSettings, split: str) -> list[Plan]:
    """The plans of a scene's objects. Class, surface, size, turn and colour are independent."""
    count = settings.fewest + int(rng.random() * (settings.most - settings.fewest + 1))
    sizes = settings.smallest, settings.largest * settings.height
    return [
        dials.at_home(
            rng,
            settings,
            split,
            Plan(
                label=(name := pick(rng, settings.classes)),
                name=name,
                surface=pick(rng, SURFACES),
                size=log_between(rng, *sizes),
                turn=turn_within(rng, settings.tilt),
                in_own_colour=rng.random() < settings.own_colours,
            ),
        )
        for _ in range(count)
    ]


def _place(rng: Generator, plan: Plan, smallest: float, stage: _Stage) -> Patch | None:
    """Put an object in front of the others, so that each of them stays visible.

    Tries random places; after each failure the object shrinks by 5 %. Returns None after 60 tries.
    """
    size, number, before = plan.size, len(stage.areas), stage.seen
    for _ in range(60):
        patch = silhouette(rng, plan.name, size, plan.turn, dials.room(plan, stage.picture))
        covered = patch.distance <= 0
        behind = np.flatnonzero(np.bincount(before[patch.window][covered] + 1)[1:])
        stage.seen = before.copy()
        stage.seen[patch.window][covered] = number
        if all(_stays_visible(stage.mask(i), stage.areas[i]) for i in behind):
            stage.areas.append(int(np.count_nonzero(stage.mask(number))))
            return patch
        size = max(0.95 * size, smallest)
    stage.seen = before
    return None


def _stays_visible(mask: NDArray[np.bool_], area: int) -> bool:
    """Whether at least half of an object's pixels, and 8 px of its longer side, are visible."""
    return 2 * np.count_nonzero(mask) >= area and max(_box(mask)[2:]) >= 8


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The tight box of a mask that is not empty: x, y, width, height."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y


def _read(pixels: dict[int, NDArray[np.uint8]], entry: dict[str, Any]) -> NDArray[np.uint8]:
    return pixels[entry["id"]]


def _objects(placed: list[Plan], stage: _Stage, classes: tuple[str, ...]) -> Iterator[Object]:
    for number, plan in enumerate(placed):
        mask = stage.mask(number)
        yield Object(classes.index(plan.label), plan.surface, _box(mask), mask)


def _made(settings: SceneSettings, split: str, count: int) -> Iterator[_Made]:
    """The scenes of a split in their order; one process for every 150 of them, 8 at most."""
    make, done = partial(_make, settings, split), 0
    workers = min(os.cpu_count() or 1, count // 150, 8)
    if workers > 1 and not multiprocessing.current_process().daemon:
        try:
            with ProcessPoolExecutor(workers) as pool:
                for made in pool.map(make, range(count), chunksize=16):
                    yield made
                    done += 1
        except BrokenProcessPool:  # a worker could not start, or was killed: go on without them
            pass
    yield from map(make, range(done, count))


def _make(settings: SceneSettings, split: str, index: int) -> _Made:
    """One scene: its picture, and its COCO annotations without ids."""
    made = scene(settings, split, index)
    return made.image, [_annotation(thing) for thing in made.objects]


def _annotation(thing: Object) -> dict[str, Any]:
    code = rle.encode(np.asfortranarray(thing.mask, np.uint8))
    return {
        "category_id": thing.category + 1,
        "bbox": list(thing.box),
        "area": int(np.count_nonzero(thing.mask)),
        "iscrowd": 0,
        "segmentation": {"size": list(code["size"]), "counts": code["counts"].decode()},
    }
