"""Every data set becomes `Pictures`: by its name, or as an experiment's settings describe it.

A data set is entered in two places: `augfpn.config.DATA_SETS` has its name and its splits, and
`LOADERS` in this module has the function that loads it.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from augfpn.config import DATA_SETS, Data
from augfpn.data.scenes.settings import SceneSettings
from augfpn.errors import UserError, one_of
from augfpn.support.progress import Progress

if TYPE_CHECKING:
    from augfpn.data.pictures import Pictures

Root = str | os.PathLike[str] | None
Purpose = Literal["train", "test"]  # for training, or for evaluation


def load(
    name: str,
    split: str,
    root: Root = None,
    *,
    limit: int | None = None,
    scenes: SceneSettings | None = None,
    count: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> "Pictures":
    """One split of a data set by its name: one of `augfpn.config.DATA_SETS`.

    ``root`` is the user's folder; scenes need none; BCCD and Aquarium are downloaded if
    none is given.
    ``scenes``, ``count`` and ``progress`` are for scenes only: their settings, how many are made,
    and a function that is told how many are made so far. ``limit`` is for the others: only the
    first pictures are taken, at most so many. All their files are decoded once, to find broken
    ones now, see `augfpn.data.checked`.
    Raises: UserError for an unknown name or split, and for whatever is wrong with the folder.
    """
    expect_both_places(name)
    one_of("data", name, DATA_SETS)
    one_of(f"{name} split", split, DATA_SETS[name].splits)
    if name != "scenes":
        from augfpn.data.checked import decoded_once

        pictures = as_pictures(LOADERS[name](root, split), name)
        return decoded_once(pictures.first(limit) if limit else pictures)
    if count is None:
        raise UserError("scenes are drawn when asked for; give count, the number of scenes.")
    from augfpn.data.scenes.scene import scenes as make

    return make(scenes or SceneSettings(), split, count, progress)


def split_for_choosing(data: Data) -> str | None:
    """The split that weights are chosen on while a detector is trained; ``None`` for the test's.

    It is the data set's own split for choosing, or else "val", if the test pictures are others.
    """
    own = DATA_SETS[data.name]
    split = own.tune or "val"
    return None if split == data.test or split not in own.splits else split


def as_pictures(loaded: object, name: str) -> "Pictures":
    """What a loader returned, if it is `Pictures`. Raises: UserError that names the loader."""
    from augfpn.data.pictures import Pictures

    if not isinstance(loaded, Pictures):
        raise UserError(
            f"LOADERS[{name!r}] in augfpn/data/load.py returned {type(loaded).__name__}: it has to "
            "return `Pictures`."
        )
    return loaded


def load_pictures(settings: Data, use: Purpose) -> "Pictures":
    """The training pictures of an experiment, or its test pictures.

    Raises: UserError as `load` does.
    """
    split = getattr(settings, use)
    if settings.name != "scenes":
        return load(settings.name, split, settings.root, limit=settings.limit)
    count = {"train": settings.train_scenes, "test": settings.test_scenes}[use]
    count = min(count, settings.limit or count)
    look = scene_settings(settings, use)
    with Progress(count, f"drawing {'training' if use == 'train' else use} scenes") as tell:
        return load("scenes", split, scenes=look, count=count, progress=lambda n, _: tell(n))


def scene_settings(settings: Data, use: Purpose) -> SceneSettings:
    """The settings of the scenes of an experiment, for training or for evaluation."""
    (width, height), (fewest, most) = settings.scene_size, settings.scene_objects
    return SceneSettings(
        width=width,
        height=height,
        fewest=fewest,
        most=most,
        classes=settings.scene_classes,
        tilt=settings.scene_tilt,
        own_colours=settings.own_colours,
        detail=settings.detail,
        context=settings.context,
        scale=settings.scale,
        arrangement=settings.arrangement,
        told_by_colour=settings.told_by_colour,
        seed=settings.scene_seed if use == "train" else 0,
    )


def expect_both_places(name: str) -> None:
    """Raise UserError for a data set that is entered in one of its two places only."""
    named, loaded = name in DATA_SETS, name in LOADERS or name == "scenes"
    if named and not loaded:
        raise UserError(
            f"data set {name!r} is in DATA_SETS of augfpn/config.py, but has no function in "
            "LOADERS of augfpn/data/load.py: add one."
        )
    if loaded and not named:
        raise UserError(
            f"data set {name!r} is in LOADERS of augfpn/data/load.py, but not in DATA_SETS of "
            "augfpn/config.py: add it there with its splits."
        )


# --- how each data set is loaded ------------------------------------------------------------------


def _bccd(root: Root, split: str) -> "Pictures":
    from augfpn.data.bccd import bccd

    return bccd(root, split)


def _aquarium(root: Root, split: str) -> "Pictures":
    from augfpn.data.aquarium import aquarium

    return aquarium(root, split)


def _coco(root: Root, split: str) -> "Pictures":
    from augfpn.data.coco import coco

    return coco(root, split)


def _folder(root: Root, split: str) -> "Pictures":
    from augfpn.data.folders import user_folder

    return user_folder(root, split)


# Each function imports its module when it is called, because two import a downloader. Scenes are
# not here: `load` makes them.
LOADERS: dict[str, Callable[[Root, str], "Pictures"]] = {
    "bccd": _bccd,
    "aquarium": _aquarium,
    "coco": _coco,
    "folder": _folder,
}
