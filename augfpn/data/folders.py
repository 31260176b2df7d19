"""A user's folder in whatever layout it has: COCO's, YOLO's or Pascal VOC's, told by its files."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from augfpn.config import DATA_SETS
from augfpn.data.coco import coco, coco_splits
from augfpn.data.files import existing_folder, holdings, some
from augfpn.data.layouts import Layout
from augfpn.data.pictures import Pictures
from augfpn.data.pixels import HEIC, IN_HEIC
from augfpn.data.voc import voc_layout
from augfpn.data.yolo import yolo_layout
from augfpn.errors import UserError, one_of

KNOWN_LAYOUTS = (
    "COCO's (annotations/instances_train.json, or train/_annotations.coco.json), YOLO's "
    "(data.yaml, images/train and labels/train) or Pascal VOC's (Annotations, JPEGImages)"
)
KEPT = 5  # one picture of so many is kept for testing where a folder has no split for it


def user_folder(root: str | os.PathLike[str] | None, split: str) -> Pictures:
    """One split of a user's folder, whose layout is found out.

    If there is no split "val", the split "test" is taken for it. If there is neither, a fifth of
    the training pictures is, chosen by the hash of their names, so that it does not depend on
    their order. The report says what was found. Raises: UserError for a folder without any of the
    layouts, for a split that is not there, and as the readers `coco`, `yolo` and `voc` do.
    """
    one_of("split", split, DATA_SETS["folder"].splits)
    place = existing_folder(
        root, "folder", f"pictures and annotations in a layout of {KNOWN_LAYOUTS}"
    )
    layout = layout_of(place)
    there = layout.splits
    if split in there:
        found, remark = layout.read(split), ""
        if split == "train" and there == ["train"]:
            found, remark = split_part(found, testing=False)
    elif split == "val" and "test" in there:
        found, remark = layout.read("test"), 'There is no split "val": the split "test" is used.'
    elif split == "val" and there == ["train"]:
        found, remark = split_part(layout.read("train"), testing=True)
    else:
        expect_no_heic(place)
        raise UserError(
            f"{place} has no split {split!r} in {layout.name}'s layout: it has {', '.join(there)}; "
            "add its annotations, unpacked and named as those."
        )
    report = (f"{place} is read in {layout.name}'s layout.", *found.report, remark)
    return replace(found, name=f"folder {split}", report=tuple(filter(None, report)))


def layout_of(place: Path) -> Layout:
    """The layout of a folder. Raises: UserError if it has none that is known."""
    splits = coco_splits(place)
    found = Layout("COCO", splits, partial(coco, place)) if splits else None
    found = found or voc_layout(place) or yolo_layout(place)
    if found is None:
        expect_no_heic(place)
        raise UserError(
            f"{place} holds {holdings(place)}, and no annotations in a layout of {KNOWN_LAYOUTS}: "
            "give the folder that holds them as data_root."
        )
    return found


def expect_no_heic(place: Path) -> None:
    """Raise ``UserError`` if there are pictures in HEIC, because of which none may be found."""
    found = sorted(file.name for file in place.rglob("*") if file.suffix.lower() in HEIC)
    if found:
        raise UserError(f"{place} has {len(found)} pictures ({some(found)}) in {IN_HEIC}.")


def split_part(whole: Pictures, testing: bool) -> tuple[Pictures, str]:
    """The part of pictures without splits that is for testing, or the other one; and a sentence."""
    number = max(1, len(whole) // KEPT)
    if number == len(whole):
        raise UserError(f"{whole.name} has one picture, which cannot be split: add more.")
    kept = set(kept_for_testing([entry["file_name"] for entry in whole.coco["images"]], number))
    chosen = [i for i in range(len(whole)) if (i in kept) == testing]
    return whole.subset(chosen), (
        f"There is no split for testing: {number} of {len(whole)} pictures are kept for it, chosen "
        "by the hash of their names."
    )


def kept_for_testing(names: Sequence[str], number: int) -> list[int]:
    """The indices of the names with the smallest hashes."""
    hashes = [sha256(name.encode("utf-8", "surrogateescape")).digest() for name in names]
    return sorted(range(len(names)), key=hashes.__getitem__)[:number]
