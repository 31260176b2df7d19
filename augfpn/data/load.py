"""The data: every source becomes one `Pictures`, whose annotations are a plain COCO dict."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from augfpn.errors import UserError, one_of

if TYPE_CHECKING:
    from augfpn.data.pictures import Pictures
    from augfpn.data.scenes.scene import SceneSettings

SPLITS = {
    "scenes": ("train", "val"),
    "bccd": ("train", "val", "test"),
    "coco": ("train", "val", "test"),
}


def load(
    name: str,
    split: str,
    root: str | os.PathLike[str] | None = None,
    scenes: "SceneSettings | None" = None,
    count: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> "Pictures":
    """One split of a source of data by the source's name: "scenes", "bccd" or "coco".

    ``root`` is the user's folder; scenes need none, and BCCD is downloaded without one.
    ``scenes``, ``count`` and ``progress`` say what scenes look like, how many are made, and who is
    told; the other sources have the pictures that they have (`Pictures.first` takes fewer).
    Raises: UserError for an unknown name or split, and for whatever is wrong with the folder.
    """
    one_of("data", name, SPLITS)
    one_of(f"{name} split", split, SPLITS[name])
    # Imported when asked for: the processes that draw scenes need neither torch nor a downloader.
    if name == "scenes":
        if count is None:
            raise UserError("scenes are made to order; give count, how many there shall be.")
        from augfpn.data.scenes.scene import SceneSettings
        from augfpn.data.scenes.scene import scenes as make

        return make(scenes or SceneSettings(), split, count, progress)
    if name == "bccd":
        from augfpn.data.bccd import bccd

        return bccd(root, split)
    from augfpn.data.coco import coco

    return coco(root, split)
